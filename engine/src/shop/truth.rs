//! What is true of shoppers, carts and visits and no event tells: written apart from the events.

use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of a file of truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Truth {
    /// About a cart.
    Cart(CartTruth),
    /// About a visit.
    Visit(VisitTruth),
    /// About a shopper, when all days are over.
    Shopper(ShopperTruth),
}

/// The truth about a cart at an instant.
///
/// After an outreach, `p_without` goes on telling what held without it, as far as the cart's stage is the same; `would_buy` then tells
/// what follows with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CartTruth {
    /// The customer's key in the log.
    pub customer: String,
    /// The cart's id in the events.
    pub cart: String,
    /// When this holds.
    pub at: Timestamp,
    /// Probability that the cart is bought within 24 hours without outreach.
    pub p_without: f64,
    /// The same with an outreach now.
    pub p_with: f64,
    /// Whether it is bought within 24 hours without outreach.
    pub would_buy: bool,
    /// Whether it is with an outreach now.
    pub would_buy_contacted: bool,
    /// Outreach about this cart until now.
    pub contacts: u16,
}

/// The truth about a visit at an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VisitTruth {
    /// The customer's key in the log.
    pub customer: String,
    /// Counts the shopper's visits.
    pub visit: u32,
    /// When this holds.
    pub at: Timestamp,
    /// Probability that the visit ends in an order.
    pub p_order: f64,
}

/// The truth about a shopper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShopperTruth {
    /// The customer's key in the log.
    pub customer: String,
    /// When the shopper first came, if so.
    pub came_at: Option<Timestamp>,
    /// Since when the shopper will never come back, if so.
    pub gone_at: Option<Timestamp>,
    /// Hazard of leaving for good, per day.
    pub leaving_per_day: f64,
    /// Visits per day.
    pub visits_per_day: f64,
    /// See [`super::nature::Nature::loyalty`].
    pub loyalty: f64,
    /// See [`super::nature::Nature::price_sensitivity`].
    pub price_sensitivity: f64,
    /// See [`super::nature::Nature::patience`].
    pub patience: f64,
    /// See [`super::nature::Nature::annoyance`].
    pub annoyance: f64,
    /// See [`super::nature::Nature::persuadable`].
    pub persuadable: f64,
    /// Orders so far.
    pub orders: u16,
    /// Outreach so far.
    pub contacts: u16,
    /// What the shopper last said to being written to.
    pub agrees: Option<bool>,
}
