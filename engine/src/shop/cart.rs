//! A cart, the chance that it is bought, and its fate.
//!
//! The shopper fills it (`Filling`), decides at the end of the visit, checks out (`Checkout`), may meet a refused payment (`Declined`),
//! or leaves it (`Left`) and may come back once (`Returning`), to decide once more. At each fork a number drawn when the visit began is
//! held against the odds of the fork. So both are known at every instant: the probability of what follows, in closed form, and what
//! does follow. Coming back is a constant hazard on the shopper's clock ([`super::rhythm`]), after a break that ends the session.

use schemas::time::{Span, Timestamp};

use super::chance::{Chance, logistic};
use super::nature::Nature;
use super::rhythm::Rhythm;

/// Nobody comes back sooner: the session has ended by then, for the engine's idle time is 30 minutes.
pub const BREAK: Span = Span::minutes(40);

/// A cart that was left is given up after so long.
pub const KEPT: Span = Span::days(3);

/// Within this time a purchase counts as that of the cart as it stands.
pub const HORIZON: Span = Span::hours(24);

/// Mean time after which who comes back to a cart does so.
///
/// Units: hours of the shopper's clock.
const RETURN_HOURS: f64 = 11.0;

/// Paces from one step of the checkout to the next.
pub mod paces {
    /// From the begin of a visit to a left cart to its decision.
    pub const LOOK: i64 = 4;
    /// From the begin of the checkout to its giving up: no step shows it.
    pub const DROP: f64 = 1.5;
    /// From the begin of the checkout to the payment's answer.
    pub const PAY: i64 = 3;
    /// From a refused payment to the next try's answer.
    pub const RETRY: i64 = 2;
}

/// A line: place in the catalogue, and how many.
pub type Line = (u8, u8);

/// Probabilities of the forks.
#[derive(Clone, Debug)]
pub struct Odds {
    /// Of beginning to check out at the end of the visit.
    pub attempt: f64,
    /// Of giving up in the checkout before paying.
    pub drop: f64,
    /// Of a refused payment.
    pub fail: f64,
    /// Of trying another card at once.
    pub retry: f64,
    /// Of coming back to the cart, by why it was left: undecided, given up in the checkout, payment refused.
    pub returns: [f64; 3],
    /// Of beginning to check out on that visit.
    pub again: f64,
}

/// Numbers in [0, 1) that decide the forks, drawn beforehand; the checkout is drawn for each of two visits.
#[derive(Clone, Debug)]
pub struct Fate {
    attempt: [f64; 2],
    drop: [f64; 2],
    fail: [f64; 2],
    retry: [f64; 2],
    returns: f64,
    /// Units: hours of the shopper's clock.
    away: f64,
}

/// Why a cart was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The visit ended without a decision to buy.
    Undecided,
    /// The checkout was given up.
    Dropped,
    /// The payment was refused.
    Declined,
}

/// Which visit to the cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The one that filled it.
    First,
    /// The one that came back.
    Second,
}

/// Where a cart stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is filled; the shopper decides at the end of the visit.
    Filling {
        /// When.
        decides_at: Timestamp,
    },
    /// The shopper checks out.
    Checkout {
        /// Since when.
        began: Timestamp,
        /// On which visit.
        round: Round,
    },
    /// The payment was refused, and whether there is another try is open.
    Declined {
        /// When.
        at: Timestamp,
        /// On which visit.
        round: Round,
    },
    /// It was left.
    Left {
        /// When.
        since: Timestamp,
        /// Why.
        reason: Reason,
        /// On which visit.
        round: Round,
    },
    /// The shopper came back to it; decides after a look.
    Returning {
        /// When.
        decides_at: Timestamp,
    },
}

/// How a visit to a cart ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is bought at this instant.
    Bought(Timestamp),
    /// It is left at this instant.
    Left(Timestamp, Reason),
}

/// What outreach made of a cart's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swayed {
    /// Nothing.
    No,
    /// The shopper comes back at this instant and buys.
    Persuaded(Timestamp),
    /// The shopper will not buy.
    PutOff,
}

/// A cart.
#[derive(Clone, Debug)]
pub struct Cart {
    /// Counts the shopper's carts from 1.
    pub number: u16,
    /// What is to be in it when it is full.
    pub lines: Vec<Line>,
    /// Where it stands.
    pub stage: Stage,
    /// Probabilities of what follows.
    pub odds: Odds,
    /// What follows.
    pub fate: Fate,
    /// What outreach made of it.
    pub swayed: Swayed,
    /// Outreach about it so far.
    pub contacts: u16,
    /// Pace of the checkout.
    ///
    /// Units: milliseconds.
    pub pace_ms: i64,
    /// How far ahead of UTC the shopper lives.
    pub east_ms: i64,
}

