//! The commit thread: takes every operation that waits, does them in order, and makes them durable by one batch and one fsync.
//!
//! Compare-and-set is exact because this thread is the only one that writes. After a failed write nothing is written any more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actors::port::agreement::Agreement;
use actors::port::clock::Clock;
use actors::port::log::{NewRecord, Topic};
use actors::port::store::{Cas, Lease, LedgerChange, LedgerEntry, Row};
use bytes::Bytes;
use schemas::conversation::Turn;
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::LogRecord;
use schemas::time::{Span, Timestamp};
use tokio::sync::oneshot;

use super::block;
use super::group::{Failure, Group};
use super::key;
use super::queue::Queue;
use super::retention;
use super::tables::{Table, Tables};
use super::tail::Tails;
use crate::clock::thread_cpu;

/// Changes after which a group is written without waiting for more. Units: bytes.
const GROUP_BYTES_MAX: usize = 16 << 20;

/// Records of one block: what a reader of a single one has to read.
const BLOCK_RECORDS_MAX: usize = 1_024;

/// Groups between two looks for blocks that are too old.
const RETENTION_GROUPS: u64 = 256;

/// Wait between two looks whether the workers of the database have caught up.
const BEHIND_WAIT: Duration = Duration::from_millis(2);

/// How an operation is answered.
pub type Answer<T> = oneshot::Sender<Result<T, Failure>>;

/// How far a replayed source has been read: written with the records, so that both are there or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Fingerprint of the source.
    pub source: u64,
    /// Rows of it that are in the log, or are no events.
    pub rows: u64,
}

/// Something to be made durable. Answered when it is, or when it has failed.
pub enum Operation {
    /// Append records in order. Their partitions exist.
    Append(Append, Answer<Vec<Position>>),
    /// Set keys.
    Put(Vec<(Table, Vec<u8>, Bytes)>, Answer<()>),
    /// Write rows of one partition, each unless a newer one is there.
    Rows(PartitionId, Vec<Row>, Answer<()>),
    /// Write turns, each unless it was erased.
    Turns(Vec<Turn>, Answer<()>),
    /// Erase a customer's turns below a number.
    EraseTurns(CustomerId, u32, Answer<()>),
    /// Replace a lease.
    Lease(LeaseChange, Answer<Cas<Lease>>),
    /// Change a ledger entry.
    Ledger(Box<LedgerChange>, Answer<Cas<Option<Box<LedgerEntry>>>>),
    /// Replace the agreement.
    Agreement(Box<AgreementChange>, Answer<Cas<Agreement>>),
}

/// Records to append.
pub struct Append {
    /// Topic.
    pub topic: Topic,
    /// The records.
    pub records: Vec<NewRecord>,
    /// Progress of the source they come from.
    pub progress: Option<Progress>,
}

/// A change of the agreement.
pub struct AgreementChange {
    /// What must be there.
    pub expect: Agreement,
    /// What is there afterwards.
    pub new: Agreement,
}

/// A change of a lease.
pub struct LeaseChange {
    /// Whose.
    pub partition: PartitionId,
    /// What must be there.
    pub expect: Lease,
    /// What is there afterwards.
    pub new: Lease,
}

/// What the commit thread has done, readable by anyone.
#[derive(Default)]
pub struct Status {
    /// Why the database can write no more.
    pub failed: OnceLock<String>,
    /// Group commits.
    pub groups: AtomicU64,
    /// Operations in them.
    pub operations: AtomicU64,
    /// Bytes of their changes.
    pub bytes: AtomicU64,
    /// Processor time of the thread. Units: nanoseconds.
    pub cpu_ns: AtomicU64,
}

/// The commit thread's own state.
pub struct Committer {
    pub(super) tables: Arc<Tables>,
    pub(super) tails: Arc<Tails>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue: Arc<Queue<Operation>>,
    pub(super) status: Arc<Status>,
    /// Largest write timestamp of the rows of each partition.
    pub(super) newest_rows: Vec<Option<i64>>,
    /// Slot of each partition below which no wake-up is left.
    pub(super) woken: Vec<i64>,
    /// Records that are being appended, by tail; used again by every group.
    pub(super) appending: Vec<Appending>,
    pub(super) tail_bytes_max: usize,
    pub(super) retention: Option<Span>,
}

/// What one group appends to one partition of a topic.
#[derive(Default)]
pub struct Appending {
    last: Option<(Position, Timestamp)>,
    records: Vec<LogRecord>,
}

/// Answers that wait for the group's fsync.
type Answers = Vec<Box<dyn FnOnce(Result<(), Failure>)>>;

impl Committer {
    /// Runs until the queue is closed and empty.
    pub fn run(mut self) {
        let mut waiting = VecDeque::new();
        while self.queue.take_all(&mut waiting) {
            while !waiting.is_empty() {
                self.commit_some(&mut waiting);
            }
        }
    }

    /// Commits one group of what waits, and answers it.
    fn commit_some(&mut self, waiting: &mut VecDeque<Operation>) {
        let tables = self.tables.clone();
        let mut group = Group::new(&tables);
        let mut answers: Answers = Vec::new();
        while group.bytes() < GROUP_BYTES_MAX {
            let Some(operation) = waiting.pop_front() else { break };
            self.apply(operation, &mut group, &mut answers);
        }
        self.status.operations.fetch_add(answers.len() as u64, Ordering::Relaxed);
        self.status.bytes.fetch_add(group.bytes() as u64, Ordering::Relaxed);
        let ended = self.write(group);
        if let Err(failure) = &ended {
            self.fail(failure);
        }
        answers.into_iter().for_each(|answer| answer(ended.clone()));
        self.status.cpu_ns.store(thread_cpu().as_nanos() as u64, Ordering::Relaxed);
    }

