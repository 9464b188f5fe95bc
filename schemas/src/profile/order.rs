//! Orders, refunds and cancellations: distinct by id, whether they come as one event or line by line.
//!
//! An order is worth what an event states for the whole of it, else the sum of its lines. The latest orders are kept with their
//! values and carts, older ones as hashes, so that a late line does not make an order count twice.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::pack;
use super::said::{self, Item};
use super::sum::{Met, NO_CURRENCY, Sums};
use crate::money::{Currency, Money};
use crate::time::Timestamp;

/// Orders that are kept with their values; older ones are remembered by hash ([`super::sum::IDS_MAX`] of them).
pub const ORDERS_MAX: usize = 16;

/// Orders of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    latest: Vec<Order>,
    older: Met,
    count: u32,
    items: u64,
    value: Sums,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Nothing for the many who never gave anything back.
    undone: Option<Box<Undone>>,
}

/// What was refunded and cancelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Undone {
    refunds: u32,
    refund_value: Sums,
    cancelled: Met,
    cancellations: u32,
    cancellation_value: Sums,
    last: Option<Timestamp>,
}

/// One of the latest orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: SmolStr,
    /// Key of the cart it was made from.
    pub cart: Option<SmolStr>,
    /// When its earliest event happened.
    pub placed: Timestamp,
    /// Currency of its first amount.
    pub currency: Currency,
    /// What an event stated for the whole order.
    declared: Option<i64>,
    /// Sum of its lines.
    lines: i64,
    /// Items of its lines.
    pub items: u32,
    /// `Order Completed` has come.
    pub completed: bool,
    /// A cancellation names it.
    pub cancelled: bool,
}

/// What an event says about an order that is placed.
#[derive(Clone, Debug)]
pub struct Purchase<'a> {
    /// Id of the order.
    pub id: &'a SmolStr,
    /// When the event happened.
    pub at: Timestamp,
    /// Key of the cart, where one was found.
    pub cart: Option<SmolStr>,
    /// Value of the whole order, where the event states one.
    pub declared: Option<Money>,
    /// Lines of the event.
    pub items: &'a [Item],
    /// How the event speaks of the order.
    pub stage: Stage,
}

/// How an event speaks of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `Order Completed`: its lines are all lines.
    Completed,
    /// `Order Item Added`: its line is one more.
    Line,
}

/// What a purchase changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The order was not known before.
    pub new: bool,
    /// `Order Completed` had come before.
    pub repeated: bool,
    /// By how much the order's value changed.
    pub change: Money,
    /// When the order was placed, as far as it is known.
    pub placed: Timestamp,
}

impl Orders {
    /// Takes an event that places an order or adds a line to it.
    pub fn place(&mut self, purchase: Purchase<'_>) -> Placed {
        let lines: i64 = purchase.items.iter().map(Item::value).fold(0, i64::saturating_add);
        let currency = purchase.declared.or(purchase.items.first().map(|item| item.price));
        let currency = currency.map_or(NO_CURRENCY, |amount| amount.currency);
        let items = purchase.items.iter().map(|item| item.quantity).fold(0, u32::saturating_add);
        let hash = said::hash(purchase.id);
        if self.older.contains(hash) {
            let (minor, items) = if purchase.stage == Stage::Line { (lines, items) } else { (0, 0) };
            let change = Money { minor, currency };
            self.value.add(change);
            self.items = self.items.saturating_add(u64::from(items));
            let repeated = purchase.stage == Stage::Completed;
            return Placed { new: false, repeated, change, placed: purchase.at };
        }
        let known = self.latest.iter().position(|order| order.id == *purchase.id);
        let place = known.unwrap_or_else(|| {
            self.count = self.count.saturating_add(1);
            pack::room(&mut self.latest, 1);
            self.latest.push(Order::new(&purchase, currency));
            self.latest.len() - 1
        });
        let order = &mut self.latest[place];
        let repeated = order.completed && purchase.stage == Stage::Completed;
        let before = (order.value(), order.items);
        order.take(&purchase, Money { minor: lines, currency }, items);
        let change = Money { minor: order.value().saturating_sub(before.0), currency: order.currency };
        self.items = self.items.saturating_add(u64::from(order.items.saturating_sub(before.1)));
        let placed = order.placed;
        self.value.add(change);
        self.first = Some(self.first.map_or(purchase.at, |first| first.min(purchase.at)));
        self.last = self.last.max(Some(purchase.at));
        self.bound();
        Placed { new: known.is_none(), repeated, change, placed }
    }

