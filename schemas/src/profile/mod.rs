//! The profile: what the engine knows of one customer, folded event by event.
//!
//! [`Profile::fold`] takes one event, [`Profile::fire`] what time alone brings (a session that ended), [`Profile::merge`] another
//! profile of the same person. Reading never changes anything: [`Profile::count`] and its neighbours answer for any `now`.
//! Everything is bounded, and what a bound made incomplete says so ([`Counted::partial`]). The profile decides nothing and sends
//! nothing; it does not know its customer's id, so that it moves whole in a merge.
//!
//! | part | holds | bound |
//! |---|---|---|
//! | [`ring`] | message ids of 24 h | the policy's `message_ring`, 64 |
//! | [`counter`] | life totals per event name | known names and 32 more |
//! | [`recent`] | stamps of 24 h for exact windows | 256 |
//! | [`day`] | counts and order value per civil day | 90 days × 15 kinds |
//! | [`session`] | open and last session, totals | 2 |
//! | [`cart`] | open carts with lines | 8 × 32 lines |
//! | [`order`] | latest orders, older ids, refunds, cancellations | 16, 64, 64 |
//! | [`rhythm`] | a view of the latest orders, kept nowhere | |
//! | [`consent`], [`traits`] | words and traits | 24 each |
//! | [`place`] | zone, locale, country | 1 each |

mod folded;
mod policy;

mod due;
mod fold;
mod merge;
mod moved;
mod read;
mod trade;

mod said;

pub mod ring;

pub mod counter;
pub mod recent;

pub mod day;
pub mod place;

pub mod session;

pub mod cart;
pub mod order;
pub mod rhythm;
pub mod sum;

pub mod consent;
pub mod traits;

mod pack;

pub mod field;

#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::score::{Head, Score};
use crate::time::Timestamp;

pub use folded::{Consent, Counted, Folded, Heads, Origin, SessionChange, Sourced, Standing};
pub use policy::ProfilePolicy;
pub use said::{bounded_text, link};

/// What the engine knows of one customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// When the earliest event happened.
    first_seen: Option<Timestamp>,
    /// When the latest event happened.
    last_seen: Option<Timestamp>,
    /// When the shopper last did something; events of the back office do not count.
    last_active: Option<Timestamp>,
    /// An event named a user id.
    identified: bool,
    /// Set by a command of the engine.
    suppressed: bool,
    /// The base currency when the first event was folded: that of the day buckets and of fields in money.
    home: Option<Currency>,
    ring: ring::Ring,
    counters: counter::Counters,
    days: day::DayBook,
    sessions: session::Sessions,
    carts: cart::Carts,
    orders: order::Orders,
    consents: consent::Consents,
    place: place::Place,
    traits: traits::Traits,
    /// Open cases by the hash of their id, 0 for one without.
    cases: sum::Met,
    /// Last outreach per category, in the order of the enum. Written by the trigger machine.
    outreach: [Option<Timestamp>; 2],
    /// Latest score per head, in the order of the heads. Written when the predictor answers.
    scores: Vec<(Head, Score)>,
}
