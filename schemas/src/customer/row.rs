//! The row's shape and what is read from it. It changes in `apply`, `merge`, `scoring` and `thread` only.

use serde::{Deserialize, Serialize};

use super::identity::{Erased, Identity};
use super::marks::Marks;
use super::outbox::{Outbox, OutboxEntry};
use super::scoring::Asking;
use super::thread::Thread;
use crate::ids::{CustomerId, Position};
use crate::profile::Profile;
use crate::score::Ask;
use crate::time::Timestamp;
use crate::trigger::TriggerState;

/// One customer: the one truth, written whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub(super) id: CustomerId,
    /// Position of the last record that was looked at.
    pub(super) high_water: Option<Position>,
    /// Position of the last record that was told for the first time and is no outcome, not even one that an alias passes on: it
    /// names what timers, scores and conditions open. Outcomes lie among the events as a dispatcher's haste has it.
    pub(super) heard: Position,
    /// Log time of the last thing that happened to the row; never goes back.
    pub(super) clock: Timestamp,
    /// The earliest entry of the timer index that covers this row.
    pub(super) indexed: Option<Timestamp>,
    pub(super) profile: Profile,
    pub(super) outbox: Outbox,
    pub(super) asking: Asking,
    /// When heads are looked at next: one is to be asked by its schedule, or begins or ceases to apply.
    pub(super) rescore: Option<Timestamp>,
    /// What most rows do not have.
    pub(super) rare: Option<Box<Rare>>,
    pub(super) triggers: TriggerState,
    /// What was said; the codec writes it behind the row, where there is any.
    #[serde(skip)]
    pub(super) thread: Option<Box<Thread>>,
}

/// Parts of a row that most customers lack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rare {
    /// How far the messages of other rows were applied.
    pub(super) marks: Marks,
    pub(super) identity: Identity,
    /// The last erase; kept when the customer is heard of again.
    pub(super) erased: Option<Erased>,
}

impl Customer {
    /// Returns the row of a customer of whom nothing was ever told.
    pub fn new(id: CustomerId) -> Self {
        Self {
            id,
            high_water: None,
            heard: Position::default(),
            clock: Timestamp::default(),
            indexed: None,
            profile: Profile::default(),
            outbox: Outbox::default(),
            asking: Asking::default(),
            rescore: None,
            rare: None,
            triggers: TriggerState::default(),
            thread: None,
        }
    }

    /// Returns whose row this is.
    pub fn id(&self) -> &CustomerId {
        &self.id
    }

    /// Returns what is known of the customer.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns what is kept of triggers: open instances, latches, entries, sends.
    pub fn triggers(&self) -> &TriggerState {
        &self.triggers
    }

    /// Returns the position of the last record that the row has seen.
    pub fn high_water(&self) -> Option<Position> {
        self.high_water
    }

    /// Returns the log time of the last thing that happened to the row: nothing that it sends is caused later.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Returns what waits to be relayed or confirmed, oldest first.
    pub fn outbox(&self) -> &[OutboxEntry] {
        self.outbox.entries()
    }

    /// Returns the questions that wait for an answer; at most one per head.
    pub fn pending_asks(&self) -> &[Ask] {
        self.asking.asks()
    }

    /// Returns the earliest entry of the timer index that covers this row.
    pub fn indexed_until(&self) -> Option<Timestamp> {
        self.indexed
    }

    /// Notes the earliest entry of the timer index that covers this row, or that none does any more.
    pub fn set_index(&mut self, entry: Option<Timestamp>) {
        self.indexed = entry;
    }

    /// Drops outbox entries that are relayed and confirmed, by number.
    pub fn clear(&mut self, numbers: &[u64]) {
        self.outbox.clear(numbers);
    }

    /// Returns the user that this row is an alias of.
    pub fn alias_of(&self) -> Option<&CustomerId> {
        self.rare.as_ref()?.identity.alias.as_ref().map(|alias| &alias.user)
    }

    /// Returns the anonymous customers that were merged into this one, in the order they came.
    pub fn merged(&self) -> &[CustomerId] {
        self.rare.as_ref().map_or(&[], |rare| &rare.identity.merged)
    }

    /// Returns true when the row holds marks and what has to leave, and nothing of the customer.
    pub fn is_tombstone(&self) -> bool {
        let Some(rare) = self.rare.as_ref().filter(|rare| rare.erased.is_some()) else { return false };
        self.profile.first_seen().is_none()
            && rare.identity.alias.is_none()
            && rare.identity.merged.is_empty()
            && self.thread.as_ref().is_none_or(|thread| thread.is_blank())
    }

    /// Returns true when the customer was erased after `at`, heard of again or not.
    pub fn erased_after(&self, at: Timestamp) -> bool {
        self.rare.as_ref().and_then(|rare| rare.erased).is_some_and(|erased| erased.at > at)
    }

    /// Returns about how many bytes of memory the row takes.
    pub fn weight(&self) -> usize {
        let rare = self
            .rare
            .as_ref()
            .map_or(0, |rare| size_of::<Rare>() + rare.marks.weight() + rare.identity.weight());
        let own = size_of::<Self>() - size_of::<Profile>();
        own + self.profile.weight()
            + self.outbox.weight()
            + self.asking.weight()
            + self.triggers.weight()
            + self.thread.as_ref().map_or(0, |thread| thread.weight())
            + rare
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}
