//! How long a server wants to be left alone, by the header `Retry-After` of its answer.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use schemas::time::Timestamp;

/// Reads the header: seconds, whole or with a fraction as some servers send them, or a date, from `now` on. `None`: nothing that is either.
///
/// Source: RFC 9110, 10.2.3.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds(after).or_else(|| {
        let date = DateTimeParser::new().parse_timestamp(after).ok()?.as_millisecond();
        Some(Duration::from_millis(u64::try_from(date.saturating_sub(now.0)).unwrap_or(0)))
    })
}

/// Reads a number of seconds, not below 0.
pub fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_nothing_else() {
        let now = Timestamp(1_700_000_000_000);
        for (text, expected) in [
            ("7", Some(7_000)),
            (" 0.5 ", Some(500)),
            ("Tue, 14 Nov 2023 22:13:30 GMT", Some(10_000)),
            ("Tue, 14 Nov 2023 22:13:10 GMT", Some(0)),
            ("-3", None),
            ("NaN", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("a value"))]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_millis), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
