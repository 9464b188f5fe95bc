//! The store on a real CQL server: the contract, and what fencing, compare-and-set and migrations rest on.
//!
//! Making a keyspace costs seconds, so most tests share one and keep apart by partitions of their own.

mod bounds;
mod contract;
mod leases;
mod losses;
mod migrations;
mod reading;
mod rows;

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::store::{Row, Store};
use engine::clock::SystemClock;
use engine::settings;
use engine::store::cql::{self, CqlStore, Mode};
use schemas::ids::{CustomerId, Epoch, PartitionId};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;

use crate::cluster::Cluster;

/// Partitions of every keyspace of these tests.
const PARTITIONS: u32 = 1_024;

/// How long something that has to come may take.
const LONG: Duration = Duration::from_secs(60);

/// How often a level is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Returns settings for a keyspace on a server.
fn settings(server: &str, keyspace: &str) -> cql::Settings {
    cql::Settings {
        nodes: server.to_owned(),
        keyspace: keyspace.to_owned(),
        replication: 1,
        ..settings::Settings::defaults().cql
    }
}

/// Returns the settings of the keyspace that tests share.
fn shared() -> &'static cql::Settings {
    static SHARED: OnceLock<cql::Settings> = OnceLock::new();
    SHARED.get_or_init(|| {
        let cluster = Cluster::shared();
        let settings = settings(&cluster.cql, &cluster.names("cql").keyspace);
        apart(|| async { migrate(&settings).await });
        settings
    })
}

async fn migrate(settings: &cql::Settings) -> cql::Migrated {
    cql::migrate(settings, PARTITIONS, Mode::Apply).await.expect("a migration")
}

async fn open(settings: &cql::Settings) -> Arc<CqlStore> {
    CqlStore::connect(settings, PARTITIONS, &Metrics::new()).await.expect("an open store")
}

/// Returns partitions that no other test uses.
fn partitions<const N: usize>() -> [PartitionId; N] {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    std::array::from_fn(|_| PartitionId(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Connects without the store, to look behind it.
async fn behind(settings: &cql::Settings) -> Session {
    SessionBuilder::new().known_nodes(settings.servers()).build().await.expect("a session")
}

fn run<T>(test: impl Future<Output = T>) -> T {
    actix::System::new().block_on(test)
}

/// Runs something that waits where waiting is not possible: on a thread of its own.
fn apart<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| run(work())).join().expect("it ends"))
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = SystemClock.boot();
    while !holds().await {
        assert!(SystemClock.boot() < began + LONG, "not within {LONG:?}: {what}");
        SystemClock.sleep(LOOK).await;
    }
}

fn row(customer: &str, epoch: u64, written_at: i64) -> Row {
    let state = format!("{customer} by {epoch} at {written_at}").into();
    Row { customer: CustomerId::user(customer), written_at, epoch: Epoch(epoch), state }
}

/// Returns every row of a partition.
async fn all_rows(store: &dyn Store, partition: PartitionId, page_max: usize) -> Vec<Row> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = store.scan_rows(partition, from, page_max).await.expect("a page");
        found.extend(page.rows);
        from = page.next;
        if from.is_none() {
            return found;
        }
    }
}

/// A small seeded source of chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
