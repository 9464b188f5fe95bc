//! The fold: one event in, the profile moved on, and a report of what that changed.
//!
//! An event is folded at its own stamp, never after `now`. A late one moves what is exact at any age (life totals, orders, days
//! still kept, consent by its date) and nothing else: no window, session, cart or zone.

use smol_str::{SmolStr, format_smolstr};

use super::cart::Moment;
use super::day::DayKind;
use super::order::{Placed, Purchase, Stage};
use super::place::LATEST;
use super::{Folded, Heads, Origin, Profile, ProfilePolicy, SessionChange, Standing, said};
use crate::customer::LinkKind;
use crate::event::{Call, Event, Timeliness};
use crate::money::{Currency, Money};
use crate::score::Head;
use crate::time::Timestamp;
use crate::value::Value;

/// Properties that state the value of a whole order or cart, best first.
const WHOLE: [&str; 4] = ["total", "revenue", "value", "subtotal"];

/// Properties that state the value of a refund or cancellation, best first.
const TAKEN_BACK: [&str; 4] = ["total", "value", "revenue", "amount"];

/// An event on its way through the fold.
struct Step<'a> {
    event: &'a Event,
    /// When it happened, not after `now`.
    at: Timestamp,
    now: Timestamp,
    late: bool,
    policy: &'a ProfilePolicy,
    base: Currency,
}

/// Whether an event is one of those that its name counts: the second line of one cancellation is not a second cancellation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Yes,
    Repeats,
}

impl Profile {
    /// Folds one event at log time `now`. What was due strictly before `now` has been fired before.
    pub fn fold(&mut self, event: &Event, now: Timestamp, policy: &ProfilePolicy) -> Folded {
        let now = sane(now);
        if self.ring.contains(event.message, now) {
            return Folded { standing: Standing::Duplicate, ..Folded::default() };
        }
        self.ring.insert(event.message, now, policy.message_ring);
        let at = sane(event.at).min(now);
        let late = event.timeliness == Timeliness::Late;
        let base = *self.home.get_or_insert(policy.base_currency);
        let step = Step { event, at, now, late, policy, base };
        let mut folded =
            Folded { standing: if late { Standing::Late } else { Standing::Applied }, ..Folded::default() };
        self.first_seen = Some(self.first_seen.map_or(at, |first| first.min(at)));
        self.last_seen = self.last_seen.max(Some(at));
        self.identified |= !event.customer.is_anonymous();
        self.locate(&step);
        let counts = self.trade(&step, &mut folded);
        if counts == Counts::Yes {
            self.count_event(&step);
        }
        self.visit(&step, &mut folded);
        folded.consent_changed = self.consents.take(event, at);
        if event.call == Call::Identify {
            folded.links.extend(self.traits.take(&event.properties, at));
        }
        if !late {
            folded.moved = moved(event);
        }
        folded
    }

    /// Takes what the event says about zone, locale and country.
    fn locate(&mut self, step: &Step<'_>) {
        let Step { event, policy, .. } = step;
        let place = &mut self.place;
        if place.zone().from == Origin::Default {
            place.set_zone(&policy.default_zone, Origin::Default);
        }
        if place.locale().from == Origin::Default {
            place.set_locale(&policy.default_locale, Origin::Default);
        }
        if step.late {
            return;
        }
        let properties = &event.properties;
        match event.call {
            Call::Identify => {
                if let Some(zone) = said::first_text(properties, &["timezone", "time_zone", "zone"]) {
                    place.set_zone(&zone, Origin::Traits);
                }
                if let Some(locale) = said::first_text(properties, &["locale", "language"]) {
                    place.set_locale(&locale, Origin::Traits);
                }
                if let Some(Value::Map(address)) = properties.get("address")
                    && let Some(country) = said::text(address, "country")
                {
                    place.set_country(&country);
                }
            }
            Call::Track | Call::Page | Call::Screen | Call::Group | Call::Alias => {}
        }
        if let Some(country) = said::text(properties, "country") {
            place.set_country(&country);
        }
        if let Some(zone) = &event.zone {
            place.set_zone(zone, Origin::Context);
        }
        if let Some(locale) = &event.locale {
            place.set_locale(locale, Origin::Context);
        }
        place.settle(step.now);
    }

    /// Counts the event under its name: for life, in the windows, on its day.
    fn count_event(&mut self, step: &Step<'_>) {
        let name = said::bounded(&step.event.name);
        if step.late {
            self.counters.note_late(&name);
        } else {
            self.counters.note(&name, step.at, step.now);
        }
        if let Some(kind) = DayKind::of_event(&name) {
            self.days.note(kind, self.place.day(step.at), self.place.day(step.now));
        }
    }

    /// Opens or prolongs the session.
    fn visit(&mut self, step: &Step<'_>, folded: &mut Folded) {
        if step.late || !is_activity(step.event) {
            return;
        }
        self.last_active = self.last_active.max(Some(step.at));
        if step.at <= step.now - step.policy.session_idle {
            return;
        }
        let view = step.event.name == "Product Viewed";
        folded.session = self.sessions.touch(step.now, step.policy.session_idle, view);
        if folded.session == SessionChange::Started {
            let today = self.place.day(step.now);
            self.days.note(DayKind::Sessions, today, today);
        }
    }

