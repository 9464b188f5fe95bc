//! Takes a backup: copies one snapshot of the tables into files, and the models that lie beside them.
//!
//! The engine goes on meanwhile: a snapshot is a view of the database, and nothing waits for it. What stands in it was durable when it
//! was taken, all of one group commit or nothing of it.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use actors::port::log::Topic;
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;

use super::file::{Summed, Writer};
use super::manifest::{Entry, FORMAT, Kind, Manifest, Partition, table_path};
use super::{Error, Step, Watch, failed};
use crate::embedded::directory::FORMAT as DATA_FORMAT;
use crate::embedded::tables::{Snapshot, Table, Tables};
use crate::embedded::{Failure, block, key, value};
use crate::predict::MODELS_FOLDER;

/// Who waits is told how far it is after so many bytes.
const TOLD_BYTES: u64 = 4 << 20;

/// What is to be backed up, and where to.
pub struct Request<'a> {
    /// The tables of the data folder.
    pub tables: &'a Tables,
    /// The data folder.
    pub data: &'a Path,
    /// A folder that does not exist yet, or is empty.
    pub to: &'a Path,
    /// What for.
    pub kind: Kind,
    /// Wall clock.
    pub now: Timestamp,
}

/// Takes a backup. What was written is removed again when that fails.
///
/// Errors: `NotEmpty` → something is there · `Io`, `Data` → it cannot be written or read · `Stopped` → nobody waits any more.
pub fn take(request: &Request<'_>, watch: Watch<'_>) -> Result<Manifest, Error> {
    let to = request.to;
    fs::create_dir_all(to).map_err(failed("make", to))?;
    if fs::read_dir(to).map_err(failed("read", to))?.next().is_some() {
        return Err(Error::NotEmpty { path: to.to_owned() });
    }
    let taken = write(request, watch);
    if taken.is_err()
        && let Err(error) = fs::remove_dir_all(to)
    {
        tracing::warn!(folder = %to.display(), %error, "what is left of a failed backup cannot be removed");
    }
    taken
}

fn write(request: &Request<'_>, watch: Watch<'_>) -> Result<Manifest, Error> {
    let Request { tables, data, to, kind, now } = *request;
    let tables_folder = to.join("tables");
    fs::create_dir(&tables_folder).map_err(failed("make", &tables_folder))?;
    let snapshot = tables.snapshot();
    let mut step = Step { done: 0, of: tables.disk_bytes()? };
    let (mut files, mut log, mut customers) = (Vec::new(), Log::default(), 0);
    for table in Table::ALL {
        let path = to.join(table_path(table.name()));
        let mut writer = Writer::create(&path).map_err(failed("make", &path))?;
        let mut told = 0;
        for entry in snapshot.entries(table) {
            let (key, value) = entry?;
            writer.put(&key, &value).map_err(failed("write", &path))?;
            if table == Table::Log {
                log.note(&key, value)?;
            }
            if writer.bytes() - told > TOLD_BYTES {
                told = writer.bytes();
                watch(Step { done: step.done + told, ..step })?;
            }
        }
        let summed = writer.finish().map_err(failed("write", &path))?;
        step.done += summed.bytes;
        customers += if table == Table::Rows { summed.keys } else { 0 };
        files.push(entry(table_path(table.name()), summed, Some(summed.keys)));
    }
    copy_models(data, to, &mut files)?;
    watch(Step { done: step.done, of: step.done })?;
    let partitions = log.partitions(&snapshot)?;
    let agreement = snapshot.get(Table::State, key::AGREEMENT)?;
    let agreement =
        agreement.map(|bytes| value::decode_agreement(&bytes)).transpose().map_err(Failure::from)?;
    let manifest = Manifest {
        format: FORMAT,
        id: id(),
        kind,
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now,
        log_time: log.newest,
        data_format: DATA_FORMAT,
        agreement: agreement.unwrap_or_default(),
        customers,
        partitions,
        files,
    };
    manifest.write(to)?;
    Ok(manifest)
}

