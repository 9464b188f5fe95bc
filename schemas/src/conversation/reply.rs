//! What stands in `care.replies`, under the customer's key.

use serde::{Deserialize, Serialize};

use super::turn::Turn;
use crate::time::Timestamp;

/// A record of `care.replies`: `{"turn": {…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A turn, whole; again after a crash, with the same id.
    Turn(Box<Turn>),
    /// Part of an answer that is being written. Best effort: it may be missing, and the turn that follows says all.
    Piece(Piece),
    /// The customer was erased: turns below a number are gone.
    Forgotten {
        /// The first number that is not.
        below: u32,
        /// Log time.
        at: Timestamp,
    },
}

/// Part of an answer that is being written. A reader drops pieces whose epoch or attempt is below that of the newest turn it has seen,
/// and those of an attempt that a whole turn has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Number of the question.
    pub attempt: u32,
    /// Ownership epoch in which it was asked.
    pub epoch: u32,
    /// Counts the pieces of an attempt, from 0; after a gap the rest is of no use.
    pub nth: u32,
    /// Text to be appended to the pieces before.
    pub text: String,
}
