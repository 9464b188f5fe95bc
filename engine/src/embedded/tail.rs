//! The end of every partition: where it is, what may be stamped next, and its newest records, so that a reader who keeps up never
//! touches the disk.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actors::port::log::{Fetched, Topic};
use schemas::ids::{PartitionId, Position};
use schemas::record::LogRecord;
use schemas::time::Timestamp;
use tokio::sync::Notify;

/// The ends of all partitions of all topics.
pub struct Tails {
    partitions: u32,
    tails: Vec<Tail>,
}

/// The end of one partition of one topic.
pub struct Tail {
    state: Mutex<State>,
    appended: Notify,
}

#[derive(Default)]
struct State {
    /// First position that is there.
    start: Position,
    /// Position behind the last durable record.
    end: Position,
    /// No later record is stamped before it: the last stamp, or what a fetch at the end promised.
    floor: Timestamp,
    /// The floor that is on disk.
    floor_saved: Timestamp,
    /// Records with stamps are on their way to the disk: no end is promised until they are there.
    appending: bool,
    /// The newest records; the last one is at `end - 1`.
    newest: VecDeque<LogRecord>,
    newest_bytes: usize,
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First position that is there.
    pub start: Position,
    /// Position behind the last.
    pub end: Position,
}

/// What a look at the end of a partition shows.
pub enum Look {
    /// The records are in memory.
    Here(Fetched),
    /// They are on disk only.
    OnDisk,
    /// There is nothing yet.
    AtEnd,
    /// The position is not in the log.
    Outside(Extent),
}

impl Tails {
    /// Returns the ends of `partitions` empty partitions of every topic.
    pub fn new(partitions: u32) -> Self {
        let tails = (0..partitions as usize * Topic::ALL.len()).map(|_| Tail::new()).collect();
        Self { partitions, tails }
    }

    /// Returns the number of partitions.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Returns the place of a partition among the tails; `None` when there is no such partition.
    pub fn index(&self, topic: Topic, partition: PartitionId) -> Option<usize> {
        let of_topic = topic as usize * self.partitions as usize;
        (partition.0 < self.partitions).then(|| of_topic + partition.0 as usize)
    }

    /// Returns the end of the partition at a place that [`Tails::index`] returned.
    pub fn at(&self, index: usize) -> &Tail {
        &self.tails[index]
    }

    /// Returns every partition with its end.
    pub fn iter(&self) -> impl Iterator<Item = (Topic, PartitionId, &Tail)> {
        let places =
            Topic::ALL.iter().flat_map(|topic| (0..self.partitions).map(|p| (*topic, PartitionId(p))));
        places.zip(&self.tails).map(|((topic, partition), tail)| (topic, partition, tail))
    }
}

impl Tail {
    fn new() -> Self {
        Self { state: Mutex::default(), appended: Notify::new() }
    }

    /// Sets what was found on disk.
    pub fn recover(&self, extent: Extent, floor: Timestamp) {
        let mut state = self.lock();
        (state.start, state.end) = (extent.start, extent.end);
        (state.floor, state.floor_saved) = (floor, floor);
    }

    /// Returns what stands at `from`; when that is all, promises that nothing later is stamped before `now`.
    pub fn look(&self, from: Position, max: usize, now: Timestamp) -> Look {
        let mut state = self.lock();
        let extent = Extent { start: state.start, end: state.end };
        if from < extent.start || from > extent.end {
            return Look::Outside(extent);
        }
        if from == extent.end {
            return Look::AtEnd;
        }
        let first = extent.end.0 - state.newest.len() as u64;
        let Some(skip) = from.0.checked_sub(first) else { return Look::OnDisk };
        let records: Vec<_> = state.newest.range(skip as usize..).take(max.max(1)).cloned().collect();
        let next = Position(from.0 + records.len() as u64);
        let end_at = if next == extent.end { state.promise(now) } else { None };
        Look::Here(Fetched { records, next, end_at })
    }

    /// Returns the end's promise when `next` is the end.
    pub fn promise_at(&self, next: Position, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.lock();
        if next == state.end { state.promise(now) } else { None }
    }

    /// Returns where the partition stands.
    pub fn extent(&self) -> Extent {
        let state = self.lock();
        Extent { start: state.start, end: state.end }
    }

    /// Returns the instant before which nothing later is stamped.
    pub fn floor(&self) -> Timestamp {
        self.lock().floor
    }

    /// Returns a future that resolves at the next publication after it was made ready by `enable`.
    pub fn appended(&self) -> tokio::sync::futures::Notified<'_> {
        self.appended.notified()
    }

    /// Begins to append: returns the next position and the floor of its stamp. No end is promised until [`Tail::publish`].
    pub fn begin(&self) -> (Position, Timestamp) {
        let mut state = self.lock();
        state.appending = true;
        (state.end, state.floor)
    }

    /// Shows durable records to readers.
    pub fn publish(&self, records: Vec<LogRecord>, bytes_max: usize) {
        let mut state = self.lock();
        state.appending = false;
        if let Some(last) = records.last() {
            state.end = last.position.next();
            state.floor = state.floor.max(last.stamp);
            // A later start reads this floor from the block.
            state.floor_saved = state.floor_saved.max(last.stamp);
        }
        state.newest_bytes += records.iter().map(weight).sum::<usize>();
        state.newest.extend(records);
        while state.newest_bytes > bytes_max {
            let Some(oldest) = state.newest.pop_front() else { break };
            state.newest_bytes -= weight(&oldest);
        }
        drop(state);
        self.appended.notify_waiters();
    }

    /// Wakes every reader that waits, e.g. because the database failed, or because log time has moved.
    pub fn wake_all(&self) {
        self.appended.notify_waiters();
    }

    /// Moves the start behind dropped records.
    pub fn dropped_before(&self, start: Position) {
        let mut state = self.lock();
        state.start = state.start.max(start);
    }

    /// Returns the floor if it has risen above what is on disk, and takes it for saved.
    pub fn floor_to_save(&self) -> Option<Timestamp> {
        let mut state = self.lock();
        let risen = state.floor > state.floor_saved;
        state.floor_saved = state.floor;
        risen.then_some(state.floor)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn promise(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.appending {
            return None;
        }
        self.floor = self.floor.max(now);
        Some(self.floor)
    }
}

/// Approximate memory of a record.
fn weight(record: &LogRecord) -> usize {
    size_of::<LogRecord>() + record.key.len() + record.body.len()
}