    /// Takes what the event says about carts, orders and cases, and resolves the keys of both.
    fn trade(&mut self, step: &Step<'_>, folded: &mut Folded) -> Counts {
        folded.cart = said::text(&step.event.properties, "cart_id");
        folded.order = said::text(&step.event.properties, "order_id");
        match step.event.name.as_str() {
            "Product Added"
            | "Wishlist Product Added to Cart"
            | "Product Removed"
            | "Cart Viewed"
            | "Cart Cleared"
            | "Checkout Started" => self.fill_cart(step, folded),
            "Order Completed" => return self.buy(step, Stage::Completed, folded),
            "Order Item Added" => return self.buy(step, Stage::Line, folded),
            "Order Updated" => self.update_order(step, folded),
            "Order Cancelled" => return self.cancel(step, folded),
            "Order Refunded" => {
                let value = taken_back(step);
                self.orders.refund(value, step.at);
            }
            "Case Opened" | "Case Closed" => self.note_case(step),
            _ => {}
        }
        self.link_keys(step, folded);
        Counts::Yes
    }

    /// Completes the keys of an event that names an order without its cart, or a checkout without either.
    fn link_keys(&self, step: &Step<'_>, folded: &mut Folded) {
        if folded.cart.is_some() {
            return;
        }
        if let Some(order) = &folded.order {
            folded.cart = self.orders.get(order).and_then(|order| order.cart.clone());
        }
        let of_checkout = matches!(
            step.event.name.as_str(),
            "Checkout Step Viewed"
                | "Checkout Step Completed"
                | "Payment Info Entered"
                | "Payment Failed"
                | "Coupon Entered"
                | "Coupon Applied"
                | "Coupon Denied"
                | "Coupon Removed"
                | "Cart Shared"
                | "Cart Viewed"
                | "Product Removed"
        );
        if of_checkout && folded.cart.is_none() {
            folded.cart = self.carts.current(step.now).map(|cart| cart.key.clone());
        }
    }

    /// Moves lines in and out of a cart, or begins its checkout.
    fn fill_cart(&mut self, step: &Step<'_>, folded: &mut Folded) {
        let ordered = folded.cart.as_deref().and_then(|key| self.orders.of_cart(key));
        if step.late || ordered.is_some_and(|order| step.at <= order.placed) {
            return;
        }
        let properties = &step.event.properties;
        let moment = Moment { at: step.at, now: step.now, idle_max: step.policy.cart_idle_max };
        let there = match &folded.cart {
            Some(key) => self.carts.get(key, step.now).is_some(),
            None => self.carts.current(step.now).is_some(),
        };
        let items = said::items(properties, step.base);
        match step.event.name.as_str() {
            "Product Removed" if !there => {}
            "Product Removed" => {
                let cart = self.carts.enter(folded.cart.as_ref(), &moment);
                items.iter().for_each(|item| cart.remove(item));
                folded.cart = Some(cart.key.clone());
            }
            "Cart Cleared" => {
                let current = || self.carts.current(step.now).map(|cart| cart.key.clone());
                folded.cart = folded.cart.take().or_else(current);
                folded.cart.iter().for_each(|key| self.carts.close(key));
            }
            "Cart Viewed" if items.is_empty() && !there => {}
            "Cart Viewed" => {
                let cart = self.carts.enter(folded.cart.as_ref(), &moment);
                if !items.is_empty() {
                    cart.replace(&items);
                }
                folded.cart = Some(cart.key.clone());
            }
            "Checkout Started" => {
                let cart = self.carts.enter(folded.cart.as_ref(), &moment);
                cart.checkout = cart.checkout.max(Some(step.at));
                if folded.order.is_some() {
                    cart.order.clone_from(&folded.order);
                }
                if !items.is_empty() {
                    cart.replace(&items);
                }
                if let Some(value) = said::amount(properties, &WHOLE, step.base) {
                    cart.declare(value);
                }
                folded.cart = Some(cart.key.clone());
            }
            _ => {
                let cart = self.carts.enter(folded.cart.as_ref(), &moment);
                items.iter().for_each(|item| cart.add(item));
                folded.cart = Some(cart.key.clone());
            }
        }
    }

