//! The world of strays: customers and events of the product in two partitions, and producers that use another partitioner or no key.
//!
//! What lies in the wrong partition is relayed to the right one, among the crashes, stalls, late and repeated appends of the owner's
//! world. The ring of message ids holds one, so that it covers for no mark. At the end every event has been counted once, in the row of
//! its customer, and every suppression stands there.

mod ablations;
mod oracle;
mod shop;

pub use ablations::{cases, nothing_taken_away, owner_rules, row_rules};
