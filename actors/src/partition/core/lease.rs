//! The lease: taken with the next epoch, confirmed with position and timer cursor, believed only when an answer says so.
//!
//! A compare-and-set whose outcome is unknown is read back before anything is concluded from it. The owner is a random value of the
//! attempt, so that a read-back never takes another's success for one's own.

use std::collections::VecDeque;
use std::time::Duration;

use schemas::customer::codec::CODEC_VERSION;
use schemas::ids::{Epoch, Position};

use super::alarms::slot_of;
use super::{Core, Phase};
use crate::partition::protocol::{End, Io};
use crate::port::log::Commit;
use crate::port::store::{Cas, Lease};

/// The owner's name when owners are not random.
const ONE_NAME: u128 = 1;

/// The lease as this owner knows it.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// The row, as last confirmed.
    pub(super) row: Lease,
    /// When the lease was looked at last.
    pub(super) looked: Duration,
    /// The store's generation, as first heard.
    pub(super) generation: Option<u64>,
    /// Random value of the assignment, counted up per attempt.
    nonce: u128,
    /// The compare-and-set under way.
    under_way: Option<UnderWay>,
    /// When the last confirmation that is known to have succeeded began.
    good_since: Duration,
    /// The last write timestamp used.
    stamp: i64,
    /// Counts confirmations begun.
    confirmations: u64,
    /// Replies awaited before the first row is read.
    awaited: u8,
    /// When the store was asked for its generation, while it has not answered.
    asked: Option<Duration>,
    /// When it was asked last and had lost nothing.
    checked: Duration,
    /// The confirmation that ends a draining has begun.
    last_word: bool,
    /// What was safe when: the margin is taken from here.
    safe: VecDeque<Safe>,
}

/// A compare-and-set whose outcome is not known yet.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    expect: Lease,
    new: Lease,
    began: Duration,
    /// Which confirmation this is; 0 = the take-over.
    confirmation: u64,
}

/// What was safe at a time.
#[derive(Clone, Copy, Debug)]
struct Safe {
    at: Duration,
    position: Position,
    cursor: i64,
}

impl Holding {
    /// Returns how many confirmations have begun.
    pub(super) fn confirmations(&self) -> u64 {
        self.confirmations
    }
}

impl Core {
    pub(super) fn start(&mut self, nonce: u128) {
        self.lease.nonce = nonce;
        self.phase = Phase::Taking;
        self.act(Io::ReadLease);
    }

    /// The lease row was read: to take it, or to learn how an unknown compare-and-set ended.
    pub(super) fn lease_read(&mut self, lease: Lease) {
        match self.lease.under_way.take() {
            Some(under_way) if same_holder(&lease, &under_way.new) && lease == under_way.new => {
                self.lease_is_ours(under_way);
            }
            Some(under_way) if self.phase == Phase::Taking => {
                // By name alone one cannot tell one's own success from another's: that is what the ablation shows.
                if !self.rules.random_owner && same_holder(&lease, &under_way.new) {
                    self.lease_is_ours(UnderWay { new: lease, ..under_way });
                } else {
                    self.take(lease);
                }
            }
            Some(under_way) if same_holder(&lease, &under_way.expect) => self.lease.row = lease,
            Some(_) => self.end(End::LeaseLost),
            None if self.phase == Phase::Taking => self.take(lease),
            None => {}
        }
    }

    fn take(&mut self, found: Lease) {
        self.lease.nonce = self.lease.nonce.wrapping_add(1);
        let owner = if self.rules.random_owner { self.lease.nonce.max(2) } else { ONE_NAME };
        let range = self.settings.lease.as_micros() as i64;
        let clock = self.now.wall.0.saturating_mul(1_000);
        let low =
            if self.rules.disjoint_ranges { found.written_at_max.saturating_add(1).max(clock) } else { 1 };
        self.lease.stamp = low - 1;
        let new = Lease {
            epoch: Epoch(found.epoch.0 + 1),
            owner,
            written_at_max: low.saturating_add(range),
            reads: CODEC_VERSION,
            ..found
        };
        self.replace_lease(found, new, 0);
    }

