//! The open database: what the adapters of log and store hold.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actors::port::Reply;
use actors::port::clock::Clock;
use actors::port::log::Topic;
use schemas::ids::{LogId, PartitionId, Position};
use schemas::time::{Span, Timestamp};
use tokio::sync::oneshot;

use super::commit::{Answer, Committer, Operation, Status};
use super::directory::{self, Directory};
use super::group::Failure;
use super::queue::Queue;
use super::reader::{Readers, closed};
use super::settings::Settings;
use super::tables::{Table, Tables};
use super::tail::{Extent, Tail, Tails};
use super::{block, journal, key};
use crate::backup::control::Control;
use crate::backup::manifest::{Kind, Manifest};
use crate::backup::{self, Watch};
use crate::clock::SystemClock;

/// An open embedded database. Clones share it; the last one closes it and waits for its threads.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue<Operation>>,
    status: Arc<Status>,
    tails: Arc<Tails>,
    clock: Arc<dyn Clock>,
    fetch_wait: Duration,
    // In the order in which they go: threads, tables, and the lock at last.
    control: Option<Control>,
    readers: Readers,
    committer: Option<JoinHandle<()>>,
    tables: Arc<Tables>,
    directory: Directory,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// It was made with another number of partitions.
    #[error(
        "the data directory has {found} partitions, the settings say {asked}: the number is fixed when the directory is made, so set log.partitions = {found}"
    )]
    Partitions {
        /// What it was made with.
        found: u32,
        /// What the settings say.
        asked: u32,
    },
    /// It cannot be read, or its threads cannot be started.
    #[error("the embedded database cannot be opened: {0}")]
    Unreadable(Failure),
}

/// What a database has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Group commits, each with one fsync.
    pub groups: u64,
    /// Operations in them.
    pub operations: u64,
    /// Bytes of their changes.
    pub bytes: u64,
    /// Processor time of the commit thread.
    pub cpu: Duration,
    /// Operations that wait for it now.
    pub queue_len: usize,
    /// Reads that wait now.
    pub reads_len: usize,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::Unreadable(failure)
    }
}

impl From<fjall::Error> for Error {
    fn from(error: fjall::Error) -> Self {
        Error::Unreadable(error.into())
    }
}

