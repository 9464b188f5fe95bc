//! The fields themselves: one row each, grouped as their names are.
//!
//! Money is in units of the home currency ("gte: 40" means forty euros), times since something in whole minutes or days, so that
//! every field changes at instants that can be told ahead.

use smol_str::SmolStr;

use super::{Field, FieldKind, Growth};
use crate::decision::Category;
use crate::profile::consent::MARKETING;
use crate::profile::day::DayKind;
use crate::profile::sum::Sums;
use crate::profile::{Profile, cart::Cart, session::Session};
use crate::time::{Span, Timestamp};
use crate::value::Value;

type Read = fn(&Profile, Timestamp) -> Option<Value>;

const DAY: Span = Span::days(1);
const MINUTE: Span = Span::minutes(1);

/// Every field; `traits.*` stands beside it.
pub const TABLE: &[Field] = &[
    number("cart.value", "currency", "Value of the open cart that changed last.", |p, now| {
        cart(p, now).map(|cart| units(cart.value().minor))
    })
    .partial(|p, now| cart(p, now).is_some_and(Cart::partial))
    .changes(cart_expiry),
    number("cart.items", "items", "Items in the open cart that changed last.", |p, now| {
        cart(p, now).map(|cart| of(cart.items()))
    })
    .partial(|p, now| cart(p, now).is_some_and(Cart::partial))
    .changes(cart_expiry),
    number("cart.lines", "lines", "Different products in the open cart that changed last.", |p, now| {
        cart(p, now).map(|cart| of(cart.lines().len() as u32))
    })
    .partial(|p, now| cart(p, now).is_some_and(Cart::partial))
    .changes(cart_expiry),
    number("cart.age", "minutes", "Whole minutes since the open cart was opened.", |p, now| {
        cart(p, now).map(|cart| whole(now - cart.opened, MINUTE))
    })
    .grows(MINUTE, |p, now| cart(p, now).map(|cart| cart.opened))
    .changes(cart_expiry),
    number("cart.idle", "minutes", "Whole minutes since the open cart was last changed.", |p, now| {
        cart(p, now).map(|cart| whole(now - cart.changed, MINUTE))
    })
    .grows(MINUTE, |p, now| cart(p, now).map(|cart| cart.changed))
    .changes(cart_expiry),
    text("cart.id", "Id of the open cart that changed last.", |p, now| {
        cart(p, now).map(|cart| Value::Text(cart.key.clone()))
    })
    .changes(cart_expiry),
    boolean("cart.checkout", "A checkout was begun on the open cart.", |p, now| {
        cart(p, now).map(|cart| Value::Bool(cart.checkout.is_some()))
    })
    .changes(cart_expiry),
    number("cart.count", "carts", "Open carts.", |p, now| some(p.carts().open(now).count() as f64))
        .changes(cart_expiry),
    number("orders.count", "orders", "Distinct orders, for life.", |p, _| some(p.orders().count()))
        .partial(|p, _| p.orders().partial()),
    number("orders.value", "currency", "Value of all orders, before refunds and cancellations.", |p, _| {
        money(p, p.orders().value())
    })
    .partial(|p, _| money_partial(p, p.orders().value())),
    number("orders.net_value", "currency", "Value of all orders less refunds and cancellations.", |p, _| {
        let home = p.home_currency()?;
        let orders = p.orders();
        let gone = orders.refund_value().of(home).saturating_add(orders.cancellation_value().of(home));
        Some(units(orders.value().of(home).saturating_sub(gone)))
    })
    .partial(|p, _| {
        let orders = p.orders();
        [orders.value(), orders.refund_value(), orders.cancellation_value()]
            .into_iter()
            .any(|sums| money_partial(p, sums))
    }),
    number("orders.mean_value", "currency", "Mean value of an order.", |p, _| {
        let minor = p.orders().value().of(p.home_currency()?);
        let count = p.orders().count();
        (count > 0).then(|| Value::Number(minor as f64 / 100.0 / f64::from(count)))
    })
    .partial(|p, _| p.orders().partial() || money_partial(p, p.orders().value())),
    number("orders.items", "items", "Items of all orders.", |p, _| some(p.orders().items() as f64)),
    number("orders.days_since_last", "days", "Whole days since the latest order.", |p, now| {
        p.orders().last().map(|at| whole(now - at, DAY))
    })
    .grows(DAY, |p, _| p.orders().last()),
    number("orders.days_since_first", "days", "Whole days since the first order.", |p, now| {
        p.orders().first().map(|at| whole(now - at, DAY))
    })
    .grows(DAY, |p, _| p.orders().first()),
    number("orders.mean_gap", "days", "Mean days between orders, of customers with two or more.", |p, _| {
        let orders = p.orders();
        let gaps = orders.count().checked_sub(1).filter(|gaps| *gaps > 0)?;
        let length = orders.last()? - orders.first()?;
        Some(Value::Number(length.0 as f64 / DAY.0 as f64 / f64::from(gaps)))
    }),
    number("orders.last_30_days", "orders", "Distinct orders of the last 30 civil days.", |p, now| {
        days(p, DayKind::Orders, 30, now)
    })
    .changes(|p, now| p.next_day_change(DayKind::Orders, 30, now)),
    number("orders.last_90_days", "orders", "Distinct orders of the last 90 civil days.", |p, now| {
        days(p, DayKind::Orders, 90, now)
    })
    .changes(|p, now| p.next_day_change(DayKind::Orders, 90, now)),
    number("orders.value_30_days", "currency", "Value of the orders of the last 30 civil days.", |p, now| {
        Some(units(p.days().value(30, p.today(now))))
    })
    .partial(|p, _| money_partial(p, p.orders().value()))
    .changes(|p, now| p.next_day_change(DayKind::Orders, 30, now)),
    number("orders.value_90_days", "currency", "Value of the orders of the last 90 civil days.", |p, now| {
        Some(units(p.days().value(90, p.today(now))))
    })
    .partial(|p, _| money_partial(p, p.orders().value()))
    .changes(|p, now| p.next_day_change(DayKind::Orders, 90, now)),
    text("orders.last_id", "Id of the latest order.", |p, _| {
        let orders = p.orders().latest().iter();
        orders.max_by_key(|order| order.placed).map(|order| Value::Text(order.id.clone()))
    }),
    number("cancellations.count", "cancellations", "Distinct cancellations, for life.", |p, _| {
        some(p.orders().cancellations())
    })
    .partial(|p, _| p.orders().cancellations_partial()),
    number("cancellations.value", "currency", "Value of all cancellations.", |p, _| {
        money(p, p.orders().cancellation_value())
    })
    .partial(|p, _| money_partial(p, p.orders().cancellation_value())),
    number(
        "cancellations.last_30_days",
        "cancellations",
        "Cancellations of the last 30 civil days.",
        |p, now| days(p, DayKind::Cancellations, 30, now),
    )
    .changes(|p, now| p.next_day_change(DayKind::Cancellations, 30, now)),
    number(
        "cancellations.last_90_days",
        "cancellations",
        "Cancellations of the last 90 civil days.",
        |p, now| days(p, DayKind::Cancellations, 90, now),
    )
    .changes(|p, now| p.next_day_change(DayKind::Cancellations, 90, now)),
    number("refunds.count", "refunds", "Refunds, for life.", |p, _| some(p.orders().refunds())),
    number("refunds.value", "currency", "Value of all refunds.", |p, _| money(p, p.orders().refund_value()))
        .partial(|p, _| money_partial(p, p.orders().refund_value())),
    number("returns.count", "requests", "Requested returns, for life.", |p, _| {
        some(p.total("Return Requested").n as f64)
    })
    .partial(|p, _| p.total("Return Requested").partial),
    number("returns.last_90_days", "requests", "Requested returns of the last 90 civil days.", |p, now| {
        days(p, DayKind::ReturnRequests, 90, now)
    })
    .changes(|p, now| p.next_day_change(DayKind::ReturnRequests, 90, now)),
    number(
        "deliveries.late_90_days",
        "deliveries",
        "Late deliveries of the last 90 civil days.",
        |p, now| days(p, DayKind::LateDeliveries, 90, now),
    )
    .changes(|p, now| p.next_day_change(DayKind::LateDeliveries, 90, now)),
    number("sessions.count", "sessions", "Sessions, for life.", |p, _| some(p.sessions().count())),
    number("sessions.last_30_days", "sessions", "Sessions begun in the last 30 civil days.", |p, now| {
        days(p, DayKind::Sessions, 30, now)
    })
    .changes(|p, now| p.next_day_change(DayKind::Sessions, 30, now)),
    boolean("session.open", "A session is open.", |p, _| Some(Value::Bool(p.sessions().open().is_some()))),
    number(
        "session.minutes",
        "minutes",
        "Whole minutes from the open session's first to its latest event.",
        |p, _| session(p).map(|session| whole(session.length(), MINUTE)),
    ),
    number("session.events", "events", "Events in the open session.", |p, _| {
        session(p).map(|s| of(s.events))
    }),
    number("session.product_views", "events", "Products viewed in the open session.", |p, _| {
        session(p).map(|session| of(session.product_views))
    }),
    number("views.last_7_days", "events", "Products viewed in the last 7 civil days.", |p, now| {
        days(p, DayKind::ProductViews, 7, now)
    })
    .changes(|p, now| p.next_day_change(DayKind::ProductViews, 7, now)),
    number("events.count", "events", "Events of every name, for life.", |p, _| {
        some(p.counters().all() as f64)
    })
    .partial(|p, _| p.ring().lost() > 0),
    number("seen.days_since_first", "days", "Whole days since the first event.", |p, now| {
        p.first_seen().map(|at| whole(now - at, DAY))
    })
    .grows(DAY, |p, _| p.first_seen()),
    number("seen.days_since_last", "days", "Whole days since the shopper last did something.", |p, now| {
        p.last_active().map(|at| whole(now - at, DAY))
    })
    .grows(DAY, |p, _| p.last_active()),
    number(
        "outreach.days_since_marketing",
        "days",
        "Whole days since the last marketing outreach.",
        |p, now| p.last_outreach(Category::Marketing).map(|at| whole(now - at, DAY)),
    )
    .grows(DAY, |p, _| p.last_outreach(Category::Marketing)),
    number("outreach.days_since_service", "days", "Whole days since the last service outreach.", |p, now| {
        p.last_outreach(Category::Service).map(|at| whole(now - at, DAY))
    })
    .grows(DAY, |p, _| p.last_outreach(Category::Service)),
    text("country", "Country as the shop wrote it.", |p, _| p.place().country().cloned().map(Value::Text)),
    text("locale", "Locale, by context, traits, country or the shop's default.", |p, _| {
        Some(Value::Text(SmolStr::new(p.locale().value)))
    }),
    text("zone", "Time zone, by context, traits, country or the shop's default.", |p, _| {
        Some(Value::Text(SmolStr::new(p.zone().value)))
    }),
    boolean("open_case", "A case of the customer is open.", |p, _| Some(Value::Bool(p.open_case()))),
    number("cases.open", "cases", "Open cases.", |p, _| some(p.cases().len() as u32)),
    boolean("identified", "The customer is known by a user id.", |p, _| Some(Value::Bool(p.identified()))),
    boolean("suppressed", "Nothing proactive may be sent.", |p, _| Some(Value::Bool(p.suppressed()))),
    text("consent.marketing", "What the customer said about marketing on all channels.", |p, _| {
        consent(p, MARKETING)
    }),
    text("consent.service", "What the customer said about service messages on all channels.", |p, _| {
        consent(p, "service")
    }),
    text("consent.profiling", "What the customer said about profiling.", |p, _| consent(p, "profiling")),
];

