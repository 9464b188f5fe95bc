//! Writing rows in groups: urgent ones at once, quiet ones (see [`super::quiet`]) in groups of their own, so that no urgent one stands behind
//! them; index entries before the rows they cover.
//!
//! A customer has at most one write under way. A write that fails is repeated with the same bytes and the same timestamp.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use schemas::customer::Urgency;
use schemas::ids::CustomerId;
use schemas::time::Timestamp;

use super::alarms::wake_up;
use super::entry::{Sent, Stage};
use super::{Core, Phase};
use crate::partition::protocol::Io;
use crate::partition::settings::Settings;
use crate::partition::turn::{CellId, Encoded};
use crate::port::store::{Links, Row, WakeUp};

/// Rows on their way to the store.
#[derive(Debug, Default)]
pub(super) struct Flush {
    /// Customers whose row differs from the durable one.
    pub(super) dirty: usize,
    /// Panicked cells with a write under way, whose successors wait for it.
    pub(super) settling: FxHashSet<CellId>,
    urgent: Lane,
    quiet: Lane,
    /// Last acknowledged write of customers that are gone: while the store may still lose it, what is read must not be older.
    recent: FxHashMap<CustomerId, Durable>,
    /// Groups under way.
    groups: FxHashMap<u64, Group>,
    /// Counts groups.
    last_group: u64,
}

/// Rows of one urgency on their way into groups.
#[derive(Debug, Default)]
struct Lane {
    /// Rows that wait for a group.
    ready: VecDeque<Ready>,
    /// When the first of them came.
    since: Duration,
    /// Groups under way.
    open: usize,
}

/// An acknowledged write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Durable {
    /// Its timestamp.
    pub(super) stamp: i64,
    /// When it was acknowledged, since boot.
    pub(super) at: Duration,
}

/// A row that waits for a group.
#[derive(Debug)]
struct Ready {
    cell: CellId,
    sent: Sent,
    row: Row,
    wake_up: Option<Timestamp>,
    links: Option<Links>,
}

/// A write under way.
#[derive(Debug, Default)]
struct Group {
    /// Of urgent rows, or of those that could wait.
    urgency: Urgency,
    stamp: i64,
    cells: Vec<(CellId, Sent)>,
    /// Held back until the index entries are durable.
    rows: Vec<Row>,
    /// The entries of the timer index among them.
    wake_ups: Vec<WakeUp>,
    /// Index entries that follow the rows, where the rule that forbids it was taken away.
    after: Option<Io>,
}

impl Flush {
    pub(super) fn groups_open(&self) -> usize {
        self.groups.len()
    }

    /// Returns true when nothing is under way or waits.
    pub(super) fn is_idle(&self) -> bool {
        let waits = [&self.urgent, &self.quiet].into_iter().any(|lane| !lane.ready.is_empty());
        self.dirty == 0 && self.groups.is_empty() && !waits
    }

    /// Returns when a group that waits for more rows is due.
    pub(super) fn group_due(&self, settings: &Settings) -> Option<Duration> {
        [&self.urgent, &self.quiet].into_iter().filter_map(|lane| lane.due(settings)).min()
    }

    fn lane(&mut self, urgency: Urgency) -> &mut Lane {
        match urgency {
            Urgency::Urgent => &mut self.urgent,
            Urgency::Quiet | Urgency::Clean => &mut self.quiet,
        }
    }
}

impl Lane {
    fn add(&mut self, ready: Ready, now: Duration) {
        if self.ready.is_empty() {
            self.since = now;
        }
        self.ready.push_back(ready);
    }

    /// Returns when a group is due; `None` while there is nothing to write, or no room for another.
    fn due(&self, settings: &Settings) -> Option<Duration> {
        let is_full = self.ready.len() >= settings.group_rows_max;
        let waits = if is_full { Duration::ZERO } else { settings.flush_urgent };
        (!self.ready.is_empty() && self.open < settings.groups_max).then(|| self.since + waits)
    }
}

impl Core {
    /// Notes that the row of the customer at `index` changed.
    pub(super) fn mark_dirty(&mut self, index: u32) {
        let now = self.now.boot;
        let entry = self.at(index);
        let newly = !entry.is_dirty();
        entry.version += 1;
        let unlisted = !std::mem::replace(&mut entry.listed, true);
        let cell = CellId { index, incarnation: entry.incarnation };
        self.flush.dirty += usize::from(newly);
        if unlisted {
            self.quiet.add(cell, now);
        }
    }

    /// A customer handed over its row.
    pub(super) fn encoded(&mut self, index: u32, encoded: Encoded) {
        let epoch = self.lease_epoch();
        let entry = self.at(index);
        let cell = CellId { index, incarnation: entry.incarnation };
        let through = entry.outbox.iter().map(|out| out.number).max();
        let sent = Sent { version: entry.version, first: entry.dirty.take(), through };
        entry.sent = Some(sent);
        let urgency = std::mem::take(&mut entry.wanted);
        let customer = entry.customer.clone();
        let links = (!entry.links.is_empty())
            .then(|| Links { customer: customer.clone(), links: std::mem::take(&mut entry.links) });
        let row = Row { customer, written_at: 0, epoch, state: encoded.state };
        let ready = Ready { cell, sent, row, wake_up: encoded.wake_up, links };
        self.flush.lane(urgency).add(ready, self.now.boot);
    }