/// Returns a random id.
fn id() -> String {
    let half = |part: u8| RandomState::new().hash_one(part);
    format!("{:016x}{:016x}", half(0), half(1))
}

fn entry(path: String, summed: Summed, keys: Option<u64>) -> Entry {
    Entry { path, bytes: summed.bytes, keys, xxh3: format!("{:032x}", summed.xxh3) }
}

/// Copies the models of a data folder, which are plain files.
fn copy_models(data: &Path, to: &Path, files: &mut Vec<Entry>) -> Result<(), Error> {
    let mut open = vec![PathBuf::from(MODELS_FOLDER)];
    while let Some(folder) = open.pop() {
        let from = data.join(&folder);
        if !from.is_dir() {
            continue;
        }
        let made = to.join(&folder);
        fs::create_dir_all(&made).map_err(failed("make", &made))?;
        for found in fs::read_dir(&from).map_err(failed("read", &from))? {
            let found = found.map_err(failed("read", &from))?;
            let (path, kind) = (folder.join(found.file_name()), found.file_type());
            let kind = kind.map_err(failed("read", &from))?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                let source = data.join(&path);
                let bytes = fs::read(&source).map_err(failed("read", &source))?;
                let copy = to.join(&path);
                let mut writer = Writer::create(&copy).map_err(failed("make", &copy))?;
                writer.write(&bytes).map_err(failed("write", &copy))?;
                let summed = writer.finish().map_err(failed("write", &copy))?;
                files.push(entry(path.to_string_lossy().into_owned(), summed, None));
            }
        }
    }
    Ok(())
}

/// What the blocks of the log say of its partitions. They come in the order of their keys.
#[derive(Default)]
struct Log {
    newest: Timestamp,
    ends: Vec<([u8; 5], Position)>,
}

impl Log {
    fn note(&mut self, key: &[u8], block: bytes::Bytes) -> Result<(), Error> {
        let damaged = || Failure::Corrupt("key of a log block".to_owned());
        let first = key::block_first(key).ok_or_else(damaged)?;
        let of = *key.first_chunk().ok_or_else(damaged)?;
        let records = block::decode(first, block).map_err(|error| Failure::Corrupt(error.to_string()))?;
        let Some(last) = records.last() else { return Ok(()) };
        self.newest = self.newest.max(last.stamp);
        match self.ends.last_mut() {
            Some((partition, end)) if *partition == of => *end = last.position.next(),
            Some(_) | None => self.ends.push((of, last.position.next())),
        }
        Ok(())
    }

    /// Returns how far each partition is.
    fn partitions(&self, snapshot: &Snapshot<'_>) -> Result<Vec<Partition>, Error> {
        let number = |bytes: bytes::Bytes| bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let count = snapshot.get(Table::State, key::PARTITIONS)?.map_or(0, number);
        let begin = snapshot.get(Table::State, key::BEGIN)?;
        let begin = begin.and_then(|bytes| bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)));
        let end_of = |topic, partition| {
            let of = key::topic_partition(topic, partition);
            let found = self.ends.iter().find(|(held, _)| *held == of).map_or(Position(0), |(_, end)| *end);
            found.max(Position(begin.unwrap_or(0)))
        };
        let partition = |partition| {
            let lease = snapshot.get(Table::State, &key::lease(partition))?;
            let lease = lease.map(|bytes| value::decode_lease(&bytes)).transpose().map_err(Failure::from)?;
            let commit = snapshot.get(Table::State, &key::commit(Topic::Outreach, partition))?;
            let commit =
                commit.map(|bytes| value::decode("commit", &bytes)).transpose().map_err(Failure::from)?;
            let commit: actors::port::log::Commit = commit.unwrap_or_default();
            Ok(Partition {
                partition,
                position: lease.unwrap_or_default().position,
                end: end_of(Topic::Events, partition),
                outreach: commit.position,
                outreach_end: end_of(Topic::Outreach, partition),
            })
        };
        (0..count).map(PartitionId).map(partition).collect()
    }
}
