//! The log of the embedded database: one process, every partition its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::log::{Assignment, Commit, Error, Fetched, LogSink, LogSource, NewRecord, Topic};
use actors::port::{BoxFuture, Reply};
use futures_util::FutureExt;
use schemas::ids::{PartitionId, Position};
use schemas::record::LogRecord;
use schemas::time::Timestamp;

use crate::embedded::Database;
use crate::embedded::commit::{Append, Operation, Progress};
use crate::embedded::group::Failure;
use crate::embedded::tables::{Table, Tables};
use crate::embedded::tail::{Extent, Look, Tail, Tails};
use crate::embedded::{block, key, value};
use crate::replay::{Held, Passage, Target};

/// The log of an embedded database. Assigns every partition once; each adapter of one database does.
pub struct EmbeddedLog {
    database: Database,
    /// The next partition to be assigned.
    next: AtomicU32,
}

/// One reading of a partition, with all that it needs to wait without the adapter.
struct Fetch {
    database: Database,
    tails: Arc<Tails>,
    clock: Arc<dyn Clock>,
    wait: Duration,
    topic: Topic,
    partition: PartitionId,
    index: usize,
    from: Position,
    max: usize,
}

impl EmbeddedLog {
    /// Returns the log of a database.
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), next: AtomicU32::new(0) }
    }

    /// Has everybody who waits at the end of a partition look at the clock again: log time has moved, and no record told so.
    pub fn time_has_moved(&self) {
        self.database.tails().iter().for_each(|(_, _, tail)| tail.wake_all());
    }

    fn append_all(
        &self,
        topic: Topic,
        records: Vec<NewRecord>,
        progress: Option<Progress>,
    ) -> Reply<Vec<Position>, Error> {
        let partitions = self.partitions();
        if let Some(record) = records.iter().find(|record| record.partition.0 >= partitions) {
            let extent = Extent { start: Position(0), end: Position(0) };
            return ready(Err(outside(topic, record.partition, Position(0), extent)));
        }
        let append = Append { topic, records, progress };
        let written = self.database.write(|answer| Operation::Append(append, answer));
        written.map(|written| written.map_err(error)).boxed()
    }
}

impl LogSource for EmbeddedLog {
    fn partitions(&self) -> u32 {
        self.database.tails().partitions()
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        if next < self.partitions() {
            return std::future::ready(Assignment::Assigned(PartitionId(next))).boxed();
        }
        // Counts no further, whoever asks how often.
        self.next.store(self.partitions(), Ordering::Relaxed);
        std::future::pending().boxed()
    }

    fn released(&self, _partition: PartitionId) {}

    /// The folder is locked: there is no other member.
    fn prove(&self, _partition: PartitionId) -> Reply<(), Error> {
        ready(Ok(()))
    }

    fn fetch(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Reply<Fetched, Error> {
        let tails = self.database.tails();
        let Some(index) = tails.index(topic, partition) else {
            let extent = Extent { start: Position(0), end: Position(0) };
            return ready(Err(outside(topic, partition, from, extent)));
        };
        let clock = self.database.clock();
        if let Look::Here(fetched) = tails.at(index).look(from, max, clock.now()) {
            return ready(Ok(fetched));
        }
        let (database, wait) = (self.database.clone(), self.database.fetch_wait());
        Fetch { database, tails, clock, wait, topic, partition, index, from, max: max.max(1) }.run().boxed()
    }

    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, Error> {
        let tails = self.database.tails();
        let end = tails.index(topic, partition).map(|index| tails.at(index).extent().end);
        let none = Extent { start: Position(0), end: Position(0) };
        ready(end.ok_or_else(|| outside(topic, partition, Position(0), none)))
    }

    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), Error> {
        let put = vec![(Table::State, key::commit(topic, partition), value::encode(&commit))];
        let written = self.database.write(|answer| Operation::Put(put, answer));
        written.map(|written| written.map_err(error)).boxed()
    }

    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, Error> {
        let read = self.database.read(partition.0, move |tables| {
            let bytes = tables.get(Table::State, &key::commit(topic, partition))?;
            Ok(bytes.map(|bytes| value::decode("commit", &bytes)).transpose()?.unwrap_or_default())
        });
        read.map(|read| read.map_err(error)).boxed()
    }
}

impl LogSink for EmbeddedLog {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        self.append_all(topic, records, None)
    }
}

/// Records and how far their source is played are one durable write: both are there or neither, whatever the partition.
impl Target for EmbeddedLog {
    fn log(&self) -> &dyn LogSource {
        self
    }

