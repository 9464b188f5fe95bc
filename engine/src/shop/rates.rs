//! Rates of a run, to hold against what is known of real shops: `ops/docs/shop.md` gives each range and its source.

use std::collections::BTreeMap;

use super::Shop;

/// Events of a run by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts(BTreeMap<&'static str, u64>);

/// A rate with the range in which shops report it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Its name.
    pub name: &'static str,
    /// Least that is plausible.
    pub from: f64,
    /// Most that is plausible.
    pub to: f64,
    /// Reads numerator and denominator.
    read: fn(&Seen<'_>) -> (u64, u64),
}

/// What a rate is read from.
#[derive(Debug)]
struct Seen<'a> {
    counts: &'a Counts,
    visits: u64,
    carts: u64,
}

/// Every rate that is documented.
pub const RATES: &[Rate] = &[
    rate("events_per_visit", (4.0, 7.0), |seen| (seen.counts.by_shoppers(), seen.visits)),
    rate("carts_per_visit", (0.06, 0.11), |seen| (seen.carts, seen.visits)),
    rate("carts_abandoned", (0.66, 0.76), |seen| (seen.carts - seen.orders().min(seen.carts), seen.carts)),
    rate("orders_per_visit", (0.02, 0.03), |seen| (seen.orders(), seen.visits)),
    rate("payments_failed", (0.05, 0.10), |seen| {
        (seen.of("Payment Failed"), seen.of("Payment Info Entered"))
    }),
    rate("orders_cancelled", (0.02, 0.06), |seen| (seen.of("Order Cancelled"), seen.orders())),
    rate("deliveries_late", (0.06, 0.12), |seen| (seen.of("Delivery Late"), seen.of("Order Shipped"))),
    rate("orders_returned", (0.10, 0.20), |seen| (seen.of("Return Requested"), seen.of("Order Delivered"))),
    rate("orders_reviewed", (0.05, 0.12), |seen| (seen.of("Product Reviewed"), seen.of("Order Delivered"))),
];

const fn rate(name: &'static str, (from, to): (f64, f64), read: fn(&Seen<'_>) -> (u64, u64)) -> Rate {
    Rate { name, from, to, read }
}

impl Counts {
    /// Counts an event.
    pub fn note(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    /// Returns how many events of a name there were.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Returns every name with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    /// Returns how many events there were.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns how many events of visits there were.
    fn by_shoppers(&self) -> u64 {
        const OF_VISITS: [&str; 11] = [
            "page",
            "Product List Viewed",
            "Products Searched",
            "Product Viewed",
            "Product Added",
            "Product Removed",
            "Cart Viewed",
            "Checkout Started",
            "Checkout Step Completed",
            "Payment Info Entered",
            "Order Completed",
        ];
        OF_VISITS.iter().map(|name| self.of(name)).sum()
    }
}

impl Seen<'_> {
    fn of(&self, name: &str) -> u64 {
        self.counts.of(name)
    }

    fn orders(&self) -> u64 {
        self.of("Order Completed")
    }
}

impl Rate {
    /// Returns the rate of a run; `None` where nothing was seen of what it is a rate of.
    pub fn of(&self, shop: &Shop, counts: &Counts) -> Option<f64> {
        let seen = Seen { counts, visits: shop.visits(), carts: shop.carts() };
        let (some, all) = (self.read)(&seen);
        (all > 0).then(|| some as f64 / all as f64)
    }
}