    fn replace_lease(&mut self, expect: Lease, new: Lease, confirmation: u64) {
        self.lease.under_way = Some(UnderWay { expect, new, began: self.now.boot, confirmation });
        self.act(Io::CasLease { expect, new });
    }

    pub(super) fn lease_replaced(&mut self, new: Lease, cas: Cas<Lease>) {
        let Some(under_way) = self.lease.under_way.take_if(|under_way| under_way.new == new) else { return };
        match cas {
            Cas::Applied => self.lease_is_ours(under_way),
            Cas::Refused(found) if self.phase == Phase::Taking => self.take(found),
            // An earlier write of our own, whose outcome was unknown, came late.
            Cas::Refused(found) if same_holder(&found, &under_way.expect) => self.lease.row = found,
            Cas::Refused(_) => self.end(End::LeaseLost),
        }
    }

    /// Nobody knows whether the compare-and-set was applied: read it back.
    pub(super) fn lease_unknown(&mut self) {
        if self.lease.under_way.is_some() {
            self.act(Io::ReadLease);
        }
    }

    fn lease_is_ours(&mut self, done: UnderWay) {
        self.lease.row = done.new;
        self.lease.good_since = done.began;
        match self.phase {
            Phase::Taking => self.begin(),
            Phase::Running | Phase::Draining { .. } => {
                self.act(Io::Commit(done.new.position));
                if self.rules.clear_after_confirmation {
                    self.clear_relayed_before(done.confirmation);
                }
            }
            Phase::New | Phase::Marking | Phase::Ended => {}
        }
    }

    /// The epoch is ours: say so where what leaves is read, then begin from the lease row's position.
    fn begin(&mut self) {
        self.phase = Phase::Marking;
        let boot = self.now.boot;
        (self.lease.looked, self.timers.looked) = (boot, boot);
        self.quiet.start(boot, &self.settings);
        self.timers.start(self.lease.row.timer_cursor);
        self.feed.next = self.lease.row.position;
        if self.rules.epoch_record {
            self.act(Io::AppendEpochRecords(self.lease.row.epoch));
            self.lease.awaited += u8::from(self.rules.rows_after_epoch_record);
        }
        if self.has_margin() {
            self.act(Io::ReadGeneration);
            self.lease.awaited += 1;
        }
        if !self.rules.position_in_lease {
            self.act(Io::ReadCommit);
            self.lease.awaited += 1;
        }
        if self.lease.awaited == 0 {
            self.phase = Phase::Running;
        }
    }

    /// One thing that was to be known before rows are read: the epoch records are durable, the store's generation is known.
    pub(super) fn marked(&mut self) {
        self.lease.awaited = self.lease.awaited.saturating_sub(1);
        if self.phase == Phase::Marking && self.lease.awaited == 0 {
            self.phase = Phase::Running;
        }
    }

    /// Starts from the group's commit: only where the rule that forbids it was taken away.
    pub(super) fn committed(&mut self, commit: Commit) {
        self.feed.next = commit.position;
        self.marked();
    }

    fn has_margin(&self) -> bool {
        self.rules.replay_margin && !self.settings.replay_margin.is_zero()
    }

    /// The store told its generation: before the first row is read, or before a confirmation.
    pub(super) fn generation_read(&mut self, generation: u64) {
        self.note_generation(generation);
        if self.phase == Phase::Marking {
            return self.marked();
        }
        if let Some(asked) = self.lease.asked.take()
            && self.at_work()
        {
            self.lease.checked = asked;
            self.confirm();
        }
    }

    /// Returns true when the lease could not be confirmed for as long as it is good.
    pub(super) fn lease_is_past(&self) -> bool {
        self.now.boot > self.lease.good_since + self.settings.lease
    }

    /// Confirms position and cursor when something moved, is waiting for a confirmation, or the lease needs one.
    pub(super) fn look_at_lease(&mut self) {
        let boot = self.now.boot;
        if boot < self.lease.looked + self.settings.confirm {
            return;
        }
        self.lease.looked = boot;
        self.forget_old_writes();
        let position = self.position();
        let cursor = self.cursor(position);
        self.lease.safe.push_back(Safe { at: boot, position, cursor });
        if !self.rules.position_in_lease {
            self.act(Io::Commit(position));
        }
        if !self.has_margin() {
            self.lease.checked = boot;
            self.confirm();
        } else if self.lease.asked.is_none() {
            // What was safe a margin ago is safe only if the store has lost nothing since.
            self.lease.asked = Some(boot);
            self.act(Io::ReadGeneration);
        }
    }

