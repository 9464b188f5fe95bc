//! Open carts: by id, or the one without id, with their lines, and the checkout that was begun on them.
//!
//! An event without `cart_id` is about the open cart that changed last. A cart without id has a made key, so that the next such
//! cart is another one: triggers keyed by cart then see two instances. A cart closes when it is ordered or cleared, and it is no
//! longer there when nothing touched it for the policy's `cart_idle_max`.

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

use super::pack;
use super::said::Item;
use super::sum::NO_CURRENCY;
use crate::money::{Currency, Money};
use crate::time::{Span, Timestamp};

/// Open carts that are kept; the one that changed least recently goes first.
pub const CARTS_MAX: usize = 8;

/// Lines of one cart that are kept apart; what comes beyond adds up in one remainder and makes the cart partial.
pub const LINES_MAX: usize = 32;

/// Open carts of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Carts(Vec<Cart>);

/// One open cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id, or a made key beginning with `~`.
    pub key: SmolStr,
    /// When its first event happened.
    pub opened: Timestamp,
    /// When its latest event happened.
    pub changed: Timestamp,
    /// When the latest checkout on it was begun.
    pub checkout: Option<Timestamp>,
    /// Order id that the checkout named.
    pub order: Option<SmolStr>,
    /// From this instant on it is no longer there.
    expires: Timestamp,
    lines: Vec<Line>,
    /// Value and items of lines beyond the bound.
    rest: (i64, u32),
    currency: Currency,
    /// Value that a checkout stated for a cart whose lines are unknown.
    declared: Option<i64>,
    partial: bool,
}

/// One product of a cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The product.
    pub product: SmolStr,
    /// How many.
    pub quantity: u32,
    /// Price of one, in hundredths of the cart's currency.
    pub price: i64,
}

impl Carts {
    /// Returns the open cart that changed last.
    pub fn current(&self, now: Timestamp) -> Option<&Cart> {
        self.open(now).max_by(|a, b| (a.changed, &a.key).cmp(&(b.changed, &b.key)))
    }

    /// Returns the open carts.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = &Cart> {
        self.0.iter().filter(move |cart| now < cart.expires)
    }

    /// Returns an open cart by its key.
    pub fn get(&self, key: &str, now: Timestamp) -> Option<&Cart> {
        self.open(now).find(|cart| cart.key == key)
    }

    /// Returns the cart that an order of this id at `at` was made from: the one whose checkout named the order, else the one
    /// whose checkout was begun last, else the one that changed last. A cart that was opened later is none of them.
    pub fn behind_order(&self, order: &str, at: Timestamp, now: Timestamp) -> Option<&Cart> {
        self.open(now)
            .filter(|cart| cart.opened <= at)
            .max_by_key(|cart| (cart.order.as_deref() == Some(order), cart.checkout, cart.changed))
    }

    /// Returns the cart with this key, opening it if it is not there; without a key, the current one or a new one.
    pub fn enter(&mut self, key: Option<&SmolStr>, moment: &Moment) -> &mut Cart {
        self.0.retain(|cart| moment.now < cart.expires);
        let key = key
            .or_else(|| self.current(moment.now).map(|cart| &cart.key))
            .cloned()
            .unwrap_or_else(|| format_smolstr!("~{}", moment.at.0));
        let place = match self.0.iter().position(|cart| cart.key == key) {
            Some(place) => place,
            None => {
                if self.0.len() >= CARTS_MAX
                    && let Some(place) = (0..self.0.len()).min_by_key(|place| self.0[*place].changed)
                {
                    self.0.swap_remove(place);
                }
                pack::room(&mut self.0, 1);
                self.0.push(Cart::new(key, moment));
                self.0.len() - 1
            }
        };
        let cart = &mut self.0[place];
        cart.opened = cart.opened.min(moment.at);
        cart.changed = cart.changed.max(moment.at);
        cart.expires = cart.changed + moment.idle_max;
        cart
    }

    /// Removes a cart.
    pub fn close(&mut self, key: &str) {
        self.0.retain(|cart| cart.key != key);
    }

    /// Unites two sets of carts; the lines of a cart that both know add up, since their events are disjoint.
    pub fn merge(&mut self, other: Carts) {
        for theirs in other.0 {
            match self.0.iter_mut().find(|cart| cart.key == theirs.key) {
                Some(ours) => ours.merge(theirs),
                None => self.0.push(theirs),
            }
        }
        self.0.sort_by(|a, b| (b.changed, &b.key).cmp(&(a.changed, &a.key)));
        self.0.truncate(CARTS_MAX);
    }

    /// Returns about how many bytes the carts have on the heap.
    pub fn weight(&self) -> usize {
        let lines: usize = self.0.iter().map(|cart| cart.lines.capacity()).sum();
        self.0.capacity() * size_of::<Cart>() + lines * size_of::<Line>()
    }
}