impl Field {
    const fn partial(self, partial: fn(&Profile, Timestamp) -> bool) -> Self {
        Field { partial, ..self }
    }

    const fn grows(self, unit: Span, since: fn(&Profile, Timestamp) -> Option<Timestamp>) -> Self {
        Field { growth: Some(Growth { unit, since }), ..self }
    }

    const fn changes(self, next_change: fn(&Profile, Timestamp) -> Option<Timestamp>) -> Self {
        Field { next_change, ..self }
    }
}

const fn number(name: &'static str, unit: &'static str, doc: &'static str, read: Read) -> Field {
    Field { unit, kind: FieldKind::Number, ..text(name, doc, read) }
}

const fn boolean(name: &'static str, doc: &'static str, read: Read) -> Field {
    Field { kind: FieldKind::Bool, ..text(name, doc, read) }
}

const fn text(name: &'static str, doc: &'static str, read: Read) -> Field {
    Field {
        name,
        unit: "",
        kind: FieldKind::Text,
        doc,
        read,
        partial: |_, _| false,
        next_change: |_, _| None,
        growth: None,
    }
}

fn cart(profile: &Profile, now: Timestamp) -> Option<&Cart> {
    profile.carts().current(now)
}

fn cart_expiry(profile: &Profile, now: Timestamp) -> Option<Timestamp> {
    profile.carts().open(now).map(Cart::expires).min()
}

fn session(profile: &Profile) -> Option<&Session> {
    profile.sessions().open()
}

fn of(number: u32) -> Value {
    Value::Number(f64::from(number))
}

fn some(number: impl Into<f64>) -> Option<Value> {
    Some(Value::Number(number.into()))
}

fn units(minor: i64) -> Value {
    Value::Number(minor as f64 / 100.0)
}

fn money(profile: &Profile, sums: &Sums) -> Option<Value> {
    Some(units(profile.home_currency().map_or(0, |home| sums.of(home))))
}

fn money_partial(profile: &Profile, sums: &Sums) -> bool {
    profile.home_currency().is_some_and(|home| sums.partial(home))
}

fn days(profile: &Profile, kind: DayKind, days: u16, now: Timestamp) -> Option<Value> {
    Some(Value::Number(profile.days().count(kind, days, profile.today(now)) as f64))
}

fn consent(profile: &Profile, purpose: &str) -> Option<Value> {
    Some(Value::Text(SmolStr::new_static(profile.consent(purpose, "").as_str())))
}

/// Returns how many whole units of time have passed.
fn whole(passed: Span, unit: Span) -> Value {
    Value::Number((passed.0.max(0) / unit.0) as f64)
}
