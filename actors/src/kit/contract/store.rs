//! What every store does: rows that win by their timestamp, compare-and-set that is exact, and durability.

use std::sync::Arc;

use bytes::Bytes;
use schemas::customer::{Link, LinkKind};
use schemas::decision::{Decision, OutcomeStatus};
use schemas::ids::{CustomerId, Epoch, LogId, PartitionId, Position};
use schemas::time::Timestamp;

use super::sample;
use crate::port::BoxFuture;
use crate::port::agreement::{Agreement, Doubtful, Imported, Restored};
use crate::port::store::{
    Cas, DecisionRow, Lease, LedgerChange, LedgerEntry, LedgerStage, LedgerState, Links, Row, Store,
    TIMER_SLOT_MS, WakeUp,
};

const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);

/// An empty store, and a way to close and open it.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Opens the same store again; called after it was dropped.
    pub reopen: Box<dyn FnOnce() -> BoxFuture<'static, Fixture>>,
}

impl Fixture {
    async fn reopened(self) -> Self {
        let Self { store, reopen } = self;
        drop(store);
        reopen().await
    }
}

/// Runs every check on fresh stores.
pub async fn suite(make: impl Fn() -> Fixture) {
    newest_row_wins_in_any_order(make()).await;
    repeated_write_changes_nothing(make()).await;
    rows_are_scanned_by_pages(make()).await;
    lease_changes_by_comparison(make()).await;
    wake_ups_are_found_by_slot(make()).await;
    ledger_entry_lives_its_life(make()).await;
    ledger_keeps_the_place_of_an_instance_that_moves(make()).await;
    ledger_is_listed_by_customer(make()).await;
    decisions_are_read_newest_first(make()).await;
    turns_are_read_in_their_order(make()).await;
    erased_turns_stay_erased(make()).await;
    links_lead_to_customers(make()).await;
    agreement_changes_by_comparison(make()).await;
    everything_survives_a_reopening(make()).await;
}

fn row(customer: &str, written_at: i64) -> Row {
    let state = Bytes::from(format!("state of {customer} at {written_at}"));
    Row { customer: CustomerId::user(customer), written_at, epoch: Epoch(1), state }
}

async fn read(store: &dyn Store, partition: PartitionId, customer: &str) -> Option<Row> {
    store.read_row(partition, CustomerId::user(customer)).await.expect("a read")
}

async fn write(store: &dyn Store, partition: PartitionId, rows: Vec<Row>) {
    store.write_rows(partition, rows).await.expect("a write");
}

async fn newest_row_wins_in_any_order(Fixture { store, reopen }: Fixture) {
    let orders: [[i64; 3]; 6] = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for (nth, order) in orders.into_iter().enumerate() {
        let (alone, together) = (format!("alone-{nth}"), format!("together-{nth}"));
        for written_at in order {
            write(&*store, P0, vec![row(&alone, written_at)]).await;
        }
        write(&*store, P0, order.map(|written_at| row(&together, written_at)).to_vec()).await;
        for customer in [alone, together] {
            assert_eq!(read(&*store, P0, &customer).await, Some(row(&customer, 3)), "{customer}: {order:?}");
        }
    }
    // A row of an older owner may arrive late among newer rows of others.
    write(&*store, P0, vec![row("late", -5), row("new", 100)]).await;
    assert_eq!(read(&*store, P0, "late").await, Some(row("late", -5)));
    let store = Fixture { store, reopen }.reopened().await.store;
    write(&*store, P0, vec![row("new", 99), row("late", -6), row("later", 50)]).await;
    assert_eq!(read(&*store, P0, "new").await, Some(row("new", 100)), "also after a reopening");
    assert_eq!(read(&*store, P0, "late").await, Some(row("late", -5)));
    assert_eq!(read(&*store, P0, "later").await, Some(row("later", 50)));
}

async fn repeated_write_changes_nothing(Fixture { store, .. }: Fixture) {
    for _ in 0..3 {
        write(&*store, P0, vec![row("ada", 5), row("ada", 5)]).await;
        assert_eq!(read(&*store, P0, "ada").await, Some(row("ada", 5)));
    }
    assert_eq!(read(&*store, P1, "ada").await, None, "partitions are apart");
    assert_eq!(read(&*store, P0, "nobody").await, None);
    write(&*store, P0, Vec::new()).await;
}

