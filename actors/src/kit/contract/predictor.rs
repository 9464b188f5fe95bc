//! What every predictor does: a probability for every question it answers, whatever the features hold.

use std::sync::Arc;

use futures_util::future::join_all;
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
    every_question_gets_its_own_answer(make()).await;
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

/// Questions at one time; a predictor has room for as many.
const AT_ONCE: u32 = 50;

async fn every_question_gets_its_own_answer(predictor: Arc<dyn Predictor>) {
    let ask = |attempt| Ask {
        id: AskId { position: Position(3), attempt },
        head: Head::ALL[attempt as usize % Head::ALL.len()],
        at: Timestamp(i64::from(attempt)),
        features: vec![attempt as f32; TABLE.len()].into(),
    };
    let asks: Vec<Ask> = (0..AT_ONCE).map(ask).collect();
    let mut replies: Vec<_> = asks.iter().map(|ask| predictor.score(ask.clone())).collect();
    // Who gives up harms nobody else.
    drop(replies.remove(0));
    let answers = join_all(replies).await;
    for (ask, answer) in asks[1..].iter().zip(answers) {
        let Ok(answer) = answer else { continue };
        assert_eq!((answer.id, answer.head, answer.score.at), (ask.id, ask.head, ask.at));
        let alone = predictor.score(ask.clone()).await.expect("answered again");
        assert_eq!(alone.score, answer.score, "an answer does not depend on what else is asked");
    }
}
