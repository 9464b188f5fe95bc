//! What is said to and by a customer: one thread per customer, owned by the customer's row.
//!
//! Whatever enters a thread is a [`Talk`], a record of `care.events` under the customer's key. What comes of it is a [`Turn`]: numbered by
//! the row, written to the store and told once on `care.replies` as a [`Reply`]. Between turns pieces of an answer are told as they are
//! written, best effort.
//!
//! | file | holds |
//! |---|---|
//! | `talk` | what a row is told |
//! | `turn` | what a thread consists of |
//! | `reply` | what stands in `care.replies` |
//! | `question` | what a row asks the pool of answers |
//! | `person` | whether a customer asks for a person |
//! | `words` | what the engine itself says, and the language to say it in |

mod question;
mod reply;
mod talk;
mod turn;

pub mod person;
pub mod words;

#[cfg(test)]
mod tests;

pub use question::{Context, Question, QuestionId};
pub use reply::{Piece, Reply};
pub use talk::{Answered, Change, Opened, Ownership, Said, Seen, Spoken, Talk};
pub use turn::{Act, Made, Owner, Rung, Source, Speaker, Turn, TurnId};

/// Longest text of a turn. Units: bytes.
pub const TEXT_MAX: usize = 16_384;

/// Longest text that a customer or an agent sends. Units: characters.
pub const SAID_CHARS_MAX: usize = 4_000;

/// Longest id of a message, name of an agent, language. Units: bytes.
pub const NAME_MAX: usize = 128;

/// Sources that one turn names.
pub const SOURCES_MAX: usize = 16;
