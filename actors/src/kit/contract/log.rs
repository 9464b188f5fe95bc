//! What every log does: order, positions, stamps that never go back, promises about the end, and durability.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use schemas::ids::{Epoch, PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;

use crate::port::log::{Assignment, Commit, Error, LogSink, LogSource, NewRecord, Topic};
use crate::port::{BoxFuture, Kind};

/// Partitions that a log under test has at least.
pub const PARTITIONS_MIN: u32 = 3;

const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);

/// Who stamps the records of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// Who appends may; else its clock does.
    Asked,
    /// Its servers alone: no notice is taken of a stamp asked for.
    OfTheLog,
}

/// An empty log, and a way to close and open it.
pub struct Fixture {
    /// Reads.
    pub source: Arc<dyn LogSource>,
    /// Appends.
    pub sink: Arc<dyn LogSink>,
    /// Who stamps its records.
    pub stamps: Stamps,
    /// Opens the same log again; called after source and sink were dropped.
    pub reopen: Box<dyn FnOnce() -> BoxFuture<'static, Fixture>>,
}

impl Fixture {
    async fn reopened(self) -> Self {
        let Self { source, sink, reopen, .. } = self;
        drop((source, sink));
        reopen().await
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Vec<Position> {
        self.sink.append(topic, records).await.expect("an append to a log that works")
    }

    /// Returns every record of a partition from `from` on, read in steps of `max`.
    async fn read(&self, topic: Topic, partition: PartitionId, from: Position, max: usize) -> Vec<LogRecord> {
        let end = self.source.end(topic, partition).await.expect("the end of a partition");
        let mut records = Vec::new();
        let mut next = from;
        while next < end {
            let fetched =
                self.source.fetch(topic, partition, next, max).await.expect("a fetch within the log");
            assert!(fetched.records.len() <= max, "{} records, {max} asked for", fetched.records.len());
            assert!(fetched.records.iter().all(|record| record.position >= next), "nothing before {next}");
            next = fetched.next;
            records.extend(fetched.records);
        }
        assert!(records.is_sorted_by(|a, b| a.position < b.position && a.stamp <= b.stamp), "in order");
        records
    }

    /// Returns a record with a stamp, where the log takes one.
    fn stamped(&self, partition: PartitionId, stamp: i64) -> NewRecord {
        let stamp = (self.stamps == Stamps::Asked).then_some(Timestamp(stamp));
        NewRecord { stamp, ..record(partition, 0) }
    }

    /// Returns the time that the log promises at the end of a partition.
    async fn end_at(&self, topic: Topic, partition: PartitionId) -> Timestamp {
        loop {
            let end = self.source.end(topic, partition).await.expect("the end of a partition");
            let fetched = self.source.fetch(topic, partition, end, 1).await.expect("a fetch at the end");
            if let (true, Some(at)) = (fetched.records.is_empty(), fetched.end_at) {
                return at;
            }
        }
    }
}

fn record(partition: PartitionId, number: usize) -> NewRecord {
    NewRecord {
        partition,
        key: format!("customer-{}", number % 7).into(),
        kind: RecordKind::Event,
        epoch: None,
        stamp: None,
        body: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

/// Runs every check on fresh logs of at least [`PARTITIONS_MIN`] partitions.
pub async fn suite(make: impl Fn() -> Fixture) {
    empty_log_has_an_end(make()).await;
    records_come_back_as_they_were(make()).await;
    partitions_and_topics_are_apart(make()).await;
    many_records_are_read_from_anywhere(make()).await;
    stamps_never_go_back(make()).await;
    nothing_is_stamped_before_a_promised_end(make()).await;
    positions_outside_are_refused(make()).await;
    commits_are_kept(make()).await;
    everything_survives_a_reopening(make()).await;
    promises_survive_a_reopening(make()).await;
    every_partition_is_assigned_once_and_proven(make()).await;
    waiting_reader_gets_what_arrives(make()).await;
}

async fn empty_log_has_an_end(log: Fixture) {
    assert!(log.source.partitions() >= PARTITIONS_MIN);
    let fetched = log.source.fetch(Topic::Events, P0, Position(0), 10).await.expect("an empty fetch");
    assert!(fetched.records.is_empty());
    assert_eq!(fetched.next, Position(0));
    // A log of its own process knows at once, one on servers may have to ask.
    log.end_at(Topic::Events, P0).await;
    assert!(log.append(Topic::Events, Vec::new()).await.is_empty(), "nothing appended, no positions");
}

async fn records_come_back_as_they_were(log: Fixture) {
    let sent =
        RecordKind::ALL.map(|kind| NewRecord { kind, epoch: Some(Epoch(9)), ..record(P0, kind as usize) });
    let empty = NewRecord { key: "".into(), body: Bytes::new(), ..record(P0, 0) };
    let sent: Vec<_> = sent.into_iter().chain([empty]).collect();
    let positions = log.append(Topic::Events, sent.clone()).await;
    let found = log.read(Topic::Events, P0, Position(0), 100).await;
    assert_eq!(found.iter().map(|record| record.position).collect::<Vec<_>>(), positions);
    for (sent, found) in sent.iter().zip(&found) {
        let same = (&sent.key, sent.kind, sent.epoch, &sent.body)
            == (&found.key, found.kind, found.epoch, &found.body);
        assert!(same, "sent {sent:?}, found {found:?}");
    }
}

async fn partitions_and_topics_are_apart(log: Fixture) {
    log.append(Topic::Events, vec![record(P0, 1), record(P1, 2), record(P0, 3)]).await;
    log.append(Topic::Outreach, vec![record(P0, 4)]).await;
    let bodies = async |topic, partition| {
        let records = log.read(topic, partition, Position(0), 100).await;
        records.iter().map(|record| record.body.clone()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(Topic::Events, P0).await, [record(P0, 1).body, record(P0, 3).body]);
    assert_eq!(bodies(Topic::Events, P1).await, [record(P1, 2).body]);
    assert_eq!(bodies(Topic::Outreach, P0).await, [record(P0, 4).body]);
    assert!(bodies(Topic::Decisions, P0).await.is_empty());
}

async fn many_records_are_read_from_anywhere(log: Fixture) {
    for start in (0..6_000).step_by(3_000) {
        let records = (start..start + 3_000).map(|number| record(PartitionId(number as u32 % 3), number));
        log.append(Topic::Events, records.collect()).await;
    }
    let all = log.read(Topic::Events, P1, Position(0), 1_000).await;
    assert_eq!(all.len(), 2_000);
    let log = log.reopened().await;
    for (skip, max) in [(0, 7), (1_023, 333), (1_999, 10)] {
        let found = log.read(Topic::Events, P1, all[skip].position, max).await;
        assert_eq!(found, all[skip..], "from record {skip} on, {max} at a time");
    }
}

async fn stamps_never_go_back(log: Fixture) {
    if log.stamps == Stamps::OfTheLog {
        return stamps_asked_for_are_of_no_effect(log).await;
    }
    let stamps = [1_000, 500, 2_000, 1_999, i64::MIN, 2_001];
    log.append(Topic::Events, stamps.map(|stamp| log.stamped(P0, stamp)).to_vec()).await;
    let found = log.read(Topic::Events, P0, Position(0), 100).await;
    let found: Vec<_> = found.iter().map(|record| record.stamp.0).collect();
    assert_eq!(found, [1_000, 1_000, 2_000, 2_000, 2_000, 2_001], "raised to the one before, else as asked");
}

async fn stamps_asked_for_are_of_no_effect(log: Fixture) {
    let asked = |stamp| NewRecord { stamp: Some(Timestamp(stamp)), ..record(P0, 0) };
    log.append(Topic::Events, vec![record(P0, 1), asked(1_000), asked(i64::MAX), record(P0, 2)]).await;
    let found = log.read(Topic::Events, P0, Position(0), 100).await;
    assert!(found.iter().all(|record| (2_000..i64::MAX).contains(&record.stamp.0)), "{found:?}");
}

async fn nothing_is_stamped_before_a_promised_end(log: Fixture) {
    log.append(Topic::Events, vec![log.stamped(P0, 7_000)]).await;
    let first = log.read(Topic::Events, P0, Position(0), 100).await;
    let promised = log.end_at(Topic::Events, P0).await;
    assert!(promised >= first[0].stamp, "not before the last stamp");
    log.append(Topic::Events, vec![log.stamped(P0, 0)]).await;
    let found = log.read(Topic::Events, P0, Position(0), 100).await;
    assert!(found[1].stamp >= promised, "{} was promised, {} came", promised, found[1].stamp);
    let fetched = log.source.fetch(Topic::Events, P0, Position(0), 1).await.expect("the first record");
    assert_eq!(fetched.end_at, None, "no end while a record is unread");
}

async fn positions_outside_are_refused(log: Fixture) {
    let positions = log.append(Topic::Events, vec![record(P0, 1)]).await;
    let beyond = Position(positions[0].0 + 2);
    let error = log.source.fetch(Topic::Events, P0, beyond, 1).await.expect_err("beyond the end");
    assert_eq!(error.kind(), Kind::Reject);
    assert!(
        matches!(error, Error::OutOfRange { asked, end, .. } if asked == beyond && end < beyond),
        "{error}"
    );
    let nowhere = PartitionId(log.source.partitions());
    let error =
        log.source.fetch(Topic::Events, nowhere, Position(0), 1).await.expect_err("no such partition");
    assert_eq!(error.kind(), Kind::Reject);
    let error = log.sink.append(Topic::Events, vec![record(P0, 2), record(nowhere, 1)]).await;
    assert_eq!(error.expect_err("no such partition").kind(), Kind::Reject);
    assert_eq!(log.read(Topic::Events, P0, Position(0), 10).await.len(), 1, "refused whole");
}

async fn commits_are_kept(log: Fixture) {
    let committed = |topic, partition| log.source.committed(topic, partition);
    assert_eq!(committed(Topic::Outreach, P0).await.expect("a read"), Commit::default());
    for (topic, partition, position, epoch) in [
        (Topic::Outreach, P0, 5, 2),
        (Topic::Outreach, P1, 6, 3),
        (Topic::Events, P0, 7, 0),
        (Topic::Outreach, P0, 9, 4),
    ] {
        let commit = Commit { position: Position(position), epoch: Epoch(epoch) };
        log.source.commit(topic, partition, commit).await.expect("a commit");
        assert_eq!(committed(topic, partition).await.expect("a read"), commit);
    }
    let kept = committed(Topic::Events, P0).await.expect("a read");
    assert_eq!(kept, Commit { position: Position(7), epoch: Epoch(0) }, "each topic has its own");
}

async fn everything_survives_a_reopening(mut log: Fixture) {
    let commit = Commit { position: Position(1), epoch: Epoch(3) };
    log.source.commit(Topic::Outreach, P1, commit).await.expect("a commit");
    let mut expected = Vec::new();
    for round in 0..3_usize {
        log.append(Topic::Events, vec![log.stamped(P0, 1_000 * round as i64), record(P1, round)]).await;
        let found = log.read(Topic::Events, P0, Position(0), 2).await;
        assert_eq!(found[..round], expected, "round {round}");
        assert_eq!(found.len(), round + 1, "positions go on where they ended");
        expected = found;
        log = log.reopened().await;
        assert_eq!(log.read(Topic::Events, P0, Position(0), 2).await, expected, "round {round}");
        assert_eq!(log.source.committed(Topic::Outreach, P1).await.expect("a read"), commit);
    }
    log.append(Topic::Events, vec![log.stamped(P0, 0)]).await;
    let found = log.read(Topic::Events, P0, Position(0), 10).await;
    assert!(found[3].stamp >= expected[2].stamp, "stamps do not go back over a reopening");
}

async fn promises_survive_a_reopening(log: Fixture) {
    let promised = log.end_at(Topic::Events, P0).await;
    // What relies on the promise becomes durable behind it.
    log.append(Topic::Events, vec![record(P1, 1)]).await;
    let log = log.reopened().await;
    log.append(Topic::Events, vec![log.stamped(P0, i64::MIN)]).await;
    let found = log.read(Topic::Events, P0, Position(0), 1).await;
    assert!(found[0].stamp >= promised, "{} was promised, {} came", promised, found[0].stamp);
}

async fn every_partition_is_assigned_once_and_proven(log: Fixture) {
    let partitions = log.source.partitions();
    let mut assigned = BTreeSet::new();
    for _ in 0..partitions {
        match log.source.assignment().await {
            Assignment::Assigned(partition) => assert!(assigned.insert(partition), "{partition:?} twice"),
            Assignment::Revoked { partition, .. } => panic!("{partition:?} revoked from the only member"),
        }
    }
    assert_eq!(assigned, (0..partitions).map(PartitionId).collect());
    let before = log.source.committed(Topic::Events, P0).await.expect("a read");
    for partition in assigned {
        log.source.prove(partition).await.expect("the only member owns it");
    }
    assert_eq!(
        log.source.committed(Topic::Events, P0).await.expect("a read"),
        before,
        "a proof moves nothing"
    );
}

async fn waiting_reader_gets_what_arrives(log: Fixture) {
    let waiting = log.source.fetch(Topic::Events, P0, Position(0), 10);
    let (first, positions) =
        futures_util::future::join(waiting, log.append(Topic::Events, vec![record(P0, 1)])).await;
    let mut fetched = first.expect("a fetch at the end");
    while fetched.records.is_empty() {
        fetched = log.source.fetch(Topic::Events, P0, fetched.next, 10).await.expect("a fetch at the end");
    }
    assert_eq!(fetched.records[0].position, positions[0]);
}
