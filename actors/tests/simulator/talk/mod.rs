//! The world of talk: customers who write, agents who take over and hand back, and a pool whose answers come late, twice or never.
//!
//! Whoever owns the partition asks the pool; an answer is a record of the log like any other, appended by a process that may be none any
//! more. At the end every message stands once in its thread and in the order of the log, no number names two turns, nothing of the bot
//! stands behind a take-over, and each answer is one to what the customer wrote last.

mod ablations;
mod oracle;
mod shop;

pub use ablations::{cases, nothing_taken_away, row_rules};
pub use shop::answer;
