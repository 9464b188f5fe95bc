//! The contract of the store port, on a real server.

use actors::kit::contract::store::{Fixture, suite};
use actors::port::BoxFuture;
use engine::store::cql;
use schemas::ids::CustomerId;

use super::{apart, behind, migrate, open, run, settings};
use crate::cluster::Cluster;

/// The tables that hold what a shop has.
const TABLES: [&str; 7] = ["profile", "lease", "timer_slot", "timer", "outreach_ledger", "decision", "link"];

/// Returns an empty store: making a keyspace takes longer than emptying one.
fn empty(settings: &cql::Settings) -> Fixture {
    apart(|| async {
        let session = behind(settings).await;
        for table in TABLES {
            let empty = format!("TRUNCATE {}.{table}", settings.keyspace);
            session.query_unpaged(empty, ()).await.expect("an empty table");
        }
    });
    fixture(settings.clone())
}

fn fixture(settings: cql::Settings) -> Fixture {
    let store = apart(|| async { open(&settings).await });
    let reopen = move || -> BoxFuture<'static, Fixture> { Box::pin(async { fixture(settings) }) };
    Fixture { store, reopen: Box::new(reopen) }
}

#[test]
fn cql_store_keeps_the_contract() {
    let cluster = Cluster::shared();
    let settings = settings(&cluster.cql, &cluster.names("contract").keyspace);
    run(async {
        migrate(&settings).await;
        suite(|| empty(&settings)).await;
    });
}

#[test]
fn customers_of_the_suite_lie_in_several_buckets() {
    let buckets = ["ada", "bob", "cyd", "customer-01", "customer-02"]
        .map(|name| cql::rows::bucket_of(&CustomerId::user(name), 16));
    assert!(buckets.iter().any(|bucket| *bucket != buckets[0]), "else scans would not merge: {buckets:?}");
}
