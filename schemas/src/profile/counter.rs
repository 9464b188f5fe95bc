//! Counters by event name: life totals and the sliding windows beside them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use super::folded::Counted;
use super::pack;
use super::recent::{Evicted, Recent, WINDOW_MAX};
use crate::time::{Span, Timestamp};

/// Names outside [`KNOWN_NAMES`] that a profile counts one by one; further ones are counted together.
pub const OTHER_NAMES_MAX: usize = 32;

/// Names that always have a counter of their own and take one byte in a row.
///
/// They are the vocabulary's ([`crate::event::vocabulary`]); their order is part of the row codec, so new names are added at the
/// end.
pub const KNOWN_NAMES: [&str; 55] = [
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Order Completed",
    "Order Item Added",
    "Order Cancelled",
    "Order Refunded",
    "Order Updated",
    "Page Viewed",
    "Screen Viewed",
    "Identified",
    "Session Ended",
    "Products Searched",
    "Product List Viewed",
    "Product List Filtered",
    "Product Clicked",
    "Product Shared",
    "Product Reviewed",
    "Product Added to Wishlist",
    "Product Removed from Wishlist",
    "Wishlist Product Added to Cart",
    "Promotion Viewed",
    "Promotion Clicked",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Denied",
    "Coupon Removed",
    "Cart Shared",
    "Cart Cleared",
    "Case Opened",
    "Case Closed",
    "Consent Granted",
    "Consent Denied",
    "Grouped",
    "Aliased",
    "Payment Failed",
    "Order Delivered",
    "Order Shipped",
    "Delivery Late",
    "Return Requested",
    "Signed Up",
    "Signed In",
    "Signed Out",
    "Message Opened",
    "Message Clicked",
    "Message Delivered",
    "Message Bounced",
    "Message Replied",
    "Outreach Sent",
    "Outreach Withheld",
];

/// Counters of one customer.
///
/// Bounds: one per name of [`KNOWN_NAMES`] and [`OTHER_NAMES_MAX`] more; windows as [`Recent`] says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    series: Vec<Series>,
    /// Events whose names found no place.
    other: u64,
    recent: Recent,
}

/// Counter of one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Series {
    name: Name,
    total: u32,
    /// Youngest stamp that the bound of the windows pushed out.
    evicted: Option<Timestamp>,
}

/// An event name, one byte when it is a known one.
#[derive(Clone, Debug, PartialEq)]
enum Name {
    Known(u8),
    Other(Box<str>),
}

impl Counters {
    /// Counts an event at its own stamp.
    pub fn note(&mut self, name: &str, at: Timestamp, now: Timestamp) {
        let Some(number) = self.number(name).or_else(|| self.open(Name::of(name))) else {
            self.other = self.other.saturating_add(1);
            return;
        };
        self.add(number, 1);
        if let Some(evicted) = self.recent.insert(number, at, now) {
            self.mark(&evicted);
        }
    }

    /// Counts an event in the life total alone, because it is too old for the windows.
    pub fn note_late(&mut self, name: &str) {
        match self.number(name).or_else(|| self.open(Name::of(name))) {
            Some(number) => self.add(number, 1),
            None => self.other = self.other.saturating_add(1),
        }
    }

    /// Counts the events of a name in (now − within, now].
    ///
    /// Bounds: `within` beyond [`WINDOW_MAX`] counts the last 24 hours and is partial.
    pub fn count(&self, name: &str, within: Span, now: Timestamp) -> Counted {
        let reach = within.min(WINDOW_MAX);
        let Some(number) = self.number(name) else {
            return Counted { n: 0, partial: self.other > 0 };
        };
        let evicted = self.series.get(usize::from(number)).and_then(|series| series.evicted);
        Counted {
            n: self.recent.count(number, reach, now),
            partial: within > WINDOW_MAX
                || self.recent.reaches_past(reach, now)
                || evicted.is_some_and(|at| at > now - reach),
        }
    }

