//! Timers: wakes customers when log time has passed what is due, and knows the lowest slot of the timer index that is not done.
//!
//! Live rows stand on a wheel with their next timer; an element that lies too early is moved when it comes up. Index entries are
//! alarms: an alarm is done when what its customer did is durable and relayed, and only then may the cursor pass its slot (I8).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use schemas::ids::CustomerId;
use schemas::time::Timestamp;

use super::alarms::{Alarms, slot_of};
use super::entry::{Alarm, InTurn};
use super::panics::STRIKES_QUIET;
use super::{Core, Phase};
use crate::partition::protocol::Io;
use crate::partition::turn::Step;
use crate::port::store::WakeUp;

/// Slots of the index that one scan reads.
const SCAN_SLOTS: i64 = 288;

/// The wheel, and the part of the index that was read.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// When due timers were looked for last.
    pub(super) looked: Duration,
    /// Index entries that are not done.
    pub(super) alarms: Alarms,
    /// Alarms may be due that were not sounded yet.
    held: bool,
    /// Marks of live customers.
    wheel: BinaryHeap<Reverse<(Timestamp, u32)>>,
    /// Slot behind the last that was read; `None` until it is known where to begin.
    scanned_to: Option<i64>,
    /// Slot behind the last that is being read.
    asked_to: i64,
}

impl Timers {
    /// Begins at the cursor of the lease row. 0 = there was none: then at the first record's time.
    pub(super) fn start(&mut self, cursor: i64) {
        if cursor != 0 {
            self.scanned_to = Some(cursor);
            self.asked_to = cursor;
        }
    }

    /// Begins at the time of the first record, when there was no cursor: no timer can be due earlier.
    pub(super) fn start_at(&mut self, stamp: Timestamp) {
        if self.scanned_to.is_none() {
            self.start(slot_of(stamp));
        }
    }

    /// Returns true when a scan of `slot` was begun: an entry that is written now may be missing in its result.
    pub(super) fn was_scanned(&self, slot: i64) -> bool {
        self.scanned_to.is_none() || slot < self.asked_to
    }

    /// Returns the lowest slot that is not done.
    pub(super) fn lowest_slot(&self) -> i64 {
        let scanned = self.scanned_to.unwrap_or(0);
        self.alarms.first_open().map_or(scanned, |open| open.min(scanned))
    }
}

impl Core {
    /// Reads on in the index, and wakes whoever is due.
    pub(super) fn look_at_timers(&mut self) {
        if self.now.boot < self.timers.looked + self.settings.timer_grid {
            return;
        }
        self.timers.looked = self.now.boot;
        self.scan();
        let Some(clock) = self.log_time() else { return };
        self.timers.held = true;
        self.sound_alarms();
        while let Some(Reverse((at, index))) = self.timers.wheel.peek().copied()
            && at < clock
        {
            self.timers.wheel.pop();
            self.turn_wheel(at, index, clock);
        }
    }

    /// Returns at least how many wake-ups log time has passed; one more while the timer index is not read that far. A log that stands
    /// in slot 0, where time begins, has no index to read: whatever is written to it was not read, and is known.
    pub(super) fn overdue(&self) -> usize {
        let Some(clock) = self.log_time() else { return 0 };
        let unread = self.timers.scanned_to.is_some_and(|to| to <= slot_of(clock.min(self.now.wall)));
        let next = self.timers.wheel.peek().map(|Reverse((at, _))| *at);
        let first = [self.timers.alarms.first_due(), next].into_iter().flatten();
        usize::from(unread) + first.filter(|at| *at < clock).count()
    }

    /// Wakes whoever is due, as far as there is room for rows to be read: after an outage that may be most customers. The rest waits
    /// until some were read, and is waited for as everything that is overdue.
    pub(super) fn sound_alarms(&mut self) {
        if !self.timers.held || self.phase != Phase::Running {
            return;
        }
        let Some(clock) = self.log_time() else { return };
        while self.feed.loading < self.settings.loading_max && !self.is_crowded_out() {
            let Some((due, customer)) = self.timers.alarms.take_due(clock) else {
                self.timers.held = false;
                return;
            };
            self.sound(due, customer, clock);
        }
    }

