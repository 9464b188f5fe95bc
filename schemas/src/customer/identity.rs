//! Identity across partitions: merge requests, snapshots, forwards and erase commands between rows.

use serde::{Deserialize, Serialize};

use crate::record::Sender;

/// A message from one customer's row to another's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relay {
    /// Who sent it, and from where.
    pub sender: Sender,
}
