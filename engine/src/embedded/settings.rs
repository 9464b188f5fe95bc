//! Settings of the embedded database.

use serde::Deserialize;

/// Settings of the embedded database.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Partitions of every topic; fixed when the directory is made.
    pub partitions: u32,
    /// Operations that wait for the commit thread; above it callers wait.
    pub queue_len_max: usize,
    /// Threads that read what is not in memory.
    pub readers: usize,
    /// Newest records of each partition of a topic kept in memory. Units: bytes.
    pub tail_bytes_max: usize,
    /// Blocks of tables kept in memory. Units: bytes.
    pub cache_bytes: u64,
    /// Rows of one table collected in memory before they are sorted to disk. Units: bytes.
    pub memtable_bytes: u64,
    /// Journal kept for recovery: more is less sorting, and a longer start after a crash. Units: bytes.
    pub journal_bytes_max: u64,
    /// How long a fetch at the end of a partition waits for records.
    pub fetch_wait_ms: u64,
    /// Records older than this, by log time, may be dropped once they are handled; 0 = none is.
    pub retention_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 8,
            queue_len_max: 1_024,
            readers: 2,
            tail_bytes_max: 4 << 20,
            cache_bytes: 64 << 20,
            memtable_bytes: 32 << 20,
            journal_bytes_max: 256 << 20,
            fetch_wait_ms: 200,
            retention_days: 0,
        }
    }
}