    /// Places an order or adds a line to it, and closes the cart behind it.
    fn buy(&mut self, step: &Step<'_>, stage: Stage, folded: &mut Folded) -> Counts {
        let id = folded.order.clone().unwrap_or_else(|| made_id(step.event));
        let known = self.orders.get(&id).map(|order| order.cart.clone());
        let cart = match (folded.cart.take(), known) {
            (Some(named), _) => Some(named),
            (None, Some(cart)) => cart,
            (None, None) if step.late => None,
            (None, None) => self.carts.behind_order(&id, step.at, step.now).map(|cart| cart.key.clone()),
        };
        let properties = &step.event.properties;
        let items = said::items(properties, step.base);
        let declared = match stage {
            Stage::Completed => said::amount(properties, &WHOLE, step.base),
            Stage::Line => None,
        };
        let at = step.at;
        let placed =
            self.orders.place(Purchase { id: &id, at, cart: cart.clone(), declared, items: &items, stage });
        if placed.new {
            self.days.note(DayKind::Orders, self.place.day(at), self.place.day(step.now));
            folded.links.push(said::link(LinkKind::Order, &id));
        }
        self.note_order_value(step, &placed);
        if let Some(key) = &cart
            && self.carts.get(key, step.now).is_some_and(|cart| cart.opened <= at)
        {
            self.carts.close(key);
        }
        folded.cart = cart;
        folded.order = Some(id);
        if placed.repeated { Counts::Repeats } else { Counts::Yes }
    }

    fn update_order(&mut self, step: &Step<'_>, folded: &Folded) {
        let value = said::amount(&step.event.properties, &WHOLE, step.base);
        if let (Some(id), Some(value)) = (&folded.order, value)
            && let Some(placed) = self.orders.update(id, value)
        {
            self.note_order_value(step, &placed);
        }
    }

    /// Books a change of an order's value on the day the order was placed.
    fn note_order_value(&mut self, step: &Step<'_>, placed: &Placed) {
        if placed.change.currency == step.base {
            let days = [placed.placed, step.now].map(|at| self.place.day(at));
            self.days.note_value(placed.change.minor, days[0], days[1]);
        }
    }

    /// Takes a cancellation, which may come line by line under one id.
    fn cancel(&mut self, step: &Step<'_>, folded: &mut Folded) -> Counts {
        let properties = &step.event.properties;
        let id = said::text(properties, "cancellation_id")
            .or_else(|| folded.order.clone())
            .unwrap_or_else(|| made_id(step.event));
        let line = properties.get("product_id").is_some() || properties.get("sku").is_some();
        let value = taken_back(step);
        let new = self.orders.cancel(&id, folded.order.as_deref(), value, line, step.at);
        self.link_keys(step, folded);
        if new { Counts::Yes } else { Counts::Repeats }
    }

    /// Opens or closes a case; a closing without id closes all.
    fn note_case(&mut self, step: &Step<'_>) {
        let id = said::text(&step.event.properties, "case_id");
        let hash = id.as_deref().map_or(0, said::hash);
        if step.event.name == "Case Opened" {
            if !step.late {
                self.cases.insert(hash);
            }
        } else if id.is_some() {
            self.cases.remove(hash);
        } else {
            self.cases = Default::default();
        }
    }
}

/// Returns the instant, moved into the years 1970 to 9998 where every part of the profile is exact.
pub(super) fn sane(instant: Timestamp) -> Timestamp {
    instant.clamp(Timestamp(0), LATEST)
}

/// Returns the value of what was refunded or cancelled, as stated or by its lines.
fn taken_back(step: &Step<'_>) -> Option<Money> {
    let properties = &step.event.properties;
    said::amount(properties, &TAKEN_BACK, step.base).or_else(|| {
        let items = said::items(properties, step.base);
        let minor = items.iter().map(|item| item.value().saturating_abs()).fold(0, i64::saturating_add);
        (minor != 0).then(|| Money { minor, currency: said::currency(properties, step.base) })
    })
}

/// Returns an id for an order or cancellation that has none: each such event is one of its own.
fn made_id(event: &Event) -> SmolStr {
    format_smolstr!("~{:016x}", event.message.0)
}

/// Returns true for what the shopper does; what the back office reports opens no session.
fn is_activity(event: &Event) -> bool {
    match event.call {
        Call::Identify | Call::Group | Call::Alias => false,
        Call::Page | Call::Screen => true,
        Call::Track => !matches!(
            event.name.as_str(),
            "Order Refunded"
                | "Order Cancelled"
                | "Order Updated"
                | "Order Delivered"
                | "Case Opened"
                | "Case Closed"
                | "Consent Granted"
                | "Consent Denied"
                | "Subscribed"
                | "Unsubscribed"
                | "Session Ended"
        ),
    }
}

/// Returns the heads whose features an event moves.
pub(super) fn moved(event: &Event) -> Heads {
    const BROWSE: Heads = Heads::of(&[Head::PurchaseIntent, Head::CartAbandonment]);
    const UNDO: Heads = Heads::of(&[Head::Churn, Head::Return, Head::Complaint]);
    match event.name.as_str() {
        "Order Completed" | "Order Item Added" => Heads::ALL,
        "Order Cancelled" | "Order Refunded" | "Order Updated" => UNDO,
        "Case Opened" | "Case Closed" | "Product Reviewed" => Heads::of(&[Head::Churn, Head::Complaint]),
        "Payment Failed" => BROWSE.union(Heads::of(&[Head::Complaint])),
        "Session Ended" => Heads::of(&[Head::PurchaseIntent, Head::Churn]),
        _ if is_activity(event) => BROWSE,
        _ => Heads::NONE,
    }
}
