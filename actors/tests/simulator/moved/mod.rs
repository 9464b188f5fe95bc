//! The world of moved instances: the customers of the world of merges, with triggers that run while rows become one.
//!
//! One trigger sends at once, one waits for an exit, one belongs to a cart that both rows may have open; a cap holds over all of them;
//! both partitions have dispatchers that look at the stored row before each call. Users and anonymous ids are erased while requests,
//! snapshots, instances and outcomes are on their way.
//!
//! What the rows come to is exact: [`oracle`] compares rows, decisions, outreach and messages with a plain run of the log. That run
//! uses the product's own merge, so [`invariants`] says from the log alone what no merge may do. Where the partitions' order is a
//! matter of chance (which row decides, whether an outreach left before an erase) only the invariants speak.

mod ablations;
mod invariants;
mod oracle;
mod shop;

pub use ablations::{cases, nothing_taken_away, row_rules};
