//! The trading part of the fold: carts fill, checkouts begin, orders are placed, cancelled and refunded, cases open and close.
//!
//! The key of a cart is resolved here, since checkout and order events of the vocabulary lack it: an order inherits the cart of
//! the checkout that named it, else of the checkout that was begun last, else the open cart.

use smol_str::{SmolStr, format_smolstr};

use super::cart::{Cart, Moment};
use super::day::DayKind;
use super::fold::Step;
use super::order::{Placed, Purchase, Stage};
use super::said::{self, Item};
use super::{Folded, Profile};
use crate::customer::LinkKind;
use crate::event::Event;
use crate::event::read::{self, ProductLine};
use crate::money::Money;

/// Properties that state the value of a refund or cancellation, best first.
const TAKEN_BACK: [&str; 4] = ["total", "value", "revenue", "amount"];

/// Whether an event is one of those that its name counts: the second line of one cancellation is not a second cancellation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// It counts.
    Yes,
    /// It adds to what was counted before.
    Repeats,
}

impl Profile {
    /// Takes what the event says about carts, orders and cases, and resolves the keys of both.
    pub(super) fn trade(&mut self, step: &Step<'_>, folded: &mut Folded) -> Counts {
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
                begin_checkout(cart, step, folded.order.as_ref(), &items);
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
            Stage::Completed => step.event.value(step.base),
            Stage::Line => None,
        };
        let at = step.at;
        let placed =
            self.orders.place(Purchase { id: &id, at, cart: cart.clone(), declared, items: &items, stage });
        folded.opens_order = placed.new;
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
        let value = step.event.value(step.base);
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

/// Notes that a checkout was begun, with what it says about the cart.
fn begin_checkout(cart: &mut Cart, step: &Step<'_>, order: Option<&SmolStr>, items: &[Item]) {
    cart.checkout = cart.checkout.max(Some(step.at));
    if let Some(order) = order {
        cart.order = Some(order.clone());
    }
    if !items.is_empty() {
        cart.replace(items);
    }
    if let Some(value) = step.event.value(step.base) {
        cart.declare(value);
    }
}

/// Returns the value of what was refunded or cancelled, as stated or by its lines.
fn taken_back(step: &Step<'_>) -> Option<Money> {
    let properties = &step.event.properties;
    read::amount(properties, &TAKEN_BACK, step.base).or_else(|| {
        let whole = |line: ProductLine<'_>| {
            line.value().map(|value| Money { minor: value.minor.saturating_abs(), ..value })
        };
        let lines = read::products(properties, step.base).filter_map(whole);
        // The lines of one event are in its one currency.
        lines.reduce(|sum, line| sum.plus(line).unwrap_or(sum)).filter(|sum| sum.minor != 0)
    })
}

/// Returns an id for an order or cancellation that has none: each such event is one of its own.
fn made_id(event: &Event) -> SmolStr {
    format_smolstr!("~{:016x}", event.message.0)
}