impl Odds {
    /// Returns the odds of a shopper whose wish for the cart is `wish` (about standard normal).
    pub fn of(wish: f64, nature: &Nature) -> Self {
        let returns = logistic(-2.6 + 1.35 * wish);
        Self {
            attempt: logistic(-2.5 + 1.4 * wish),
            drop: logistic(-1.3 - 0.6 * wish - 0.8 * (nature.patience - 0.5)),
            fail: 0.07,
            retry: logistic(0.2 + 0.5 * wish + (nature.patience - 0.5)),
            returns: [returns, returns.sqrt() * 0.6, returns.sqrt() * 0.7],
            again: logistic(0.7 + 0.6 * wish),
        }
    }

    /// Returns the probability that a checkout that was begun ends in an order on the same visit.
    pub fn completes(&self) -> f64 {
        let (first, second) = self.tries();
        first + second
    }

    /// Returns the probability that it ends in an order at the first try of paying, and at the second.
    fn tries(&self) -> (f64, f64) {
        let pays = 1.0 - self.drop;
        (pays * (1.0 - self.fail), pays * self.fail * self.retry)
    }
}

impl Fate {
    /// Draws a fate.
    pub fn draw(chance: &mut Chance) -> Self {
        let mut pair = || [chance.uniform(), chance.uniform()];
        let (attempt, drop, fail, retry) = (pair(), pair(), pair(), pair());
        Self { attempt, drop, fail, retry, returns: chance.uniform(), away: chance.waiting(RETURN_HOURS) }
    }
}

impl Cart {
    /// Returns the instant that lies so many paces after another.
    pub fn paces(&self, at: Timestamp, paces: i64) -> Timestamp {
        at + Span(self.pace_ms * paces)
    }

    /// Returns when a checkout that began at `began` would be given up.
    pub fn dropped_at(&self, began: Timestamp) -> Timestamp {
        began + Span((self.pace_ms as f64 * paces::DROP) as i64)
    }

    /// Returns true when the shopper begins to check out on this visit.
    pub fn attempts(&self, round: Round) -> bool {
        match round {
            Round::First => self.fate.attempt[0] < self.odds.attempt && self.swayed != Swayed::PutOff,
            Round::Second => match self.swayed {
                Swayed::No => self.fate.attempt[1] < self.odds.again,
                Swayed::Persuaded(_) => true,
                Swayed::PutOff => false,
            },
        }
    }

    /// Returns true when a checkout of this visit is given up.
    pub fn drops(&self, round: Round) -> bool {
        self.stands(round) && self.fate.drop[round as usize] < self.odds.drop
    }

    /// Returns true when its first payment is refused.
    pub fn fails(&self, round: Round) -> bool {
        self.stands(round) && self.fate.fail[round as usize] < self.odds.fail
    }

    /// Returns true when another card is tried at once.
    pub fn retries(&self, round: Round) -> bool {
        self.fate.retry[round as usize] < self.odds.retry
    }

    /// Returns false for the visit of a shopper who was persuaded: it ends in an order without more ado.
    fn stands(&self, round: Round) -> bool {
        !(round == Round::Second && matches!(self.swayed, Swayed::Persuaded(_)))
    }

    /// Returns how a checkout ends.
    pub fn checkout_end(&self, round: Round, began: Timestamp) -> End {
        let paid = self.paces(began, paces::PAY);
        if self.drops(round) {
            End::Left(self.dropped_at(began), Reason::Dropped)
        } else if !self.fails(round) {
            End::Bought(paid)
        } else {
            self.declined_end(round, paid)
        }
    }

    fn declined_end(&self, round: Round, at: Timestamp) -> End {
        if self.retries(round) {
            End::Bought(self.paces(at, paces::RETRY))
        } else {
            End::Left(at, Reason::Declined)
        }
    }

    /// Returns how a visit ends that is decided at this instant.
    pub fn visit_end(&self, round: Round, decides_at: Timestamp) -> End {
        if self.attempts(round) {
            self.checkout_end(round, decides_at)
        } else {
            End::Left(decides_at, Reason::Undecided)
        }
    }

    /// Returns when the shopper comes back to a cart left at `since`, if so.
    pub fn returns_at(&self, since: Timestamp, reason: Reason, rhythm: &Rhythm) -> Option<Timestamp> {
        match self.swayed {
            Swayed::Persuaded(at) => return Some(at.max(since)),
            Swayed::PutOff => return None,
            Swayed::No => {}
        }
        if self.fate.returns >= self.odds.returns[reason as usize] {
            return None;
        }
        Some(rhythm.after(since + BREAK, self.fate.away, self.east_ms)).filter(|at| *at < since + KEPT)
    }

