//! What a transition of a row leaves for its executor.

use serde::{Deserialize, Serialize};

use super::outbox::OutboxEntry;
use crate::score::Ask;

/// How soon a changed row has to be durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The row did not change.
    #[default]
    Clean,
    /// With the next quiet flush.
    Quiet,
    /// At once: an outbox entry, consent, suppression, erase.
    Urgent,
}

/// What a transition did, for the executor. Transitions add to it; [`Effects::clear`] keeps the memory.
#[derive(Debug, Default)]
pub struct Effects {
    /// Entries that were added to the row's outbox.
    pub outbox: Vec<OutboxEntry>,
    /// Numbers of entries that an erase took out of the outbox before they were cleared: not to be relayed any more.
    pub withdrawn: Vec<u64>,
    /// Questions that were noted in the row.
    pub asks: Vec<Ask>,
    /// Values that lead to this customer, to be in the link index before the row is written.
    pub links: Vec<Link>,
    /// How soon the row has to be written.
    pub urgency: Urgency,
    /// What happened, for counters.
    pub tally: Tally,
}

impl Effects {
    /// Empties it for the next use.
    pub fn clear(&mut self) {
        self.outbox.clear();
        self.withdrawn.clear();
        self.asks.clear();
        self.links.clear();
        self.urgency = Urgency::Clean;
        self.tally = Tally::default();
    }

    /// Notes that the row has to be written at least this soon.
    pub(super) fn touch(&mut self, urgency: Urgency) {
        self.urgency = self.urgency.max(urgency);
    }
}

/// Counts of one transition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records of events that were folded, or forwarded by an alias. Each event counts here or in `duplicate`, once.
    pub applied: u32,
    /// Records at or below a mark: already applied.
    pub replayed: u32,
    /// Records of events whose message id is in the ring.
    pub duplicate: u32,
    /// Events beyond the late bound, among those applied.
    pub late: u32,
    /// Events with a clamped stamp, among those applied.
    pub clamped: u32,
    /// Messages of other rows, outcomes and commands that were applied.
    pub told: u32,
    /// Messages, outcomes and scores that the row did not await.
    pub unawaited: u32,
    /// What happened in the thread.
    pub talk: TalkTally,
}

impl Tally {
    /// Adds the counts of another transition.
    pub fn add(&mut self, other: &Tally) {
        self.applied += other.applied;
        self.replayed += other.replayed;
        self.duplicate += other.duplicate;
        self.late += other.late;
        self.clamped += other.clamped;
        self.told += other.told;
        self.unawaited += other.unawaited;
        self.talk.add(&other.talk);
    }
}

/// Counts of one transition that concern the thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TalkTally {
    /// Turns of the customer.
    pub said: u32,
    /// Turns of the bot.
    pub answered: u32,
    /// Turns of agents.
    pub spoken: u32,
    /// Outreach that opened.
    pub opened: u32,
    /// Take-overs and hand-backs.
    pub changed: u32,
    /// Messages that joined a burst.
    pub coalesced: u32,
    /// Answers that were asked for.
    pub asked: u32,
    /// Questions that were closed before their answer came.
    pub cancelled: u32,
    /// Answers that were not taken: their question was not open any more.
    pub stale: u32,
    /// Messages, outreach and changes of hands that were told before, or changed nothing.
    pub repeated: u32,
    /// Messages above the bound of a minute, outreach for the suppressed.
    pub refused: u32,
}

impl TalkTally {
    /// Adds the counts of another transition.
    pub fn add(&mut self, other: &TalkTally) {
        self.said += other.said;
        self.answered += other.answered;
        self.spoken += other.spoken;
        self.opened += other.opened;
        self.changed += other.changed;
        self.coalesced += other.coalesced;
        self.asked += other.asked;
        self.cancelled += other.cancelled;
        self.stale += other.stale;
        self.repeated += other.repeated;
        self.refused += other.refused;
    }
}

/// A value that leads to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// Kind of the value.
    pub kind: LinkKind,
    /// Hash of the value, lower-cased and trimmed; the value itself is not stored.
    pub hash: u128,
}

/// Kinds of values in the link index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// An order id.
    Order,
}
