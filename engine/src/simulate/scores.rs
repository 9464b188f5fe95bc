//! Scores as the engine counted them.

use actors::metrics::{self, Metrics};

/// Scores that rows took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scores {
    /// All of them.
    pub scored: u64,
    /// Those where the head's prior stood in: the model failed, or did not answer in time.
    pub fallbacks: u64,
}

impl Scores {
    /// Returns what has been counted so far.
    pub fn of(metrics: &Metrics) -> Self {
        let mut scores = Self::default();
        for sample in metrics.samples().iter().filter(|sample| sample.name == metrics::SCORES) {
            let n = sample.value as u64;
            scores.scored += n;
            // In the order of the labels' names: head, source.
            if sample.labels.get(1).is_some_and(|source| source == "fallback") {
                scores.fallbacks += n;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use schemas::score::{Head, ScoreSource};

    use super::*;

    #[test]
    fn what_stood_in_is_told_apart() {
        let metrics = Metrics::new();
        metrics.scored(Head::Churn, ScoreSource::Model);
        metrics.scored(Head::Churn, ScoreSource::Model);
        metrics.scored(Head::Return, ScoreSource::Fallback);
        assert_eq!(Scores::of(&metrics), Scores { scored: 3, fallbacks: 1 });
    }
}
