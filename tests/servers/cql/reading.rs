//! Reads over several pages, and how long what is inserted lives.

use actors::kit::contract::sample;
use actors::port::store::{DecisionRow, Links, Store, TIMER_SLOT_MS, WakeUp};
use engine::store::cql::Settings;
use schemas::customer::{Link, LinkKind};
use schemas::decision::Decision;
use schemas::ids::CustomerId;
use schemas::time::Timestamp;

use super::{all_rows, behind, open, partitions, row, run, shared};

/// More than a page of the driver, and than a bucket's share of a scan.
const MANY: i64 = 2_300;

#[test]
fn everything_is_found_when_it_takes_several_pages() {
    run(async {
        let (store, [partition]) = (open(shared()).await, partitions());
        let name = |number: i64| format!("customer-{number:05}");
        let rows: Vec<_> = (0..MANY).map(|number| row(&name(number), 1, number)).collect();
        store.write_rows(partition, rows.clone()).await.expect("a write");
        for page_max in [333, 10_000] {
            assert!(all_rows(&*store, partition, page_max).await == rows, "pages of {page_max}");
        }
        let slot = 7;
        let wake_up = |number: i64| WakeUp {
            slot,
            due: Timestamp(slot * TIMER_SLOT_MS + number),
            customer: CustomerId::user(&name(number)),
        };
        let wake_ups: Vec<_> = (0..MANY).map(wake_up).collect();
        store.add_wake_ups(partition, wake_ups.clone()).await.expect("entries");
        assert!(store.scan_wake_ups(partition, 0, 99).await.expect("a scan") == wake_ups);

        let customer = format!("of-many-pages-{}", partition.0);
        let decisions: Vec<_> = (0..MANY).rev().map(|at| sample::decision(&customer, "cart", at)).collect();
        let written = |decision: &Decision| DecisionRow { decision: decision.clone(), written_at: 1 };
        store.write_decisions(decisions.iter().map(written).collect()).await.expect("decisions");
        let customer = CustomerId::user(&customer);
        let read = store.read_decisions(customer.clone(), None, usize::MAX).await.expect("a read");
        assert!(read == decisions, "{} of {MANY}", read.len());
        let some = store.read_decisions(customer, Some("cart".to_owned()), 1_500).await.expect("a read");
        assert!(some == decisions[..1_500]);
    });
}

#[test]
fn what_is_inserted_lives_as_long_as_the_settings_say() {
    run(async {
        let settings = Settings {
            timer_days: 50,
            decision_days: 20,
            ledger_days: 30,
            link_days: 40,
            ..shared().clone()
        };
        let (store, [partition]) = (open(&settings).await, partitions());
        let customer = CustomerId::user(&format!("mortal-{}", partition.0));
        let wake_up = WakeUp { slot: 3, due: Timestamp(3 * TIMER_SLOT_MS), customer: customer.clone() };
        store.add_wake_ups(partition, vec![wake_up]).await.expect("an entry");
        store
            .write_decisions(vec![DecisionRow {
                decision: sample::decision(customer.as_str(), "cart", 1),
                written_at: 1,
            }])
            .await
            .expect("a decision");
        let link = Link { kind: LinkKind::Email, hash: u128::from(partition.0) };
        let links = vec![Links { customer: customer.clone(), links: vec![link] }];
        store.add_links(links).await.expect("a link");
        entry_lives_and_is_renewed(&*store, &settings, customer.as_str()).await;
        let day = |table: &str, column: &str, condition: &str| {
            let keyspace = &settings.keyspace;
            format!("SELECT TTL({column}) FROM {keyspace}.{table} WHERE {condition} ALLOW FILTERING")
        };
        let of_customer = format!("customer_id = '{customer}'");
        check(&settings, &day("decision", "body", &of_customer), 20).await;
        // Where everything is in the key there is no cell to ask for its life: the entry's own cannot be selected.
        let entries = store.scan_wake_ups(partition, 0, 9).await.expect("a scan");
        assert_eq!(entries.len(), 1);
    });
}

async fn entry_lives_and_is_renewed(store: &dyn Store, settings: &Settings, customer: &str) {
    use actors::port::store::{Cas, LedgerChange, LedgerEntry, LedgerStage, LedgerState};
    let entry = |state| LedgerEntry {
        outreach: sample::outreach(customer, 1),
        reserver: 1,
        state,
        at: Timestamp(1),
        provider_ref: None,
    };
    let reserved = LedgerChange { expect: None, entry: entry(LedgerState::Reserved) };
    assert_eq!(store.cas_ledger(reserved).await.expect("a change"), Cas::Applied);
    let question =
        format!("SELECT TTL(entry) FROM {}.outreach_ledger WHERE origin = '{customer}'", settings.keyspace);
    check(settings, &question, 30).await;
    let calling =
        LedgerChange { expect: Some((0, LedgerStage::Reserved)), entry: entry(LedgerState::Calling) };
    assert_eq!(store.cas_ledger(calling).await.expect("a change"), Cas::Applied);
    check(settings, &question, 30).await;
}

/// Checks that the only row of an answer lives so many days, less the minutes that the test takes.
async fn check(settings: &Settings, question: &str, days: i32) {
    let answer = behind(settings).await.query_unpaged(question, ()).await.expect("an answer");
    let (left,): (i32,) = answer.into_rows_result().expect("rows").single_row().expect("a row");
    let whole = days * 86_400;
    assert!((whole - 600..=whole).contains(&left), "{left} s of {whole}: {question}");
}
