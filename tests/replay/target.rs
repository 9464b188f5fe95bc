//! What every log does that history is played into: whatever ends the process, the log holds what it says it holds, in the order of the
//! file and with its stamps.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use actors::port::BoxFuture;
use actors::port::log::{LogSink, NewRecord, Topic};
use bytes::Bytes;
use engine::replay::{Passage, Target};
use schemas::ids::{PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;

/// Partitions that a log under test has at least.
const PARTITIONS_MIN: u32 = 3;

/// An empty log, and a way to close and open it.
pub struct Fixture {
    /// What is played into.
    pub target: Arc<dyn Target>,
    /// Where the engine appends what it says itself.
    pub sink: Arc<dyn LogSink>,
    /// Opens the same log as a new process does; called after the others were dropped.
    pub reopen: Box<dyn FnOnce() -> BoxFuture<'static, Fixture>>,
}

impl Fixture {
    async fn reopened(self) -> Self {
        let Self { target, sink, reopen } = self;
        drop((target, sink));
        reopen().await
    }

    /// Plays rows of a source, numbered from `row` on.
    async fn play(&self, source: u64, row: u64, records: Vec<NewRecord>) {
        self.target.play(passage(source, row, records)).await.expect("a log that works");
    }

    /// Returns how many rows of a source, from the first, the log holds whose events are of a partition.
    async fn held(&self, source: u64, partition: u32) -> u64 {
        let held = self.target.held(source).await.expect("a log that works");
        (0..).find(|row| !held.holds(*row, PartitionId(partition))).expect("no log holds all rows")
    }

    /// Returns what a partition of care.events holds.
    async fn records(&self, partition: u32) -> Vec<LogRecord> {
        let (id, mut from, mut records) = (PartitionId(partition), Position(0), Vec::new());
        let end = self.target.log().end(Topic::Events, id).await.expect("a partition");
        while from < end {
            let fetched =
                self.target.log().fetch(Topic::Events, id, from, 100).await.expect("within the log");
            from = fetched.next;
            records.extend(fetched.records);
        }
        records
    }

    async fn stamps(&self, partition: u32) -> Vec<i64> {
        self.records(partition).await.iter().map(|record| record.stamp.0).collect()
    }
}

fn record(partition: u32, stamp: i64) -> NewRecord {
    NewRecord {
        partition: PartitionId(partition),
        key: "customer".into(),
        kind: RecordKind::Event,
        epoch: None,
        stamp: Some(Timestamp(stamp)),
        body: Bytes::from(format!("{{\"stamp\":{stamp}}}")),
    }
}

fn passage(source: u64, row: u64, records: Vec<NewRecord>) -> Passage {
    let rows = row + records.len() as u64;
    Passage { source, rows, reached: Timestamp(0), records: (row..).zip(records).collect() }
}

/// Runs every check on fresh logs of at least [`PARTITIONS_MIN`] partitions.
pub async fn suite<F: Future<Output = Fixture>>(make: impl Fn() -> F) {
    each_source_is_known_by_itself(make().await).await;
    what_is_held_is_known_after_a_reopening(make().await).await;
    stamps_are_those_of_the_file_and_never_go_back(make().await).await;
    log_time_goes_on_where_everything_is_in_the_log(make().await).await;
    whatever_is_cut_the_log_holds_what_it_says(make().await).await;
}

async fn each_source_is_known_by_itself(log: Fixture) {
    assert!(log.target.log().partitions() >= PARTITIONS_MIN);
    for source in [7, u64::MAX] {
        assert!(log.target.held(source).await.expect("a log that works").is_nothing());
    }
    log.play(7, 0, vec![record(0, 1_000), record(1, 1_000), record(2, 1_000)]).await;
    log.play(u64::MAX, 0, vec![record(2, 1_000)]).await;
    log.play(7, 3, vec![record(0, 2_000)]).await;
    assert_eq!(log.held(7, 0).await, 4);
    assert!(log.held(7, 1).await >= 2 && log.held(7, 2).await >= 3);
    assert_eq!(log.held(u64::MAX, 2).await, 1);
    assert!(log.target.held(8).await.expect("a log that works").is_nothing());
}

async fn what_is_held_is_known_after_a_reopening(mut log: Fixture) {
    for round in 0..3 {
        let at = 1_000 * (round + 1);
        log.play(7, 3 * round as u64, vec![record(0, at), record(1, at), record(0, at + 1)]).await;
        log = log.reopened().await;
        assert_eq!(log.held(7, 0).await, 3 * round as u64 + 3);
        let expected: Vec<i64> = (0..=round).flat_map(|n| [1_000 * (n + 1), 1_000 * (n + 1) + 1]).collect();
        assert_eq!(log.stamps(0).await, expected, "round {round}");
    }
    let bodies: Vec<Bytes> = log.records(1).await.into_iter().map(|record| record.body).collect();
    assert_eq!(bodies, [1_000, 2_000, 3_000].map(|at| record(1, at).body));
}

async fn stamps_are_those_of_the_file_and_never_go_back(log: Fixture) {
    log.play(7, 0, vec![record(0, 5_000), record(1, 6_000)]).await;
    // What an engine tells bears the time of its cause, wherever it goes.
    let told = [record(0, 4_000), record(1, 7_000), record(2, 3_000)];
    let told = told.map(|of| NewRecord { kind: RecordKind::Relay, ..of });
    log.sink.append(Topic::Events, told.to_vec()).await.expect("a log that works");
    log.play(7, 2, vec![record(0, 8_000), record(1, 6_500)]).await;
    assert_eq!(log.stamps(0).await, [5_000, 5_000, 8_000]);
    assert_eq!(log.stamps(1).await, [6_000, 7_000, 7_000]);
    assert_eq!(log.stamps(2).await, [3_000]);
}

async fn log_time_goes_on_where_everything_is_in_the_log(log: Fixture) {
    let reached = async |log: &Fixture| log.target.reached().await.expect("a log that works");
    assert!(reached(&log).await <= Timestamp(0), "an empty log stands at the beginning of time");
    log.play(7, 0, vec![record(0, 5_000), record(1, 6_000)]).await;
    let next = passage(7, 2, vec![record(0, 7_000)]);
    log.target.play(Passage { reached: Timestamp(6_000), ..next }).await.expect("a log that works");
    let log = log.reopened().await;
    let at = reached(&log).await;
    assert!((Timestamp(6_000)..=Timestamp(7_000)).contains(&at), "{at}");
}

async fn whatever_is_cut_the_log_holds_what_it_says(mut log: Fixture) {
    let mut row = 0;
    for polls in 0..12 {
        // Row r is of partition r % 3 and of instant r + 1; the last one of each passage is of partition 2.
        let begin = row;
        let records = (begin..begin + 6).map(|row| record(row as u32 % 3, row as i64 + 1)).collect();
        cut(log.target.play(passage(7, begin, records)), polls).await;
        log = log.reopened().await;
        for partition in 0..3 {
            let held = log.held(7, partition).await;
            let (first, stamps) = (i64::from(partition) + 1, log.stamps(partition).await);
            let expected: Vec<i64> = (first..=held as i64).step_by(3).collect();
            assert_eq!(stamps, expected, "partition {partition}, cut after {polls} polls");
        }
        if log.held(7, 2).await > begin + 5 {
            assert!(
                log.held(7, 0).await > begin + 3 && log.held(7, 1).await > begin + 4,
                "the last one is last"
            );
        }
        // What lacks is played again, as a replay does.
        let lacking = log.target.held(7).await.expect("a log that works");
        let is_lacking = |row: &u64| !lacking.holds(*row, PartitionId(*row as u32 % 3));
        for row in (begin..begin + 6).filter(is_lacking) {
            log.play(7, row, vec![record(row as u32 % 3, row as i64 + 1)]).await;
        }
        row = begin + 6;
    }
}

/// Drops a future after so many polls.
async fn cut<T>(mut future: BoxFuture<'static, T>, polls: usize) {
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await {
            return;
        }
    }
}

