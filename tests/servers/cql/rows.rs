//! Rows on a real server: what wins, what never mixes, and what is seen together.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::kit::contract::sample;
use actors::port::store::{DecisionRow, Row, Store};
use engine::store::cql::rows::bucket_of;
use futures_util::future;
use schemas::ids::CustomerId;

use super::{Chance, all_rows, behind, open, partitions, row, run, shared};

/// Owners one after the other, and how many timestamps each of their ranges has.
const OWNERS: u64 = 4;
const RANGE: i64 = 1_000;

#[test]
fn newest_owner_wins_row_by_row_in_whatever_order_writes_arrive() {
    run(async {
        let [partition] = partitions();
        let settings = shared();
        let stores = future::join_all((0..OWNERS).map(|_| open(settings))).await;
        let mut chance = Chance(0x5eed);
        let mut writes: Vec<(usize, Row)> = Vec::new();
        let mut newest: HashMap<String, Row> = HashMap::new();
        for customer in (0..60).map(|number| format!("customer-{number}")) {
            let last = chance.below(OWNERS as usize) as u64;
            for owner in 0..=last {
                for nth in 0..3 {
                    let written_at = owner as i64 * RANGE + chance.below(300) as i64 * 3 + nth;
                    let row = row(&customer, owner + 1, written_at);
                    let held = newest.entry(customer.clone()).or_insert_with(|| row.clone());
                    if held.written_at < row.written_at {
                        *held = row.clone();
                    }
                    writes.push((owner as usize, row));
                }
            }
        }
        // Each write twice: a retry repeats the same bytes.
        writes.extend(writes.clone());
        chance.shuffle(&mut writes);
        let groups = writes.chunks(7).map(|group| {
            let (owner, _) = group[0];
            let rows = group.iter().map(|(_, row)| row.clone()).collect();
            stores[owner].write_rows(partition, rows)
        });
        for written in future::join_all(groups).await {
            written.expect("a write");
        }
        let found = all_rows(&*stores[0], partition, 17).await;
        assert_eq!(found.len(), newest.len());
        for found in found {
            assert_eq!(Some(&found), newest.get(found.customer.as_str()));
        }
    });
}

#[test]
fn newer_of_two_owners_that_came_to_one_decision_is_the_one_told_of() {
    run(async {
        let (settings, [partition]) = (shared(), partitions());
        let stores = [open(settings).await, open(settings).await];
        let customer = format!("decided-{}", partition.0);
        let mut decision = sample::decision(&customer, "cart", 7);
        decision.version = 2;
        let newer = DecisionRow { decision: decision.clone(), written_at: 2 * RANGE };
        decision.version = 1;
        let older = DecisionRow { decision, written_at: RANGE };
        // The one that is no owner any more hears of it last.
        for (store, row) in stores.iter().zip([&newer, &older]) {
            store.write_decisions(vec![row.clone()]).await.expect("a decision");
        }
        let read = stores[1].read_decisions(CustomerId::user(&customer), None, 9).await.expect("a read");
        assert_eq!(read, [newer.decision]);
    });
}

#[test]
fn two_writes_with_one_timestamp_mix_in_a_row_of_several_cells_and_not_in_ours() {
    run(async {
        let (settings, [partition]) = (shared(), partitions());
        let session = behind(settings).await;
        let table = format!("{}.two_cells", settings.keyspace);
        let make = format!("CREATE TABLE {table} (id int PRIMARY KEY, a text, b text)");
        session.query_unpaged(make, ()).await.expect("a table");
        for (a, b) in [("1", "9"), ("9", "1")] {
            let write = format!("INSERT INTO {table} (id, a, b) VALUES (0, ?, ?) USING TIMESTAMP 5");
            session.query_unpaged(write, (a, b)).await.expect("a write");
        }
        let mixed = session.query_unpaged(format!("SELECT a, b FROM {table}"), ()).await.expect("a read");
        let mixed: (String, String) = mixed.into_rows_result().expect("rows").single_row().expect("a row");
        assert_eq!(
            mixed,
            ("9".to_owned(), "9".to_owned()),
            "a row that nobody wrote: why timestamps are used once"
        );

        let store = open(settings).await;
        let written = [row("ada", 1, 5), Row { state: "another instant".into(), ..row("ada", 2, 5) }];
        for one in &written {
            store.write_rows(partition, vec![one.clone()]).await.expect("a write");
        }
        let found = store.read_row(partition, CustomerId::user("ada")).await.expect("a read").expect("a row");
        assert!(written.contains(&found), "even then it is one of the two that were written: {found:?}");
    });
}

#[test]
fn batch_of_a_bucket_is_seen_whole_or_not_at_all() {
    const ROWS: usize = 50;
    const ROUNDS: i64 = 60;
    run(async {
        let (settings, [partition]) = (shared(), partitions());
        let (store, session) = (open(settings).await, behind(settings).await);
        let names = (0..).map(|number| format!("customer-{number}"));
        let of_bucket = names.filter(|name| bucket_of(&CustomerId::user(name), settings.buckets) == 3);
        let names: Vec<String> = of_bucket.take(ROWS).collect();
        let is_done = Arc::new(AtomicBool::new(false));
        let question = format!(
            "SELECT state, WRITETIME(state) FROM {}.profile WHERE partition = ? AND bucket = ?",
            settings.keyspace
        );
        let question = session.prepare(question).await.expect("a statement");
        let reader = {
            let is_done = is_done.clone();
            actix::spawn(async move {
                let mut looks = 0;
                while !is_done.load(Ordering::Acquire) {
                    let read = session.execute_unpaged(&question, (partition.0 as i32, 3_i16)).await;
                    let rows = read.expect("a read").into_rows_result().expect("rows");
                    let rows = rows.rows::<(Vec<u8>, i64)>().expect("two columns");
                    let instants: Vec<i64> = rows.map(|row| row.expect("a row").1).collect();
                    let is_whole = instants.is_empty()
                        || instants.len() == ROWS && instants.iter().all(|at| *at == instants[0]);
                    assert!(is_whole, "a batch seen in parts: {instants:?}");
                    looks += 1;
                }
                looks
            })
        };
        for round in 0..ROUNDS {
            let rows = names.iter().map(|name| row(name, 1, round)).collect();
            store.write_rows(partition, rows).await.expect("a write");
        }
        is_done.store(true, Ordering::Release);
        let looks = reader.await.expect("the reader ends");
        assert!(looks > 10, "it was looked at {looks} times");
    });
}