    /// Makes groups of the rows that wait, when enough came or the first has waited; of urgent ones at once while none is under way.
    pub(super) fn write_groups(&mut self) {
        let is_draining = matches!(self.phase, Phase::Draining { .. });
        for urgency in [Urgency::Urgent, Urgency::Quiet] {
            loop {
                let lane = self.flush.lane(urgency);
                let at_once = is_draining || urgency == Urgency::Urgent && lane.open == 0;
                if lane.due(&self.settings).is_none_or(|due| self.now.boot < due && !at_once) {
                    break;
                }
                // A used-up range stalls until a confirmation has raised it.
                let Some(stamp) = self.next_stamp() else { return };
                self.write_group(urgency, stamp);
            }
        }
    }

    fn write_group(&mut self, urgency: Urgency, stamp: i64) {
        let lane = self.flush.lane(urgency);
        let count = lane.ready.len().min(self.settings.group_rows_max);
        lane.open += 1;
        lane.since = self.now.boot;
        let mut group = Group { urgency, stamp, ..Group::default() };
        let mut links: Vec<Links> = Vec::new();
        for ready in lane.ready.drain(..count) {
            group.wake_ups.extend(ready.wake_up.map(|due| wake_up(due, ready.row.customer.clone())));
            links.extend(ready.links);
            group.cells.push((ready.cell, ready.sent));
            group.rows.push(Row { written_at: stamp, ..ready.row });
        }
        self.flush.last_group += 1;
        let id = self.flush.last_group;
        self.counts.rows += count as u64;
        let wake_ups = group.wake_ups.clone();
        let index =
            (!wake_ups.is_empty() || !links.is_empty()).then_some(Io::Index { group: id, wake_ups, links });
        let first = match index {
            Some(index) if self.rules.index_before_row => index,
            after => {
                group.after = after;
                Io::WriteRows { group: id, rows: std::mem::take(&mut group.rows) }
            }
        };
        self.flush.groups.insert(id, group);
        self.act(first);
    }

    /// The index entries of a group are durable: its rows may follow.
    pub(super) fn indexed(&mut self, group: u64, generation: Option<u64>) {
        if let Some(generation) = generation {
            self.note_generation(generation);
        }
        let Some(known) = self.flush.groups.get_mut(&group) else { return };
        let rows = std::mem::take(&mut known.rows);
        for wake_up in std::mem::take(&mut known.wake_ups) {
            // A scan that was begun before the entry was durable may have missed it.
            if self.timers.was_scanned(wake_up.slot) {
                self.timers.alarms.add(wake_up.due, wake_up.customer);
            }
        }
        self.act(Io::WriteRows { group, rows });
    }

    /// The rows of a group are durable.
    pub(super) fn rows_written(&mut self, group: u64, generation: u64) {
        self.note_generation(generation);
        let Some(group) = self.flush.groups.remove(&group) else { return };
        self.flush.lane(group.urgency).open -= 1;
        if let Some(after) = group.after {
            self.act(after);
        }
        for (cell, sent) in group.cells {
            let durable = Durable { stamp: group.stamp, at: self.now.boot };
            if self.flush.settling.remove(&cell) {
                let customer = self.at(cell.index).customer.clone();
                self.remember(customer, Some(durable));
                self.load(cell.index);
            } else {
                self.row_acknowledged(cell, sent, durable);
            }
        }
    }

    fn row_acknowledged(&mut self, cell: CellId, sent: Sent, durable: Durable) {
        let Some(entry) = self.entry(cell) else { return };
        let was_dirty = entry.is_dirty();
        entry.sent.take_if(|under_way| under_way.version == sent.version);
        entry.acked = entry.acked.max(sent.version);
        entry.own = true;
        entry.durable = Some(durable);
        let clean = !entry.is_dirty();
        if clean {
            (entry.dirty, entry.wanted) = (None, Urgency::Clean);
        }
        let quiet = std::mem::replace(&mut entry.quiet, false);
        let cell = CellId { incarnation: entry.incarnation, ..cell };
        let mut durable = Vec::new();
        for out in &mut entry.outbox {
            if out.stage == Stage::Waiting && Some(out.number) <= sent.through {
                out.stage = Stage::Queued;
                durable.push(out.number);
            }
        }
        self.flush.dirty -= usize::from(was_dirty && clean);
        self.quiet.open -= usize::from(quiet);
        for number in durable {
            self.queue_relay(cell, number);
        }
        self.refresh_hold(cell.index);
        self.settle_alarms(cell.index);
        if !clean {
            self.give_turn(cell.index);
        }
    }

    /// Remembers the last write of a customer that goes, as long as the store may lose it.
    pub(super) fn remember(&mut self, customer: CustomerId, durable: Option<Durable>) {
        let margin = self.settings.replay_margin;
        if let Some(durable) = durable
            && self.rules.stop_on_lost_tail
            && self.now.boot < durable.at + margin
        {
            self.flush.recent.insert(customer, durable);
        }
    }

    /// Returns true when a row that was read is older than the last write of it that was acknowledged.
    pub(super) fn has_lost(&mut self, customer: &CustomerId, row: Option<&Row>) -> bool {
        let last = self.flush.recent.remove(customer);
        last.is_some_and(|last| row.is_none_or(|row| row.written_at < last.stamp))
    }

    /// Forgets what the store cannot lose any more.
    pub(super) fn forget_old_writes(&mut self) {
        let (now, margin) = (self.now.boot, self.settings.replay_margin);
        self.flush.recent.retain(|_, durable| now < durable.at + margin);
    }

    /// Returns true when no customer waits for a score.
    pub(super) fn is_settled(&self) -> bool {
        self.entries.iter().flatten().all(|entry| entry.asks.is_empty() && entry.turn.is_none())
    }
}