impl Database {
    /// Opens the database in `path`, and makes it where it is missing. Records without a stamp of their own are stamped by `clock`.
    pub fn open(path: &Path, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let directory = Directory::open(path)?;
        let tables = Arc::new(open_tables(&directory.path().join("db"), settings)?);
        let partitions = settings.partitions.max(1);
        check_partitions(&tables, partitions)?;
        let tails = Arc::new(Tails::new(partitions));
        recover_tails(&tables, &tails)?;
        let (queue, status) = (Queue::new(settings.queue_len_max.max(1)), Arc::new(Status::default()));
        let committer = Committer {
            tables: tables.clone(),
            tails: tails.clone(),
            clock: clock.clone(),
            queue: queue.clone(),
            status: status.clone(),
            newest_rows: newest_rows(&tables, partitions)?,
            woken: vec![i64::MIN; partitions as usize],
            appending: tails.iter().map(|_| Default::default()).collect(),
            tail_bytes_max: settings.tail_bytes_max,
            retention: (settings.retention_days > 0).then(|| Span::days(settings.retention_days.into())),
        };
        let started = |error: std::io::Error| Failure::Failed(format!("no thread: {error}"));
        let readers = Readers::start(settings.readers, &tables).map_err(started)?;
        let thread = thread::Builder::new().name("care-commit".to_owned());
        let committer = Some(thread.spawn(move || committer.run()).map_err(started)?);
        let fetch_wait = Duration::from_millis(settings.fetch_wait_ms);
        let control = Control::start(directory.path(), tables.clone());
        let control = control
            .inspect_err(|error| tracing::warn!(%error, "no backup can be asked for while this process runs"))
            .ok();
        let inner =
            Inner { queue, status, tails, clock, fetch_wait, control, readers, committer, tables, directory };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the data directory.
    pub fn path(&self) -> &Path {
        self.inner.directory.path()
    }

    /// Returns why the database can write no more, if it failed. Then the process has to stop: what is in memory is ahead of what is
    /// durable.
    pub fn failure(&self) -> Option<&str> {
        self.inner.status.failed.get().map(String::as_str)
    }

    /// Returns what the database has done.
    pub fn statistics(&self) -> Statistics {
        let status = &self.inner.status;
        Statistics {
            groups: status.groups.load(Ordering::Relaxed),
            operations: status.operations.load(Ordering::Relaxed),
            bytes: status.bytes.load(Ordering::Relaxed),
            cpu: Duration::from_nanos(status.cpu_ns.load(Ordering::Relaxed)),
            queue_len: self.inner.queue.len(),
            reads_len: self.inner.readers.len(),
        }
    }

    /// Returns the newest stamp that any partition has seen; the beginning of time for an empty log.
    pub fn newest_stamp(&self) -> Timestamp {
        self.inner.tails.iter().map(|(_, _, tail)| tail.floor()).max().unwrap_or_default()
    }

    /// Takes a backup of everything that is durable now; the engine may go on meanwhile.
    ///
    /// Errors: see [`backup::take::take`].
    pub fn back_up(&self, to: &Path, kind: Kind, watch: Watch<'_>) -> Result<Manifest, backup::Error> {
        let (tables, data) = (&self.inner.tables, self.path());
        backup::take::take(&backup::take::Request { tables, data, to, kind, now: SystemClock.now() }, watch)
    }

    /// Returns true when any topic holds a record.
    pub fn has_records(&self) -> bool {
        let holds = |tail: &Tail| tail.extent().start != tail.extent().end;
        self.inner.tails.iter().any(|(_, _, tail)| holds(tail))
    }

    /// Begins a further log of the shop in a database that has no record: positions count from its first one on.
    ///
    /// Errors: there are records already.
    pub async fn begin_log(&self, log: LogId) -> Result<(), Failure> {
        let begin = Position::first_of(log);
        if self.has_records() {
            return Err(Failure::Failed("the log holds records already".to_owned()));
        }
        let put = vec![(Table::State, key::BEGIN.to_vec(), begin.0.to_le_bytes().to_vec().into())];
        self.write(|answer| Operation::Put(put, answer)).await?;
        for (_, _, tail) in self.inner.tails.iter() {
            tail.recover(Extent { start: begin, end: begin }, tail.floor());
        }
        Ok(())
    }

    /// Returns how many bytes the database takes on disk.
    pub fn disk_bytes(&self) -> Result<u64, Failure> {
        Ok(self.inner.tables.disk_bytes()?)
    }

    /// Returns the ends of the partitions.
    pub(crate) fn tails(&self) -> Arc<Tails> {
        self.inner.tails.clone()
    }

    /// Returns the clock that stamps records.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock.clone()
    }

    /// Returns how long a fetch at the end waits.
    pub(crate) fn fetch_wait(&self) -> Duration {
        self.inner.fetch_wait
    }

    /// Makes an operation durable. It is begun at once where the queue has room, whether or not the reply is awaited.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        make: impl FnOnce(Answer<T>) -> Operation,
    ) -> Reply<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let queue = self.inner.queue.clone();
        let refused = queue.try_push(make(answer)).err();
        Box::pin(async move {
            if let Some(operation) = refused {
                queue.push(operation).await.map_err(|_| closed())?;
            }
            answered.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    /// Returns what `read` finds, on a thread that may wait for the disk. Reads of one lane happen in order.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        lane: u32,
        read: impl FnOnce(&Tables) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<T, Failure> {
        self.inner.readers.read(lane, read)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.control = None;
        self.queue.close();
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the commit thread of the embedded database panicked");
        }
        self.readers.close();
    }
}

