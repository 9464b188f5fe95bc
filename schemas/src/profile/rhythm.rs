//! How a customer orders: what the latest orders tell about gaps, sizes and what is to be expected next.
//!
//! A view that is made of the orders when it is asked for and kept nowhere. Orders less than [`ONE_PURCHASE`] apart are one purchase
//! here: a shopper who comes back for what was forgotten has not come back after a gap.

use super::Profile;
use super::order::{ORDERS_MAX, Order};
use crate::money::Currency;
use crate::time::{Span, Timestamp};

/// Orders less than this after the first of them belong to one purchase.
pub const ONE_PURCHASE: Span = Span::hours(12);

/// The gap that counts once beside a customer's own, so that one or two gaps of chance do not make a rhythm.
///
/// Units: days. Source: the geometric mean of the gaps in UCI Online Retail, 2010, rounded.
pub const ASSUMED_GAP: f64 = 70.0;

/// Variance of the logarithm of gaps that counts once in the same way.
const ASSUMED_VARIANCE: f64 = 0.5;

/// The least spread that a rhythm is taken to have: sixteen orders cannot show that somebody is a clock.
const SPREAD_LEAST: f64 = 0.3;

/// What turns a normal distribution of logarithms into the logistic one next to it.
const LOGISTIC: f64 = 1.702;

const DAY_MS: f64 = 86_400_000.0;

/// The latest orders by time, and the purchases they make up.
///
/// Bounds: [`ORDERS_MAX`]; what is counted here is counted among these.
pub struct Rhythm<'a> {
    orders: [Option<&'a Order>; ORDERS_MAX],
    purchases: [Timestamp; ORDERS_MAX],
    purchase_count: usize,
    usual: Usual,
    sizes: Sizes,
    home: Option<Currency>,
}

/// The gaps of a customer by their natural logarithms in days, [`ASSUMED_GAP`] among them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usual {
    /// Their mean.
    pub mean: f64,
    /// How far gaps are from it.
    pub spread: f64,
}

/// The sizes of the latest orders in the home currency, by their natural logarithms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sizes {
    /// Value of the latest order, in the currency.
    pub last: f64,
    /// Largest value, in the currency.
    pub largest: f64,
    /// Geometric mean of one more than the values, less one, in the currency.
    pub typical: f64,
    /// How far the logarithms of orders are from that of the typical one.
    pub spread: f64,
    /// How far the logarithm of the latest is above that of the typical one.
    pub trend: f64,
}

impl Profile {
    /// Returns how the customer orders.
    pub fn rhythm(&self) -> Rhythm<'_> {
        let mut rhythm = Rhythm::of(self.orders.latest(), self.home);
        rhythm.usual = rhythm.measure_gaps();
        rhythm.sizes = rhythm.measure_sizes();
        rhythm
    }
}

impl<'a> Rhythm<'a> {
    fn of(latest: &'a [Order], home: Option<Currency>) -> Self {
        let mut orders = [None; ORDERS_MAX];
        for (place, order) in orders.iter_mut().zip(latest) {
            *place = Some(order);
        }
        let count = latest.len().min(ORDERS_MAX);
        orders[..count].sort_unstable_by_key(|order| order.map(|order| (order.placed, &order.id)));
        let mut purchases = [Timestamp(0); ORDERS_MAX];
        let mut purchase_count = 0;
        for order in orders.iter().flatten() {
            let first = purchases[..purchase_count].last();
            if first.is_none_or(|first| order.placed - *first >= ONE_PURCHASE) {
                purchases[purchase_count] = order.placed;
                purchase_count += 1;
            }
        }
        Self { orders, purchases, purchase_count, usual: Usual::default(), sizes: Sizes::default(), home }
    }

    /// Returns how many purchases the latest orders make up.
    pub fn purchases(&self) -> usize {
        self.purchase_count
    }

    /// Returns when the n-th purchase from the end was made; the last one is the first.
    pub fn nth_last(&self, n: usize) -> Option<Timestamp> {
        self.purchase_count.checked_sub(n).filter(|_| n > 0).map(|place| self.purchases[place])
    }