async fn rows_are_scanned_by_pages(Fixture { store, .. }: Fixture) {
    let names: Vec<_> = (0..25).map(|number| format!("customer-{number:02}")).collect();
    write(&*store, P0, names.iter().rev().map(|name| row(name, 1)).collect()).await;
    write(&*store, P1, vec![row("other", 1)]).await;
    for max in [1, 7, 25, 100] {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = store.scan_rows(P0, from, max).await.expect("a scan");
            assert!(page.rows.len() <= max);
            found.extend(page.rows.into_iter().map(|row| row.customer.to_string()));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(found, names, "pages of {max}");
    }
    let page = store.scan_rows(P0, Some(CustomerId::user("customer-20x")), 2).await.expect("a scan");
    assert_eq!(page.rows, [row("customer-21", 1), row("customer-22", 1)], "from a customer who is not there");
    let page = store.scan_rows(PartitionId(2), None, 2).await.expect("a scan");
    assert_eq!((page.rows.len(), page.next), (0, None), "an empty partition");
}

async fn lease_changes_by_comparison(Fixture { store, .. }: Fixture) {
    let none = store.read_lease(P0).await.expect("a read");
    assert_eq!(none, Lease::default());
    let first = Lease { epoch: Epoch(1), owner: 11, written_at_max: 1_000, ..none };
    assert_eq!(store.cas_lease(P0, none, first).await.expect("a change"), Cas::Applied);
    let rival = Lease { owner: 12, ..first };
    assert_eq!(store.cas_lease(P0, none, rival).await.expect("a change"), Cas::Refused(first));
    let moved = Lease { position: Position(70), timer_cursor: 3, ..first };
    assert_eq!(store.cas_lease(P0, first, moved).await.expect("a change"), Cas::Applied);
    assert_eq!(store.cas_lease(P0, rival, rival).await.expect("a change"), Cas::Refused(moved));
    let taken = Lease { epoch: Epoch(2), owner: 13, ..moved };
    // Compared as a whole: who read before the owner confirmed knows a range that the owner may have raised since.
    assert_eq!(store.cas_lease(P0, first, taken).await.expect("a change"), Cas::Refused(moved));
    assert_eq!(store.cas_lease(P0, moved, taken).await.expect("a change"), Cas::Applied);
    assert_eq!(store.cas_lease(P0, moved, moved).await.expect("a change"), Cas::Refused(taken));
    assert_eq!(store.read_lease(P0).await.expect("a read"), taken);
    assert_eq!(store.read_lease(P1).await.expect("a read"), Lease::default());
    let rivals =
        (0..8).map(|owner| store.cas_lease(P1, none, Lease { epoch: Epoch(1), owner: owner + 1, ..none }));
    let ended = futures_util::future::try_join_all(rivals).await.expect("eight changes");
    assert_eq!(ended.iter().filter(|cas| **cas == Cas::Applied).count(), 1, "one of eight rivals wins");
}

async fn wake_ups_are_found_by_slot(Fixture { store, .. }: Fixture) {
    let wake_up = |due: i64, customer: &str| WakeUp {
        slot: due.div_euclid(TIMER_SLOT_MS),
        due: Timestamp(due),
        customer: CustomerId::user(customer),
    };
    let all = [
        wake_up(-1, "early"),
        wake_up(0, "ada"),
        wake_up(0, "bob"),
        wake_up(TIMER_SLOT_MS - 1, "ada"),
        wake_up(TIMER_SLOT_MS, "cyd"),
        wake_up(5 * TIMER_SLOT_MS, "ada"),
    ];
    for _ in 0..2 {
        store.add_wake_ups(P0, all.iter().rev().cloned().collect()).await.expect("entries");
    }
    store.add_wake_ups(P1, vec![wake_up(3, "other")]).await.expect("entries");
    for (from, to, expected) in [
        (0, 1, &all[1..4]),
        (-1, 2, &all[..5]),
        (1, 5, &all[4..5]),
        (2, 5, &[]),
        (i64::MIN, i64::MAX, &all[..]),
    ] {
        let found = store.scan_wake_ups(P0, from, to).await.expect("a scan");
        assert_eq!(found, expected, "slots {from}..{to}");
    }
}

