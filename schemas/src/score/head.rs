//! Heads: what a score predicts.

use serde::{Deserialize, Serialize};

/// What a score predicts. The list is closed: a head is a label definition, a population, a feature set and a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// The open cart is not bought.
    CartAbandonment,
    /// The session ends in a purchase.
    PurchaseIntent,
    /// No purchase within the horizon.
    Churn,
    /// A return or cancellation within the horizon.
    Return,
    /// A complaint within the horizon.
    Complaint,
}

impl Head {
    /// Every head, in the order of the enum.
    pub const ALL: [Head; 5] =
        [Head::CartAbandonment, Head::PurchaseIntent, Head::Churn, Head::Return, Head::Complaint];

    /// The names of all, in the same order.
    pub const NAMES: [&str; 5] = {
        let mut names = [""; 5];
        let mut place = 0;
        while place < names.len() {
            names[place] = Head::ALL[place].as_str();
            place += 1;
        }
        names
    };

    /// Returns the name used in triggers, settings and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Head::CartAbandonment => "cart_abandonment",
            Head::PurchaseIntent => "purchase_intent",
            Head::Churn => "churn",
            Head::Return => "return",
            Head::Complaint => "complaint",
        }
    }
}
