//! When a webhook is tried again: ten attempts within about 75 hours.

use std::time::Duration;

use schemas::ids::OutreachId;
use schemas::time::{Span, Timestamp};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Attempts of one outreach, the first included.
pub const ATTEMPTS: u32 = PAUSES.len() as u32 + 1;

/// From one attempt to the next: 75 h 35 min together.
///
/// Source: the example schedule of Standard Webhooks 1.0.
const PAUSES: [Span; 9] = [
    Span::seconds(5),
    Span::minutes(5),
    Span::minutes(30),
    Span::hours(2),
    Span::hours(5),
    Span::hours(10),
    Span::hours(14),
    Span::hours(20),
    Span::hours(24),
];

/// A pause is this much longer or shorter, so that what failed together does not come back together.
const SPREAD: f64 = 0.1;

/// A server is left alone for so long at most, whatever it asks for.
const ASKED_MAX: Span = Span::hours(24);

/// Returns when the attempt after this one is due, `None` after the last: the schedule's pause, spread by a hash of id and attempt, or
/// what the server asked for, where that is longer.
pub(super) fn next(
    id: OutreachId,
    attempt: u32,
    (now, asked): (Timestamp, Option<Duration>),
) -> Option<Timestamp> {
    let pause = *PAUSES.get(usize::try_from(attempt).ok()?)?;
    let spread = (spread(id, attempt) * SPREAD * pause.0 as f64) as i64;
    let asked = asked.map(|asked| i64::try_from(asked.as_millis()).unwrap_or(i64::MAX)).unwrap_or(0);
    Some(now + Span((pause.0 + spread).max(asked.min(ASKED_MAX.0))))
}

/// Returns a number from -1 to 1, always the same for an attempt.
fn spread(id: OutreachId, attempt: u32) -> f64 {
    let hash = xxh3_64_with_seed(&id.0.to_le_bytes(), u64::from(attempt));
    (hash >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn pause(id: u128, attempt: u32, asked_s: Option<u64>) -> Option<Span> {
        let asked = asked_s.map(Duration::from_secs);
        next(OutreachId(id), attempt, (NOW, asked)).map(|at| Span(at.0 - NOW.0))
    }

    #[test]
    fn ten_attempts_span_about_75_hours_and_no_more_follow() {
        for id in 0..200 {
            let pauses: Vec<Span> = (0..ATTEMPTS).map_while(|attempt| pause(id, attempt, None)).collect();
            assert_eq!(pauses.len(), 9);
            let hours = pauses.iter().map(|pause| pause.0).sum::<i64>() as f64 / 3_600_000.0;
            assert!((68.0..=83.2).contains(&hours), "{hours} h");
            assert!((4_500..=5_500).contains(&pauses[0].0), "{:?}", pauses[0]);
        }
        assert_eq!((pause(1, 9, None), pause(1, u32::MAX, None)), (None, None));
    }

    #[test]
    fn what_failed_together_does_not_come_back_together_and_always_at_the_same_time() {
        let pauses: std::collections::BTreeSet<i64> =
            (0..100).filter_map(|id| pause(id, 1, None)).map(|pause| pause.0).collect();
        assert!(pauses.len() > 90 && pauses.last() > pauses.first(), "{pauses:?}");
        assert_eq!(pause(7, 3, None), pause(7, 3, None));
    }

    #[test]
    fn a_server_may_ask_for_more_time_than_the_schedule_but_not_for_less_or_for_ever() {
        assert_eq!(pause(1, 0, Some(120)), Some(Span::minutes(2)));
        assert_eq!(pause(1, 3, Some(0)), pause(1, 3, None));
        assert_eq!(pause(1, 0, Some(u64::MAX)), Some(Span::hours(24)));
        assert_eq!(pause(1, 9, Some(60)), None, "the last attempt is the last");
    }
}
