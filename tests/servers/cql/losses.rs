//! A server that is killed amid compare-and-set and writes: afterwards a serial read settles what was unknown, and nothing that was
//! acknowledged is gone.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::port::Kind;
use actors::port::clock::Clock;
use actors::port::store::{Cas, Lease, Store};
use engine::clock::SystemClock;
use engine::store::cql::{self, CqlStore, Durability};
use futures_util::future;
use schemas::ids::{CustomerId, Epoch, PartitionId};

use super::{LOOK, migrate, open, row, run, settings, until};
use crate::cluster::{Brokers, Cluster, Server};

/// Partitions that are worked on at the same time.
const AT_ONCE: u32 = 6;

/// Rows written at a time.
const ROWS: usize = 20;

/// How an attempt at a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Applied,
    Refused,
    Unknown,
}

/// What was tried: by the new owner, from which owner and how it ended.
type Attempts = HashMap<u128, (u128, End)>;

/// What one partition's work came to.
#[derive(Default)]
struct Work {
    attempts: Attempts,
    /// The last timestamp that was acknowledged for all rows of the partition.
    acknowledged: i64,
}

struct Worker<'a> {
    store: &'a CqlStore,
    partition: PartitionId,
    is_over: &'a AtomicBool,
    /// How often the lease was asked for and rows were written, over all partitions.
    progress: &'a Mutex<[u64; 2]>,
}

impl Worker<'_> {
    fn moved(&self, what: usize) {
        self.progress.lock().expect("nobody panics with it")[what] += 1;
    }

    /// Takes the lease again and again, as two rivals would who do not know of each other.
    async fn take(&self, rival: u128, work: &Mutex<Work>) {
        let mut held = Lease::default();
        for attempt in 1.. {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let owner = rival << 64 | attempt;
            let new = Lease { epoch: Epoch(held.epoch.0 + 1), owner, ..held };
            let answer = self.store.cas_lease(self.partition, held, new).await;
            let end = match &answer {
                Ok(Cas::Applied) => End::Applied,
                Ok(Cas::Refused(_)) => End::Refused,
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Retry, "{error}");
                    End::Unknown
                }
            };
            work.lock().expect("nobody panics with it").attempts.insert(owner, (held.owner, end));
            held = match answer {
                Ok(Cas::Applied) => new,
                Ok(Cas::Refused(found)) => found,
                Err(_) => self.read_back().await,
            };
            self.moved(0);
        }
    }

    async fn read_back(&self) -> Lease {
        loop {
            match self.store.read_lease(self.partition).await {
                Ok(found) => return found,
                Err(error) => assert_eq!(error.kind(), Kind::Retry, "{error}"),
            }
            SystemClock.sleep(LOOK).await;
        }
    }

    /// Writes all rows of the partition again and again, each time with a later timestamp.
    async fn write(&self, work: &Mutex<Work>) {
        for written_at in 1.. {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let rows = (0..ROWS).map(|number| row(&format!("customer-{number}"), 1, written_at)).collect();
            match self.store.write_rows(self.partition, rows).await {
                Ok(_) => {
                    work.lock().expect("nobody panics with it").acknowledged = written_at;
                    self.moved(1);
                }
                Err(_) => SystemClock.sleep(LOOK).await,
            }
        }
    }
}

#[test]
fn server_killed_amid_compare_and_set_leaves_one_history_and_every_acknowledged_row() {
    let cluster = Cluster::own(Brokers::One);
    // Waits as short as tests are: a request that the dead server does not answer is given up soon.
    let settings = cql::Settings {
        durability: Durability::Periodic,
        request_timeout_ms: 2_000,
        ..settings(&cluster.cql, &cluster.names("losses").keyspace)
    };
    let (is_over, progress) = (AtomicBool::new(false), Mutex::default());
    std::thread::scope(|scope| {
        let at_work = scope.spawn(|| run(work(&settings, &is_over, &progress)));
        let reached = |goal: [u64; 2]| {
            let held = *progress.lock().expect("nobody panics with it");
            held[0] >= goal[0] && held[1] >= goal[1]
        };
        run(until("work goes on", async || reached([60, 60])));
        let hand = cluster.hand();
        hand.kill(Server::Store);
        hand.start(Server::Store);
        let so_far = *progress.lock().expect("nobody panics with it");
        run(until("work goes on again", async || reached(so_far.map(|count| count + 20))));
        is_over.store(true, Ordering::Release);
        at_work.join().expect("the work ends");
    });
}

/// Works on several partitions until it is over, and checks what came of it.
async fn work(settings: &cql::Settings, is_over: &AtomicBool, progress: &Mutex<[u64; 2]>) {
    migrate(settings).await;
    let store = open(settings).await;
    let before = store.write_rows(PartitionId(0), Vec::new()).await.expect("an answer").generation;
    let works: Vec<Mutex<Work>> = (0..AT_ONCE).map(|_| Mutex::default()).collect();
    let at_work = works.iter().enumerate().map(|(number, work)| {
        let worker = Worker { store: &store, partition: PartitionId(number as u32), is_over, progress };
        async move { future::join3(worker.take(1, work), worker.take(2, work), worker.write(work)).await }
    });
    future::join_all(at_work).await;
    let works: Vec<Work> =
        works.into_iter().map(|work| work.into_inner().expect("nobody panics with it")).collect();
    let ended = |end| works.iter().flat_map(|work| work.attempts.values()).filter(|of| of.1 == end).count();
    let (applied, refused, unknown) = (ended(End::Applied), ended(End::Refused), ended(End::Unknown));
    println!("leases: {applied} taken, {refused} refused, {unknown} of which nobody knew");
    assert!(unknown > 0, "the server was killed between two requests");
    for (number, work) in works.into_iter().enumerate() {
        settled(&store, PartitionId(number as u32), &work).await;
    }
    let after = store.write_rows(PartitionId(0), Vec::new()).await.expect("an answer").generation;
    assert!(after > before, "where servers may lose their tail, one that started again is told");
}

async fn settled(store: &CqlStore, partition: PartitionId, work: &Work) {
    let end = store.read_lease(partition).await.expect("a serial read");
    assert_eq!(store.read_lease(partition).await.expect("a serial read"), end, "what is settled stays so");
    let mut history = Vec::new();
    let mut owner = end.owner;
    while owner != 0 {
        history.push(owner);
        assert!(history.len() <= work.attempts.len(), "a history that goes in circles");
        owner = work.attempts.get(&owner).unwrap_or_else(|| panic!("{owner:x} holds what nobody tried")).0;
    }
    assert_eq!(end.epoch.0 as usize, history.len(), "each owner counted once");
    for (owner, (_, ended)) in &work.attempts {
        let holds = history.contains(owner);
        assert!(*ended != End::Applied || holds, "an acknowledged lease is not in the history");
        assert!(*ended != End::Refused || !holds, "a refused lease is in the history");
    }
    for number in 0..ROWS {
        let customer = CustomerId::user(&format!("customer-{number}"));
        let found = store.read_row(partition, customer).await.expect("a read").expect("a row");
        assert!(found.written_at >= work.acknowledged, "an acknowledged row is gone");
    }
}
