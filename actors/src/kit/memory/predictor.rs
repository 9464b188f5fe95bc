//! A predictor that says what it is told to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use schemas::score::{Answer, Ask, Head, Score, ScoreSource};
use smol_str::SmolStr;

use crate::port::Reply;
use crate::port::predictor::{Error, Predictor};

/// A predictor with one value per head, and errors where a test puts them.
#[derive(Clone, Default)]
pub struct ScriptedPredictor {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    values: Vec<(Head, f32)>,
    errors: VecDeque<Error>,
    asks: Vec<Ask>,
}

impl ScriptedPredictor {
    /// Probability for a head without a value of its own, and every prior.
    pub const PRIOR: f32 = 0.5;

    /// Returns a predictor that answers [`Self::PRIOR`] for every head.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `head` score `value` from now on.
    pub fn set(&self, head: Head, value: f32) {
        self.with(|state| {
            state.values.retain(|(known, _)| *known != head);
            state.values.push((head, value));
        });
    }

    /// Makes the next question fail; several errors are used in order.
    pub fn fail_next(&self, error: Error) {
        self.with(|state| state.errors.push_back(error));
    }

    /// Returns every question in order.
    pub fn asks(&self) -> Vec<Ask> {
        self.with(|state| state.asks.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Predictor for ScriptedPredictor {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        let answer = self.with(|state| {
            state.asks.push(ask.clone());
            if let Some(error) = state.errors.pop_front() {
                return Err(error);
            }
            let value = state.values.iter().find(|(head, _)| *head == ask.head).map(|(_, value)| *value);
            Ok(Answer {
                id: ask.id,
                head: ask.head,
                score: Score {
                    value: value.unwrap_or(Self::PRIOR),
                    model: SmolStr::new_static("scripted"),
                    source: ScoreSource::Model,
                    at: ask.at,
                },
            })
        });
        Box::pin(std::future::ready(answer))
    }

    fn prior(&self, _head: Head) -> f32 {
        Self::PRIOR
    }
}
