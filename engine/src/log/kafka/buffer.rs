//! One partition of a topic as this process reads it: what the consumer delivered and nobody took yet, where the consumer is, and what
//! is known of the partition's end. No I/O, no clock, no thread: the poll thread fills it, a fetch empties it, the watcher tells it ends.
//!
//! A fetch from a position other than the buffer's is a jump: the position is held against the partition's extent first (out of range must
//! reach a person, and the client library does not say which partition it is), then the consumer seeks. Between the two the buffer takes
//! nothing, so a record of the old place never passes for one of the new.
//!
//! A consumer may lose its way: it delivers nothing, though there is something to read and nothing holds it back. The buffer sees that by
//! the ends it is told ([`still`]); what helps is a new client, which is the poll thread's to make.
//!
//! Offsets have gaps: transaction markers, aborted records. Where the end lies above the last record and the consumer said that it has
//! come to an end, [`ToDo::Seek`] to the very same place asks again: an end reached after that is one that was read from there, so the
//! positions between belong to nobody and are passed.

mod still;

use std::collections::VecDeque;

use actors::port::log::Fetched;
use schemas::ids::Position;
use schemas::record::LogRecord;
use schemas::time::{Span, Timestamp};

use still::Still;

/// Bounds of one partition's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Records, at which the partition is paused.
    pub(super) records: usize,
    /// Bytes, at which the partition is paused.
    pub(super) bytes: usize,
    /// Between two ends that are told of a broker which is there.
    pub(super) silence_max: Span,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// First position.
    pub(super) start: Position,
    /// Position behind the last record that may be read.
    pub(super) end: Position,
}

/// Where the consumer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Nobody reads; what comes is dropped.
    Idle,
    /// The reader has gone: nothing is to be delivered until one asks.
    Left,
    /// The watcher is to say whether the next position is in the partition.
    Checking,
    /// The consumer is to be put to the next position; if `through` is set, an end reached there passes everything below it.
    Seeking { through: Option<Position> },
    /// Records come from the next position on; `through` as above.
    Flowing { through: Option<Position> },
}

/// What the poll thread is to do for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToDo {
    /// Nothing.
    Nothing,
    /// Put the consumer there.
    Seek(Position),
    /// Stop the partition: its buffer is full, or its reader has gone.
    Pause,
    /// Let it go on.
    Resume,
}

/// What a fetch found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// Something to return at once.
    Here(Fetched),
    /// Nothing yet.
    Wait,
    /// Nothing yet, and the watcher is to be asked for the extent.
    Ask,
    /// The position is not in the partition.
    Outside(Extent),
    /// The partition is not this process's.
    NotHeld,
}

/// What became of a record that the consumer delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It belongs to no reader.
    Dropped,
    /// It is in the buffer.
    Taken,
    /// It is in the buffer, with a stamp raised to what was promised or read before.
    Raised,
}

/// One partition as it is read.
#[derive(Debug)]
pub(super) struct Buffer {
    bounds: Bounds,
    held: bool,
    flow: Flow,
    paused: bool,
    /// Where the next fetch begins.
    from: Position,
    /// Behind the last record in the buffer: where the consumer goes on.
    next: Position,
    records: VecDeque<LogRecord>,
    bytes: usize,
    /// The consumer came to an end since it delivered or sought last.
    at_end: bool,
    /// What the watcher said of the position asked for.
    outside: Option<Extent>,
    /// The end as it was told last.
    end: Option<Position>,
    /// How long the consumer has delivered nothing of what there is.
    still: Option<Still>,
    /// From this position on nothing is stamped before that time.
    promise: Option<(Position, Timestamp)>,
    /// The promise that the reader has heard.
    told: Option<Timestamp>,
    /// Stamp of the last record since the last jump.
    last: Option<Timestamp>,
}

