//! A consumer that delivers nothing though there is something to read.

use schemas::ids::Position;
use schemas::time::{Span, Timestamp};

/// So long is waited before it is put to its place again.
const STILL_MAX: Span = Span::seconds(10);

/// Where and how long a consumer stands still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Still {
    next: Position,
    /// Since when, or since it was put there again.
    since: Timestamp,
    /// How often it was put there again.
    times: u32,
}

impl Still {
    /// Returns how a consumer stands that is at `next` and stood as `before`, and whether that has been so for too long once more.
    pub(super) fn after(before: Option<Still>, next: Position, at: Timestamp) -> (Self, bool) {
        let still = before.filter(|still| still.next == next).unwrap_or(Self { next, since: at, times: 0 });
        match at >= still.since + STILL_MAX {
            true => (Self { since: at, times: still.times + 1, ..still }, true),
            false => (still, false),
        }
    }

    /// Returns true when it did not help to put the consumer to its place again.
    pub(super) fn is_stubborn(&self) -> bool {
        self.times > 1
    }
}
