//! Chance from a seed: one independent stream per shopper and purpose, so that what one shopper meets moves nobody else.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// What a stream is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The shopper's own life.
    Life,
    /// What the shopper makes of outreach number `contact` about cart number `cart`; drawn beforehand, so that whether it is sent
    /// changes nothing else.
    Reaction {
        /// Cart, or how many there were when no cart was open.
        cart: u16,
        /// Which outreach about it.
        contact: u16,
    },
}

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Returns the stream of a shopper.
    pub fn of(seed: u64, shopper: u32, purpose: Purpose) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        match purpose {
            Purpose::Life => stream.set_stream(u64::from(shopper) << 1),
            Purpose::Reaction { cart, contact } => {
                stream.set_stream(u64::from(shopper) << 1 | 1);
                // A reaction draws less than one block of 64 words.
                stream.set_word_pos((u128::from(cart) << 16 | u128::from(contact)) << 6);
            }
        }
        Self(stream)
    }

    /// Returns a number in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// Returns true with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Returns a number in [from, to).
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.uniform()
    }

    /// Returns a number of the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Returns a waiting time of this mean without memory.
    pub fn waiting(&mut self, mean: f64) -> f64 {
        let unit: f64 = Exp1.sample(&mut self.0);
        unit * mean
    }

    /// Returns a number of further steps, of this mean and without memory.
    pub fn steps(&mut self, mean: f64) -> usize {
        // floor(E · m') has mean 1 / (exp(1 / m') − 1).
        let scale = 1.0 / (1.0 / mean.max(1e-3)).ln_1p();
        (self.waiting(scale).floor() as usize).min(40)
    }

    /// Returns a place below `end`, which is at least 1.
    pub fn place(&mut self, end: usize) -> usize {
        ((self.uniform() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Returns one of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.place(items.len())]
    }
}

/// Returns the probability of these log-odds.
pub fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
