//! The feature table: one for serving and training. A model reads the row that [`extract`] makes, in the order of [`TABLE`].
//!
//! Times since something are in days or hours without rounding; what never happened stands at the longest time that a feature
//! can show, so that "never" lies beyond "long ago". Sums of money are in units of the home currency. Scaling and logarithms are
//! the model's affair.

use std::sync::Arc;

use crate::decision::Category;
use crate::profile::consent::MARKETING;
use crate::profile::day::DayKind;
use crate::profile::rhythm::Rhythm;
use crate::profile::{Consent, Heads, Profile};
use crate::time::{Span, Timestamp};

/// One input of the models.
#[derive(Debug)]
pub struct Feature {
    /// Name in model manifests and explanations.
    pub name: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Heads for which it says something.
    pub heads: Heads,
    /// Where it is read.
    read: Read,
}

/// Where a feature is read: the rhythm is made once for all that read it.
#[derive(Clone, Copy, Debug)]
enum Read {
    Profile(fn(&Profile, Timestamp) -> f32),
    Rhythm(fn(&Rhythm<'_>, Timestamp) -> f32),
    Date(fn(Timestamp) -> f32),
}

/// Longest time since something that a feature shows: ten years.
const DAYS_LONGEST: f32 = 3_650.0;

/// The usual horizon of the heads that look at a relation.
const QUARTER: Span = Span::days(90);

const HALF_YEAR: Span = Span::days(180);

const YEAR: Span = Span::days(365);

/// Days of a mean year.
const YEAR_DAYS: f64 = 365.242_5;

const VISIT: Heads = Heads::VISIT;
const RELATION: Heads = Heads::RELATION;

/// Every feature. New ones are added at the end: manifests name features and their order.
pub const TABLE: &[Feature] = &[
    feature("order_recency", "days", Heads::ALL, |p, now| days_since(p.orders().last(), now)),
    feature("order_count", "orders", Heads::ALL, |p, _| p.orders().count() as f32),
    feature("order_value", "currency", Heads::ALL, |p, _| {
        p.home_currency().map_or(0.0, |home| units(p.orders().value().of(home)))
    }),
    feature("order_mean_value", "currency", Heads::ALL, |p, _| {
        p.home_currency()
            .map_or(0.0, |home| ratio(units(p.orders().value().of(home)), p.orders().count() as f32))
    }),
    feature("order_mean_items", "items", RELATION, |p, _| {
        ratio(p.orders().items() as f32, p.orders().count() as f32)
    }),
    feature("order_mean_gap", "days", RELATION, |p, _| mean_gap(p)),
    feature("order_recency_in_gaps", "gaps", RELATION, |p, now| {
        ratio(days_since(p.orders().last(), now), mean_gap(p))
    }),
    feature("orders_30_days", "orders", Heads::ALL, |p, now| days(p, DayKind::Orders, 30, now)),
    feature("orders_90_days", "orders", RELATION, |p, now| days(p, DayKind::Orders, 90, now)),
    feature("order_value_30_days", "currency", RELATION, |p, now| units(p.days().value(30, p.today(now)))),
    feature("order_value_90_days", "currency", RELATION, |p, now| units(p.days().value(90, p.today(now)))),
    feature("order_days_90_days", "days", RELATION, |p, now| {
        p.days().days_with(DayKind::Orders, 90, p.today(now)) as f32
    }),
    feature("cancellation_count", "cancellations", RELATION, |p, _| p.orders().cancellations() as f32),
    feature("cancellation_share", "share", RELATION, |p, _| {
        ratio(p.orders().cancellations() as f32, p.orders().count() as f32)
    }),
    feature("cancellation_value_share", "share", RELATION, |p, _| {
        p.home_currency().map_or(0.0, |home| {
            ratio(units(p.orders().cancellation_value().of(home)), units(p.orders().value().of(home)))
        })
    }),
    feature("cancellations_90_days", "cancellations", RELATION, |p, now| {
        days(p, DayKind::Cancellations, 90, now)
    }),
    feature("refund_count", "refunds", RELATION, |p, _| p.orders().refunds() as f32),
    feature("undone_recency", "days", RELATION, |p, now| days_since(p.orders().last_undone(), now)),
    feature("tenure", "days", Heads::ALL, |p, now| p.first_seen().map_or(0.0, |at| in_days(now - at))),
    feature("activity_recency", "days", Heads::ALL, |p, now| days_since(p.last_active(), now)),
    feature("session_count", "sessions", Heads::ALL, |p, _| p.sessions().count() as f32),
    feature("sessions_30_days", "sessions", Heads::ALL, |p, now| days(p, DayKind::Sessions, 30, now)),
    feature("session_length", "minutes", VISIT, |p, _| {
        p.sessions().open().map_or(0.0, |session| in_minutes(session.length()))
    }),
    feature("session_mean_length", "minutes", Heads::ALL, |p, _| {
        p.sessions().mean_length().map_or(0.0, in_minutes)
    }),
    feature("session_events", "events", VISIT, |p, _| {
        p.sessions().open().map_or(0.0, |session| session.events as f32)
    }),
    feature("session_product_views", "events", VISIT, |p, _| {
        p.sessions().open().map_or(0.0, |session| session.product_views as f32)
    }),
    feature("views_1_hour", "events", VISIT, |p, now| count(p, "Product Viewed", Span::hours(1), now)),
    feature("views_24_hours", "events", VISIT, |p, now| count(p, "Product Viewed", Span::hours(24), now)),
    feature("views_30_days", "events", Heads::ALL, |p, now| days(p, DayKind::ProductViews, 30, now)),
    feature("adds_1_hour", "events", VISIT, |p, now| count(p, "Product Added", Span::hours(1), now)),
    feature("removals_1_hour", "events", VISIT, |p, now| count(p, "Product Removed", Span::hours(1), now)),
    feature("searches_1_hour", "events", VISIT, |p, now| count(p, "Products Searched", Span::hours(1), now)),
    feature("checkouts_24_hours", "events", VISIT, |p, now| {
        count(p, "Checkout Started", Span::hours(24), now)
    }),
    feature("payment_failures_24_hours", "events", Heads::ALL, |p, now| {
        count(p, "Payment Failed", Span::hours(24), now)
    }),
    feature("cart_value", "currency", VISIT, |p, now| {
        p.carts().current(now).map_or(0.0, |cart| units(cart.value().minor))
    }),
    feature("cart_items", "items", VISIT, |p, now| {
        p.carts().current(now).map_or(0.0, |cart| cart.items() as f32)
    }),
    feature("cart_age", "hours", VISIT, |p, now| {
        p.carts().current(now).map_or(0.0, |cart| in_hours(now - cart.opened))
    }),
    feature("cart_idle", "hours", VISIT, |p, now| {
        p.carts().current(now).map_or(0.0, |cart| in_hours(now - cart.changed))
    }),
    feature("cart_in_checkout", "0 or 1", VISIT, |p, now| {
        flag(p.carts().current(now).is_some_and(|cart| cart.checkout.is_some()))
    }),
    feature("cases_90_days", "cases", RELATION, |p, now| days(p, DayKind::Cases, 90, now)),
    feature("case_open", "0 or 1", RELATION, |p, _| flag(p.open_case())),
    feature("reviews_90_days", "reviews", RELATION, |p, now| days(p, DayKind::Reviews, 90, now)),
    feature("marketing_consent", "-1, 0 or 1", Heads::ALL, |p, _| match p.consent(MARKETING, "") {
        Consent::Granted => 1.0,
        Consent::Unknown => 0.0,
        Consent::Denied => -1.0,
    }),
    feature("marketing_recency", "days", Heads::ALL, |p, now| {
        days_since(p.last_outreach(Category::Marketing), now)
    }),
    feature("identified", "0 or 1", Heads::ALL, |p, _| flag(p.identified())),
    feature("return_requests_90_days", "requests", RELATION, |p, now| {
        days(p, DayKind::ReturnRequests, 90, now)
    }),
    feature("late_deliveries_90_days", "deliveries", RELATION, |p, now| {
        days(p, DayKind::LateDeliveries, 90, now)
    }),
    rhythm("purchases_latest", "purchases", |r, _| r.purchases() as f32),
    rhythm("order_last_gap", "days", |r, _| r.gaps().last().map_or(0.0, |gap| gap as f32)),
    rhythm("order_median_gap", "days", |r, _| r.median_gap().map_or(0.0, |gap| gap as f32)),
    rhythm("order_usual_gap", "days", |r, _| r.usual().mean.exp() as f32),
    rhythm("order_gap_spread", "log days", |r, _| r.usual().spread as f32),
    rhythm("order_overdue", "spreads", |r, now| r.overdue(now).map_or(0.0, |spreads| spreads as f32)),
    rhythm("order_due_90_days", "share", |r, now| r.due(QUARTER, now).map_or(0.0, |share| share as f32)),
    rhythm("order_recency_2nd", "days", |r, now| days_since(r.nth_last(2), now)),
    rhythm("order_recency_3rd", "days", |r, now| days_since(r.nth_last(3), now)),
    rhythm("order_recency_5th", "days", |r, now| days_since(r.nth_last(5), now)),
    rhythm("order_recency_8th", "days", |r, now| days_since(r.nth_last(8), now)),
    rhythm("orders_60_days", "orders", |r, now| r.since(Span::days(60), now).count() as f32),
    rhythm("orders_180_days", "orders", |r, now| r.since(HALF_YEAR, now).count() as f32),
    rhythm("orders_365_days", "orders", |r, now| r.since(YEAR, now).count() as f32),
    rhythm("order_value_180_days", "currency", |r, now| r.value_since(HALF_YEAR, now) as f32),
    rhythm("order_value_365_days", "currency", |r, now| r.value_since(YEAR, now) as f32),
    rhythm("order_months_180_days", "months", |r, now| r.months(HALF_YEAR, now) as f32),
    rhythm("order_months_365_days", "months", |r, now| r.months(YEAR, now) as f32),
    rhythm("order_last_value", "currency", |r, _| r.sizes().last as f32),
    rhythm("order_largest_value", "currency", |r, _| r.sizes().largest as f32),
    rhythm("order_typical_value", "currency", |r, _| r.sizes().typical as f32),
    rhythm("order_value_spread", "log currency", |r, _| r.sizes().spread as f32),
    rhythm("order_value_trend", "log currency", |r, _| r.sizes().trend as f32),
    rhythm("order_last_items", "items", |r, _| r.last().map_or(0.0, |order| order.items as f32)),
    feature("order_first", "days", RELATION, |p, now| days_since(p.orders().first(), now)),
    feature("item_mean_value", "currency", RELATION, |p, _| {
        p.home_currency()
            .map_or(0.0, |home| ratio(units(p.orders().value().of(home)), p.orders().items() as f32))
    }),
    season("season_winter", |now| year_angle(now).cos() as f32),
    season("season_spring", |now| year_angle(now).sin() as f32),
];

/// Returns every feature of a profile at `now`.
///
/// Shape: [`TABLE`]`.len()`, in its order; each finite, whatever the profile holds.
pub fn extract(profile: &Profile, now: Timestamp) -> Arc<[f32]> {
    let rhythm = profile.rhythm();
    let read = |feature: &Feature| match feature.read {
        Read::Profile(read) => read(profile, now),
        Read::Rhythm(read) => read(&rhythm, now),
        Read::Date(read) => read(now),
    };
    TABLE.iter().map(|feature| finite(read(feature))).collect()
}

/// Returns the place of a feature in [`TABLE`].
pub fn place(name: &str) -> Option<usize> {
    TABLE.iter().position(|feature| feature.name == name)
}

const fn feature(
    name: &'static str,
    unit: &'static str,
    heads: Heads,
    read: fn(&Profile, Timestamp) -> f32,
) -> Feature {
    Feature { name, unit, heads, read: Read::Profile(read) }
}

const fn rhythm(name: &'static str, unit: &'static str, read: fn(&Rhythm<'_>, Timestamp) -> f32) -> Feature {
    Feature { name, unit, heads: RELATION, read: Read::Rhythm(read) }
}

/// Where in the year it is: 1 at the season's height, -1 half a year from it.
const fn season(name: &'static str, read: fn(Timestamp) -> f32) -> Feature {
    Feature { name, unit: "-1 to 1", heads: RELATION, read: Read::Date(read) }
}

/// Returns how much of the year has passed since New Year, as an angle. A day more or less in leap years does not matter here.
fn year_angle(now: Timestamp) -> f64 {
    let year = YEAR_DAYS * 86_400_000.0;
    (now.0 as f64).rem_euclid(year) / year * std::f64::consts::TAU
}

fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

fn units(minor: i64) -> f32 {
    (minor as f64 / 100.0) as f32
}

fn in_days(span: Span) -> f32 {
    (in_hours(span) / 24.0).min(DAYS_LONGEST)
}

fn in_hours(span: Span) -> f32 {
    in_minutes(span) / 60.0
}

fn in_minutes(span: Span) -> f32 {
    (span.0.max(0) as f64 / 60_000.0) as f32
}

fn days_since(at: Option<Timestamp>, now: Timestamp) -> f32 {
    at.map_or(DAYS_LONGEST, |at| in_days(now - at))
}

fn mean_gap(profile: &Profile) -> f32 {
    let orders = profile.orders();
    match (orders.first(), orders.last()) {
        (Some(first), Some(last)) => ratio(in_days(last - first), orders.count().saturating_sub(1) as f32),
        (Some(_) | None, _) => 0.0,
    }
}

/// Returns a / b, 0 where b is not positive.
fn ratio(a: f32, b: f32) -> f32 {
    if b > 0.0 { a / b } else { 0.0 }
}

fn flag(claim: bool) -> f32 {
    f32::from(u8::from(claim))
}

fn count(profile: &Profile, name: &str, within: Span, now: Timestamp) -> f32 {
    profile.count(name, within, now).n as f32
}

fn days(profile: &Profile, kind: DayKind, days: u16, now: Timestamp) -> f32 {
    profile.days().count(kind, days, profile.today(now)) as f32
}