fn entry(number: u64, attempt: u32, state: LedgerState) -> LedgerEntry {
    let mut outreach = sample::outreach("ada", number);
    outreach.attempt = attempt;
    LedgerEntry { outreach, reserver: 77, state, at: Timestamp(5), provider_ref: None }
}

async fn ledger_entry_lives_its_life(Fixture { store, .. }: Fixture) {
    let returned = LedgerState::Returned(OutcomeStatus::RetryAt(Timestamp(9)));
    let done = LedgerState::Done(OutcomeStatus::Delivered);
    let life = [
        (None, entry(1, 0, LedgerState::Reserved)),
        (Some((0, LedgerStage::Reserved)), entry(1, 0, LedgerState::Calling)),
        (Some((0, LedgerStage::Calling)), entry(1, 0, returned)),
        (Some((0, LedgerStage::Returned)), entry(1, 1, LedgerState::Reserved)),
        (Some((1, LedgerStage::Reserved)), entry(1, 1, done)),
    ];
    let id = life[0].1.outreach.id;
    let customer = CustomerId::user("ada");
    let mut held: Option<LedgerEntry> = None;
    for (expect, entry) in life.clone() {
        for (wrong, _) in life.iter().filter(|(wrong, _)| *wrong != expect) {
            let change = LedgerChange { expect: *wrong, entry: entry.clone() };
            let cas = store.cas_ledger(change).await.expect("a change");
            assert_eq!(cas, Cas::Refused(held.clone().map(Box::new)), "{wrong:?} is not there");
        }
        let cas = store.cas_ledger(LedgerChange { expect, entry: entry.clone() }).await.expect("a change");
        assert_eq!(cas, Cas::Applied, "{expect:?} is there");
        held = store.read_ledger(customer.clone(), id).await.expect("a read");
        assert_eq!(held.as_ref(), Some(&entry));
    }
    assert_eq!(store.read_ledger(CustomerId::user("bob"), id).await.expect("a read"), None);
}

async fn ledger_keeps_the_place_of_an_instance_that_moves(Fixture { store, .. }: Fixture) {
    let returned = LedgerState::Returned(OutcomeStatus::RetryAt(Timestamp(9)));
    let first = entry(1, 0, returned);
    let (origin, id) = (first.filed_under().clone(), first.outreach.id);
    let change = LedgerChange { expect: None, entry: first };
    assert_eq!(store.cas_ledger(change).await.expect("a change"), Cas::Applied);
    let mut moved = entry(1, 1, LedgerState::Reserved);
    moved.outreach.customer = CustomerId::user("who ada turned out to be");
    let change = LedgerChange { expect: Some((0, LedgerStage::Returned)), entry: moved.clone() };
    assert_eq!(store.cas_ledger(change).await.expect("a change"), Cas::Applied);
    assert_eq!(store.read_ledger(origin.clone(), id).await.expect("a read"), Some(moved.clone()));
    assert_eq!(store.scan_ledger(Some(origin), 9).await.expect("a scan"), [moved]);
}

async fn ledger_is_listed_by_customer(Fixture { store, .. }: Fixture) {
    for (customer, number) in [("ada", 1), ("ada", 2), ("ad", 3), ("ada\0", 4), ("bob", 5)] {
        let outreach = sample::outreach(customer, number);
        let entry = LedgerEntry { outreach, ..entry(0, 0, LedgerState::Reserved) };
        let cas = store.cas_ledger(LedgerChange { expect: None, entry }).await.expect("a change");
        assert_eq!(cas, Cas::Applied);
    }
    let ids = async |customer: Option<&str>, max| {
        let listed = store.scan_ledger(customer.map(CustomerId::user), max).await.expect("a scan");
        listed.into_iter().map(|entry| entry.outreach.id).collect::<Vec<_>>()
    };
    let mut of_ada = [sample::outreach("ada", 1).id, sample::outreach("ada", 2).id];
    of_ada.sort();
    assert_eq!(ids(Some("ada"), 10).await, of_ada, "one customer's, in id order");
    assert_eq!(ids(Some("ada"), 1).await, of_ada[..1]);
    assert_eq!(ids(None, 10).await.len(), 5);
    assert_eq!(ids(None, 3).await.len(), 3);
    assert!(ids(Some("cyd"), 3).await.is_empty());
}

