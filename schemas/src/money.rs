//! Money: an amount in hundredths of an ISO 4217 currency. Sums never mix currencies; nothing here overflows or rounds twice.

mod iso;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Largest amount that is believed, either sign: ten million million units. Units: hundredths.
pub const MINOR_MAX: i64 = 1_000_000_000_000_000;

/// Three capital letters of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

impl Currency {
    /// Returns the currency of an ISO 4217 code in any letter case; `None` for what is no such code.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.trim().as_bytes().try_into().ok()?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        iso::CODES.binary_search(&&letters).ok().map(|_| Self(letters))
    }

    /// Returns the code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of one currency.
///
/// Units: `minor` counts hundredths of the currency's unit whatever its ISO exponent, so that arithmetic is uniform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths of the currency's unit.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Returns so many units, to the nearest hundredth; `None` for what is no number.
    ///
    /// Bounds: what lies beyond [`MINOR_MAX`] is held there.
    pub fn of_units(units: f64, currency: Currency) -> Option<Self> {
        let minor = (units * 100.0).round();
        (!minor.is_nan()).then(|| Self { minor: (minor as i64).clamp(-MINOR_MAX, MINOR_MAX), currency })
    }

    /// Returns the amount that a decimal number spells: `12.5`, `-0.05`, `+7`, `.5`.
    ///
    /// Exact up to hundredths; of more digits the third decides, halves away from zero. `None` for anything else: a sign or letters
    /// of a currency, digit groups, exponents.
    /// Bounds: what lies beyond [`MINOR_MAX`] is held there.
    pub fn parse(text: &str, currency: Currency) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (units, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(units) || !all_digits(fraction) || units.len() + fraction.len() == 0 {
            return None;
        }
        let digit = |byte: u8| i64::from(byte - b'0');
        let units = units.bytes().fold(0_i64, |sum, byte| sum.saturating_mul(10).saturating_add(digit(byte)));
        let mut fraction = fraction.bytes().map(digit).chain(std::iter::repeat(0));
        let mut next = || fraction.next().unwrap_or(0);
        let hundredths = 10 * next() + next();
        let up = i64::from(next() >= 5);
        let minor = units.saturating_mul(100).saturating_add(hundredths + up).min(MINOR_MAX);
        Some(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// Returns the sum; `None` for two currencies.
    ///
    /// Bounds: saturates.
    pub fn plus(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| Self { minor: self.minor.saturating_add(other.minor), currency: self.currency })
    }

    /// Returns so many times the amount.
    ///
    /// Bounds: saturates.
    pub fn times(self, n: i64) -> Self {
        Self { minor: self.minor.saturating_mul(n), currency: self.currency }
    }

    /// Returns the amount in units of its currency.
    pub fn units(self) -> f64 {
        self.minor as f64 / 100.0
    }
}

impl fmt::Display for Money {
    /// Writes `-12.05 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, minor) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency)
    }
}

/// What one unit of a currency is worth in the base currency, for amounts that came in others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    base: Currency,
    /// Currency and what a unit of it is worth, in millionths of millionths of a unit of the base.
    worth: Vec<(Currency, u64)>,
}

/// A rate that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "use rate {rate} of {currency}: it must lie above 0 and at most at 10,000,000 units of the base currency"
)]
pub struct BadRate {
    /// The currency.
    pub currency: Currency,
    /// What was given.
    pub rate: f64,
}

/// Parts of a unit in [`Rates`].
const PARTS: f64 = 1e12;

impl Rates {
    /// Returns rates that know the base currency alone.
    pub fn new(base: Currency) -> Self {
        Self { base, worth: Vec::new() }
    }

    /// Returns the currency that amounts are converted to.
    pub fn base(&self) -> Currency {
        self.base
    }

    /// Sets what one unit of `currency` is worth in units of the base; a later rate replaces an earlier one.
    ///
    /// Errors: [`BadRate`] → zero, negative, not a number, too small to tell from zero, or too large.
    pub fn set(&mut self, currency: Currency, rate: f64) -> Result<(), BadRate> {
        let parts = (rate * PARTS).round();
        if !(1.0..=1e7 * PARTS).contains(&parts) {
            return Err(BadRate { currency, rate });
        }
        let worth = parts as u64;
        match self.worth.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, known)) => *known = worth,
            None => self.worth.push((currency, worth)),
        }
        Ok(())
    }

    /// Returns an amount in the base currency, to the nearest hundredth; `None` where no rate is known.
    ///
    /// Bounds: saturates.
    pub fn convert(&self, amount: Money) -> Option<Money> {
        if amount.currency == self.base {
            return Some(amount);
        }
        let (_, worth) = self.worth.iter().find(|(known, _)| *known == amount.currency)?;
        let parts = i128::from(amount.minor) * i128::from(*worth);
        let whole = PARTS as i128;
        let nearest = (parts + parts.signum() * whole / 2) / whole;
        let minor = nearest.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        Some(Money { minor, currency: self.base })
    }
}

#[cfg(test)]
mod tests;
