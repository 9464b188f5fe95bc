//! Bounds of what is in flight, and what becomes of writes that nobody waits for.

use actors::metrics::{Metrics, StoreLane};
use actors::port::store::Store;
use engine::store::cql::rows::bucket_of;
use engine::store::cql::{CqlStore, Settings};
use futures_util::future::{self, Either};
use schemas::ids::CustomerId;

use super::{LOOK, PARTITIONS, open, partitions, row, run, shared, until};
use actors::port::clock::Clock;
use engine::clock::SystemClock;

/// Writes rows of these customers with these settings, as so many requests as are expected; returns how many were in flight at once, at most.
async fn most_in_flight(
    settings: &Settings,
    customers: impl Iterator<Item = String>,
    requests: usize,
) -> i64 {
    let (metrics, [partition]) = (Metrics::new(), partitions());
    let store = CqlStore::connect(settings, PARTITIONS, &metrics).await.expect("an open store");
    let in_flight = || metrics.store().in_flight(StoreLane::Write);
    let mut writing = store.write_rows(partition, customers.map(|name| row(&name, 1, 1)).collect());
    let mut most = 0;
    let written = loop {
        match future::select(writing, SystemClock.sleep(LOOK / 20)).await {
            Either::Left((written, _)) => break written,
            Either::Right(((), again)) => writing = again,
        }
        most = most.max(in_flight());
    };
    written.expect("a write");
    assert_eq!(in_flight(), 0);
    let counted = format!("care_store_request_seconds_count{{operation=\"write_rows\"}} {requests}\n");
    assert!(metrics.render().contains(&counted), "not {counted}");
    most
}

#[test]
fn no_more_writes_are_in_flight_than_the_settings_allow() {
    run(async {
        let settings = Settings { writes_in_flight_max: 3, batch_rows_max: 1, ..shared().clone() };
        let customers = (0..400).map(|number| format!("customer-{number}"));
        let most = most_in_flight(&settings, customers, 400).await;
        assert!((1..=3).contains(&most), "{most} in flight");
    });
}

#[test]
fn of_long_writes_fewer_are_in_flight() {
    run(async {
        let settings = Settings { long_writes_in_flight_max: 1, batch_rows_max: 20, ..shared().clone() };
        let is_neighbour = |name: &String| bucket_of(&CustomerId::user(name), settings.buckets) == 0;
        let customers = (0..).map(|number| format!("customer-{number}")).filter(is_neighbour).take(2_000);
        assert_eq!(most_in_flight(&settings, customers, 100).await, 1);
    });
}

#[test]
fn write_that_nobody_waits_for_happens_also_when_the_store_is_let_go() {
    run(async {
        let [partition] = partitions();
        let (store, other) = future::join(open(shared()), open(shared())).await;
        drop(store.write_rows(partition, vec![row("ada", 1, 1)]));
        drop(store);
        until("the row is there", async || {
            other.read_row(partition, CustomerId::user("ada")).await.expect("a read").is_some()
        })
        .await;
    });
}

#[test]
fn row_larger_than_a_batch_may_be_is_written_alone_and_one_that_no_server_takes_is_told() {
    run(async {
        let (store, [partition]) = (open(shared()).await, partitions());
        let large = |name: &str, bytes: usize| actors::port::store::Row {
            state: vec![7; bytes].into(),
            ..row(name, 1, 1)
        };
        let rows = vec![row("before", 1, 1), large("large", 1 << 20), row("behind", 1, 1)];
        store.write_rows(partition, rows.clone()).await.expect("a write");
        for row in rows {
            let found = store.read_row(partition, row.customer.clone()).await.expect("a read");
            assert!(found.as_ref() == Some(&row), "{}", row.customer);
        }
        let refused = store.write_rows(partition, vec![large("huge", 9 << 20)]).await.expect_err("too large");
        assert_eq!(refused.kind(), actors::port::Kind::Fatal, "{refused}");
    });
}
