//! The models as their thread has them.

use std::sync::Arc;

use actors::batcher::{Model, Scored};
use actors::port::predictor::Error;
use schemas::score::Head;

use super::hand::{Change, Hand};

/// A model per head, exchanged between batches.
pub(super) struct Models {
    hand: Arc<Hand>,
    /// In the order of the heads.
    active: [Change; Head::ALL.len()],
    threads: Threads,
}

/// Whether libtorch was told how many threads it may use from this one; it keeps that per thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Threads {
    Untold,
    One,
}

impl Models {
    pub(super) fn new(hand: Arc<Hand>) -> Self {
        Self { hand, active: Default::default(), threads: Threads::Untold }
    }
}

impl Model for Models {
    fn score(&mut self, head: Head, rows: &[&[f32]]) -> Result<Scored, Error> {
        if self.threads == Threads::Untold {
            // Two threads for one small product took 900 µs where one took 55 (measured 2026-11, both cores busy).
            tch::set_num_threads(1);
            self.threads = Threads::One;
        }
        if let Some(change) = self.hand.take(head) {
            self.active[head as usize] = change;
        }
        // Only who asked before the model was given up comes here without one.
        let model = self.active[head as usize].as_ref().ok_or(Error::NoModel(head.as_str()))?;
        Ok(Scored { model: model.manifest().version.clone(), values: model.score(rows) })
    }
}
