//! The world of merges: two partitions, two users, three anonymous shoppers; customers, cells and events of the product.
//!
//! Several users claim one anonymous shopper, users are erased while their requests, snapshots and forwards are on their way, and all
//! that happens among the crashes, stalls and moves of the owner's world. At the end [`story`] and [`oracle`] say of every event where it has to be
//! counted, and where not.

mod ablations;
mod oracle;
pub mod shop;
pub mod story;

pub use ablations::{cases, nothing_taken_away, owner_rules, row_rules};
