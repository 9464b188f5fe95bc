//! A log in memory: every topic a vector per partition, stamped by a clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemas::ids::{PartitionId, Position};
use schemas::record::LogRecord;
use schemas::time::Timestamp;
use tokio::sync::Notify;

use crate::port::clock::Clock;
use crate::port::log::{Assignment, Commit, Error, Fetched, LogSink, LogSource, NewRecord, Topic};
use crate::port::{BoxFuture, Reply};

/// How long a fetch at the end of a partition waits for records.
const FETCH_WAIT: Duration = Duration::from_millis(5);

/// A log in memory. Clones share everything; [`MemoryLog::reopened`] shares the records only, as a new process would.
#[derive(Clone)]
pub struct MemoryLog {
    disk: Arc<Disk>,
    assignments: Arc<Assignments>,
}

struct Disk {
    partitions: u32,
    clock: Arc<dyn Clock>,
    tables: Mutex<Tables>,
    appended: Notify,
}

#[derive(Default)]
struct Tables {
    logs: BTreeMap<(Topic, PartitionId), Log>,
    commits: BTreeMap<(Topic, PartitionId), Commit>,
}

#[derive(Default)]
struct Log {
    records: Vec<LogRecord>,
    /// No later record is stamped before it: the last stamp, or what a fetch at the end promised.
    floor: Timestamp,
}

/// What one process was told, and what the log thinks of it.
struct Assignments {
    queue: Mutex<VecDeque<Assignment>>,
    added: Notify,
    /// Partitions of which the log says that the process is no owner.
    fenced: Mutex<BTreeSet<PartitionId>>,
    /// Revoked partitions that the process said it had let go, in that order.
    released: Mutex<Vec<PartitionId>>,
}

impl MemoryLog {
    /// Returns an empty log that assigns every partition once.
    pub fn new(partitions: u32, clock: Arc<dyn Clock>) -> Self {
        let disk = Disk { partitions, clock, tables: Mutex::default(), appended: Notify::new() };
        Self { assignments: Arc::new(Assignments::of_all(partitions)), disk: Arc::new(disk) }
    }

    /// Returns the same log as a new process sees it: the records are there, every partition is assigned anew.
    pub fn reopened(&self) -> Self {
        Self { disk: self.disk.clone(), assignments: Arc::new(Assignments::of_all(self.disk.partitions)) }
    }

    /// Announces a change of assignment.
    pub fn assign(&self, change: Assignment) {
        self.assignments.push(change);
    }

    /// Refuses this process as the owner of a partition, until it is admitted again.
    pub fn fence(&self, partition: PartitionId) {
        self.assignments.fenced().insert(partition);
    }

    /// Takes this process for the owner of a partition again.
    pub fn admit(&self, partition: PartitionId) {
        self.assignments.fenced().remove(&partition);
    }

    /// Returns the revoked partitions that this process said it had let go.
    pub fn let_go(&self) -> Vec<PartitionId> {
        self.assignments.released.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns every record of a partition.
    pub fn records(&self, topic: Topic, partition: PartitionId) -> Vec<LogRecord> {
        let tables = self.disk.lock();
        tables.logs.get(&(topic, partition)).map(|log| log.records.clone()).unwrap_or_default()
    }
}

impl Assignments {
    fn of_all(partitions: u32) -> Self {
        let all = (0..partitions).map(|number| Assignment::Assigned(PartitionId(number)));
        Self {
            queue: Mutex::new(all.collect()),
            added: Notify::new(),
            fenced: Mutex::default(),
            released: Mutex::default(),
        }
    }

    fn fenced(&self) -> std::sync::MutexGuard<'_, BTreeSet<PartitionId>> {
        self.fenced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, partition: PartitionId) -> Result<(), Error> {
        if self.fenced().contains(&partition) { Err(Error::NotOwned(partition)) } else { Ok(()) }
    }

    fn push(&self, change: Assignment) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(change);
        self.added.notify_one();
    }

    fn pop(&self) -> Option<Assignment> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Disk {
    fn lock(&self) -> std::sync::MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what stands at `from`; empty with an end when `from` is the end.
    fn read(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Result<Fetched, Error> {
        let mut tables = self.lock();
        let log = tables.logs.entry((topic, partition)).or_default();
        let end = Position(log.records.len() as u64);
        if from > end || partition.0 >= self.partitions {
            return Err(Error::OutOfRange { topic, partition, asked: from, start: Position(0), end });
        }
        let records: Vec<_> = log.records[from.0 as usize..].iter().take(max.max(1)).cloned().collect();
        let next = Position(from.0 + records.len() as u64);
        let end_at = (next == end).then(|| {
            log.floor = log.floor.max(self.clock.now());
            log.floor
        });
        Ok(Fetched { records, next, end_at })
    }

    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, Error> {
        if let Some(record) = records.iter().find(|record| record.partition.0 >= self.partitions) {
            return Err(Error::OutOfRange {
                topic,
                partition: record.partition,
                asked: Position(0),
                start: Position(0),
                end: Position(0),
            });
        }
        let now = self.clock.now();
        let mut tables = self.lock();
        let positions = records.into_iter().map(|record| {
            let log = tables.logs.entry((topic, record.partition)).or_default();
            let position = Position(log.records.len() as u64);
            log.floor = log.floor.max(record.stamp.unwrap_or(now));
            log.records.push(LogRecord {
                position,
                stamp: log.floor,
                key: record.key,
                kind: record.kind,
                epoch: record.epoch,
                body: record.body,
            });
            position
        });
        let positions = positions.collect();
        drop(tables);
        self.appended.notify_waiters();
        Ok(positions)
    }
}

impl LogSource for MemoryLog {
    fn partitions(&self) -> u32 {
        self.disk.partitions
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        let assignments = self.assignments.clone();
        Box::pin(async move {
            loop {
                let added = assignments.added.notified();
                if let Some(change) = assignments.pop() {
                    return change;
                }
                added.await;
            }
        })
    }

    fn released(&self, partition: PartitionId) {
        self.assignments.released.lock().unwrap_or_else(PoisonError::into_inner).push(partition);
    }

    fn prove(&self, partition: PartitionId) -> Reply<(), Error> {
        Box::pin(std::future::ready(self.assignments.check(partition)))
    }

    fn fetch(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Reply<Fetched, Error> {
        let disk = self.disk.clone();
        Box::pin(async move {
            let appended = disk.appended.notified();
            tokio::pin!(appended);
            appended.as_mut().enable();
            let fetched = disk.read(topic, partition, from, max)?;
            if !fetched.records.is_empty() {
                return Ok(fetched);
            }
            // Time-out or news: either way the partition is read again.
            drop(tokio::time::timeout(FETCH_WAIT, appended).await);
            disk.read(topic, partition, from, max)
        })
    }

    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, Error> {
        let end = self.disk.lock().logs.get(&(topic, partition)).map_or(0, |log| log.records.len());
        Box::pin(std::future::ready(Ok(Position(end as u64))))
    }

    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), Error> {
        let mine = if topic == Topic::Events { self.assignments.check(partition) } else { Ok(()) };
        if mine.is_ok() {
            self.disk.lock().commits.insert((topic, partition), commit);
        }
        Box::pin(std::future::ready(mine))
    }

    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, Error> {
        let commit = self.disk.lock().commits.get(&(topic, partition)).copied().unwrap_or_default();
        Box::pin(std::future::ready(Ok(commit)))
    }
}

impl LogSink for MemoryLog {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        Box::pin(std::future::ready(self.disk.append(topic, records)))
    }
}
