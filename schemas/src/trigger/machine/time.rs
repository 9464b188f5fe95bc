//! What is due: waits, deferrals, retries, conditions that change by time alone, outcomes that nobody told.

use super::{Ending, Machine};
use crate::decision::{Reason, Verdict};
use crate::profile::Heads;
use crate::time::{Span, Timestamp};
use crate::trigger::spec::Mode;
use crate::trigger::state::{Instance, Stage};

/// How often an instance that is due looks whether the pause of its trigger is over.
pub const PAUSE_LOOK: Span = Span::hours(1);

impl Machine<'_> {
    /// Does what is due at `now` or before; the schedule of the heads in `due` is, too.
    pub fn on_time(&mut self, due: Heads) {
        let withdrawn = self.withdraw();
        let due = self.asked(due);
        self.out.asks = self.out.asks.union(due);
        self.propose_due();
        self.stop_awaiting();
        self.look_at_due();
        self.watch_scores(withdrawn);
        self.settle(due);
        self.state.tidy();
    }

    fn propose_due(&mut self) {
        let now = self.now;
        let Some(parts) = self.state.existing() else { return };
        for instance in &mut parts.instances {
            if let Some(since) = due_since(instance, now) {
                instance.stage = Stage::Proposed { since, awaits: None };
            }
        }
    }

    /// Holds what is proposed by a trigger that is paused, however it came to be proposed.
    pub(super) fn hold_paused(&mut self) {
        let (now, triggers) = (self.now, &self.book.triggers);
        let Some(parts) = self.state.existing() else { return };
        for instance in &mut parts.instances {
            if let Stage::Proposed { since, .. } = instance.stage
                && triggers.get(&instance.trigger).is_some_and(|trigger| trigger.mode == Mode::Paused)
            {
                instance.stage = Stage::Held { until: now + PAUSE_LOOK, since };
            }
        }
    }

    /// Ends the waiting for outcomes that should have come by now. What they used of caps stays used: it may have been delivered.
    fn stop_awaiting(&mut self) {
        let now = self.now;
        let over = |instance: &Instance| matches!(instance.stage, Stage::Sent { until: Some(until), .. } if until <= now);
        let Some(parts) = self.state.existing() else { return };
        let unknown: Vec<Instance> = parts.instances.extract_if(.., |instance| over(instance)).collect();
        for mut instance in unknown {
            self.record(&mut instance, Ending::new(Verdict::Failed, Reason::Unknown));
        }
    }

    fn look_at_due(&mut self) {
        let (now, triggers) = (self.now, &self.book.triggers);
        let Some(parts) = self.state.existing() else { return };
        let is_due = |check: Option<Timestamp>| check.is_some_and(|check| check <= now);
        // A condition that no trigger watches any more.
        parts.watches.retain(|watch| {
            let trigger = triggers.get(&watch.trigger);
            !is_due(watch.check) || trigger.is_some_and(|trigger| trigger.entry.condition().is_some())
        });
        let due = parts.watches.iter().filter(|watch| is_due(watch.check));
        let places: Vec<usize> = due.filter_map(|watch| triggers.place(&watch.trigger)).collect();
        for place in places {
            self.watch(place);
        }
    }
}

/// Returns since when an instance is to be decided, if it is, by time alone.
fn due_since(instance: &Instance, now: Timestamp) -> Option<Timestamp> {
    match instance.stage {
        Stage::Waiting => Some(instance.due).filter(|due| *due <= now),
        Stage::Deferred { until } => Some(until).filter(|until| *until <= now),
        Stage::Held { until, since } => Some(since).filter(|_| until <= now),
        Stage::Retrying { at, since } => Some(since).filter(|_| at <= now),
        Stage::Proposed { .. } | Stage::Sent { .. } => None,
    }
}