    /// Takes a new value of a known order.
    pub fn update(&mut self, id: &str, declared: Money) -> Option<Placed> {
        let order = self.latest.iter_mut().find(|order| order.id == id)?;
        if order.currency != declared.currency {
            return None;
        }
        let before = order.value();
        order.declared = Some(declared.minor);
        let change = Money { minor: order.value().saturating_sub(before), currency: order.currency };
        let placed = order.placed;
        self.value.add(change);
        Some(Placed { new: false, repeated: true, change, placed })
    }

    /// Takes a cancellation; `line` tells that the event adds to what was cancelled under the same id before. Returns true when
    /// the cancellation is a new one.
    pub fn cancel(
        &mut self,
        id: &str,
        order: Option<&str>,
        value: Option<Money>,
        line: bool,
        at: Timestamp,
    ) -> bool {
        let mut whole = None;
        if let Some(order) = self.latest.iter_mut().find(|known| Some(known.id.as_str()) == order) {
            order.cancelled = true;
            whole = Some(Money { minor: order.value(), currency: order.currency });
        }
        let undone = self.undone.get_or_insert_default();
        let new = undone.cancelled.insert(said::hash(id));
        if new {
            undone.cancellations = undone.cancellations.saturating_add(1);
        }
        undone.last = undone.last.max(Some(at));
        let value = if new { value.or(whole) } else { value.filter(|_| line) };
        if let Some(value) = value {
            undone.cancellation_value.add(Money { minor: value.minor.saturating_abs(), ..value });
        }
        new
    }

    /// Takes a refund.
    pub fn refund(&mut self, value: Option<Money>, at: Timestamp) {
        let undone = self.undone.get_or_insert_default();
        undone.refunds = undone.refunds.saturating_add(1);
        undone.last = undone.last.max(Some(at));
        if let Some(value) = value {
            undone.refund_value.add(Money { minor: value.minor.saturating_abs(), ..value });
        }
    }

    /// Returns one of the latest orders.
    pub fn get(&self, id: &str) -> Option<&Order> {
        self.latest.iter().find(|order| order.id == id)
    }

    /// Returns the latest orders, in the order in which they became known.
    pub fn latest(&self) -> &[Order] {
        &self.latest
    }

    /// Returns the order that a cart became.
    pub fn of_cart(&self, key: &str) -> Option<&Order> {
        self.latest.iter().find(|order| order.cart.as_deref() == Some(key))
    }

    /// Returns how many distinct orders there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many items all orders have.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Returns the value of all orders, before refunds and cancellations.
    pub fn value(&self) -> &Sums {
        &self.value
    }

    /// Returns true when an order may have been counted twice, because its id was forgotten.
    pub fn partial(&self) -> bool {
        self.older.partial()
    }

    /// Returns when the earliest order event happened.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// Returns when the latest order event happened.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Returns how many refunds there are.
    pub fn refunds(&self) -> u32 {
        self.undone.as_ref().map_or(0, |undone| undone.refunds)
    }

    /// Returns the value of all refunds.
    pub fn refund_value(&self) -> &Sums {
        self.undone.as_ref().map_or(Sums::NOTHING, |undone| &undone.refund_value)
    }

    /// Returns how many distinct cancellations there are.
    pub fn cancellations(&self) -> u32 {
        self.undone.as_ref().map_or(0, |undone| undone.cancellations)
    }

    /// Returns the value of all cancellations.
    pub fn cancellation_value(&self) -> &Sums {
        self.undone.as_ref().map_or(Sums::NOTHING, |undone| &undone.cancellation_value)
    }

    /// Returns true when a cancellation may have been counted twice, because its id was forgotten.
    pub fn cancellations_partial(&self) -> bool {
        self.undone.as_ref().is_some_and(|undone| undone.cancelled.partial())
    }

    /// Returns when the latest refund or cancellation happened.
    pub fn last_undone(&self) -> Option<Timestamp> {
        self.undone.as_ref().and_then(|undone| undone.last)
    }

