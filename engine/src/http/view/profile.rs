//! The parts of a profile as they are told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemas::money::Money;
use schemas::profile::{Origin, Profile, Sourced, cart, consent, order};
use schemas::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::answers::{Amount, Time};

/// A value, and where it comes from: context, traits, country or default.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Fact {
    value: String,
    from: String,
}

/// What the customer said about being contacted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Word {
    purpose: String,
    /// Empty for all.
    channel: String,
    /// `granted` or `denied`.
    consent: String,
    at: Time,
    /// It was said before the customer was known.
    inherited: bool,
}

/// Visits.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sessions {
    count: u32,
    mean_length_ms: Option<i64>,
    open: Option<Session>,
}

/// A visit.
#[derive(Debug, Serialize, JsonSchema)]
struct Session {
    started: Time,
    /// When it ends if nothing comes.
    ends: Time,
    events: u32,
    product_views: u32,
}

/// A cart.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Cart {
    key: String,
    value: Amount,
    items: u32,
    changed: Time,
    /// When the latest checkout was begun.
    checkout: Option<Time>,
    /// Not all of it is known.
    partial: bool,
    lines: Vec<Line>,
}

/// One product of a cart.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    product: String,
    quantity: u32,
    /// Of one.
    price: Amount,
}

/// What was ordered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Orders {
    count: u32,
    /// One sum per currency.
    value: Vec<Amount>,
    last: Option<Time>,
    cancelled: u32,
    refunded: u32,
    /// The latest ones, newest first.
    latest: Vec<Order>,
}

/// An order.
#[derive(Debug, Serialize, JsonSchema)]
struct Order {
    id: String,
    value: Amount,
    items: u32,
    placed: Time,
    cart: Option<String>,
    cancelled: bool,
}

/// How many events there were.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Events {
    count: u64,
    /// By name.
    by_name: BTreeMap<String, u64>,
    /// A repeated message may have counted twice.
    partial: bool,
}

impl Fact {
    /// Returns it as it is told.
    pub(super) fn of(fact: Sourced<'_>) -> Self {
        let from = match fact.from {
            Origin::Context => "context",
            Origin::Traits => "traits",
            Origin::Country => "country",
            Origin::Default => "default",
        };
        Self { value: fact.value.to_string(), from: from.to_owned() }
    }
}

impl Word {
    /// Returns it as it is told.
    pub(super) fn of(word: &consent::Word) -> Self {
        Self {
            purpose: word.purpose.to_string(),
            channel: word.channel.to_string(),
            consent: word.consent.as_str().to_owned(),
            at: word.at.into(),
            inherited: word.inherited,
        }
    }
}

/// Returns what the shop said of a customer.
pub(super) fn traits(profile: &Profile) -> BTreeMap<String, Value> {
    let traits = profile.traits().iter();
    traits.map(|(name, value)| (name.to_string(), serde_json::to_value(value).unwrap_or_default())).collect()
}

impl Sessions {
    /// Returns it as it is told.
    pub(super) fn of(profile: &Profile) -> Self {
        let sessions = profile.sessions();
        let open = sessions.open().map(|open| Session {
            started: open.started.into(),
            ends: open.ends.into(),
            events: open.events,
            product_views: open.product_views,
        });
        Self { count: sessions.count(), mean_length_ms: sessions.mean_length().map(|mean| mean.0), open }
    }
}

/// Returns the open carts, the latest first.
pub(super) fn carts(profile: &Profile, now: Timestamp) -> Vec<Cart> {
    let mut carts: Vec<_> = profile.carts().open(now).collect();
    carts.sort_by_key(|cart| std::cmp::Reverse(cart.changed));
    let cart = |cart: &cart::Cart| {
        let value = cart.value();
        let line = |line: &cart::Line| Line {
            product: line.product.to_string(),
            quantity: line.quantity,
            price: Money { minor: line.price, ..value }.into(),
        };
        Cart {
            key: cart.key.to_string(),
            value: value.into(),
            items: cart.items(),
            changed: cart.changed.into(),
            checkout: cart.checkout.map(Time::from),
            partial: cart.partial(),
            lines: cart.lines().iter().map(line).collect(),
        }
    };
    carts.into_iter().map(cart).collect()
}

impl Orders {
    /// Returns it as it is told.
    pub(super) fn of(profile: &Profile) -> Self {
        let orders = profile.orders();
        let mut latest: Vec<_> = orders.latest().iter().collect();
        latest.sort_by_key(|order| std::cmp::Reverse(order.placed));
        let order = |order: &order::Order| Order {
            id: order.id.to_string(),
            value: Money { minor: order.value(), currency: order.currency }.into(),
            items: order.items,
            placed: order.placed.into(),
            cart: order.cart.as_ref().map(ToString::to_string),
            cancelled: order.cancelled,
        };
        Self {
            count: orders.count(),
            value: orders.value().iter().map(Amount::from).collect(),
            last: orders.last().map(Time::from),
            cancelled: orders.cancellations(),
            refunded: orders.refunds(),
            latest: latest.into_iter().map(order).collect(),
        }
    }
}

impl Events {
    /// Returns it as it is told.
    pub(super) fn of(profile: &Profile) -> Self {
        let counters = profile.counters();
        Self {
            count: counters.all(),
            by_name: counters.names().map(|(name, n)| (name.to_owned(), n)).collect(),
            partial: profile.ring().lost() > 0,
        }
    }
}
