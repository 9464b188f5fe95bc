//! Reading: fetches records, decodes them, gives each to its customer, and sets aside what nobody can handle.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use schemas::event::Rejection;
use schemas::ids::{CustomerId, Position};
use schemas::record::{LogRecord, Record};
use schemas::time::Timestamp;

use super::Core;
use super::entry::{Entry, State};
use crate::dead_letter::DeadLetter;
use crate::partition::protocol::{End, Io};
use crate::partition::settings::INVALID_WINDOW;
use crate::partition::turn::{CellId, Step};
use crate::port::log::{Fetched, Topic};

/// What was read, and what was set aside.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// The next record to be read.
    pub(super) next: Position,
    /// Records that wait for their customer or are in a turn.
    pub(super) waiting: usize,
    /// Rows being read.
    pub(super) loading: usize,
    /// Customers that panicked on a batch: one record per turn up to there.
    pub(super) careful: FxHashMap<CustomerId, Position>,
    /// Panics per record.
    pub(super) panics: FxHashMap<Position, u8>,
    /// Panics per customer without a record.
    pub(super) strikes: FxHashMap<CustomerId, u8>,
    /// Records that are set aside when they are read again.
    pub(super) poison: FxHashSet<Position>,
    /// Where the fetch under way started.
    fetching: Option<Position>,
    /// Log time to which everything was read: what is read later is stamped that or later.
    read_to: Option<Timestamp>,
    /// Behind the highest record ever read in this assignment.
    read_through: Position,
    /// Batches read, as far back as the position.
    batches: VecDeque<Batch>,
    /// What was decoded ahead of the routing, in order.
    ahead: VecDeque<(Position, Result<Record, Rejection>)>,
    /// Dead letters under way.
    letters: BTreeSet<Position>,
    /// Invalid records since the last valid one.
    invalid_run: u32,
    /// Invalid records and records of the current window.
    invalid: (u32, u32),
    /// Customers with new steps; kept to be used again.
    touched: Vec<u32>,
}

/// A batch that was read.
#[derive(Clone, Copy, Debug)]
struct Batch {
    /// Its first record.
    first: Position,
    /// Log time of that record.
    stamp: Timestamp,
    /// When it was read, since boot.
    at: Duration,
}

impl Feed {
    /// Returns true when nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.loading == 0 && self.letters.is_empty()
    }

    pub(super) fn first_letter(&self) -> Option<Position> {
        self.letters.first().copied()
    }

    pub(super) fn letters_open(&self) -> usize {
        self.letters.len()
    }

    pub(super) fn letter_is_durable(&mut self, position: Position) {
        self.letters.remove(&position);
    }

    /// Goes back: what was read from there on is read again, and until it is nothing is known of the log's time.
    pub(super) fn seek(&mut self, position: Position) {
        self.next = position;
        self.fetching = None;
        self.read_to = None;
    }

    /// Counts a valid or invalid record; returns true when there are too many invalid ones.
    fn count(&mut self, valid: bool, run_max: u32, max: u32) -> bool {
        self.invalid_run = if valid { 0 } else { self.invalid_run + 1 };
        self.invalid.0 += u32::from(!valid);
        self.invalid.1 += 1;
        let stop = self.invalid_run >= run_max || self.invalid.0 > max;
        if self.invalid.1 >= INVALID_WINDOW {
            self.invalid = (0, 0);
        }
        stop
    }

    fn note_batch(&mut self, records: &[LogRecord], position: Position, at: Duration) {
        let Some(first) = records.first() else { return };
        while self.batches.back().is_some_and(|batch| batch.first >= first.position) {
            self.batches.pop_back();
        }
        self.batches.push_back(Batch { first: first.position, stamp: first.stamp, at });
        while self.batches.get(1).is_some_and(|batch| batch.first <= position) {
            self.batches.pop_front();
        }
    }

    fn batch_of(&self, position: Position) -> Option<&Batch> {
        self.batches.iter().rev().find(|batch| batch.first <= position)
    }

    /// Returns what was decoded ahead for a record; records come in the order in which they were decoded.
    fn take_ahead(&mut self, position: Position) -> Option<Result<Record, Rejection>> {
        while let Some((at, decoded)) = self.ahead.pop_front() {
            if at == position {
                return Some(decoded);
            }
        }
        None
    }
}

impl Core {
    /// Begins a fetch when none is under way and the bounds allow it.
    pub(super) fn fetch(&mut self) {
        let full = self.feed.waiting >= self.settings.waiting_max
            || self.feed.loading >= self.settings.loading_max
            || self.flush.dirty >= self.settings.dirty_max
            || self.strays.open() >= self.settings.waiting_max
            || self.is_crowded_out();
        if self.phase != super::Phase::Running || self.feed.fetching.is_some() || full {
            return;
        }
        self.feed.fetching = Some(self.feed.next);
        self.act(Io::Fetch { from: self.feed.next, max: self.settings.fetch_max });
    }

    /// Returns the log time up to which timers may fire; `None` until the log has been read.
    pub(super) fn log_time(&self) -> Option<Timestamp> {
        if self.rules.timers_by_log_time { self.feed.read_to } else { Some(self.now.wall) }
    }

    /// Returns a log time that no record from `position` on lies before.
    pub(super) fn time_of(&self, position: Position) -> Option<Timestamp> {
        if position >= self.feed.next {
            return self.log_time();
        }
        self.feed.batch_of(position).map(|batch| batch.stamp)
    }

