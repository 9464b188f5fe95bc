//! Questions and answers: what is asked of a predictor, and the score that the row keeps of its answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::head::Head;
use crate::ids::Position;
use crate::time::Timestamp;

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
    /// Features in the order of [`crate::feature::TABLE`]; the questions of one moment share them.
    pub features: Arc<[f32]>,
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
