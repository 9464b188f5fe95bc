//! Identity across partitions: what rows tell each other, and what a row knows of its aliases.
//!
//! An identified customer decides: it numbers a request by its own position and asks the anonymous row, which answers with all it has,
//! turns into an alias and forwards what still arrives. One hop, no cycle: only anonymous rows turn into aliases, only identified ones
//! ask. The transitions stand in `merge`.

use serde::{Deserialize, Serialize};

use crate::conversation::Talk;
use crate::decision::Outcome;
use crate::event::{Event, names_nobody};
use crate::ids::{ANONYMOUS_PREFIX, CustomerId, Position};
use crate::profile::Profile;
use crate::record::{Command, Sender};
use crate::time::Timestamp;
use crate::trigger::TriggerState;

/// Aliases that one customer may have, asked ones included.
pub const ALIASES_MAX: usize = 50;
/// Refusals that a row remembers; with so many it asks nobody new.
pub const REFUSED_MAX: usize = 50;

/// A message from one customer's row to another's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relay {
    /// Who sent it, and from where.
    pub sender: Sender,
    /// What it says.
    pub message: Message,
}

/// What rows tell each other. The number of a request is the sender's position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// From an identified customer: become my alias.
    Request,
    /// From a new alias: all it had.
    Snapshot {
        /// Number of the request that it answers.
        request: Position,
        /// What it had.
        snapshot: Box<Snapshot>,
    },
    /// From an anonymous row that is another's alias already.
    Refused {
        /// Number of the request that it answers.
        request: Position,
    },
    /// From an alias: this was meant for you.
    Forward(Box<Forward>),
    /// From the user that was erased: forget what you have.
    Erase,
}

impl Message {
    /// Returns true for an outcome that an alias passes on.
    pub(super) fn is_outcome(&self) -> bool {
        match self {
            Message::Forward(forward) => match **forward {
                Forward::Outcome(_) => true,
                Forward::Event(_) | Forward::Command(_) | Forward::Talk(_) => false,
            },
            Message::Request | Message::Snapshot { .. } | Message::Refused { .. } | Message::Erase => false,
        }
    }
}

/// All that an anonymous row had when it became an alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its profile.
    pub profile: Profile,
    /// What it kept of triggers; its open instances go on at the user.
    #[serde(default)]
    pub triggers: TriggerState,
}

/// What an alias was told, for its user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Forward {
    /// An event, as the alias's own decoding made it: its stamp is not judged again.
    Event(Event),
    /// What became of an outreach that the alias sent before it was one.
    Outcome(Outcome),
    /// A command: it concerns whoever the alias leads to.
    Command(Command),
    /// Something said in the customer's thread. Threads stay with their row: only a stray tells it.
    Talk(Box<Talk>),
}

/// What an anonymous row leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Alias {
    /// The identified customer.
    pub(super) user: CustomerId,
    /// Number of the request that it followed.
    pub(super) request: Position,
}

/// What a row knows of its aliases, or of whose alias it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Set: this row is an alias.
    pub(super) alias: Option<Alias>,
    /// Asked, not answered; with the request's number.
    pub(super) requests: Vec<(CustomerId, Position)>,
    /// Answered with a snapshot: their forwards are taken.
    pub(super) merged: Vec<CustomerId>,
    /// Answered that they are another's.
    pub(super) refused: Vec<CustomerId>,
}

impl Identity {
    /// Returns the number of the open request to `alias`.
    pub(super) fn request_to(&self, alias: &CustomerId) -> Option<Position> {
        self.requests.iter().find(|(asked, _)| asked == alias).map(|(_, number)| *number)
    }

    /// Returns true when `alias` may be asked: it was not, and there is room.
    pub(super) fn may_ask(&self, alias: &CustomerId) -> bool {
        self.request_to(alias).is_none()
            && !self.merged.contains(alias)
            && !self.refused.contains(alias)
            && self.merged.len() + self.requests.len() < ALIASES_MAX
            && self.refused.len() < REFUSED_MAX
    }

    pub(super) fn weight(&self) -> usize {
        let ids = self.merged.capacity() + self.refused.capacity();
        ids * size_of::<CustomerId>() + self.requests.capacity() * size_of::<(CustomerId, Position)>()
    }

    /// Closes the request to `alias`.
    pub(super) fn close_request(&mut self, alias: &CustomerId) {
        self.requests.retain(|(asked, _)| asked != alias);
    }
}

/// What a row remembers of its last erase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Erased {
    /// Log time of the erase.
    pub(super) at: Timestamp,
}

/// Returns true when an anonymous id names nobody and must never lead to a merge.
pub fn is_blocked(anonymous: &CustomerId) -> bool {
    let id = anonymous.as_str();
    names_nobody(id.strip_prefix(ANONYMOUS_PREFIX).unwrap_or(id))
}
