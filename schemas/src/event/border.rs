//! What an event must be to pass: sizes, and how far its stamp may lie from the log's time.

use crate::time::Span;

/// Longest name of an event, in bytes.
pub const NAME_MAX: usize = 200;

/// Longest customer id, in bytes.
pub const ID_MAX: usize = 256;

/// Ids that name nobody, lower-cased: what clients send when they have none.
pub const BLOCKED_IDS: [&str; 16] = [
    "",
    "0",
    "-1",
    "null",
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
    "00000000-0000-0000-0000-000000000000",
];

/// Bounds of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
