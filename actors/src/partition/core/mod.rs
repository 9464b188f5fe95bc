//! The core of one partition: a state machine over inputs, without I/O, without a clock and without chance.
//!
//! It keeps the invariants of the durability protocol: what is relayed stands in an acknowledged row of one's own epoch, the
//! confirmed position lies behind nothing that could be lost, the timer cursor behind no wake-up that is not done. It does not hold
//! the customers: it knows of each how far its row, its outbox and its scores are ([`entry`]), and gives it turns.
//!
//! In the order of an event: [`lease`] takes and confirms the partition, [`feed`] reads and routes records, [`strays`] hands on those of
//! other partitions, [`turns`] follows what a customer did, [`flush`] writes rows, [`quiet`] says when those that can wait, [`relay`] sends what they
//! hold, [`questions`] has threads answered, [`timers`] wakes customers, [`passivate`] drops idle ones, [`panics`] takes back what a customer that is gone had only in memory.

mod alarms;
mod counts;
mod entry;
mod feed;
mod flush;
mod holds;
mod lease;
mod panics;
mod passivate;
mod questions;
mod quiet;
mod relay;
mod strays;
mod timers;
mod turns;

use std::time::Duration;

use rustc_hash::FxHashMap;
use schemas::event::{Border, Rejection};
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{LogRecord, Record};

pub use self::counts::{Counts, Levels};
use self::entry::{Entry, Open};
use super::agreed::Agreed;
use super::protocol::{Action, Done, End, Failure, Input, Io, Now};
use super::settings::{Rules, Settings};
use super::turn::{CellId, Refused, Step};
use crate::port;

/// Vectors of steps kept to be used again.
const SPARE_MAX: usize = 2_048;

/// How a record of care.events is decoded: [`schemas::record::decode`], but for a simulator that has a language of its own.
pub type Decode = fn(&LogRecord, &Border) -> Result<Record, Rejection>;

/// What a core is made of.
#[derive(Clone, Debug)]
pub struct Params {
    /// The partition that was assigned.
    pub partition: PartitionId,
    /// Partitions of every topic, for messages to other customers.
    pub partitions: u32,
    /// Bounds and intervals.
    pub settings: Settings,
    /// Rules, all on but in a simulator.
    pub rules: Rules,
    /// From bytes to records.
    pub decode: Decode,
    /// What an event must be to pass.
    pub border: Border,
    /// What the engines on the store agreed on.
    pub agreed: Agreed,
}

/// The core of one partition during one assignment.
pub struct Core {
    partition: PartitionId,
    /// Partitions of every topic, for messages to other customers.
    partitions: u32,
    settings: Settings,
    rules: Rules,
    decode: Decode,
    border: Border,
    agreed: Agreed,
    now: Now,
    phase: Phase,
    /// What this input asks for; handed out at its end.
    actions: Vec<Action>,
    /// Failed calls, to be made again at that time.
    retries: Vec<(Duration, Io)>,
    /// Live customers by id.
    live: FxHashMap<CustomerId, u32>,
    /// Each in a cell of its own: a vector of the entries themselves would hold room for twice as many while it grows.
    entries: Vec<Option<Box<Entry>>>,
    free: Vec<u32>,
    /// Counts incarnations.
    incarnations: u64,
    holds: holds::Holds,
    lease: lease::Holding,
    feed: feed::Feed,
    flush: flush::Flush,
    quiet: quiet::Quiet,
    relay: relay::Relays,
    strays: strays::Strays,
    questions: questions::Questions,
    timers: timers::Timers,
    /// Where the look for idle customers goes on.
    hand: usize,
    /// Memory of the live customers.
    weight: usize,
    spare: Vec<Vec<Step>>,
    /// Customers that have a turn.
    busy: usize,
    /// What all customers have open.
    open: Open,
    counts: Counts,
}

/// Where an assignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not started.
    New,
    /// Taking the lease.
    Taking,
    /// The epoch record is under way.
    Marking,
    /// At work.
    Running,
    /// To be given up when all is done, at that time at the latest.
    Draining {
        /// Since boot.
        until: Duration,
    },
    /// Over.
    Ended,
}

