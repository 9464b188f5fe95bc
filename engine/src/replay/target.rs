//! What files are played into: a log that says, of every file, what it holds of it.
//!
//! A replay appends by this port only; every log that history can be played into offers it, and passes the same suite
//! (`tests/replay/target.rs`). The engine that reads the log knows nothing of it.

use actors::port::Reply;
use actors::port::log::{Error, LogSource, NewRecord};
use schemas::ids::PartitionId;
use schemas::time::Timestamp;

/// What a log holds of a source, partition by partition. Within one the rows of a source come in their order, so a number says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held(Vec<u64>);

/// Rows of a source that become records together.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Fingerprint of the source.
    pub source: u64,
    /// Rows of the source that are done with these, those that are no events included.
    pub rows: u64,
    /// Log time to which everything is in the log already.
    pub reached: Timestamp,
    /// The records, stamped, each with the number of its row, in the order of the rows.
    pub records: Vec<(u64, NewRecord)>,
}

/// A log that history is played into, by one process at a time.
pub trait Target: Send + Sync {
    /// Returns the log, to be read.
    fn log(&self) -> &dyn LogSource;

    /// Returns what the log holds of a source.
    fn held(&self, source: u64) -> Reply<Held, Error>;

    /// Appends records to care.events; a stamp before the partition's last is raised to that. Whatever ends the process, at whatever
    /// instant: what the log holds is what [`Target::held`] says, and the last record is there only when all others are, for
    /// it may be what makes one customer speak to another.
    fn play(&self, passage: Passage) -> Reply<(), Error>;

    /// Returns the log time to which everything is in the log, which is where the clock of who reads it goes on; the beginning of time
    /// for an empty log.
    fn reached(&self) -> Reply<Timestamp, Error>;
}

impl Held {
    /// Returns what a log holds of which so many rows are done, whatever their partition.
    pub fn everywhere(rows: u64, partitions: u32) -> Self {
        Self(vec![rows; partitions as usize])
    }

    /// Returns what a log holds that says of every partition, in the order of their numbers, which row is the first that it lacks.
    pub fn by_partition(rows: Vec<u64>) -> Self {
        Self(rows)
    }

    /// Returns true when a row, whose event is of this partition, is in the log.
    pub fn holds(&self, row: u64, partition: PartitionId) -> bool {
        self.0.get(partition.0 as usize).is_some_and(|rows| row < *rows)
    }

    /// Returns true when the log holds nothing of the source.
    pub fn is_nothing(&self) -> bool {
        self.0.iter().all(|rows| *rows == 0)
    }
}