/// When a cart is touched.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When it happened.
    pub at: Timestamp,
    /// Log time.
    pub now: Timestamp,
    /// The policy's `cart_idle_max`.
    pub idle_max: Span,
}

impl Cart {
    fn new(key: SmolStr, moment: &Moment) -> Self {
        Self {
            key,
            opened: moment.at,
            changed: moment.at,
            checkout: None,
            order: None,
            expires: moment.at + moment.idle_max,
            lines: Vec::new(),
            rest: (0, 0),
            currency: NO_CURRENCY,
            declared: None,
            partial: false,
        }
    }

    /// Returns the value of the lines, or what a checkout stated when the lines are unknown.
    pub fn value(&self) -> Money {
        let lines = self.lines.iter().map(Line::value).fold(self.rest.0, i64::saturating_add);
        let minor = if self.items() == 0 { self.declared.unwrap_or(0) } else { lines };
        Money { minor, currency: self.currency }
    }

    /// Returns how many items are in the cart.
    pub fn items(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).fold(self.rest.1, u32::saturating_add)
    }

    /// Returns the lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Returns true when lines went past a bound or stood in another currency.
    pub fn partial(&self) -> bool {
        self.partial
    }

    /// Returns from when on the cart is no longer there.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Adds an item; the latest price holds for the whole line.
    pub fn add(&mut self, item: &Item) {
        let price = self.priced(item.price);
        let room = self.lines.len() < LINES_MAX;
        pack::room(&mut self.lines, 2);
        match self.lines.iter_mut().find(|line| line.product == item.product) {
            Some(line) => {
                line.quantity = line.quantity.saturating_add(item.quantity);
                if price != 0 {
                    line.price = price;
                }
            }
            None if room => {
                self.lines.push(Line { product: item.product.clone(), quantity: item.quantity, price })
            }
            None => {
                self.partial = true;
                let value = price.saturating_mul(i64::from(item.quantity));
                self.rest.0 = self.rest.0.saturating_add(value);
                self.rest.1 = self.rest.1.saturating_add(item.quantity);
            }
        }
    }

    /// Takes an item out, as many as it says; what is not in the cart changes nothing.
    pub fn remove(&mut self, item: &Item) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.product == item.product) {
            line.quantity = line.quantity.saturating_sub(item.quantity);
        }
        self.lines.retain(|line| line.quantity > 0);
    }

    /// Replaces all lines by what an event lists.
    pub fn replace(&mut self, items: &[Item]) {
        self.lines.clear();
        self.rest = (0, 0);
        self.partial = false;
        for item in items {
            self.add(item);
        }
    }

    /// Takes the value that an event states for the whole cart.
    pub fn declare(&mut self, value: Money) {
        let minor = self.priced(value);
        self.declared = Some(minor);
    }

    /// Returns the amount in the cart's currency, which the first amount decides; one in another currency counts as nothing.
    fn priced(&mut self, amount: Money) -> i64 {
        if amount.minor == 0 {
            return 0;
        }
        if self.currency == NO_CURRENCY {
            self.currency = amount.currency;
        }
        if self.currency == amount.currency {
            return amount.minor;
        }
        self.partial = true;
        0
    }

    fn merge(&mut self, other: Cart) {
        let currency = other.currency;
        for line in other.lines {
            let price = Money { minor: line.price, currency };
            self.add(&Item { product: line.product, quantity: line.quantity, price });
        }
        self.rest.0 = self.rest.0.saturating_add(other.rest.0);
        self.rest.1 = self.rest.1.saturating_add(other.rest.1);
        self.opened = self.opened.min(other.opened);
        self.changed = self.changed.max(other.changed);
        self.expires = self.expires.max(other.expires);
        self.checkout = self.checkout.max(other.checkout);
        self.order = self.order.take().or(other.order);
        self.declared = self.declared.or(other.declared);
        self.partial |= other.partial;
    }
}

impl Line {
    /// Returns quantity times price, in hundredths of the cart's currency.
    pub fn value(&self) -> i64 {
        self.price.saturating_mul(i64::from(self.quantity))
    }
}
