//! The predictor port: features in, a score out.

use schemas::score::{Answer, Ask};

use super::Reply;

/// Answers questions about risk.
pub trait Predictor: Send + Sync {
    /// Resolves with the answer to one question. The caller bounds the wait and falls back to the head's prior.
    fn score(&self, ask: Ask) -> Reply<Answer, Error>;

    /// Returns the probability that stands in for a head when no answer comes in time.
    fn prior(&self, head: schemas::score::Head) -> f32;
}

/// Why there is no score.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No model serves this head.
    #[error("no model serves {0}")]
    NoModel(&'static str),
    /// The queue is full.
    #[error("the predictor's queue is full")]
    Full,
    /// It waited so long that an answer would come too late.
    #[error("the predictor is behind: the question waited too long")]
    Late,
    /// The model failed.
    #[error("the model failed: {0}")]
    Failed(String),
}
