//! Scores: what a predictor says of a customer's risk, who asked, and when.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::Position;
use crate::time::Timestamp;

/// What a score predicts. The list is closed: a head is a label definition, a feature set and a re-score schedule.
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

    /// Returns the name used in triggers, settings and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Head::CartAbandonment => "cart_abandonment",
            Head::PurchaseIntent => "purchase_intent",
            Head::Churn => "churn",
            Head::Return => "return",
            Head::Complaint => "complaint",
        }
    }
}

/// Where a score comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreSource {
    /// The predictor answered in time.
    Model,
    /// The deadline passed, or the predictor failed: the head's prior stands in.
    Fallback,
}

/// A score that the row holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Probability in [0, 1]; never NaN.
    pub value: f32,
    /// Version of the model that said so.
    pub model: SmolStr,
    /// Model or fallback.
    pub source: ScoreSource,
    /// Log time of the asking.
    pub at: Timestamp,
}

/// Names one question: the record (or the wake-up's due time, as the row's last position) that asked and its attempt number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AskId {
    /// Position of the row's last applied record when it asked.
    pub position: Position,
    /// Counts the questions of this row; never used twice by one row.
    pub attempt: u32,
}

/// A question to the predictor, noted in the row until it is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Which question this is.
    pub id: AskId,
    /// What is asked.
    pub head: Head,
    /// Log time of the asking.
    pub at: Timestamp,
    /// Features in the order of [`crate::feature::TABLE`].
    pub features: Vec<f32>,
}

/// The predictor's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The question it answers.
    pub id: AskId,
    /// What was asked.
    pub head: Head,
    /// The score.
    pub score: Score,
}
