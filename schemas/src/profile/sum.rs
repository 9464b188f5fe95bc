//! Sums of money that never mix currencies, and sets of ids that remember as much as their bound allows.

use serde::{Deserialize, Serialize};

use super::pack;
use crate::money::{Currency, Money};

/// Currencies that one sum keeps apart.
pub const CURRENCIES_MAX: usize = 4;

/// Ids that one set remembers.
pub const IDS_MAX: usize = 64;

/// Currency of what has no amount yet.
pub(super) const NO_CURRENCY: Currency = Currency([0; 3]);

/// A sum per currency.
///
/// Bounds: [`CURRENCIES_MAX`] currencies; an amount of one more makes the sum partial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    by_currency: Vec<(Currency, i64)>,
    partial: bool,
}

impl Sums {
    /// The sum of no amounts.
    pub const NOTHING: &'static Sums = &Sums { by_currency: Vec::new(), partial: false };

    /// Adds an amount, which may be negative.
    pub fn add(&mut self, amount: Money) {
        if amount.minor == 0 {
            return;
        }
        match self.by_currency.binary_search_by_key(&amount.currency, |(currency, _)| *currency) {
            Ok(place) => {
                self.by_currency[place].1 = self.by_currency[place].1.saturating_add(amount.minor);
            }
            Err(_) if self.by_currency.len() >= CURRENCIES_MAX => self.partial = true,
            Err(place) => {
                pack::room(&mut self.by_currency, 1);
                self.by_currency.insert(place, (amount.currency, amount.minor));
            }
        }
    }

    /// Returns the sum in one currency.
    ///
    /// Units: hundredths of that currency.
    pub fn of(&self, currency: Currency) -> i64 {
        self.by_currency.iter().find(|(of, _)| *of == currency).map_or(0, |(_, minor)| *minor)
    }

    /// Returns the sums by currency.
    pub fn iter(&self) -> impl Iterator<Item = Money> {
        self.by_currency.iter().map(|(currency, minor)| Money { minor: *minor, currency: *currency })
    }

    /// Returns whether the sum in one currency is not all there is.
    pub fn partial(&self, currency: Currency) -> bool {
        self.partial || self.by_currency.iter().any(|(of, minor)| *of != currency && *minor != 0)
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Sums) {
        self.partial |= other.partial;
        for (currency, minor) in other.by_currency {
            self.add(Money { minor, currency });
        }
    }
}

/// Hashes of ids that were met, to count distinct ones.
///
/// Bounds: [`IDS_MAX`]; the oldest is forgotten first, and what counts by this set is partial from then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Met {
    #[serde(with = "pack::hashes")]
    hashes: Vec<u64>,
    forgotten: u32,
}

impl Met {
    /// Returns true when the id was met and is remembered.
    pub fn contains(&self, hash: u64) -> bool {
        self.hashes.contains(&hash)
    }

    /// Notes an id; returns true when it is new.
    pub fn insert(&mut self, hash: u64) -> bool {
        if self.contains(hash) {
            return false;
        }
        pack::room(&mut self.hashes, 2);
        self.hashes.push(hash);
        let surplus = self.hashes.len().saturating_sub(IDS_MAX);
        self.hashes.drain(..surplus);
        self.forgotten = self.forgotten.saturating_add(surplus as u32);
        true
    }

    /// Forgets an id on purpose.
    pub fn remove(&mut self, hash: u64) {
        self.hashes.retain(|other| *other != hash);
    }

    /// Returns how many are remembered.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns true when none is remembered.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Returns true when an id was forgotten, so that it may count again.
    pub fn partial(&self) -> bool {
        self.forgotten > 0
    }

    /// Adds another set and returns how many ids both had.
    pub fn merge(&mut self, other: Met) -> usize {
        self.forgotten = self.forgotten.saturating_add(other.forgotten);
        other.hashes.into_iter().filter(|hash| !self.insert(*hash)).count()
    }

    /// Returns about how many bytes the set has on the heap.
    pub fn weight(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
    }
}
