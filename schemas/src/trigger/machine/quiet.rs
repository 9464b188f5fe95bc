//! Quiet hours: by the wall clock where the customer lives.
//!
//! An instant is quiet when the wall clock shows a minute in [start, end), so an hour that the clocks repeat is quiet twice, one that
//! they skip not at all. Quiet hours end when the wall clock first shows their end; where it skips that minute, as much later as it
//! skips (the "compatible" rule of RFC 5545 and Temporal).

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use jiff::tz::{Disambiguation, TimeZone};

use crate::time::Timestamp;
use crate::trigger::spec::QuietHours;

/// Returns when the quiet hours end that hold at `now` in an IANA zone; `None` when none hold. Hours that begin when they end are
/// none, an unknown zone is UTC, and an instant outside the calendar is not quiet.
pub fn quiet_until(hours: QuietHours, zone: &str, now: Timestamp) -> Option<Timestamp> {
    let instant = jiff::Timestamp::from_millisecond(now.0).ok()?;
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let here = zone.to_datetime(instant);
    let minute = here.hour() as u16 * 60 + here.minute() as u16;
    let QuietHours { start_min, end_min } = hours;
    let (is_quiet, ends_tomorrow) = if start_min <= end_min {
        ((start_min..end_min).contains(&minute), false)
    } else {
        (minute >= start_min || minute < end_min, minute >= start_min)
    };
    if !is_quiet {
        return None;
    }
    let day = if ends_tomorrow { here.date().tomorrow().ok()? } else { here.date() };
    let (hour, minute) = ((end_min / 60) as i8, (end_min % 60) as i8);
    let end = match Time::new(hour, minute, 0, 0) {
        Ok(time) => day.to_datetime(time),
        // Up to 24:00.
        Err(_) => day.tomorrow().ok()?.to_datetime(Time::midnight()),
    };
    ends_after(instant, end, &zone)
}

/// Returns the first instant after `now` at which the wall clock shows `end`.
fn ends_after(now: jiff::Timestamp, end: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let shows = |end: DateTime, rule: Disambiguation| {
        zone.to_ambiguous_timestamp(end).disambiguate(rule).ok().filter(|end| *end > now)
    };
    let next_day = || shows(end.checked_add(1.day()).ok()?, Disambiguation::Compatible);
    let end = shows(end, Disambiguation::Compatible)
        .or_else(|| shows(end, Disambiguation::Later))
        .or_else(next_day)?;
    Some(Timestamp(end.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    const NIGHT: QuietHours = QuietHours { start_min: 21 * 60, end_min: 8 * 60 };

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond())
    }

    fn check(hours: QuietHours, zone: &str, now: &str, until: Option<&str>) {
        assert_eq!(quiet_until(hours, zone, at(now)), until.map(at), "{zone} {now}");
    }

    #[test]
    fn the_night_passes_midnight_and_its_edges_are_exact() {
        check(NIGHT, "UTC", "2026-06-01T20:59:59.999Z", None);
        check(NIGHT, "UTC", "2026-06-01T21:00:00Z", Some("2026-06-02T08:00:00Z"));
        check(NIGHT, "UTC", "2026-06-02T07:59:59.999Z", Some("2026-06-02T08:00:00Z"));
        check(NIGHT, "UTC", "2026-06-02T08:00:00Z", None);
        check(NIGHT, "Asia/Shanghai", "2026-06-01T13:00:00Z", Some("2026-06-02T00:00:00Z"));
        check(NIGHT, "No/Where", "2026-06-01T13:00:00Z", None);
    }

    #[test]
    fn hours_within_a_day_and_hours_that_are_none() {
        let noon = QuietHours { start_min: 12 * 60, end_min: 13 * 60 };
        check(noon, "UTC", "2026-06-01T12:30:00Z", Some("2026-06-01T13:00:00Z"));
        check(noon, "UTC", "2026-06-01T13:00:00Z", None);
        check(QuietHours { start_min: 60, end_min: 60 }, "UTC", "2026-06-01T01:00:00Z", None);
        let rest = QuietHours { start_min: 1_200, end_min: 1_440 };
        check(rest, "UTC", "2026-06-01T23:00:00Z", Some("2026-06-02T00:00:00Z"));
    }

    #[test]
    fn quiet_hours_end_in_the_customers_zone() {
        let noon = at("2026-11-25T12:00:00Z");
        let hours = |start: u16, end: u16| QuietHours { start_min: start * 60, end_min: end * 60 };
        let in_hours = |n| Some(noon + Span::hours(n));
        for (hours, zone, expected) in [
            (hours(21, 8), "UTC", None),
            (hours(12, 14), "UTC", in_hours(2)),
            (hours(10, 12), "UTC", None),
            (hours(21, 8), "Asia/Tokyo", in_hours(11)),
            (hours(22, 8), "America/Los_Angeles", in_hours(4)),
            (hours(12, 24), "UTC", in_hours(12)),
            (hours(9, 9), "UTC", None),
        ] {
            assert_eq!(quiet_until(hours, zone, noon), expected, "{hours:?} {zone}");
        }
    }

    #[test]
    fn an_end_that_the_clocks_skip_is_as_much_later() {
        let until_half_past_two = QuietHours { start_min: 22 * 60, end_min: 150 };
        // Berlin, 29 March 2026: 02:00 is followed by 03:00.
        check(until_half_past_two, "Europe/Berlin", "2026-03-28T22:00:00Z", Some("2026-03-29T01:30:00Z"));
        check(until_half_past_two, "Europe/Berlin", "2026-03-29T01:00:00Z", None);
    }

    #[test]
    fn an_hour_that_the_clocks_repeat_is_quiet_twice() {
        let until_half_past_two = QuietHours { start_min: 22 * 60, end_min: 150 };
        // Berlin, 25 October 2026: 03:00 summer time is followed by 02:00 winter time.
        check(until_half_past_two, "Europe/Berlin", "2026-10-25T00:10:00Z", Some("2026-10-25T00:30:00Z"));
        check(until_half_past_two, "Europe/Berlin", "2026-10-25T00:30:00Z", None);
        check(until_half_past_two, "Europe/Berlin", "2026-10-25T01:10:00Z", Some("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn no_instant_and_no_hours_are_too_odd() {
        for now in [i64::MIN, -1, 0, i64::MAX, 253_402_207_200_000 - 1] {
            for (start_min, end_min) in [(0, 0), (0, u16::MAX), (u16::MAX, 0), (1_439, 1_440)] {
                let until =
                    quiet_until(QuietHours { start_min, end_min }, "America/St_Johns", Timestamp(now));
                assert!(until.is_none_or(|until| until.0 > now));
            }
        }
    }
}