/// Opens the tables, and makes them where there are none; where a torn write keeps them from opening, once more without it.
fn open_tables(path: &Path, settings: &Settings) -> Result<Tables, Error> {
    if !path.exists() {
        make_tables(path, settings)?;
    }
    match Tables::open(path, settings) {
        Err(fjall::Error::JournalRecovery(reason)) => {
            let cut = journal::cut_torn_group(path).map_err(fjall::Error::Io)?;
            let Some((journal, bytes)) = cut else {
                return Err(fjall::Error::JournalRecovery(reason).into());
            };
            tracing::warn!(journal = %journal.display(), bytes, %reason, "a torn write was cut off the journal");
            Ok(Tables::open(path, settings)?)
        }
        opened => Ok(opened?),
    }
}

/// Makes the tables beside their place and moves them there whole: a database that was cut off in its making opens never again.
fn make_tables(path: &Path, settings: &Settings) -> Result<(), Error> {
    let unfinished = path.with_extension("new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(fjall::Error::Io)?;
    }
    drop(Tables::open(&unfinished, settings)?);
    fs::rename(&unfinished, path).map_err(fjall::Error::Io)?;
    let parent = path.parent().unwrap_or(path);
    Ok(File::open(parent).and_then(|folder| folder.sync_all()).map_err(fjall::Error::Io)?)
}

fn check_partitions(tables: &Tables, asked: u32) -> Result<(), Error> {
    match tables.get(Table::State, key::PARTITIONS)? {
        Some(bytes) => match number(&bytes).map(u32::from_le_bytes) {
            Some(found) if found == asked => Ok(()),
            Some(found) => Err(Error::Partitions { found, asked }),
            None => Err(Failure::Corrupt("number of partitions".to_owned()).into()),
        },
        None => {
            let (key, value) = (key::PARTITIONS.to_vec(), Some(asked.to_le_bytes().to_vec().into()));
            Ok(tables.write(vec![super::tables::Change { table: Table::State, key, value }])?)
        }
    }
}

fn recover_tails(tables: &Tables, tails: &Tails) -> Result<(), Error> {
    let begin = tables.get(Table::State, key::BEGIN)?;
    let begin = begin.and_then(|bytes| number(&bytes)).map_or(0, u64::from_le_bytes);
    for (topic, partition, tail) in tails.iter() {
        let (extent, stamp) = recover_extent(tables, topic, partition, Position(begin))?;
        let floor = tables.get(Table::State, &key::floor(topic, partition))?;
        let floor = floor
            .and_then(|bytes| number(&bytes))
            .map_or(stamp, |n| stamp.max(Timestamp(i64::from_le_bytes(n))));
        tail.recover(extent, floor);
    }
    Ok(())
}

/// Returns where a partition stands on disk, and its last stamp. Nothing is appended below `begin`.
fn recover_extent(
    tables: &Tables,
    topic: Topic,
    partition: PartitionId,
    begin: Position,
) -> Result<(Extent, Timestamp), Failure> {
    let prefix = key::topic_partition(topic, partition);
    let first = tables.scan(Table::Log, &prefix, |key| key.starts_with(&prefix)).next().transpose()?;
    let last = tables.last(Table::Log, &prefix, &key::block(topic, partition, Position(u64::MAX)))?;
    let Some(((first, _), (last, block))) = first.zip(last) else {
        return Ok((Extent { start: begin, end: begin }, Timestamp(i64::MIN)));
    };
    let damaged = || Failure::Corrupt(format!("log block key in {}", topic.as_str()));
    let start = key::block_first(&first).ok_or_else(damaged)?;
    let records = block::decode(key::block_first(&last).ok_or_else(damaged)?, block)
        .map_err(|error| Failure::Corrupt(error.to_string()))?;
    let last = records.last().ok_or_else(damaged)?;
    Ok((Extent { start, end: last.position.next().max(begin) }, last.stamp))
}

fn newest_rows(tables: &Tables, partitions: u32) -> Result<Vec<Option<i64>>, Error> {
    let newest = (0..partitions).map(|partition| {
        let bytes = tables.get(Table::State, &key::newest_row(PartitionId(partition)))?;
        Ok(bytes.and_then(|bytes| number(&bytes)).map(i64::from_le_bytes))
    });
    newest.collect()
}

/// Returns the bytes of a number that is stored with exactly its width.
pub(crate) fn number<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}