    /// Unites the orders of disjoint events: an order that both know counts once, with the lines of both.
    pub fn merge(&mut self, other: Orders) {
        self.count = self.count.saturating_add(other.count);
        self.items = self.items.saturating_add(other.items);
        self.value.merge(other.value);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        for theirs in other.latest {
            if self.older.contains(said::hash(&theirs.id)) {
                self.count = self.count.saturating_sub(1);
                continue;
            }
            let Some(ours) = self.latest.iter_mut().find(|order| order.id == theirs.id) else {
                self.latest.push(theirs);
                continue;
            };
            self.count = self.count.saturating_sub(1);
            if ours.currency == theirs.currency {
                let apart = ours.value().saturating_add(theirs.value());
                ours.merge(theirs);
                let minor = ours.value().saturating_sub(apart);
                self.value.add(Money { minor, currency: ours.currency });
            }
        }
        let mut older = other.older;
        for known in self.latest.iter().map(|order| said::hash(&order.id)) {
            if older.contains(known) {
                older.remove(known);
                self.count = self.count.saturating_sub(1);
            }
        }
        self.count = self.count.saturating_sub(self.older.merge(older) as u32);
        if let Some(theirs) = other.undone {
            self.undone.get_or_insert_default().merge(*theirs);
        }
        self.bound();
    }

    /// Returns about how many bytes the orders have on the heap.
    pub fn weight(&self) -> usize {
        self.latest.capacity() * size_of::<Order>()
            + self.older.weight()
            + self.undone.as_ref().map_or(0, |undone| size_of::<Undone>() + undone.cancelled.weight())
    }

    fn bound(&mut self) {
        while self.latest.len() > ORDERS_MAX {
            let oldest = (0..self.latest.len())
                .min_by(|a, b| self.latest[*a].age().cmp(&self.latest[*b].age()))
                .unwrap_or_default();
            let order = self.latest.remove(oldest);
            self.older.insert(said::hash(&order.id));
        }
    }
}

impl Order {
    fn new(purchase: &Purchase<'_>, currency: Currency) -> Self {
        Self {
            id: purchase.id.clone(),
            cart: None,
            placed: purchase.at,
            currency,
            declared: None,
            lines: 0,
            items: 0,
            completed: false,
            cancelled: false,
        }
    }

    /// Returns what the order is worth.
    ///
    /// Units: hundredths of its currency.
    pub fn value(&self) -> i64 {
        self.declared.unwrap_or(self.lines)
    }

    fn age(&self) -> (Timestamp, &SmolStr) {
        (self.placed, &self.id)
    }

    fn take(&mut self, purchase: &Purchase<'_>, lines: Money, items: u32) {
        self.placed = self.placed.min(purchase.at);
        if self.cart.is_none() {
            self.cart.clone_from(&purchase.cart);
        }
        if self.currency == NO_CURRENCY {
            self.currency = lines.currency;
        }
        let same = self.currency == lines.currency;
        match purchase.stage {
            Stage::Line => {
                self.items = self.items.saturating_add(items);
                if same {
                    self.lines = self.lines.saturating_add(lines.minor);
                }
            }
            Stage::Completed => {
                self.completed = true;
                if let Some(declared) = purchase.declared.filter(|_| same) {
                    self.declared = Some(declared.minor);
                } else if same && !purchase.items.is_empty() {
                    self.declared = Some(lines.minor);
                }
                self.items = self.items.max(items);
            }
        }
    }

    fn merge(&mut self, other: Order) {
        self.cart = self.cart.take().or(other.cart);
        self.placed = self.placed.min(other.placed);
        self.declared = self.declared.or(other.declared);
        self.lines = self.lines.saturating_add(other.lines);
        self.items = self.items.saturating_add(other.items);
        self.completed |= other.completed;
        self.cancelled |= other.cancelled;
    }
}

impl Undone {
    fn merge(&mut self, other: Undone) {
        let both = self.cancelled.merge(other.cancelled) as u32;
        self.cancellations = self.cancellations.saturating_add(other.cancellations).saturating_sub(both);
        self.cancellation_value.merge(other.cancellation_value);
        self.refunds = self.refunds.saturating_add(other.refunds);
        self.refund_value.merge(other.refund_value);
        self.last = self.last.max(other.last);
    }
}