    /// Confirms without waiting for the interval. What has to be old enough first still has to.
    pub(super) fn confirm_now(&mut self) {
        if !self.has_margin() && self.lease.under_way.is_none() {
            self.lease.looked = Duration::ZERO;
            self.look_at_lease();
        }
    }

    fn confirm(&mut self) {
        if self.lease.under_way.is_some() {
            return;
        }
        let row = self.lease.row;
        let mut new = row;
        if let Some(safe) = self.safe_a_margin_ago() {
            new.position = row.position.max(safe.position);
            new.timer_cursor = row.timer_cursor.max(safe.cursor);
        }
        let due = self.now.boot >= self.lease.good_since + self.settings.lease_renew;
        let moved = self.rules.position_in_lease && new != row;
        if due || moved || self.relay.awaits_confirmation() {
            let range = self.settings.lease.as_micros() as i64;
            let clock = self.now.wall.0.saturating_mul(1_000);
            new.written_at_max = row.written_at_max.max(clock.max(self.lease.stamp).saturating_add(range));
            self.lease.confirmations += 1;
            self.replace_lease(row, new, self.lease.confirmations);
        }
    }

    /// Returns what was safe a margin ago: the store may lose later writes, even acknowledged ones.
    fn safe_a_margin_ago(&mut self) -> Option<Safe> {
        let margin = if self.has_margin() { self.settings.replay_margin } else { Duration::ZERO };
        let until = self.lease.checked.checked_sub(margin)?;
        let safe = &mut self.lease.safe;
        while safe.get(1).is_some_and(|next| next.at <= until) {
            safe.pop_front();
        }
        safe.front().copied().filter(|first| first.at <= until)
    }

    pub(super) fn lease_epoch(&self) -> Epoch {
        self.lease.row.epoch
    }

    pub(super) fn lease_position(&self) -> Position {
        self.lease.row.position
    }

    pub(super) fn lease_cursor(&self) -> i64 {
        self.lease.row.timer_cursor
    }

    /// Returns the write timestamp that was used last.
    pub(super) fn last_stamp(&self) -> i64 {
        self.lease.stamp
    }

    /// Returns the next write timestamp, `None` when the confirmed range is used up.
    pub(super) fn next_stamp(&mut self) -> Option<i64> {
        (self.lease.stamp < self.lease.row.written_at_max).then(|| {
            self.lease.stamp += 1;
            self.lease.stamp
        })
    }

    /// Ends a draining that is done or took too long; the last confirmation goes first.
    pub(super) fn finish_draining(&mut self) {
        let Phase::Draining { until } = self.phase else { return };
        let sent = self.relay.is_idle() && self.strays.open() == 0;
        let idle = self.feed.is_idle() && self.flush.is_idle() && sent && self.is_settled();
        if !idle && self.now.boot < until {
            return;
        }
        if self.lease.under_way.is_some() && self.now.boot < until {
            return;
        }
        let position = self.position();
        let cursor = self.cursor(position);
        let confirmed = self.lease.row.position >= position;
        if confirmed || self.now.boot >= until || self.lease.last_word {
            return self.end(End::Released);
        }
        self.lease.last_word = true;
        self.lease.safe.push_back(Safe { at: self.now.boot, position, cursor });
        if !self.has_margin() {
            self.lease.checked = self.now.boot;
        }
        self.confirm();
        if self.lease.under_way.is_none() {
            self.end(End::Released);
        }
    }

    /// Returns the lowest slot that is not done yet: open alarms, what was not scanned, what the log or its replay may still set.
    fn cursor(&mut self, position: Position) -> i64 {
        let Some(read_to) = self.time_of(position) else { return self.lease.row.timer_cursor };
        self.timers.lowest_slot().min(slot_of(read_to))
    }
}

fn same_holder(a: &Lease, b: &Lease) -> bool {
    a.epoch == b.epoch && a.owner == b.owner
}