    fn apply(&mut self, operation: Operation, group: &mut Group<'_>, answers: &mut Answers) {
        match operation {
            Operation::Append(append, answer) => later(answers, answer, self.append(append, group)),
            Operation::Put(puts, answer) => {
                puts.into_iter().for_each(|(table, key, value)| group.put(table, key, value));
                later(answers, answer, Ok(()));
            }
            Operation::Rows(partition, rows, answer) => {
                let newest = &mut self.newest_rows[partition.0 as usize];
                later(answers, answer, group.put_rows(partition, &rows, newest));
            }
            Operation::Turns(turns, answer) => later(answers, answer, group.put_turns(&turns)),
            Operation::EraseTurns(customer, below, answer) => {
                later(answers, answer, group.erase_turns(&customer, below));
            }
            Operation::Lease(change, answer) => later(answers, answer, self.change_lease(&change, group)),
            Operation::Ledger(change, answer) => later(answers, answer, group.cas_ledger(&change)),
            Operation::Agreement(change, answer) => {
                later(answers, answer, group.cas_agreement(&change.expect, &change.new));
            }
        }
    }

    /// Gives records their positions and stamps. Nothing is shown before the group is durable.
    fn append(&mut self, append: Append, group: &mut Group<'_>) -> Result<Vec<Position>, Failure> {
        let now = self.clock.now();
        let mut positions = Vec::with_capacity(append.records.len());
        for record in append.records {
            let missing = || Failure::Failed(format!("the log has no partition {}", record.partition.0));
            let index = self.tails.index(append.topic, record.partition).ok_or_else(missing)?;
            let appending = &mut self.appending[index];
            let (position, floor) = match appending.last {
                Some((last, stamp)) => (last.next(), stamp),
                None => self.tails.at(index).begin(),
            };
            let stamp = record.stamp.unwrap_or(now).max(floor);
            appending.last = Some((position, stamp));
            let NewRecord { key, kind, epoch, body, .. } = record;
            appending.records.push(LogRecord { position, stamp, key, kind, epoch, body });
            positions.push(position);
        }
        if let Some(Progress { source, rows }) = append.progress {
            group.put(Table::State, key::progress(source), Bytes::copy_from_slice(&rows.to_le_bytes()));
        }
        Ok(positions)
    }

    /// Changes a lease; wake-ups below an accepted timer cursor are done and go.
    fn change_lease(&mut self, change: &LeaseChange, group: &mut Group<'_>) -> Result<Cas<Lease>, Failure> {
        let cas = group.cas_lease(change.partition, &change.expect, &change.new)?;
        let woken = &mut self.woken[change.partition.0 as usize];
        if cas == Cas::Applied && change.new.timer_cursor > *woken {
            *woken = retention::drop_wake_ups(group, change.partition, *woken, change.new.timer_cursor)?;
        }
        Ok(cas)
    }

    /// Writes a group and shows its records.
    fn write(&mut self, mut group: Group<'_>) -> Result<(), Failure> {
        if let Some(reason) = self.status.failed.get() {
            return Err(Failure::Failed(reason.clone()));
        }
        self.wait_for_workers()?;
        let groups = self.status.groups.fetch_add(1, Ordering::Relaxed);
        for (index, (topic, partition, tail)) in self.tails.iter().enumerate() {
            for records in self.appending[index].records.chunks(BLOCK_RECORDS_MAX) {
                let key = key::block(topic, partition, records[0].position);
                group.put(Table::Log, key, block::encode(records).into());
            }
            // A promise must outlive a crash only if something was made durable after it: then it is written with that.
            if let Some(floor) = tail.floor_to_save() {
                let floor = Bytes::copy_from_slice(&floor.0.to_le_bytes());
                group.put(Table::State, key::floor(topic, partition), floor);
            }
        }
        let starts = match self.retention {
            Some(keep) if groups.is_multiple_of(RETENTION_GROUPS) => self.drop_blocks(&mut group, keep)?,
            Some(_) | None => Vec::new(),
        };
        group.commit()?;
        for (tail, start) in self.tails.iter().map(|(_, _, tail)| tail).zip(starts) {
            tail.dropped_before(start);
        }
        for (index, appending) in self.appending.iter_mut().enumerate() {
            if appending.last.take().is_some() {
                self.tails.at(index).publish(std::mem::take(&mut appending.records), self.tail_bytes_max);
            }
        }
        Ok(())
    }

    /// Drops old blocks of every partition; returns the new starts in the order of the tails.
    fn drop_blocks(&self, group: &mut Group<'_>, keep: Span) -> Result<Vec<Position>, Failure> {
        let tails = self.tails.iter();
        tails
            .map(|(topic, partition, tail)| retention::drop_blocks(group, topic, partition, tail, keep))
            .collect()
    }

    /// Waits while the database's own workers are behind. The database would wait too, but for ever if its workers are dead.
    fn wait_for_workers(&self) -> Result<(), Failure> {
        while self.tables.is_behind()? {
            self.queue.pause(BEHIND_WAIT);
        }
        Ok(())
    }

    fn fail(&self, failure: &Failure) {
        let reason = failure.to_string();
        if self.status.failed.set(reason.clone()).is_ok() {
            tracing::error!(%reason, "the embedded database failed; nothing is written any more");
        }
        self.tails.iter().for_each(|(_, _, tail)| tail.wake_all());
    }
}

/// Answers an operation when its group has ended: with its own result if the group is durable.
fn later<T: 'static>(answers: &mut Answers, answer: Answer<T>, result: Result<T, Failure>) {
    answers.push(Box::new(move |ended| {
        // The caller may have gone; what was begun has happened all the same.
        drop(answer.send(ended.and(result)));
    }));
}
