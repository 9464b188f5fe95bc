//! Parts that several answers have: instants, amounts, problems.

use actors::port::store;
use schemars::JsonSchema;
use schemas::money::Money;
use schemas::time::Timestamp;
use serde::Serialize;

use super::super::problem::Refusal;

/// An instant, RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(in crate::http) struct Time(String);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at.to_string())
    }
}

/// An amount of one currency.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Amount {
    /// In hundredths of the currency's unit.
    minor: i64,
    /// Code of ISO 4217; empty where no amount was ever named.
    currency: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        let currency = if money.currency.0 == [0; 3] { "" } else { money.currency.as_str() };
        Self { minor: money.minor, currency: currency.to_owned() }
    }
}

/// Returns the refusal that log or store brought about. What they said goes to the log of the process, not to the client.
pub(super) fn unavailable(error: impl Into<anyhow::Error>) -> Refusal {
    let error = error.into();
    tracing::warn!(error = format!("{error:#}"), "a view could not be made");
    Refusal::Unavailable
}

/// Returns what a store answered.
pub(super) fn stored<T>(read: Result<T, store::Error>) -> Result<T, Refusal> {
    read.map_err(unavailable)
}
