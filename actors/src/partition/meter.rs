//! Where the processor time of a thread goes, by stage: told in batches, since reading the clock costs as much as an event's route.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::metrics::{Metrics, Stage};
use crate::port::clock::Clock;

/// Attributes the processor time of one thread. What runs between two partitions' batches are the customers' turns.
pub(crate) struct Meter {
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    /// Read last; `None` before the thread's first batch.
    mark: Option<Duration>,
    sums: [Duration; Stage::ALL.len()],
}

impl Meter {
    /// Returns the meter of a thread, from which every later call has to come.
    pub(crate) fn new(clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        let state = State { stage: Stage::Route, mark: None, sums: Default::default() };
        Self { clock, metrics, state: Mutex::new(state) }
    }

    /// Counts the time since the last call for the stage named there; from now on it is for `stage`.
    pub(crate) fn enter(&self, stage: Stage) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stage == stage && state.mark.is_some() {
            return;
        }
        let now = self.clock.thread_cpu();
        if let Some(mark) = state.mark.replace(now) {
            let last = state.stage as usize;
            state.sums[last] += now.saturating_sub(mark);
        }
        state.stage = stage;
    }

    /// Hands the sums on to the metrics.
    pub(crate) fn tell(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for stage in Stage::ALL {
            let spent = std::mem::take(&mut state.sums[stage as usize]);
            if !spent.is_zero() {
                self.metrics.stage(stage, spent);
            }
        }
    }
}