/// Returns a decision as it is written.
fn of_row(decision: &Decision) -> DecisionRow {
    DecisionRow { decision: decision.clone(), written_at: 1 }
}

async fn decisions_are_read_newest_first(Fixture { store, .. }: Fixture) {
    let all = [(30, "silent"), (20, "cart"), (10, "silent"), (-5, "cart")];
    let all = all.map(|(at, trigger)| sample::decision("ada", trigger, at));
    for _ in 0..2 {
        store.write_decisions(all.iter().rev().map(of_row).collect()).await.expect("decisions");
    }
    store.write_decisions(vec![of_row(&sample::decision("ad", "cart", 99))]).await.expect("decisions");
    let read = async |trigger: Option<&str>, max| {
        let trigger = trigger.map(str::to_owned);
        store.read_decisions(CustomerId::user("ada"), trigger, max).await.expect("a read")
    };
    assert_eq!(read(None, 10).await, all, "written twice, there once");
    assert_eq!(read(None, 2).await, all[..2]);
    assert_eq!(read(Some("cart"), 10).await, [all[1].clone(), all[3].clone()]);
    assert_eq!(read(Some("silent"), 1).await, all[..1]);
    assert!(read(Some("other"), 1).await.is_empty());
}

async fn turns_are_read_in_their_order(Fixture { store, .. }: Fixture) {
    let all: Vec<_> = (0..5).map(|number| sample::turn("ada", number)).collect();
    for _ in 0..2 {
        store.write_turns(all.iter().rev().cloned().collect()).await.expect("turns");
    }
    store.write_turns(vec![sample::turn("ad", 2), sample::turn("adam", 0)]).await.expect("turns");
    let read = async |customer: &str, from, max| {
        store.read_turns(CustomerId::user(customer), from, max).await.expect("a read")
    };
    assert_eq!(read("ada", 0, 10).await, all, "written twice, there once");
    assert_eq!(read("ada", 0, 2).await, all[..2]);
    assert_eq!(read("ada", 3, 10).await, all[3..]);
    assert_eq!(read("ad", 0, 10).await, [sample::turn("ad", 2)]);
    assert!(read("ada", 5, 10).await.is_empty() && read("eve", 0, 10).await.is_empty());
    assert!(read("ada", 0, 0).await.is_empty());
}

async fn erased_turns_stay_erased(fixture: Fixture) {
    let (eda, all) = (CustomerId::user("eda"), [0, 1, 2, 3].map(|number| sample::turn("eda", number)));
    let other = sample::turn("edam", 0);
    fixture.store.write_turns(all[..3].to_vec()).await.expect("turns");
    fixture.store.write_turns(vec![other.clone()]).await.expect("turns");
    let at = all[2].at;
    for _ in 0..2 {
        fixture.store.erase_turns(eda.clone(), 3, at).await.expect("an erase");
    }
    let store = fixture.reopened().await.store;
    let read = async |customer: &CustomerId| store.read_turns(customer.clone(), 0, 9).await.expect("a read");
    assert!(read(&eda).await.is_empty());
    assert_eq!(read(&other.customer).await, std::slice::from_ref(&other), "of another customer");
    // What an owner of before still writes comes late.
    store.write_turns(all.to_vec()).await.expect("turns");
    assert_eq!(read(&eda).await, all[3..], "the thread goes on behind what was erased");
}

