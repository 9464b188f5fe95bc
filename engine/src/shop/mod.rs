//! A simulated shop: shoppers whose risk and whose reaction to outreach are known. Pure of the engine, and the same for the same seed.
//!
//! | file | holds |
//! |---|---|
//! | `chance` | one stream of chance per shopper and purpose |
//! | `rhythm` | day, night and weekdays, as a clock that runs unevenly |
//! | `nature` | what a shopper is like |
//! | `visit` | the plan of a visit: how behaviour shows a wish |
//! | `cart` | a cart's odds and its fate: the probability of a purchase in closed form |
//! | `order` | what follows an order |
//! | `shopper` | one shopper's life, step by step |
//! | `react` | what outreach does |
//! | `truth` | what is true and no event tells |
//! | `rates` | rates of a run, and the ranges in which they lie |
//! | `write`, `catalogue`, `phrases` | events as Segment JSON, products, texts |
//!
//! Nothing here is a real person, product or order. `ops/docs/shop.md` says where the rates come from.

pub mod catalogue;
pub mod phrases;

pub(crate) mod chance;
mod rhythm;

mod nature;

mod cart;
mod visit;

mod order;

mod react;
mod shopper;

mod truth;
mod write;

pub mod rates;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use schemas::ids::ANONYMOUS_PREFIX;
use schemas::time::{Span, Timestamp};

use rhythm::Rhythm;
use shopper::Shopper;

pub use react::Reaction;
pub use shopper::Shown;
pub use truth::{CartTruth, ShopperTruth, Truth, VisitTruth};

/// First instant of the simulated calendar unless told otherwise: Monday, 2 March 2026, 00:00 UTC.
pub const STARTS: Timestamp = Timestamp(1_772_409_600_000);

/// What an event is called in which a shopper writes to the shop.
pub const MESSAGE: &str = "Message Sent";

/// Below this true probability of a purchase within a day a cart counts as risky for [`Policy::Risky`].
pub const RISKY: f64 = 0.1;

/// Whom the shop itself writes to about a left cart, half an hour after it was left: for files, where no engine does.
///
/// Only who agreed is considered; every decision is an event, `Outreach Sent` or `Outreach Withheld`, with the probability of
/// what was decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// To nobody.
    Silent,
    /// To this share, by chance.
    Random {
        /// Probability of writing.
        share: f64,
    },
    /// By the true risk: what a good trigger does, and what misleads who learns from it carelessly.
    Risky {
        /// Probability of writing about a cart that is likely lost.
        above: f64,
        /// About any other.
        below: f64,
    },
}

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct ShopSettings {
    /// The same seed makes the same world.
    pub seed: u64,
    /// Number of shoppers.
    pub shoppers: u32,
    /// Days over which they come.
    pub days: u32,
    /// First instant.
    pub starts: Timestamp,
    /// Whom the shop itself writes to.
    pub policy: Policy,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self { seed: 1, shoppers: 1_000, days: 30, starts: STARTS, policy: Policy::Silent }
    }
}

/// What all shoppers share.
#[derive(Debug)]
struct World {
    seed: u64,
    rhythm: Rhythm,
    starts: Timestamp,
    ends: Timestamp,
    policy: Policy,
}

/// An event of the shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happens.
    pub at: Timestamp,
    /// Number of its shopper.
    pub shopper: u32,
    /// Its name.
    pub name: &'static str,
    /// The Segment JSON line.
    pub line: String,
}

/// What comes next in the shop.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// An event.
    Event(Event),
    /// An open cart has been silent for 5, 15 or 30 minutes: no event, but the truth about it may be asked for.
    Silence {
        /// When.
        at: Timestamp,
        /// Number of the shopper.
        shopper: u32,
    },
}

/// The shop. Memory grows with the shoppers, never with the days.
#[derive(Debug)]
pub struct Shop {
    world: World,
    shoppers: Vec<Shopper>,
    /// One entry per shopper, and one more for each outreach; those that no longer hold are passed over.
    queue: BinaryHeap<Reverse<(Timestamp, u32)>>,
    now: Timestamp,
}