    fn scan(&mut self) {
        let Some(from) = self.timers.scanned_to else { return };
        let to = (slot_of(self.now.wall) + 1).min(from + SCAN_SLOTS);
        if self.timers.asked_to == from && to > from {
            self.timers.asked_to = to;
            self.act(Io::ScanWakeUps { from, to });
        }
    }

    pub(super) fn wake_ups_read(&mut self, to: i64, wake_ups: Vec<WakeUp>) {
        for wake_up in wake_ups {
            self.timers.alarms.add(wake_up.due, wake_up.customer);
        }
        self.timers.scanned_to = Some(to);
        self.scan();
    }

    /// An alarm is due: its customer looks at its timers, and clears the entry in its row.
    fn sound(&mut self, due: Timestamp, customer: CustomerId, clock: Timestamp) {
        if self.feed.strikes.get(&customer).is_some_and(|strikes| *strikes >= STRIKES_QUIET) {
            return self.timers.alarms.done(due);
        }
        let rearms = self.rules.wake_up_rearms;
        let index = self.find_or_load(customer);
        let boot = self.now.boot;
        let entry = self.at(index);
        entry.used = boot;
        entry.alarms.push(Alarm { due, version: None });
        let passed = if rearms { due } else { Timestamp(i64::MIN) };
        entry.queue.push(Step::Wake { now: clock, due, entry: Some(passed) });
        self.counts.wakes += 1;
        self.give_turn(index);
    }

    fn turn_wheel(&mut self, at: Timestamp, index: u32, clock: Timestamp) {
        let Some(entry) = self.entries[index as usize].as_mut() else { return };
        if entry.wheel_at.take_if(|mark| *mark == at).is_none() {
            return;
        }
        match entry.next_due {
            Some(due) if due < clock => {
                let customer = &entry.customer;
                if self.feed.strikes.get(customer).is_none_or(|strikes| *strikes < STRIKES_QUIET) {
                    entry.queue.push(Step::Wake { now: clock, due, entry: None });
                    self.counts.wakes += 1;
                    self.give_turn(index);
                }
            }
            Some(_) => self.set_wheel(index),
            None => {}
        }
    }

    /// Puts the customer at `index` on the wheel, unless a mark of it comes up early enough.
    pub(super) fn set_wheel(&mut self, index: u32) {
        let entry = self.at(index);
        let Some(due) = entry.next_due else { return };
        if entry.wheel_at.is_none_or(|mark| due < mark) {
            entry.wheel_at = Some(due);
            self.timers.wheel.push(Reverse((due, index)));
        }
    }

    /// Follows the alarms that a turn saw to, and what answers changed for those that were seen to before.
    pub(super) fn note_alarms(&mut self, index: u32, turn: &InTurn) {
        let entry = self.at(index);
        if entry.alarms.is_empty() {
            return;
        }
        if turn.alarms > 0 && !entry.own && !entry.is_dirty() {
            // The cursor passes only what a row of one's own epoch holds, as the position does (I7).
            self.mark_dirty(index);
        }
        let entry = self.at(index);
        let version = entry.version;
        for alarm in entry.alarms.iter_mut().filter(|alarm| alarm.version.is_none()).take(turn.alarms) {
            alarm.version = Some(version);
        }
        if !turn.answers.is_empty() {
            for seen in entry.alarms.iter_mut().filter_map(|alarm| alarm.version.as_mut()) {
                *seen = version;
            }
        }
    }

    /// Ends the alarms whose work is durable and relayed.
    pub(super) fn settle_alarms(&mut self, index: u32) {
        let waits = self.rules.cursor_waits;
        let entry = self.at(index);
        if entry.alarms.is_empty() || waits && !(entry.asks.is_empty() && entry.relayed()) {
            return;
        }
        let acked = entry.acked;
        let done = |alarm: &mut Alarm| alarm.version.is_some_and(|version| version <= acked || !waits);
        let done: Vec<Alarm> = entry.alarms.extract_if(.., done).collect();
        for alarm in done {
            self.timers.alarms.done(alarm.due);
        }
    }
}
