//! The world of triggers: customers, triggers and events of the product in the owner's world, against a plain run of the log.
//!
//! A trigger that sends at once, one that waits for an exit, one that a score opens. Whatever crashes, stalls or moves: at the end the
//! rows and what was sent are those of one thread that applies the log record by record.

mod ablations;
mod oracle;
mod shop;

pub use ablations::{cases, nothing_taken_away, row_rules};
