//! Schedules: when a head is asked again while nothing happens. Silence is the signal: an abandoned cart and a lost customer are seen
//! by what does not come.

use xxhash_rust::xxh3::xxh3_64;

use super::head::Head;
use super::population::{applies, changes};
use crate::ids::CustomerId;
use crate::profile::Profile;
use crate::time::{Span, Timestamp};

/// When a head that applies is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// By events and triggers alone.
    Never,
    /// So long after the shopper's last activity, each once, in rising order.
    AfterActivity(&'static [Span]),
    /// At every such interval, from an instant that is the customer's own: a shop's customers are spread over it to the second.
    Every(Span),
}

/// When a cart is asked about again: when the shopper may have gone, has gone, and will not come back in this session.
const CART: &[Span] = &[Span::minutes(5), Span::minutes(15), Span::minutes(30)];

/// Returns when a head is asked again: a cart 5, 15 and 30 minutes after the shopper's last activity, churn daily, returns weekly.
/// Intent needs none, as it ends with the session's silence; complaints follow what the back office reports.
pub fn schedule(head: Head) -> Schedule {
    match head {
        Head::CartAbandonment => Schedule::AfterActivity(CART),
        Head::Churn => Schedule::Every(Span::days(1)),
        Head::Return => Schedule::Every(Span::days(7)),
        Head::PurchaseIntent | Head::Complaint => Schedule::Never,
    }
}

/// Returns the first instant after `now` at which a head that applies is asked by its schedule, if nothing else happens.
pub fn next_due(head: Head, customer: &CustomerId, profile: &Profile, now: Timestamp) -> Option<Timestamp> {
    if !applies(head, profile, now) {
        return None;
    }
    let ends = changes(head, profile, now);
    next_turn(head, customer, profile, now).filter(|due| ends.is_none_or(|end| *due < end))
}

/// Returns whether a head is to be asked by its schedule at `now`.
pub fn is_due(head: Head, customer: &CustomerId, profile: &Profile, now: Timestamp) -> bool {
    applies(head, profile, now) && next_turn(head, customer, profile, now - Span(1)) == Some(now)
}

/// Returns the first instant after `now` that a schedule names, whether or not the head applies then.
fn next_turn(head: Head, customer: &CustomerId, profile: &Profile, now: Timestamp) -> Option<Timestamp> {
    match schedule(head) {
        Schedule::Never => None,
        Schedule::AfterActivity(spans) => {
            let active = profile.last_active()?;
            spans.iter().map(|span| active + *span).find(|due| *due > now)
        }
        Schedule::Every(span) => Some(next_of(customer, span, now)),
    }
}

/// Returns the customer's next instant of an interval. Those of a week are among those of a day, so that one look serves both.
fn next_of(customer: &CustomerId, every: Span, now: Timestamp) -> Timestamp {
    let seconds = (every.0 / 1_000).max(1).cast_unsigned();
    let phase = Span::seconds((xxh3_64(customer.as_str().as_bytes()) % seconds).cast_signed());
    let since = (now - phase).0.rem_euclid(every.0.max(1));
    now + Span(every.0 - since)
}