    /// Returns the first instant after `now` at which [`Counters::count`] changes by time alone.
    pub fn next_change(&self, name: &str, within: Span, now: Timestamp) -> Option<Timestamp> {
        self.recent.next_change(self.number(name)?, within.min(WINDOW_MAX), now)
    }

    /// Returns how many events of a name were ever counted.
    pub fn total(&self, name: &str) -> Counted {
        match self.number(name).and_then(|number| self.series.get(usize::from(number))) {
            Some(series) => Counted { n: u64::from(series.total), partial: false },
            None => Counted { n: 0, partial: self.other > 0 },
        }
    }

    /// Returns how many events were ever counted, of all names.
    pub fn all(&self) -> u64 {
        self.series.iter().fold(self.other, |sum, series| sum.saturating_add(u64::from(series.total)))
    }

    /// Returns the names with their life totals, in the order of their first events.
    pub fn names(&self) -> impl Iterator<Item = (&str, u64)> {
        self.series.iter().map(|series| (series.name.as_str(), u64::from(series.total)))
    }

    /// Adds the counters of disjoint events.
    pub fn merge(&mut self, other: Counters) {
        self.other = self.other.saturating_add(other.other);
        let mut numbers = Vec::with_capacity(other.series.len());
        for series in other.series {
            let number = self.number(series.name.as_str()).or_else(|| self.open(series.name));
            match number {
                Some(number) => {
                    self.add(number, series.total);
                    if let Some(at) = series.evicted {
                        self.mark(&Evicted { number, at });
                    }
                }
                None => self.other = self.other.saturating_add(u64::from(series.total)),
            }
            numbers.push(number);
        }
        let evicted =
            self.recent.merge(&other.recent, |number| numbers.get(usize::from(number)).copied().flatten());
        for evicted in &evicted {
            self.mark(evicted);
        }
    }

    /// Returns about how many bytes the counters have on the heap.
    pub fn weight(&self) -> usize {
        self.series.capacity() * size_of::<Series>() + self.recent.weight()
    }

    fn number(&self, name: &str) -> Option<u8> {
        self.series.iter().position(|series| series.name.as_str() == name).map(|place| place as u8)
    }

    fn open(&mut self, name: Name) -> Option<u8> {
        if let Name::Other(_) = name {
            let others = self.series.iter().filter(|series| matches!(series.name, Name::Other(_))).count();
            if others >= OTHER_NAMES_MAX {
                return None;
            }
        }
        let number = u8::try_from(self.series.len()).ok()?;
        pack::room(&mut self.series, 2);
        self.series.push(Series { name, total: 0, evicted: None });
        Some(number)
    }

    fn add(&mut self, number: u8, n: u32) {
        if let Some(series) = self.series.get_mut(usize::from(number)) {
            series.total = series.total.saturating_add(n);
        }
    }

    fn mark(&mut self, evicted: &Evicted) {
        if let Some(series) = self.series.get_mut(usize::from(evicted.number)) {
            series.evicted = series.evicted.max(Some(evicted.at));
        }
    }
}

impl Name {
    fn of(name: &str) -> Self {
        match KNOWN_NAMES.iter().position(|known| *known == name) {
            Some(place) => Name::Known(place as u8),
            None => Name::Other(Box::from(name)),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Name::Known(place) => KNOWN_NAMES.get(usize::from(*place)).copied().unwrap_or_default(),
            Name::Other(name) => name,
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Name::Known(place) => (place.saturating_add(1), None::<&str>).serialize(serializer),
            Name::Other(name) => (0_u8, Some(name)).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (place, name) = <(u8, Option<SmolStr>)>::deserialize(deserializer)?;
        Ok(match (place.checked_sub(1), name) {
            (Some(known), _) => Name::Known(known),
            (None, name) => Name::of(name.unwrap_or_default().as_str()),
        })
    }
}