    /// Returns when a record was read, since boot; now, if that is not known any more.
    pub(super) fn read_at(&self, position: Position) -> Duration {
        self.feed.batch_of(position).map_or(self.now.boot, |batch| batch.at)
    }

    /// Decodes what was fetched, so that an executor can tell the time of decoding from that of routing. To be followed by the input
    /// that brings the same records; without it they are decoded there.
    pub fn decode_ahead(&mut self, fetched: &Fetched) {
        self.feed.ahead.clear();
        for record in &fetched.records {
            let decoded = (self.decode)(record, &self.border);
            self.feed.ahead.push_back((record.position, decoded));
        }
    }

    pub(super) fn fetched(&mut self, from: Position, fetched: Fetched) {
        if self.feed.fetching.take_if(|asked| *asked == from).is_none() {
            return;
        }
        let confirmed = self.lease_position();
        let boot = self.now.boot;
        self.feed.note_batch(&fetched.records, confirmed, boot);
        let first = fetched.records.first().map(|record| record.stamp);
        let last = fetched.records.last().map(|record| record.stamp);
        if let Some(stamp) = first.or(fetched.end_at) {
            self.timers.start_at(stamp);
        }
        let mut touched = std::mem::take(&mut self.feed.touched);
        for record in fetched.records {
            self.route(record, &mut touched);
        }
        self.feed.next = fetched.next.max(from);
        self.feed.read_through = self.feed.read_through.max(self.feed.next);
        let read_to = last.max(fetched.end_at);
        if read_to.is_some() {
            self.feed.read_to = read_to.max(self.feed.read_to);
        }
        for index in touched.drain(..) {
            self.give_turn(index);
        }
        self.feed.touched = touched;
        if fetched.end_at.is_some() {
            self.note_end_of_log();
        }
    }

    /// Gives one record to its customer, or sets it aside.
    fn route(&mut self, record: LogRecord, touched: &mut Vec<u32>) {
        let position = record.position;
        let again = position < self.feed.read_through;
        if self.feed.poison.contains(&position) {
            return self.set_aside(&record, "panic", "the customer panicked on this record twice");
        }
        if let Some(index) = self.live.get(record.key.as_str()).copied()
            && self.at(index).through >= Some(position)
        {
            return;
        }
        let decoded = self.feed.take_ahead(position).unwrap_or_else(|| (self.decode)(&record, &self.border));
        if !again {
            self.counts.read += 1;
            let (run, max) = (self.settings.invalid_run_max, self.settings.invalid_max);
            if self.feed.count(decoded.is_ok(), run, max) {
                self.end(End::TooManyInvalid);
            }
        }
        let routed = match decoded {
            Ok(decoded) => {
                let customer = decoded.customer(record.key.clone());
                match self.is_astray(&customer) {
                    false => {
                        self.queue_record(customer, position, decoded, touched);
                        Ok(())
                    }
                    true if again => Ok(()),
                    true => self.relay_stray(&customer, decoded),
                }
            }
            Err(rejection) => Err(rejection),
        };
        match routed {
            Err(rejection) if !again => {
                self.set_aside(&record, rejection.reason.as_str(), &rejection.to_string());
            }
            Ok(()) | Err(_) => {}
        }
    }

    fn queue_record(
        &mut self,
        customer: CustomerId,
        position: Position,
        record: Record,
        touched: &mut Vec<u32>,
    ) {
        let index = self.find_or_load(customer);
        let boot = self.now.boot;
        if self.at(index).through >= Some(position) {
            return;
        }
        if self.at(index).queue.capacity() == 0 {
            let spare = self.spare.pop().unwrap_or_default();
            self.at(index).queue = spare;
        }
        let entry = self.at(index);
        entry.used = boot;
        entry.through = Some(position);
        entry.queue_first = entry.queue_first.or(Some(position));
        if entry.queue.is_empty() {
            touched.push(index);
        }
        entry.queue.push(Step::Record(record));
        self.feed.waiting += 1;
        self.refresh_hold(index);
    }

    /// Appends a record to the dead letters; it holds the position until that is durable.
    fn set_aside(&mut self, record: &LogRecord, reason: &'static str, message: &str) {
        tracing::warn!(
            partition = self.partition.0,
            position = record.position.0,
            reason,
            message,
            "dead letter"
        );
        self.counts.dead_lettered += 1;
        self.feed.letters.insert(record.position);
        let letter = DeadLetter::of(Topic::Events, self.partition, record, reason, message);
        self.act(Io::DeadLetter { position: record.position, reason, record: letter.record() });
    }

    /// Returns where the customer stands among the live ones; one that is not live is loaded.
    pub(super) fn find_or_load(&mut self, customer: CustomerId) -> u32 {
        if let Some(index) = self.live.get(&customer) {
            return *index;
        }
        self.incarnations += 1;
        let entry = Box::new(Entry::new(customer.clone(), self.incarnations, self.now.boot));
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = Some(entry);
                index
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as u32
            }
        };
        self.live.insert(customer, index);
        self.load(index);
        index
    }

    /// Begins to read the row of the customer at `index`.
    pub(super) fn load(&mut self, index: u32) {
        let entry = self.at(index);
        entry.state = State::Loading;
        let cell = CellId { index, incarnation: entry.incarnation };
        let customer = entry.customer.clone();
        self.feed.loading += 1;
        self.counts.loads += 1;
        self.act(Io::LoadRow { cell, customer });
    }
}
