//! What the log of a backup holds that nobody has handled: found in one pass, then read partition beside partition, by stamp.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use actors::port::log::{Commit, NewRecord, Topic};
use actors::port::store::Lease;
use schemas::ids::{Epoch, PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;
use smol_str::SmolStr;

use super::super::file::Reader;
use super::super::{Error, failed};
use super::corrupt_key;
use crate::embedded::{Failure, block, key};

/// Where the unhandled part of a partition of a topic begins.
#[derive(Clone, Copy, Debug)]
struct Section {
    /// Offset of its first block in the file.
    at: u64,
    /// First position that is not handled.
    from: Position,
    /// Highest epoch below it.
    epoch: Epoch,
    /// Stamp of its first record.
    stamp: Timestamp,
}

/// The unhandled records of a log.
pub(super) struct Tail {
    path: PathBuf,
    sections: HashMap<(Topic, PartitionId), Section>,
    keys: HashSet<SmolStr>,
}

impl Tail {
    /// Looks through the log's file for what is not handled.
    pub(super) fn find(path: &Path, leases: &[Lease], commits: &[Commit]) -> Result<Self, Error> {
        let mut tail = Self { path: path.to_owned(), sections: HashMap::new(), keys: HashSet::new() };
        let mut reader = Reader::open(path).map_err(failed("read", path))?;
        loop {
            let at = reader.at();
            let Some((key, bytes)) = reader.read_next().map_err(failed("read", path))? else {
                return Ok(tail);
            };
            let (topic, partition, records) = block_of(&key, bytes)?;
            let place = partition.0 as usize;
            let (from, epoch) = match topic {
                Topic::Events => (leases.get(place).copied().unwrap_or_default().position, Epoch(0)),
                Topic::Outreach => {
                    let commit = commits.get(place).copied().unwrap_or_default();
                    (commit.position, commit.epoch)
                }
                Topic::DeadLetter => (Position(0), Epoch(0)),
                Topic::Decisions | Topic::Replies => continue,
            };
            let mut open = records.iter().filter(|record| record.position >= from).peekable();
            let Some(first) = open.peek() else { continue };
            let section = Section { at, from, epoch, stamp: first.stamp };
            tail.sections.entry((topic, partition)).or_insert(section);
            if topic == Topic::Events {
                tail.keys.extend(open.map(|record| record.key.clone()));
            }
        }
    }

    /// Returns the keys of the events that no owner has confirmed.
    pub(super) fn keys(&self) -> impl Iterator<Item = &SmolStr> {
        self.keys.iter()
    }

    /// Returns the stamp of the first event of a partition that no owner has confirmed.
    pub(super) fn first_stamp(&self, partition: PartitionId) -> Option<Timestamp> {
        self.sections.get(&(Topic::Events, partition)).map(|section| section.stamp)
    }

    /// Returns the unhandled records of a topic in the order of their stamps, as records for a log of `partitions` partitions.
    pub(super) fn read(&self, topic: Topic, partitions: u32) -> Result<Records, Error> {
        let mut records = Records { topic, partitions, runs: Vec::new(), next: BinaryHeap::new() };
        for ((of, partition), section) in &self.sections {
            if *of == topic {
                records.runs.push(Run::open(&self.path, (topic, *partition), *section)?);
            }
        }
        records.runs.sort_by_key(|run| run.of.1);
        for run in 0..records.runs.len() {
            records.note(run)?;
        }
        Ok(records)
    }
}

/// Unhandled records of one topic.
pub(super) struct Records {
    topic: Topic,
    partitions: u32,
    runs: Vec<Run>,
    /// Stamp of the next record of each run.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl Records {
    /// Returns the next record, and where it stood in the old log.
    pub(super) fn take_next(&mut self) -> Result<Option<(Position, NewRecord)>, Error> {
        let Some(Reverse((_, run))) = self.next.pop() else { return Ok(None) };
        let record = self.runs[run].records.pop_front();
        self.note(run)?;
        let Some(record) = record else { return Ok(None) };
        let partition = match self.topic {
            Topic::Events | Topic::Outreach | Topic::Decisions | Topic::Replies => {
                PartitionId::of(&record.key, self.partitions)
            }
            // A letter stays beside where its record was, as far as there is such a partition.
            Topic::DeadLetter => PartitionId(self.runs[run].of.1.0 % self.partitions.max(1)),
        };
        let LogRecord { position, stamp, key, kind, body, .. } = record;
        Ok(Some((position, NewRecord { partition, key, kind, epoch: None, stamp: Some(stamp), body })))
    }

    /// Notes when the next record of a run is its turn.
    fn note(&mut self, run: usize) -> Result<(), Error> {
        if let Some(stamp) = self.runs[run].next_stamp()? {
            self.next.push(Reverse((stamp, run)));
        }
        Ok(())
    }
}

/// Unhandled records of one partition.
struct Run {
    path: PathBuf,
    of: (Topic, PartitionId),
    reader: Reader,
    from: Position,
    epoch: Epoch,
    records: VecDeque<LogRecord>,
}

impl Run {
    fn open(path: &Path, of: (Topic, PartitionId), section: Section) -> Result<Self, Error> {
        let mut reader = Reader::open(path).map_err(failed("read", path))?;
        reader.seek(section.at).map_err(failed("read", path))?;
        let Section { from, epoch, .. } = section;
        Ok(Self { path: path.to_owned(), of, reader, from, epoch, records: VecDeque::new() })
    }

    /// Returns the stamp of the next record, `None` at the end.
    fn next_stamp(&mut self) -> Result<Option<Timestamp>, Error> {
        while self.records.is_empty() {
            let next = self.reader.read_next().map_err(failed("read", &self.path))?;
            let Some((key, bytes)) = next else { return Ok(None) };
            let (topic, partition, records) = block_of(&key, bytes)?;
            if (topic, partition) != self.of {
                return Ok(None);
            }
            let from = self.from;
            for record in records.into_iter().filter(|record| record.position >= from) {
                if !self.is_fenced(&record) && record.kind != RecordKind::Epoch {
                    self.records.push_back(record);
                }
            }
        }
        Ok(self.records.front().map(|record| record.stamp))
    }

    /// Returns true for outreach of an owner behind whose successor it stands: no dispatcher would take it.
    fn is_fenced(&mut self, record: &LogRecord) -> bool {
        let epoch = record.epoch.unwrap_or_default();
        let fenced = self.of.0 == Topic::Outreach && epoch < self.epoch;
        self.epoch = self.epoch.max(epoch);
        fenced
    }
}

/// Returns a block's topic, partition and records.
fn block_of(key: &[u8], bytes: bytes::Bytes) -> Result<(Topic, PartitionId, Vec<LogRecord>), Error> {
    let (topic, partition, first) = key::block_of(key).ok_or_else(|| corrupt_key("log block"))?;
    let records = block::decode(first, bytes).map_err(|error| Failure::Corrupt(error.to_string()))?;
    Ok((topic, partition, records))
}
