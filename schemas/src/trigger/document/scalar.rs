//! Names, durations and times of day.

use jiff::Span as Iso;
use smol_str::SmolStr;

use super::check::{Check, nearest};
use super::tree::Node;
use crate::event::NAME_MAX as EVENT_NAME_MAX;
use crate::event::vocabulary::{self, canonical, is_known};
use crate::profile::field::{self, FieldRef};
use crate::score::Head;
use crate::time::Span;
use crate::trigger::words::Length;

/// Longest name of a trigger, channel or template.
const NAME_MAX: usize = 64;

/// Shortest duration: the resolution of timers.
pub const SHORTEST: Span = Span::seconds(1);

/// Reads the name of a trigger, channel or template.
pub fn name(node: &Node, check: &mut Check) -> Option<SmolStr> {
    let name = check.text(node, NAME_MAX)?;
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if !name.bytes().all(inner) || !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        check.fault(
            node,
            format!("{} is no name", node.shown()),
            format!("small letters, digits, - and _, a letter or digit first, up to {NAME_MAX}"),
        );
        return None;
    }
    Some(name)
}

/// Reads the name of an event, in any dialect; one that no dialect has is kept, with a warning.
pub fn event_name(node: &Node, check: &mut Check) -> Option<SmolStr> {
    let said = check.text(node, EVENT_NAME_MAX)?;
    if said.trim().is_empty() {
        check.fault(node, "is empty", "the name of an event");
        return None;
    }
    let name = canonical(said.trim());
    if !is_known(&name) {
        let near = nearest(&name, vocabulary::names());
        let legal = near.map(|near| format!("{near}, or your own event's name")).unwrap_or_default();
        check.warn(
            node,
            format!("{} is not in the vocabulary; it is taken as it stands", node.shown()),
            legal,
        );
    }
    Some(name)
}

/// Reads the path of an event's property; what other dialects call a known one is made canonical, as it is in events.
pub fn property(node: &Node, check: &mut Check) -> Option<SmolStr> {
    let path = check.text(node, EVENT_NAME_MAX)?;
    if path.is_empty() {
        check.fault(node, "is empty", "the path of a property of the event");
        return None;
    }
    Some(vocabulary::property(&path).map_or(path, SmolStr::new_static))
}

/// Reads the path of a profile field.
pub fn field(node: &Node, check: &mut Check) -> Option<FieldRef> {
    let path = check.text(node, EVENT_NAME_MAX)?;
    match field::lookup(&path) {
        Ok(field) => Some(field),
        Err(unknown) => {
            let wrong = format!("{} is no field, nearest is {}", node.shown(), unknown.nearest);
            check.fault(node, wrong, "a field of the profile, or traits. and a name");
            None
        }
    }
}

/// Reads the name of a score.
pub fn head(node: &Node, check: &mut Check) -> Option<Head> {
    check.choice(node, &Head::ALL.map(|head| (head.as_str(), head)))
}

/// Reads an ISO 8601 duration between two bounds, both included. A day is 24 hours.
pub fn duration(node: &Node, min: Span, max: Span, check: &mut Check) -> Option<Span> {
    let legal = || format!("an ISO 8601 duration such as PT30M or P1D, {} to {}", Length(min), Length(max));
    let iso = node.text().filter(|text| text.starts_with('P') && text.len() <= 32);
    let Some(iso) = iso.and_then(|text| text.parse::<Iso>().ok()) else {
        check.fault(node, format!("{} is no duration", node.shown()), legal());
        return None;
    };
    if iso.get_years() != 0 || iso.get_months() != 0 {
        let wrong = format!("{} has months or years, whose length varies", node.shown());
        check.fault(node, wrong, format!("days instead, such as P30D; {} to {}", Length(min), Length(max)));
        return None;
    }
    if iso.get_milliseconds() != 0 || iso.get_microseconds() != 0 || iso.get_nanoseconds() != 0 {
        check.fault(node, format!("{} has fractions of a second", node.shown()), legal());
        return None;
    }
    let days = i64::from(iso.get_weeks()).saturating_mul(7).saturating_add(i64::from(iso.get_days()));
    let parts = [
        Span::days(days).0,
        Span::hours(i64::from(iso.get_hours())).0,
        Span::minutes(iso.get_minutes()).0,
        Span::seconds(iso.get_seconds()).0,
    ];
    let span = Span(parts.into_iter().fold(0, i64::saturating_add));
    if span < min || span > max {
        check.fault(node, format!("{} is out of range", node.shown()), legal());
        return None;
    }
    Some(span)
}

/// Reads a time of day as minutes after midnight.
pub fn time_of_day(node: &Node, check: &mut Check) -> Option<u16> {
    let minutes = node.text().and_then(|text| {
        let (hours, minutes) = text.split_once(':')?;
        let number = |digits: &str| -> Option<u16> {
            let digits = Some(digits).filter(|digits| digits.len() == 2)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    });
    if minutes.is_none() {
        check.fault(node, format!("{} is no time of day", node.shown()), "\"HH:MM\", \"00:00\" to \"23:59\"");
    }
    minutes
}