    /// Returns the orders placed less than `within` before `now`.
    pub fn since(&self, within: Span, now: Timestamp) -> impl Iterator<Item = &'a Order> {
        self.orders.into_iter().flatten().filter(move |order| order.placed > now - within)
    }

    /// Returns the value of these orders, in the home currency.
    pub fn value_since(&self, within: Span, now: Timestamp) -> f64 {
        self.since(within, now).filter_map(|order| self.value(order)).sum()
    }

    /// Returns in how many of the spans of 30 days that end at `now` and reach back as far as `within` there was an order.
    pub fn months(&self, within: Span, now: Timestamp) -> usize {
        let month = |order: &Order| (now - order.placed).0.max(0) / Span::days(30).0;
        let mut before = None;
        // Orders stand by time, so those of one month stand together.
        self.since(within, now).map(month).filter(|month| before.replace(*month) != Some(*month)).count()
    }

    /// Returns the days between a purchase and the next, oldest first.
    pub fn gaps(&self) -> impl Iterator<Item = f64> {
        self.purchases[..self.purchase_count].windows(2).map(|pair| (pair[1] - pair[0]).0 as f64 / DAY_MS)
    }

    /// Returns the median of the gaps.
    ///
    /// Units: days.
    pub fn median_gap(&self) -> Option<f64> {
        let mut gaps = [f64::INFINITY; ORDERS_MAX];
        let count = gaps.iter_mut().zip(self.gaps()).map(|(place, gap)| *place = gap).count();
        gaps[..count].sort_unstable_by(f64::total_cmp);
        let upper = gaps[..count].get(count / 2)?;
        let lower = gaps[count.saturating_sub(1) / 2];
        Some((upper + lower) / 2.0)
    }

    /// Returns the usual gap.
    pub fn usual(&self) -> Usual {
        self.usual
    }

    /// Returns the sizes of the orders.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Returns by how many spreads the silence since the last purchase is longer than the usual gap.
    pub fn overdue(&self, now: Timestamp) -> Option<f64> {
        self.overdue_after(self.silence(now)?)
    }

    /// Returns how likely the next purchase comes within `ahead`, if gaps are what they were and nothing else is known.
    pub fn due(&self, ahead: Span, now: Timestamp) -> Option<f64> {
        let silence = self.silence(now)?;
        let stays = |days: f64| Some(1.0 / (1.0 + (LOGISTIC * self.overdue_after(days)?).exp()));
        Some(1.0 - stays(silence + ahead.0 as f64 / DAY_MS)? / stays(silence)?)
    }

    /// Returns the latest order.
    pub fn last(&self) -> Option<&'a Order> {
        self.orders.into_iter().flatten().last()
    }

    /// The order's value, if it is in the home currency; never below nothing.
    fn value(&self, order: &Order) -> Option<f64> {
        (Some(order.currency) == self.home).then(|| order.value().max(0) as f64 / 100.0)
    }

    /// Half a day at least: within the hours after a purchase nothing can be told from its age.
    fn silence(&self, now: Timestamp) -> Option<f64> {
        Some(((now - self.nth_last(1)?).0 as f64 / DAY_MS).max(0.5))
    }

    fn overdue_after(&self, days: f64) -> Option<f64> {
        (self.purchase_count > 0).then(|| (days.ln() - self.usual.mean) / self.usual.spread)
    }

    fn measure_gaps(&self) -> Usual {
        let count = self.gaps().count() as f64 + 1.0;
        let mean = (self.gaps().map(f64::ln).sum::<f64>() + ASSUMED_GAP.ln()) / count;
        let squares: f64 = self.gaps().map(|gap| (gap.ln() - mean).powi(2)).sum();
        Usual { mean, spread: ((squares + ASSUMED_VARIANCE) / count).sqrt().max(SPREAD_LEAST) }
    }

    fn measure_sizes(&self) -> Sizes {
        let values = || self.orders.iter().flatten().filter_map(|order| self.value(order));
        let count = values().count() as f64;
        let Some(last) = values().next_back() else {
            return Sizes::default();
        };
        let mean = values().map(f64::ln_1p).sum::<f64>() / count;
        let squares: f64 = values().map(|value| (value.ln_1p() - mean).powi(2)).sum();
        Sizes {
            last,
            largest: values().fold(0.0, f64::max),
            typical: mean.exp_m1(),
            spread: (squares / count).sqrt(),
            trend: last.ln_1p() - mean,
        }
    }
}
