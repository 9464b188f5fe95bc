//! The Kafka log on a real broker: the contract of every log, and the rules that each prevent a silent loss.
//!
//! Each test has topics and a group of its own, so they run side by side on the broker that all tests share.

mod contract;
mod group;
mod keys;
mod limits;
mod replay;
mod secured;
mod topics;
mod transactions;

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::log::{Assignment, LogSink, LogSource, NewRecord, Topic};
use bytes::Bytes;
use engine::clock::SystemClock;
use engine::log::kafka::{KafkaLog, Settings, Stamps, topics as made};
use rdkafka::ClientConfig;
use schemas::ids::{PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};

use crate::cluster::Cluster;

/// Longest wait for anything that comes about by itself.
const SOON: Duration = Duration::from_secs(40);

/// A look at what is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// Topics and a group of one test's own.
#[derive(Clone)]
struct World {
    settings: Settings,
    partitions: u32,
    metrics: Metrics,
}

impl World {
    /// Makes topics.
    fn new(what: &str, partitions: u32) -> Self {
        Self::of(what, partitions, Stamps::Appended)
    }

    fn of(what: &str, partitions: u32, stamps: Stamps) -> Self {
        let world = Self::without_topics(what, partitions);
        made::create(&world.settings, partitions, stamps).expect("topics are made");
        world
    }

    fn without_topics(what: &str, partitions: u32) -> Self {
        let settings = Settings {
            commit_ms: 1,
            ends_ms: 20,
            // One machine, one clock: what is promised is to be kept without an allowance.
            clock_skew_max_ms: 0,
            ..Cluster::shared().kafka(what)
        };
        Self { settings, partitions, metrics: Metrics::new() }
    }

    /// Joins the group.
    fn join(&self) -> Arc<KafkaLog> {
        let clock = Arc::new(SystemClock);
        KafkaLog::join(&self.settings, self.partitions, clock, &self.metrics).expect("the brokers are there")
    }

    /// Joins the group, and waits until it has given everything.
    fn join_alone(&self) -> Arc<KafkaLog> {
        let log = self.join();
        until("everything assigned", || log.held() == self.partitions as usize);
        log
    }

    /// Opens the log for looking.
    fn look(&self) -> Arc<KafkaLog> {
        let clock = Arc::new(SystemClock);
        KafkaLog::look(&self.settings, self.partitions, clock, &self.metrics).expect("the brokers are there")
    }

    fn topic(&self, topic: Topic) -> String {
        self.settings.topic(topic)
    }

    /// Returns a client's set-up, as others than the engine have it.
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.settings.brokers);
        config
    }

    /// Returns the sum of a metric's values whose labels contain these.
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let samples = self.metrics.samples();
        let matches = |sample: &&actors::metrics::Sample| {
            sample.name == name && labels.iter().all(|label| sample.labels.iter().any(|one| one == label))
        };
        samples.iter().filter(matches).map(|sample| sample.value).sum()
    }
}

/// Runs a test.
fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

/// Waits for a level, for as long as anybody would.
#[track_caller]
fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let clock = SystemClock;
    let late = clock.boot() + SOON;
    while !reached() {
        assert!(clock.boot() < late, "waited in vain: {what}");
        thread::park_timeout(LOOK);
    }
}

/// Waits for a future, for as long as anybody would.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let future = std::pin::pin!(future);
    match futures_util::future::select(future, SystemClock.sleep(SOON)).await {
        futures_util::future::Either::Left((value, _)) => value,
        futures_util::future::Either::Right(_) => panic!("waited in vain: {what}"),
    }
}

fn record(partition: u32, number: usize) -> NewRecord {
    NewRecord {
        partition: PartitionId(partition),
        key: format!("customer-{number}").into(),
        kind: RecordKind::Event,
        epoch: None,
        stamp: None,
        body: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

/// Reads a partition from a position on, until it is read to its end with at least `count` records.
async fn read(log: &KafkaLog, topic: Topic, partition: u32, from: u64, count: usize) -> Vec<LogRecord> {
    let (mut next, mut records) = (Position(from), Vec::new());
    soon("records", async {
        loop {
            match log.fetch(topic, PartitionId(partition), next, 1_000).await {
                Ok(fetched) => {
                    next = fetched.next;
                    records.extend(fetched.records);
                    if records.len() >= count && fetched.end_at.is_some() {
                        return;
                    }
                }
                Err(error) if error.kind() == actors::port::Kind::Retry => {}
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
    records
}

/// Appends records and returns where they are.
async fn append(log: &KafkaLog, topic: Topic, records: Vec<NewRecord>) -> Vec<Position> {
    log.append(topic, records).await.expect("the brokers take them")
}

/// Waits until as many partitions were announced as assigned, and returns them in order.
async fn assigned(log: &KafkaLog, count: usize) -> Vec<u32> {
    let mut partitions = Vec::new();
    while partitions.len() < count {
        match soon("an assignment", log.assignment()).await {
            Assignment::Assigned(partition) => partitions.push(partition.0),
            Assignment::Revoked { partition, .. } => {
                partitions.retain(|held| *held != partition.0);
                log.released(partition);
            }
        }
    }
    partitions.sort_unstable();
    partitions
}
