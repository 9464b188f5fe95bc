//! A consumer that delivers nothing though there is something to read.

use schemas::ids::Position;
use schemas::time::{Span, Timestamp};

/// So long a consumer may stand still: far longer than a broker takes that is there and answers, as the ends that it tells show.
const STILL_MAX: Span = Span::seconds(30);

/// Where a consumer stands still, and since when. All times are the watcher's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Still {
    next: Position,
    since: Timestamp,
    /// When an end was told last.
    told: Timestamp,
}

impl Still {
    /// Returns how a consumer stands that is at `next`, and stood as `before` when the end was told before. After more silence than that
    /// the broker was away, and a consumer has every reason to stand still.
    pub(super) fn after(before: Option<Still>, next: Position, at: Timestamp, silence_max: Span) -> Self {
        let stood = before.filter(|before| before.next == next && at <= before.told + silence_max);
        Self { next, since: stood.map_or(at, |before| before.since), told: at }
    }

    /// Returns true when that is longer than anything that passes by itself.
    pub(super) fn is_long(&self) -> bool {
        self.told >= self.since + STILL_MAX
    }
}