impl Buffer {
    /// Returns the buffer of a partition that is not held.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            held: false,
            flow: Flow::Idle,
            paused: false,
            from: Position(0),
            next: Position(0),
            records: VecDeque::new(),
            bytes: 0,
            at_end: false,
            outside: None,
            end: None,
            still: None,
            promise: None,
            told: None,
            last: None,
        }
    }

    /// The partition is this process's from now on; nothing is read before the first fetch says from where. If it was paused when it was
    /// lost it still is: the client library keeps that over assignments.
    pub(super) fn hold(&mut self) {
        self.empty(Position(0));
        self.flow = Flow::Idle;
        (self.held, self.promise, self.end) = (true, None, None);
    }

    /// The partition is no longer this process's.
    pub(super) fn let_go(&mut self) {
        self.hold();
        self.held = false;
    }

    /// The reader is done: what comes is dropped until it asks again.
    pub(super) fn rest(&mut self) {
        self.empty(self.from);
        self.flow = Flow::Idle;
    }

    fn empty(&mut self, from: Position) {
        self.records.clear();
        (self.from, self.next, self.bytes) = (from, from, 0);
        (self.at_end, self.outside, self.told, self.last) = (false, None, None, None);
        self.still = None;
    }

    /// The reader has gone elsewhere.
    pub(super) fn leave(&mut self) {
        if matches!(self.flow, Flow::Flowing { .. }) {
            self.rest();
            self.flow = Flow::Left;
        }
    }

    /// Returns at most `max` records from `from` on.
    pub(super) fn look(&mut self, from: Position, max: usize) -> Look {
        if !self.held {
            return Look::NotHeld;
        }
        let is_read = !matches!(self.flow, Flow::Idle | Flow::Left);
        let known = is_read && (self.from..=self.next).contains(&from);
        if !known {
            self.empty(from);
            self.flow = Flow::Checking;
            return Look::Ask;
        }
        self.pass(from);
        if !self.records.is_empty() {
            return Look::Here(self.take(max.max(1)));
        }
        if let Some(extent) = self.outside {
            self.rest();
            return Look::Outside(extent);
        }
        match self.promised() {
            Some(at) if self.told < Some(at) => Look::Here(self.nothing()),
            Some(_) | None => Look::Wait,
        }
    }

    /// Returns the answer to a fetch that waited long enough.
    pub(super) fn nothing(&mut self) -> Fetched {
        self.told = self.promised().max(self.told);
        Fetched { records: Vec::new(), next: self.next, end_at: self.promised() }
    }

    /// Drops what lies before a position of the buffer.
    fn pass(&mut self, from: Position) {
        while let Some(record) = self.records.pop_front_if(|record| record.position < from) {
            self.bytes -= weight(&record);
        }
        self.from = from;
    }

    fn take(&mut self, max: usize) -> Fetched {
        let count = self.records.len().min(max);
        let records: Vec<_> = self.records.drain(..count).collect();
        self.bytes -= records.iter().map(weight).sum::<usize>();
        self.from = match records.last() {
            // What lies between the last record and the consumer's place belongs to nobody.
            Some(_) if self.records.is_empty() => self.next,
            Some(last) => last.position.next(),
            None => self.from,
        };
        let end_at = if self.records.is_empty() { self.promised() } else { None };
        self.told = end_at.max(self.told);
        Fetched { records, next: self.from, end_at }
    }

    /// Returns the time before which nothing comes behind what is in the buffer.
    fn promised(&self) -> Option<Timestamp> {
        let (position, at) = self.promise?;
        (position <= self.next && self.outside.is_none() && self.is_reading()).then_some(at)
    }

    fn is_reading(&self) -> bool {
        matches!(self.flow, Flow::Flowing { .. } | Flow::Seeking { .. })
    }

    /// Takes the extent that was asked for; `at` is a time before the asking, by the log's clock.
    pub(super) fn checked(&mut self, extent: Extent, at: Timestamp) {
        if self.flow != Flow::Checking {
            return;
        }
        if self.next < extent.start || self.next > extent.end {
            self.outside = Some(extent);
            return;
        }
        self.flow = Flow::Seeking { through: None };
        self.ended(extent.end, at);
    }

    /// The consumer met something out of range, of whatever partition: the next position is to be checked again. Returns true when
    /// the watcher is to be asked.
    pub(super) fn doubt(&mut self) -> bool {
        let reading = self.is_reading();
        if reading {
            self.flow = Flow::Checking;
        }
        reading
    }

    /// Takes the partition's end as it was at a time after `at`.
    pub(super) fn ended(&mut self, end: Position, at: Timestamp) {
        let before = self.end.replace(end);
        if !self.is_reading() {
            return;
        }
        self.still = match self.next < end && !self.paused {
            true => Some(Still::after(self.still, self.next, at, self.bounds.silence_max)),
            false => None,
        };
        if self.next >= end {
            let at = self.promise.map_or(at, |(_, promised)| promised.max(at)).max(self.last.unwrap_or(at));
            self.promise = Some((self.next, at));
        } else if self.at_end && before == Some(end) && !self.paused {
            // Only markers and aborted records, or the consumer would have delivered something.
            self.flow = Flow::Seeking { through: Some(end) };
        }
    }

    /// Returns true when the consumer has long delivered nothing, though there is something to read and nothing holds it back.
    pub(super) fn stands_still(&self) -> bool {
        self.still.is_some_and(|still| still.is_long())
    }

    /// The consumer is another from now on, which was put nowhere and is not paused. Returns true when the watcher is to be asked whether
    /// the next position is in the partition.
    pub(super) fn begin_anew(&mut self) -> bool {
        (self.paused, self.still) = (false, None);
        self.doubt()
    }

    /// Returns what the poll thread is to do.
    pub(super) fn wanted(&self) -> ToDo {
        let full = self.records.len() >= self.bounds.records || self.bytes >= self.bounds.bytes;
        let room = self.records.len() * 2 <= self.bounds.records && self.bytes * 2 <= self.bounds.bytes;
        if !self.held {
            return ToDo::Nothing;
        }
        match self.flow {
            Flow::Seeking { .. } => ToDo::Seek(self.next),
            Flow::Flowing { .. } if full && !self.paused => ToDo::Pause,
            Flow::Left if !self.paused => ToDo::Pause,
            Flow::Left => ToDo::Nothing,
            Flow::Flowing { .. } | Flow::Checking | Flow::Idle if self.paused && room => ToDo::Resume,
            Flow::Flowing { .. } | Flow::Checking | Flow::Idle => ToDo::Nothing,
        }
    }

    /// The consumer was put to a position.
    pub(super) fn sought(&mut self, to: Position) {
        if let Flow::Seeking { through } = self.flow
            && to == self.next
        {
            self.flow = Flow::Flowing { through };
            self.at_end = false;
        }
    }

    /// The consumer was paused or resumed.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Returns true while the consumer is told to deliver nothing of a partition that is held and read.
    pub(super) fn is_paused(&self) -> bool {
        self.held && self.paused && self.flow != Flow::Left
    }

    /// Takes a record that the consumer delivered.
    pub(super) fn push(&mut self, mut record: LogRecord) -> Pushed {
        let wanted = matches!(self.flow, Flow::Flowing { .. }) && record.position >= self.next;
        if !wanted {
            return Pushed::Dropped;
        }
        self.flow = Flow::Flowing { through: None };
        self.at_end = false;
        let promised = self.promise.filter(|(position, _)| record.position >= *position).map(|(_, at)| at);
        let floor = promised.max(self.last);
        let raised = floor.is_some_and(|floor| record.stamp < floor);
        record.stamp = floor.map_or(record.stamp, |floor| record.stamp.max(floor));
        self.last = Some(record.stamp);
        self.next = record.position.next();
        self.bytes += weight(&record);
        self.records.push_back(record);
        if raised { Pushed::Raised } else { Pushed::Taken }
    }

    /// The consumer came to the end of the partition.
    pub(super) fn reached_end(&mut self) {
        let Flow::Flowing { through } = &mut self.flow else { return };
        self.at_end = true;
        if let Some(through) = through.take() {
            // The reader hears of it with its next answer, and asks from where it is until then.
            self.next = self.next.max(through);
        }
    }

    /// Returns how many positions lie between the consumer and the end as it was told last.
    pub(super) fn unread(&self) -> u64 {
        self.end.map_or(0, |end| end.0.saturating_sub(self.next.0)) + self.records.len() as u64
    }

    /// Returns true while the watcher is to say whether the next position is in the partition.
    pub(super) fn wants_check(&self) -> bool {
        self.flow == Flow::Checking && self.outside.is_none()
    }

    /// Returns true while the partition is this process's.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Returns true while a reader is there, so that ends are of use.
    pub(super) fn wants_ends(&self) -> bool {
        self.held && self.is_reading()
    }
}

/// Returns the approximate memory of a record.
fn weight(record: &LogRecord) -> usize {
    record.body.len() + record.key.len() + size_of::<LogRecord>()
}

#[cfg(test)]
mod tests;
