//! What the watcher hands to the thread of the models: per head the newest, taken between two batches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actors::batcher::Priors;
use schemas::score::Head;

use crate::model::Artefact;
use crate::predict::rules;

/// A model that is to answer from now on, or that none is.
pub(super) type Change = Option<Box<Artefact>>;

/// Between the watcher, the thread of the models, and those who ask.
pub(super) struct Hand {
    /// Written by the watcher; taken by the thread of the models.
    changes: [Mutex<Option<Change>>; Head::ALL.len()],
    /// Whether a head has a model. Written by the watcher, read by who asks.
    serves: [AtomicBool; Head::ALL.len()],
    priors: Arc<Priors>,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self {
            changes: Default::default(),
            serves: Default::default(),
            priors: Arc::new(Priors::new(|head| rules::table(head).prior)),
        }
    }

    /// Lets a model, or none, answer for a head from the next batch on. A change that was not taken yet is dropped.
    pub(super) fn change(&self, head: Head, to: Change) {
        let prior = to.as_ref().map_or(rules::table(head).prior, |model| model.manifest().prior);
        let serves = to.is_some();
        *self.changes[head as usize].lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
        self.priors.set(head, prior);
        self.serves[head as usize].store(serves, Ordering::Release);
    }

    /// Takes the change of a head, if there is one.
    pub(super) fn take(&self, head: Head) -> Option<Change> {
        self.changes[head as usize].lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns true when a head has a model.
    pub(super) fn serves(&self, head: Head) -> bool {
        self.serves[head as usize].load(Ordering::Acquire)
    }

    /// Returns the probabilities that stand in for answers.
    pub(super) fn priors(&self) -> Arc<Priors> {
        Arc::clone(&self.priors)
    }
}
