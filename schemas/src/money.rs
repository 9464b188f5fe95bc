//! Money: an amount in minor units of an ISO 4217 currency. Sums never mix currencies.

use serde::{Deserialize, Serialize};

/// Three capital letters of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

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
