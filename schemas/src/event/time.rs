//! When an event happened: as it says, corrected for the sender's clock, and held within the border's bounds.

use super::Timeliness;
use super::border::Border;
use super::reject::{RejectReason, Rejection};
use super::segment::{quoted, wrong_type};
use super::wire::{Field, Wire};
use crate::time::{Span, Timestamp};

/// Returns when it happened and how that stands to the log's time: the event's own `timestamp`, else
/// `receivedAt − (sentAt − originalTimestamp)`, else what is known, else the log's time.
///
/// The fields of the correction are read only where the correction is needed: a wrong one beside a good `timestamp` harms nobody.
/// An instant before 1970 counts as 1970.
pub(super) fn time_of(
    wire: &Wire<'_>,
    stamp: Timestamp,
    border: &Border,
) -> Result<(Timestamp, Timeliness), Rejection> {
    let at = match instant("timestamp", &wire.timestamp)? {
        Some(at) => at,
        None => corrected(wire, stamp)?,
    };
    Ok(if at > stamp + border.future {
        (stamp, Timeliness::Clamped)
    } else if at < stamp - border.late {
        (at.max(Timestamp(0)), Timeliness::Late)
    } else {
        (at.max(Timestamp(0)), Timeliness::OnTime)
    })
}

/// Returns when it happened by the clock of whoever received it; that of the log where nobody noted it.
fn corrected(wire: &Wire<'_>, stamp: Timestamp) -> Result<Timestamp, Rejection> {
    let original = instant("originalTimestamp", &wire.original_timestamp)?;
    let sent = instant("sentAt", &wire.sent_at)?;
    let received = instant("receivedAt", &wire.received_at)?;
    Ok(match (original, sent) {
        // A sender whose clock was set back in between waited for at least no time.
        (Some(original), Some(sent)) => received.unwrap_or(stamp) - (sent - original).max(Span(0)),
        (Some(original), None) => original,
        (None, Some(_) | None) => received.unwrap_or(stamp),
    })
}

fn instant(field: &str, value: &Field<'_>) -> Result<Option<Timestamp>, Rejection> {
    match value {
        Field::Absent => Ok(None),
        Field::Integer(number) => Ok(Some(Timestamp(*number))),
        Field::Real(number) => Ok(Some(Timestamp(*number as i64))),
        Field::Text(text) => parsed(text).map(Some).ok_or_else(|| {
            let message = format!(
                "is {}, which is no time; legal is ISO 8601 with an offset, e.g. 2026-11-24T08:30:00.000Z, or milliseconds since 1970",
                quoted(text)
            );
            Rejection::new(RejectReason::BadTime, field, message)
        }),
        Field::Other(_) => {
            Err(wrong_type(field, value, "an ISO 8601 string or milliseconds since 1970"))
        }
    }
}

fn parsed(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.trim().parse().ok()?;
    Some(Timestamp(instant.as_millisecond()))
}