impl Shop {
    /// Returns the shop at its first instant.
    pub fn new(settings: ShopSettings) -> Self {
        let ends = settings.starts + Span::days(i64::from(settings.days));
        let ShopSettings { seed, starts, policy, .. } = settings;
        let world = World { seed, rhythm: Rhythm::default(), starts, ends, policy };
        let shoppers: Vec<Shopper> =
            (0..settings.shoppers).map(|number| Shopper::new(number, &world)).collect();
        let due = |shopper: &Shopper| shopper.due().map(|at| Reverse((at, shopper.number)));
        let queue = shoppers.iter().filter_map(due).collect();
        Self { world, shoppers, queue, now: starts }
    }

    /// Returns what comes next, in order of time; `None` when the days are over.
    pub fn moment(&mut self) -> Option<Moment> {
        self.moment_before(self.world.ends)
    }

    /// Returns what comes next before `until`; `None` when there is nothing more until then.
    ///
    /// Nobody has lived beyond `until` then, so what a shopper is told at that instant comes in time.
    pub fn moment_before(&mut self, until: Timestamp) -> Option<Moment> {
        let until = until.min(self.world.ends);
        while let Some(Reverse((at, number))) =
            self.queue.peek().copied().filter(|Reverse((at, _))| *at < until)
        {
            self.queue.pop();
            let shopper = &mut self.shoppers[number as usize];
            if shopper.due() != Some(at) {
                continue;
            }
            self.now = at;
            let shown = shopper.step(&self.world);
            self.queue.extend(shopper.due().map(|at| Reverse((at, number))));
            match shown {
                Some(Shown::Event { name, line }) => {
                    return Some(Moment::Event(Event { at, shopper: number, name, line }));
                }
                Some(Shown::Silence) => return Some(Moment::Silence { at, shopper: number }),
                None => {}
            }
        }
        None
    }

    /// Returns the instant of what came last.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the end of the last day.
    pub fn ends(&self) -> Timestamp {
        self.world.ends
    }

    /// Tells a shopper something: an outreach reached `customer` at `at`, and the shopper reacts. Returns `None` where the shop knows no
    /// such customer. An instant that is already past counts as now.
    pub fn contact(&mut self, customer: &str, at: Timestamp) -> Option<Reaction> {
        let number = self.number(customer)?;
        let at = at.max(self.now);
        let shopper = &mut self.shoppers[number as usize];
        let reaction = shopper.take_outreach(at, &self.world);
        self.queue.extend(shopper.due().map(|at| Reverse((at, number))));
        Some(reaction)
    }

    /// Returns the number of the shopper behind a customer's key: `shopper-7` or `anon:visitor-7`.
    pub fn number(&self, customer: &str) -> Option<u32> {
        let digits = customer.strip_prefix("shopper-").or_else(|| {
            customer.strip_prefix(ANONYMOUS_PREFIX).unwrap_or(customer).strip_prefix("visitor-")
        })?;
        digits.parse().ok().filter(|number| (*number as usize) < self.shoppers.len())
    }

    /// Returns the truth about a shopper's open cart at `at`, which is between the shopper's last step and the next.
    pub fn cart_truth(&self, shopper: u32, at: Timestamp) -> Option<CartTruth> {
        self.shoppers.get(shopper as usize)?.cart_truth(at, &self.world)
    }

    /// Returns the truth about a shopper's visit under way at `at`, which is between the shopper's last step and the next.
    pub fn visit_truth(&self, shopper: u32, at: Timestamp) -> Option<VisitTruth> {
        self.shoppers.get(shopper as usize)?.visit_truth(at)
    }

    /// Returns the truth about every shopper.
    pub fn truth(&self) -> impl Iterator<Item = ShopperTruth> {
        self.shoppers.iter().map(|shopper| shopper.truth(self.now))
    }

    /// Returns how many visits there were.
    pub fn visits(&self) -> u64 {
        self.shoppers.iter().map(|shopper| u64::from(shopper.visits)).sum()
    }

    /// Returns how many carts were opened.
    pub fn carts(&self) -> u64 {
        self.shoppers.iter().map(|shopper| u64::from(shopper.carts)).sum()
    }

    /// Returns the truth about one shopper.
    pub fn shopper_truth(&self, shopper: u32) -> Option<ShopperTruth> {
        self.shoppers.get(shopper as usize).map(|shopper| shopper.truth(self.now))
    }
}

impl Iterator for Shop {
    type Item = Event;

    /// Returns the next event, in order of time; `None` when the days are over.
    fn next(&mut self) -> Option<Event> {
        loop {
            match self.moment()? {
                Moment::Event(event) => return Some(event),
                Moment::Silence { .. } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
