//! The customer row: the one truth about a customer, and its transitions.
//!
//! A row changes by [`Customer::apply`] (a record of the log), [`Customer::wake`] (time passed), [`Customer::answer`] (a score
//! came) and [`Customer::clear`] (relayed entries are confirmed). Each transition is pure: it leaves [`Effects`] for an executor,
//! and what must leave the engine stands in the row's own outbox until it is confirmed.

pub mod identity;

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Outreach};
use crate::ids::{CustomerId, Position};
use crate::score::Ask;

/// What leaves a row, in the order it was caused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Counts the entries of this row; never used twice by one row.
    pub number: u64,
    /// What holds it: the record that caused it, or `None` when a timer did (the timer cursor holds it then).
    pub cause: Option<Position>,
    /// What is to be relayed.
    pub body: Outgoing,
}

/// Bodies of outbox entries, by destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outgoing {
    /// To care.outreach.
    Outreach(Box<Outreach>),
    /// To care.decisions and the decision table.
    Decision(Box<Decision>),
    /// To another customer's key in care.events.
    Relay {
        /// The receiving row.
        to: CustomerId,
        /// The message.
        message: Box<identity::Relay>,
    },
}

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

/// What a transition did, for the executor. Reused between calls: cleared, not reallocated.
#[derive(Debug, Default)]
pub struct Effects {
    /// Entries that were added to the row's outbox.
    pub outbox: Vec<OutboxEntry>,
    /// Questions that were noted in the row.
    pub asks: Vec<Ask>,
    /// Values that lead to this customer, to be in the link index before the row is written.
    pub links: Vec<Link>,
    /// How soon the row has to be written.
    pub urgency: Urgency,
    /// What happened, for counters.
    pub tally: Tally,
}

/// Counts of one transition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records applied.
    pub applied: u32,
    /// Records at or below a mark: already applied.
    pub replayed: u32,
    /// Events whose message id is in the ring.
    pub duplicate: u32,
    /// Events beyond the late bound.
    pub late: u32,
    /// Events with a clamped stamp.
    pub clamped: u32,
    /// Relays and outcomes that the row did not await.
    pub unawaited: u32,
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
