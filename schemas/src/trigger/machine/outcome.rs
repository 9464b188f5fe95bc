//! What became of an outreach: counted once, for an attempt that is awaited.
//!
//! A delivery only ends the waiting, so that it makes no difference whether it is told before or after other events. Everything else
//! gives the cap back; what the freed place allows is decided again at once.

use super::{Ending, Machine};
use crate::decision::{Outcome, OutcomeStatus, Reason, Verdict};
use crate::ids::OutreachId;
use crate::profile::Heads;
use crate::time::Timestamp;
use crate::trigger::state::{Instance, Stage};

/// Whether an outcome was awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// It was, and counts.
    Yes,
    /// Nobody waits for it: it was told before, or the customer was erased.
    No,
}

impl Machine<'_> {
    /// A dispatcher told what became of an attempt.
    pub fn on_outcome(&mut self, outcome: &Outcome) -> Awaited {
        let Some(mut instance) = self.take_awaited(outcome) else { return Awaited::No };
        match &outcome.status {
            OutcomeStatus::Delivered => {}
            OutcomeStatus::Withheld(reason) => {
                let verdict = if *reason == Reason::MaxAge { Verdict::Expired } else { Verdict::Suppressed };
                self.record(&mut instance, Ending::new(verdict, *reason));
                self.give_back(outcome.id);
            }
            OutcomeStatus::Failed => {
                self.record(&mut instance, Ending::new(Verdict::Failed, Reason::ChannelRefused));
                self.give_back(outcome.id);
            }
            OutcomeStatus::RetryAt(at) => {
                self.retry(instance, *at);
                self.give_back(outcome.id);
            }
        }
        self.settle(Heads::NONE);
        self.state.tidy();
        Awaited::Yes
    }

    fn take_awaited(&mut self, outcome: &Outcome) -> Option<Instance> {
        let meant = |instance: &Instance| {
            !instance.is_open() && instance.attempt == outcome.attempt && instance.outreach() == outcome.id
        };
        let instances = &mut self.state.existing()?.instances;
        let place = instances.iter().position(meant)?;
        Some(instances.remove(place))
    }

    /// Waits for the next attempt; exits end it in the meantime, and every gate is asked again.
    fn retry(&mut self, mut instance: Instance, at: Timestamp) {
        let Stage::Sent { since, ended, .. } = instance.stage else { return };
        if let Some(reason) = ended {
            return self.record(&mut instance, Ending::suppressed(reason));
        }
        // Not beyond the instant at which it has expired, and a millisecond behind it is enough to say so.
        let max_age =
            self.trigger(&instance.trigger).map(|trigger| trigger.policy.max_age).unwrap_or_default();
        let expired = since + max_age + crate::time::Span(1);
        instance.stage = Stage::Retrying { at: at.min(expired).max(self.now), since };
        instance.attempt = instance.attempt.saturating_add(1);
        self.state.parts().instances.push(instance);
    }

    /// Frees the place that an outreach took in the caps, for whoever was deferred.
    fn give_back(&mut self, id: OutreachId) {
        let now = self.now;
        let parts = self.state.parts();
        let before = parts.sends.len();
        parts.sends.retain(|send| send.id != id);
        if parts.sends.len() == before {
            return;
        }
        for instance in &mut parts.instances {
            if let Stage::Deferred { .. } = instance.stage {
                instance.stage = Stage::Proposed { since: now, awaits: None };
            }
        }
    }
}
