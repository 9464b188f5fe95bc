//! What every predictor does: a probability for every question it answers, whatever the features hold.

use std::sync::Arc;

use schemas::feature::TABLE;
use schemas::ids::Position;
use schemas::score::{Ask, AskId, Head, ScoreSource};
use schemas::time::Timestamp;

use crate::port::predictor::Predictor;

/// Runs every check on fresh predictors.
pub async fn suite(make: impl Fn() -> Arc<dyn Predictor>) {
    for head in Head::ALL {
        let prior = make().prior(head);
        assert!((0.0..=1.0).contains(&prior), "prior of {}: {prior}", head.as_str());
        answers_with_a_probability(make(), head).await;
    }
}

async fn answers_with_a_probability(predictor: Arc<dyn Predictor>, head: Head) {
    let values = [0.0, 1.0, -1.0, 1e30, f32::MIN, f32::NAN, f32::INFINITY];
    for (attempt, value) in values.into_iter().enumerate() {
        let id = AskId { position: Position(7), attempt: attempt as u32 };
        let ask = Ask { id, head, at: Timestamp(42), features: vec![value; TABLE.len()].into() };
        let Ok(answer) = predictor.score(ask.clone()).await else {
            // A predictor may serve some heads only.
            continue;
        };
        assert_eq!((answer.id, answer.head), (id, head), "the answer names its question");
        assert_eq!(answer.score.at, ask.at, "a score is of the time of the asking");
        assert_eq!(answer.score.source, ScoreSource::Model);
        assert!(!answer.score.model.is_empty(), "a score names its model");
        let score = answer.score.value;
        assert!((0.0..=1.0).contains(&score), "{} of features {value}: {score}", head.as_str());
        let again = predictor.score(ask).await.expect("the same question is answered again");
        assert_eq!(again.score.value, score, "the same question has the same answer");
    }
}