    fn held(&self, source: u64) -> Reply<Held, Error> {
        let partitions = self.partitions();
        let read = self.database.read(0, move |tables| {
            let bytes = tables.get(Table::State, &key::progress(source))?;
            let rows = bytes.and_then(|bytes| bytes.as_ref().try_into().ok()).map_or(0, u64::from_le_bytes);
            Ok(Held::everywhere(rows, partitions))
        });
        read.map(|read| read.map_err(error)).boxed()
    }

    fn play(&self, passage: Passage) -> Reply<(), Error> {
        let Passage { source, rows, records, .. } = passage;
        let records = records.into_iter().map(|(_, record)| record).collect();
        let appended = self.append_all(Topic::Events, records, Some(Progress { source, rows }));
        appended.map(|appended| appended.map(drop)).boxed()
    }

    fn reached(&self) -> Reply<Timestamp, Error> {
        ready(Ok(self.database.newest_stamp()))
    }
}

impl Fetch {
    /// Reads; waits a while when the partition ends at the position.
    async fn run(self) -> Result<Fetched, Error> {
        let tails = self.tails.clone();
        let appended = tails.at(self.index).appended();
        tokio::pin!(appended);
        appended.as_mut().enable();
        if let Some(fetched) = self.look().await? {
            return Ok(fetched);
        }
        // Time-out or news: either way the partition is looked at again.
        futures_util::future::select(appended, self.clock.sleep(self.wait)).await;
        if let Some(reason) = self.database.failure() {
            return Err(Error::Failed(reason.to_owned()));
        }
        Ok(self.look().await?.unwrap_or_else(|| Fetched {
            records: Vec::new(),
            next: self.from,
            end_at: self.tail().promise_at(self.from, self.clock.now()),
        }))
    }

    /// Returns what is there, `None` at the end.
    async fn look(&self) -> Result<Option<Fetched>, Error> {
        match self.tail().look(self.from, self.max, self.clock.now()) {
            Look::Here(fetched) => Ok(Some(fetched)),
            Look::AtEnd => Ok(None),
            Look::OnDisk => self.read_disk().await.map(Some),
            Look::Outside(extent) => Err(outside(self.topic, self.partition, self.from, extent)),
        }
    }

    async fn read_disk(&self) -> Result<Fetched, Error> {
        let (topic, partition, from, max) = (self.topic, self.partition, self.from, self.max);
        let end = self.tail().extent().end;
        let read = self
            .database
            .read(partition.0, move |tables| read_blocks(tables, topic, partition, from..end, max));
        let records = read.await.map_err(error)?;
        let next = match records.last() {
            Some(last) => last.position.next(),
            // Between the end of a log and the beginning of the shop's next one there is nothing.
            None if from.log() < end.log() => end,
            // The blocks went between the look and the read: old ones are dropped.
            None => return Err(outside(topic, partition, from, self.tail().extent())),
        };
        let end_at = self.tail().promise_at(next, self.clock.now());
        Ok(Fetched { records, next, end_at })
    }

    fn tail(&self) -> &Tail {
        self.tails.at(self.index)
    }
}

/// Returns at most `max` records of a range of positions, in order.
fn read_blocks(
    tables: &Tables,
    topic: Topic,
    partition: PartitionId,
    range: std::ops::Range<Position>,
    max: usize,
) -> Result<Vec<LogRecord>, Failure> {
    let prefix = key::topic_partition(topic, partition);
    let holder = tables.last(Table::Log, &prefix, &key::block(topic, partition, range.start))?;
    let first = holder.map_or_else(|| key::block(topic, partition, range.start), |(key, _)| key.to_vec());
    let mut records = Vec::with_capacity(max.min(1_024));
    for entry in tables.scan(Table::Log, &first, |key| key.starts_with(&prefix)) {
        let (key, bytes) = entry?;
        let first = key::block_first(&key).unwrap_or_default();
        let block = block::decode(first, bytes).map_err(|error| Failure::Corrupt(error.to_string()))?;
        let wanted = block.into_iter().filter(|record| range.contains(&record.position));
        records.extend(wanted.take(max - records.len()));
        if records.len() == max || first >= range.end {
            break;
        }
    }
    Ok(records)
}

fn error(failure: Failure) -> Error {
    match failure {
        Failure::Failed(reason) | Failure::Corrupt(reason) => Error::Failed(reason),
    }
}

fn outside(topic: Topic, partition: PartitionId, asked: Position, extent: Extent) -> Error {
    Error::OutOfRange { topic, partition, asked, start: extent.start, end: extent.end }
}

fn ready<T: Send + 'static>(result: Result<T, Error>) -> Reply<T, Error> {
    std::future::ready(result).boxed()
}
