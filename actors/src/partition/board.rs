//! What a partition shows of itself: written by its actor after every batch of inputs, read by the node from any thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::core::{Counts, Levels};

/// Where a partition stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// At work, or on the way there.
    #[default]
    Working,
    /// Given up, as was asked.
    Released,
    /// Stopped for a person to look at, with the reason.
    Stopped(String),
}

/// What a partition shows.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// How full it is.
    pub levels: Levels,
    /// What it has done, earlier assignments of this process included.
    pub counts: Counts,
    /// It reads and applies: the lease is held.
    pub at_work: bool,
    /// Where it stands.
    pub standing: Standing,
    /// How full it was when it ended: what is dirty or unsent there was not safe.
    pub left: Levels,
}

/// The board of one partition. Clones show the same.
#[derive(Clone, Debug)]
pub struct Board {
    shown: Arc<Mutex<Shown>>,
    /// Told after every change, for all boards of a node.
    changed: Arc<Notify>,
}

impl Board {
    /// Returns an empty board that tells `changed` of every change.
    pub fn new(changed: Arc<Notify>) -> Self {
        Self { shown: Arc::default(), changed }
    }

    /// Returns what is shown.
    pub fn shown(&self) -> Shown {
        self.lock().clone()
    }

    /// Changes what is shown.
    pub(super) fn show(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