impl Core {
    /// Returns the core of a partition that was assigned to this process.
    pub fn new(params: Params) -> Self {
        let Params { partition, partitions, settings, rules, decode, border, agreed } = params;
        Self {
            partition,
            partitions,
            settings,
            rules,
            decode,
            border,
            agreed,
            now: Now::default(),
            phase: Phase::New,
            actions: Vec::new(),
            retries: Vec::new(),
            live: FxHashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            incarnations: 0,
            holds: holds::Holds::default(),
            lease: lease::Holding::default(),
            feed: feed::Feed::default(),
            flush: flush::Flush::default(),
            quiet: quiet::Quiet::default(),
            relay: relay::Relays::default(),
            strays: strays::Strays::default(),
            questions: questions::Questions::default(),
            timers: timers::Timers::default(),
            hand: 0,
            weight: 0,
            spare: Vec::new(),
            busy: 0,
            open: Open::default(),
            counts: Counts::default(),
        }
    }

    /// Handles one input and adds what is to be done about it to `actions`, in order.
    pub fn handle(&mut self, now: Now, input: Input, actions: &mut Vec<Action>) {
        if self.phase == Phase::Ended {
            return;
        }
        std::mem::swap(&mut self.actions, actions);
        let begun = self.actions.len();
        self.now = Now { wall: now.wall.max(self.now.wall), boot: now.boot.max(self.now.boot) };
        match input {
            Input::Start { nonce } => self.start(nonce),
            Input::Tick => self.tick(),
            Input::Settle => self.settle(),
            Input::Revoke => self.revoke(),
            Input::Done(done) => self.done(done),
            Input::Failed(io, failure) => self.failed(*io, failure),
            Input::Turned(turned) => self.turned(*turned),
            Input::Refused(cell, Refused::Panicked(message)) => self.panicked(cell, &message),
            Input::Refused(_, Refused::Unreadable(message)) => {
                self.end(End::Failed(format!("a stored row cannot be read: {message}")));
            }
        }
        if self.at_work() && self.lease_is_past() {
            // What the input asked for was not begun yet: a process that stood still does nothing more than to end.
            self.actions.truncate(begun);
            self.end(End::LeaseExpired);
        }
        self.pump();
        std::mem::swap(&mut self.actions, actions);
    }

    /// Returns when the next [`Input::Tick`] is due at the latest, since boot.
    pub fn deadline(&self) -> Option<Duration> {
        if matches!(self.phase, Phase::New | Phase::Ended) {
            return None;
        }
        let grid = self.timers.looked + self.settings.timer_grid;
        let confirm = self.lease.looked + self.settings.confirm;
        let group = self.flush.group_due(&self.settings);
        let retry = self.retries.iter().map(|(at, _)| *at).min();
        [Some(grid), Some(confirm), group, retry].into_iter().flatten().min()
    }

    /// Returns the epoch that this owner holds, once it does.
    pub fn epoch(&self) -> Option<schemas::ids::Epoch> {
        self.at_work().then_some(self.lease.row.epoch)
    }