async fn links_lead_to_customers(Fixture { store, .. }: Fixture) {
    let mail = Link { kind: LinkKind::Email, hash: 7 };
    let phone = Link { kind: LinkKind::Phone, hash: 7 };
    let of = |customer, links: &[Link]| Links { customer: CustomerId::user(customer), links: links.to_vec() };
    for customer in ["cyd", "ada", "bob", "ada"] {
        store.add_links(vec![of(customer, &[mail])]).await.expect("links");
    }
    let orders: Vec<Link> = (0..100).map(|hash| Link { kind: LinkKind::Order, hash: 1_000 + hash }).collect();
    let many =
        vec![of("eve", &[phone, Link { hash: 8, ..mail }]), of("fay", &orders), of("gil", &orders[50..])];
    store.add_links(many).await.expect("links");
    store.add_links(Vec::new()).await.expect("no links");
    let find = async |link, max| store.find_links(link, max).await.expect("a read");
    assert_eq!(find(mail, 10).await, ["ada", "bob", "cyd"].map(CustomerId::user));
    assert_eq!(find(mail, 2).await, ["ada", "bob"].map(CustomerId::user));
    assert_eq!(find(phone, 10).await, ["eve"].map(CustomerId::user), "kinds are apart");
    assert!(find(Link { kind: LinkKind::Order, hash: 7 }, 10).await.is_empty());
    for (nth, order) in orders.iter().enumerate() {
        let both = &["fay", "gil"].map(CustomerId::user);
        assert_eq!(
            find(*order, 10).await,
            both[..if nth < 50 { 1 } else { 2 }],
            "order {nth} of many at once"
        );
    }
}

async fn agreement_changes_by_comparison(fixture: Fixture) {
    let none = Agreement::default();
    assert_eq!(fixture.store.read_agreement().await.expect("a read"), none);
    let restored = Restored { until: Timestamp(-7), doubtful: Doubtful::Sent, log: LogId::MAX };
    let imported = Imported { export: "\"e\" – 1".to_owned(), complete: false };
    let full =
        Agreement { codec: Some(u8::MAX), log: LogId(3), restored: Some(restored), imported: Some(imported) };
    let older = Agreement { codec: Some(4), ..none.clone() };
    let change =
        |expect: &Agreement, new: &Agreement| fixture.store.cas_agreement(expect.clone(), new.clone());
    assert_eq!(change(&full, &older).await.expect("a change"), Cas::Refused(none.clone()));
    assert_eq!(change(&none, &older).await.expect("a change"), Cas::Applied);
    assert_eq!(change(&none, &full).await.expect("a change"), Cas::Refused(older.clone()));
    assert_eq!(change(&older, &full).await.expect("a change"), Cas::Applied);
    let again = fixture.reopened().await;
    assert_eq!(again.store.read_agreement().await.expect("a read"), full);
}

async fn everything_survives_a_reopening(mut fixture: Fixture) {
    let lease = Lease {
        epoch: Epoch(4),
        owner: u128::MAX,
        written_at_max: 9,
        position: Position(8),
        timer_cursor: 0,
        reads: u8::MAX,
    };
    let wake_up = WakeUp { slot: 2, due: Timestamp(2 * TIMER_SLOT_MS), customer: CustomerId::user("ada") };
    let link = Link { kind: LinkKind::Order, hash: u128::MAX };
    let (entry, decision) = (entry(1, 0, LedgerState::Reserved), sample::decision("ada", "cart", 3));
    let store = &fixture.store;
    write(&**store, P1, vec![row("ada", 1)]).await;
    assert_eq!(store.cas_lease(P1, Lease::default(), lease).await.expect("a change"), Cas::Applied);
    store.add_wake_ups(P1, vec![wake_up.clone()]).await.expect("entries");
    let change = LedgerChange { expect: None, entry: entry.clone() };
    assert_eq!(store.cas_ledger(change).await.expect("a change"), Cas::Applied);
    store.write_decisions(vec![of_row(&decision)]).await.expect("decisions");
    let links = vec![Links { customer: CustomerId::user("ada"), links: vec![link] }];
    store.add_links(links).await.expect("links");
    for _ in 0..2 {
        fixture = fixture.reopened().await;
        let (store, ada) = (&fixture.store, CustomerId::user("ada"));
        assert_eq!(read(&**store, P1, "ada").await, Some(row("ada", 1)));
        assert_eq!(store.read_lease(P1).await.expect("a read"), lease);
        assert_eq!(store.scan_wake_ups(P1, 0, 9).await.expect("a scan"), std::slice::from_ref(&wake_up));
        let held = store.read_ledger(ada.clone(), entry.outreach.id).await.expect("a read");
        assert_eq!(held.as_ref(), Some(&entry));
        let told = store.read_decisions(ada.clone(), None, 9).await.expect("a read");
        assert_eq!(told, std::slice::from_ref(&decision));
        assert_eq!(store.find_links(link, 9).await.expect("a read"), [ada]);
    }
}
