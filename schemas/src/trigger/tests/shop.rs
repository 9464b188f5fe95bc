//! The model's shop: carts and orders as an event leaves them, and quiet hours in three zones, by going through the day.

use smol_str::{SmolStr, format_smolstr};

use crate::time::{Span, Timestamp};
use crate::trigger::spec::QuietHours;

/// What an event names, or is found to be about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// A cart.
    pub cart: Option<SmolStr>,
    /// An order.
    pub order: Option<SmolStr>,
}

struct Cart {
    key: SmolStr,
    changed: Timestamp,
    checkout: Option<Timestamp>,
    order: Option<SmolStr>,
    items: usize,
}

/// Open carts in the order in which they were opened, and what became of others.
#[derive(Default)]
pub struct Carts {
    open: Vec<Cart>,
    /// Orders with their carts and when they were placed.
    orders: Vec<(SmolStr, Option<SmolStr>, Timestamp)>,
}

impl Carts {
    /// Returns the open cart that changed last.
    pub fn current(&self) -> Option<SmolStr> {
        let last = self.open.iter().max_by_key(|cart| (cart.changed, cart.key.clone()));
        last.map(|cart| cart.key.clone())
    }

    /// Returns true when the current one has items.
    pub fn is_filled(&self) -> bool {
        let current = self.current();
        self.open.iter().any(|cart| Some(&cart.key) == current.as_ref() && cart.items > 0)
    }

    /// Returns true when something was ordered; no test lasts for half a year.
    pub fn has_ordered(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Returns how many are open.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Takes an event and returns what it is about.
    pub fn fold(&mut self, name: &str, named: &About, late: bool, now: Timestamp) -> About {
        let About { cart, order } = named.clone();
        match name {
            "Product Added" | "Checkout Started" => {
                let ordered = self.orders.iter().find(|(_, of, _)| of.is_some() && *of == cart);
                if late || ordered.is_some_and(|(.., placed)| now <= *placed) {
                    return self.linked(cart, order);
                }
                let key = cart.or_else(|| self.current()).unwrap_or_else(|| format_smolstr!("~{}", now.0));
                if !self.open.iter().any(|cart| cart.key == key) {
                    let key = key.clone();
                    self.open.push(Cart { key, changed: now, checkout: None, order: None, items: 0 });
                }
                for cart in self.open.iter_mut().filter(|cart| cart.key == key) {
                    cart.changed = now;
                    cart.items += usize::from(name == "Product Added");
                    if name == "Checkout Started" {
                        cart.checkout = Some(now);
                        cart.order = order.clone().or(cart.order.take());
                    }
                }
                About { cart: Some(key), order }
            }
            "Order Completed" => {
                let id = order.expect("orders are made with their ids");
                let known =
                    self.orders.iter().find(|(known, ..)| *known == id).map(|(_, cart, _)| cart.clone());
                let behind = || {
                    let is_its =
                        |cart: &&Cart| (cart.order.as_ref() == Some(&id), cart.checkout, cart.changed);
                    self.open.iter().max_by_key(is_its).map(|cart| cart.key.clone())
                };
                let cart =
                    cart.or_else(|| known.clone().unwrap_or_else(|| if late { None } else { behind() }));
                match self.orders.iter_mut().find(|(known, ..)| *known == id) {
                    Some((_, of, _)) => *of = of.take().or(cart.clone()),
                    None => self.orders.push((id.clone(), cart.clone(), now)),
                }
                self.open.retain(|open| Some(&open.key) != cart.as_ref());
                About { cart, order: Some(id) }
            }
            _ => self.linked(cart, order),
        }
    }

    /// Returns the cart behind an order.
    fn linked(&self, cart: Option<SmolStr>, order: Option<SmolStr>) -> About {
        let of = |id: &SmolStr| self.orders.iter().find(|(known, ..)| known == id)?.1.clone();
        About { cart: cart.or_else(|| order.as_ref().and_then(of)), order }
    }
}

const MINUTE: Span = Span::minutes(1);

/// Returns the minute of the civil day in a zone.
fn minute(zone: &str, at: Timestamp) -> i64 {
    // Berlin, 2024: summer time from 31 March to 27 October, both at 01:00 UTC.
    let summer = (Timestamp(1_711_846_800_000)..Timestamp(1_729_990_800_000)).contains(&at);
    let hours = match zone {
        "UTC" => 0,
        "Asia/Tokyo" => 9,
        "Europe/Berlin" if summer => 2,
        "Europe/Berlin" => 1,
        zone => panic!("{zone} is not made"),
    };
    ((at + Span::hours(hours)).0 / MINUTE.0).rem_euclid(1_440)
}

/// Returns when the quiet hours end that hold at `now`: when the clock first shows their end, or, where it leaps over it, as much
/// later.
pub fn quiet_until(hours: QuietHours, zone: &str, now: Timestamp) -> Option<Timestamp> {
    let (start, end) = (i64::from(hours.start_min), i64::from(hours.end_min));
    let here = minute(zone, now);
    let quiet = if start < end { here >= start && here < end } else { here >= start || here < end };
    if !quiet {
        return None;
    }
    let mut at = now;
    loop {
        let shown = minute(zone, at);
        at = at + MINUTE;
        let next = minute(zone, at);
        if next == end {
            return Some(at);
        }
        if next > shown + 1 && (shown + 1..next).contains(&end) {
            return Some(at + Span::minutes(end - shown - 1));
        }
    }
}
