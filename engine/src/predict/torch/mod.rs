//! The predictor of trained models: questions in batches to the thread that owns them, the active ones exchanged while it runs.
//!
//! A head without a model is answered by the rule score at once, which says so by its version. At the start an active model that is
//! refused stops the engine with the reason; later the one before goes on. What is in the thread's queue when a model is exchanged is
//! answered by the new one, a batch always by one.

mod hand;
mod model;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actors::batcher::{self, Batcher};
use actors::metrics::Metrics;
use actors::port::Reply;
use actors::port::clock::Clock;
use actors::port::predictor::{Error, Predictor};
use anyhow::{Context, Result};
use schemas::score::{Answer, Ask, Head};

use self::hand::Hand;
use self::watch::{Watch, Watcher};
use super::rules::Rules;
use crate::model::Registry;

/// Trained models, and the rule score for the heads that have none.
pub struct Torch {
    /// Stops before the models do.
    _watcher: Watcher,
    answers: Answers,
}

/// What answers, without the thread that watches.
struct Answers {
    batcher: Batcher,
    hand: Arc<Hand>,
    rules: Rules,
}

impl Torch {
    /// Loads the active models and starts to answer.
    ///
    /// Errors: an active model is missing or refused; the system gives no thread.
    pub fn start(
        registry: Registry,
        settings: batcher::Settings,
        around: (&Metrics, Arc<dyn Clock>),
    ) -> Result<Self> {
        let (watch, answers) = Self::load(registry, settings, around)?;
        let watcher = watch.start().context("failed to start the thread that watches for models")?;
        Ok(Self { _watcher: watcher, answers })
    }

    fn load(
        registry: Registry,
        settings: batcher::Settings,
        around: (&Metrics, Arc<dyn Clock>),
    ) -> Result<(Watch, Answers)> {
        let hand = Arc::new(Hand::new());
        let mut watch = Watch::new(registry, Arc::clone(&hand));
        for head in Head::ALL {
            watch.load(head).with_context(|| {
                let head = head.as_str();
                format!(
                    "failed to load the active model of {head} (`care models rollback {head}` goes back to the one before, `care models activate {head} rules` to the rule score)"
                )
            })?;
        }
        let models = model::Models::new(Arc::clone(&hand));
        let batcher = Batcher::start(models, hand.priors(), settings, around);
        let batcher = batcher.context("failed to start the thread of the models")?;
        Ok((watch, Answers { batcher, hand, rules: Rules::new() }))
    }
}

impl Predictor for Torch {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        self.answers.score(ask)
    }

    fn prior(&self, head: Head) -> f32 {
        self.answers.prior(head)
    }
}

impl Predictor for Answers {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        if self.hand.serves(ask.head) { self.batcher.score(ask) } else { self.rules.score(ask) }
    }

    fn prior(&self, head: Head) -> f32 {
        self.batcher.prior(head)
    }
}