    fn at_work(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Draining { .. })
    }

    fn tick(&mut self) {
        let boot = self.now.boot;
        let due: Vec<Io> = self.retries.extract_if(.., |(at, _)| *at <= boot).map(|(_, io)| io).collect();
        self.actions.extend(due.into_iter().map(Action::Do));
        if self.at_work() {
            self.look_at_lease();
            self.look_at_timers();
            self.look_for_quiet_rows();
            self.look_for_idle_customers();
        }
    }

    /// Begins what the state after any input allows. Every step costs nothing when there is nothing to do.
    fn pump(&mut self) {
        if self.at_work() {
            self.run_on();
            self.write_groups();
            self.send_relays();
            self.send_strays();
            self.fetch();
            self.sound_alarms();
            self.finish_draining();
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Lease(lease) => self.lease_read(lease),
            Done::LeaseCas { new, cas } => self.lease_replaced(new, cas),
            Done::Generation(generation) => self.generation_read(generation),
            Done::EpochRecords => self.marked(),
            Done::Commit(commit) => self.committed(commit),
            Done::Fetched { from, fetched } => self.fetched(from, fetched),
            Done::Row { cell, customer, row } => self.row_read(cell, customer, row),
            Done::Indexed { group, generation } => self.indexed(group, generation),
            Done::RowsWritten { group, generation } => self.rows_written(group, generation),
            Done::WakeUps { to, wake_ups } => self.wake_ups_read(to, wake_ups),
            Done::Relayed { topic, generation } => self.relayed(topic, generation),
            Done::StraysRelayed => self.strays_relayed(),
            Done::Scored { cell, answer } => self.scored(cell, answer),
            Done::DeadLettered(position) => self.feed.letter_is_durable(position),
            Done::Committed => {}
        }
    }

    fn failed(&mut self, io: Io, failure: Failure) {
        match (failure.kind(), &io) {
            (port::Kind::Retry, Io::CasLease { .. }) => self.lease_unknown(),
            (port::Kind::Retry, Io::Commit(_)) => {}
            (port::Kind::Retry, _) => self.again(io),
            (port::Kind::Anew, _) => self.end(End::Interrupted(failure.to_string())),
            (port::Kind::Reject | port::Kind::Fatal, _) => self.end(End::Failed(failure.to_string())),
        }
    }

    fn again(&mut self, io: Io) {
        self.counts.retries += 1;
        self.retries.push((self.now.boot + self.settings.retry, io));
    }

    fn act(&mut self, io: Io) {
        self.actions.push(Action::Do(io));
    }

    fn end(&mut self, end: End) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            self.actions.push(Action::End(end));
        }
    }

    fn revoke(&mut self) {
        match self.phase {
            Phase::Running => {
                self.phase = Phase::Draining { until: self.now.boot + self.settings.drain };
                self.flush_everything();
            }
            Phase::New | Phase::Taking | Phase::Marking => self.end(End::Released),
            Phase::Draining { .. } | Phase::Ended => {}
        }
    }

    /// Writes and confirms at once what would wait for its time.
    fn settle(&mut self) {
        if self.phase == Phase::Running {
            self.flush_everything();
            self.confirm_now();
        }
    }

    /// Notes the store's generation; a change means that what was acknowledged may be gone.
    fn note_generation(&mut self, generation: u64) {
        let first = *self.lease.generation.get_or_insert(generation);
        if first != generation && self.rules.stop_on_lost_tail {
            self.end(End::StoreLostTail);
        }
    }

    fn entry(&mut self, cell: CellId) -> Option<&mut Entry> {
        let checked = self.rules.incarnations_apart;
        let entry = self.entries.get_mut(cell.index as usize)?.as_deref_mut()?;
        (entry.incarnation == cell.incarnation || !checked).then_some(entry)
    }

    fn at(&mut self, index: u32) -> &mut Entry {
        self.entries[index as usize].as_deref_mut().expect("the index of a live customer names an entry")
    }

    /// Tells the ordered holds what the customer at `index` holds now.
    fn refresh_hold(&mut self, index: u32) {
        self.recount(index);
        let rules = self.rules;
        let entry = self.at(index);
        let hold = entry.lowest(&rules);
        if hold != entry.hold {
            entry.hold = hold;
            if let Some(position) = hold {
                self.holds.add(position, index);
            }
        }
    }

    /// Returns the lowest position whose effects are not safe (I1).
    fn position(&mut self) -> Position {
        if !self.rules.position_waits_for_row {
            return self.feed.next;
        }
        let entries = &self.entries;
        let held = self.holds.lowest(|index| entries[index as usize].as_ref().and_then(|entry| entry.hold));
        let letter = self.feed.first_letter();
        let stray = self.strays.first().filter(|_| self.rules.position_waits_for_stray);
        let set_aside = entry::min(letter, stray);
        entry::min(entry::min(held, set_aside), Some(self.feed.next)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
