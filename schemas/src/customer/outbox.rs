//! What must leave a row: kept in the row itself until whoever relays it confirms that no older row can come back.

use serde::{Deserialize, Serialize};

use super::identity::{Message, Relay};
use crate::conversation::Turn;
use crate::decision::{Decision, Outreach};
use crate::ids::{CustomerId, Position};
use crate::time::Timestamp;

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
        message: Box<Relay>,
    },
    /// To care.replies and the table of turns.
    Turn(Box<Turn>),
    /// To care.replies, and out of the table of turns: the customer was erased.
    Forgotten {
        /// Turns below this number are gone.
        below: u32,
        /// Log time of the erase.
        at: Timestamp,
    },
}

impl Outgoing {
    /// Returns true for what still has to leave when the row is erased: messages that keep two rows in agreement and hold nothing
    /// personal.
    fn survives_erase(&self) -> bool {
        match self {
            Outgoing::Outreach(_) | Outgoing::Decision(_) | Outgoing::Turn(_) => false,
            Outgoing::Forgotten { .. } => true,
            Outgoing::Relay { message, .. } => match message.message {
                Message::Request | Message::Refused { .. } | Message::Erase => true,
                Message::Snapshot { .. } | Message::Forward { .. } => false,
            },
        }
    }
}

/// The outbox of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Outbox {
    entries: Vec<OutboxEntry>,
    /// Entries ever made.
    made: u64,
}

impl Outbox {
    pub(super) fn from_parts(entries: Vec<OutboxEntry>, made: u64) -> Self {
        Self { entries, made }
    }

    pub(super) fn entries(&self) -> &[OutboxEntry] {
        &self.entries
    }

    pub(super) fn weight(&self) -> usize {
        // Bodies are estimated: a decision with its conditions takes about a kilobyte.
        self.entries.capacity() * size_of::<OutboxEntry>() + self.entries.len() * 1_024
    }

    /// Adds an entry and returns it.
    pub(super) fn push(&mut self, cause: Option<Position>, body: Outgoing) -> &OutboxEntry {
        let entry = OutboxEntry { number: self.made, cause, body };
        self.made += 1;
        let last = self.entries.len();
        self.entries.push(entry);
        &self.entries[last]
    }

    /// Drops the entries with these numbers; numbers that are not there are passed over.
    pub(super) fn clear(&mut self, numbers: &[u64]) {
        self.entries.retain(|entry| !numbers.contains(&entry.number));
        if self.entries.is_empty() {
            self.entries = Vec::new();
        }
    }

    /// Drops what an erase must not let out and returns its numbers.
    pub(super) fn erase(&mut self) -> Vec<u64> {
        let mut withdrawn = Vec::new();
        self.entries.retain(|entry| {
            let stays = entry.body.survives_erase();
            if !stays {
                withdrawn.push(entry.number);
            }
            stays
        });
        withdrawn
    }
}
