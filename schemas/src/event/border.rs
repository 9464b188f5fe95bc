//! What an event must be to pass: sizes, ids, and how far its stamp may lie from the log's time.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// Longest name of an event, in bytes.
pub const NAME_MAX: usize = 200;

/// Longest customer id, in bytes.
pub const ID_MAX: usize = 256;

/// Ids that name nobody, lower-cased: what clients send when they have none.
pub const BLOCKED_IDS: [&str; 19] = [
    "",
    "0",
    "-1",
    "null",
    "(null)",
    "nil",
    "none",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "nan",
    "n/a",
    "true",
    "false",
    "[object object]",
    "{}",
    "[]",
    "00000000-0000-0000-0000-000000000000",
];

/// Longest of [`BLOCKED_IDS`], in bytes.
const BLOCKED_MAX: usize = 36;

/// Bounds of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Border {
    /// Longest body of an event. Units: bytes.
    pub item_bytes_max: usize,
    /// An event that is older than this at its append is late: it updates totals and fires nothing.
    pub late: Span,
    /// An event that lies further ahead of the log than this is clamped to the log's time.
    pub future: Span,
}

impl Default for Border {
    /// Returns the Segment specification's size and the documented defaults: 32 KB, 7 days, 5 minutes.
    fn default() -> Self {
        Self { item_bytes_max: 32 * 1_024, late: Span::days(7), future: Span::minutes(5) }
    }
}

/// Returns true for an id that names nobody: blank, or a word that clients send instead of one.
pub fn names_nobody(id: &str) -> bool {
    let id = id.trim();
    id.len() <= BLOCKED_MAX && BLOCKED_IDS.iter().any(|blocked| id.eq_ignore_ascii_case(blocked))
}