    /// Returns when the cart is bought, if it is.
    pub fn order_at(&self, rhythm: &Rhythm) -> Option<Timestamp> {
        let end = match self.stage {
            Stage::Filling { decides_at } => self.visit_end(Round::First, decides_at),
            Stage::Checkout { began, round } => self.checkout_end(round, began),
            Stage::Declined { at, round } => self.declined_end(round, at),
            Stage::Left { since, reason, .. } => End::Left(since, reason),
            Stage::Returning { decides_at } => self.visit_end(Round::Second, decides_at),
        };
        let (since, reason) = match end {
            End::Bought(at) => return Some(at),
            End::Left(since, reason) => (since, reason),
        };
        if self.round() == Round::Second && !matches!(self.swayed, Swayed::Persuaded(_)) {
            return None;
        }
        let back = self.returns_at(since, reason, rhythm)?;
        match self.visit_end(Round::Second, self.paces(back, paces::LOOK)) {
            End::Bought(at) => Some(at),
            End::Left(..) => None,
        }
    }

    /// Returns which visit to the cart is the current one, or was the last.
    pub fn round(&self) -> Round {
        match self.stage {
            Stage::Filling { .. } => Round::First,
            Stage::Checkout { round, .. } | Stage::Declined { round, .. } | Stage::Left { round, .. } => {
                round
            }
            Stage::Returning { .. } => Round::Second,
        }
    }

    /// Returns the probability, as the cart stands at `now` and without outreach, that it is bought within [`HORIZON`].
    pub fn bought_within_horizon(&self, now: Timestamp, rhythm: &Rhythm) -> f64 {
        let Odds { attempt, drop, fail, retry, again, .. } = self.odds;
        let later = |since, reason| self.bought_later(since, reason, (now, rhythm));
        let checkout = |began: Timestamp, round| {
            let back = match round {
                Round::Second => 0.0,
                Round::First => {
                    drop * later(self.dropped_at(began), Reason::Dropped)
                        + (1.0 - drop)
                            * fail
                            * (1.0 - retry)
                            * later(self.paces(began, paces::PAY), Reason::Declined)
                }
            };
            self.odds.completes() + back
        };
        match self.stage {
            Stage::Filling { decides_at } => {
                attempt * checkout(decides_at, Round::First)
                    + (1.0 - attempt) * later(decides_at, Reason::Undecided)
            }
            Stage::Checkout { began, round } => checkout(began, round),
            Stage::Declined { round: Round::Second, .. } => retry,
            Stage::Declined { at, round: Round::First } => {
                retry + (1.0 - retry) * later(at, Reason::Declined)
            }
            Stage::Left { round: Round::Second, .. } => 0.0,
            Stage::Left { since, reason, round: Round::First } => later(since, reason),
            Stage::Returning { .. } => again * self.odds.completes(),
        }
    }

    /// Returns the probability that a cart left at `since`, not come back to until now, is bought within the horizon.
    fn bought_later(&self, since: Timestamp, reason: Reason, (now, rhythm): (Timestamp, &Rhythm)) -> f64 {
        let returns = self.odds.returns[reason as usize];
        let home = rhythm.reading(since + BREAK, self.east_ms);
        let back_by = |at: Timestamp| {
            let away = rhythm.reading(at.min(since + KEPT), self.east_ms) - home;
            1.0 - (-away.max(0.0) / RETURN_HOURS).exp()
        };
        let so_far = back_by(now);
        let (first, second) = self.odds.tries();
        let until = |paces: i64| back_by(now + HORIZON - Span(self.pace_ms * paces)) - so_far;
        let pay = paces::LOOK + paces::PAY;
        let bought = first * until(pay).max(0.0) + second * until(pay + paces::RETRY).max(0.0);
        returns * self.odds.again * bought / (1.0 - returns * so_far)
    }

    /// Returns the probability that the visit under way ends in an order.
    pub fn bought_on_visit(&self) -> f64 {
        match self.stage {
            Stage::Filling { .. } => self.odds.attempt * self.odds.completes(),
            Stage::Checkout { .. } => self.odds.completes(),
            Stage::Declined { .. } => self.odds.retry,
            Stage::Left { .. } => 0.0,
            Stage::Returning { .. } => self.odds.again * self.odds.completes(),
        }
    }
}