mod embedded {
    use engine::clock::ReplayClock;
    use engine::embedded::{Database, Settings};
    use engine::log::embedded::EmbeddedLog;
    use tempfile::TempDir;

    use super::*;

    fn open(dir: Arc<TempDir>) -> Fixture {
        let settings = Settings { partitions: 3, fetch_wait_ms: 1, ..Settings::default() };
        let clock = Arc::new(ReplayClock::default());
        let database = Database::open(dir.path(), &settings, clock).expect("a good folder");
        let log = Arc::new(EmbeddedLog::new(&database));
        let reopen = Box::new(move || -> BoxFuture<'static, Fixture> { Box::pin(async move { open(dir) }) });
        Fixture { target: log.clone(), sink: log, reopen }
    }

    #[test]
    fn the_embedded_log_holds_what_it_says() {
        actix::System::new()
            .block_on(suite(|| async { open(Arc::new(tempfile::tempdir().expect("a folder"))) }));
    }
}

mod servers {
    use actors::metrics::Metrics;
    use engine::clock::{ReplayClock, SystemClock};
    use engine::log::kafka::{History, KafkaLog, Settings, Stamps, topics};
    use engine::settings::Settings as All;

    use super::*;
    use crate::cluster::Cluster;

    /// Returns the settings of topics of their own, made for a replay.
    fn settings() -> Settings {
        let cluster = Cluster::shared();
        let names = cluster.names("target");
        let settings = Settings {
            brokers: cluster.brokers.clone(),
            topic_prefix: names.topic_prefix,
            group: names.group,
            replication: u32::from(cluster.replication),
            min_insync: 1,
            session_timeout_ms: 3_000,
            ends_ms: 20,
            fetch_wait_ms: 20,
            ..All::defaults().kafka
        };
        topics::create(&settings, 3, Stamps::Asked).expect("the brokers answer");
        settings
    }

    fn open(settings: Settings) -> BoxFuture<'static, Fixture> {
        Box::pin(async move {
            let clock = Arc::new(ReplayClock::default());
            let log = KafkaLog::join_for_replay(&settings, 3, clock, &Metrics::new()).expect("good topics");
            let history = History::open(log.clone(), &settings, &SystemClock).await;
            let target = Arc::new(history.expect("this process is alone"));
            let before = Arc::downgrade(&log);
            let reopen = Box::new(move || -> BoxFuture<'static, Fixture> {
                Box::pin(async move {
                    // Whoever still has the log is a call under way.
                    if let Some(log) = before.upgrade() {
                        log.leave().await;
                    }
                    open(settings).await
                })
            });
            Fixture { target, sink: log, reopen }
        })
    }

    #[test]
    fn topics_made_for_a_replay_hold_what_they_say() {
        actix::System::new().block_on(suite(|| open(settings())));
    }
}
