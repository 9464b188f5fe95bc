//! The arbiter: decides between the proposals of one moment, which are those that one record opened, one instant made due or one
//! score completed.
//!
//! If the conditions of any of them name a score that is older than the proposal, all of them wait for a fresh one, so that the
//! higher priority goes first whatever it reads. Then each is decided in the order of priority, of equal ones the older instance
//! first. Each ends in exactly one recorded state; a deferral, of which the first is recorded, may precede it.

use std::cmp::Reverse;

use super::gates::{Ruling, Weighed};
use super::{Ending, Machine};
use crate::customer::Outgoing;
use crate::decision::{Outreach, Reason, Verdict};
use crate::ids::OutreachId;
use crate::profile::Heads;
use crate::profile::field::FieldRef;
use crate::time::{Span, Timestamp};
use crate::trigger::spec::{CapRole, Mode, OnCap, Trigger};
use crate::trigger::state::{AWAITED_MAX, Instance, SENDS_MAX, Send, Stage};
use crate::value::Properties;

/// Rounds of one settling. What is sent changes the profile, which may open instances: the two fields about the last outreach do so
/// once each.
const ROUNDS_MAX: usize = 4;

/// How long after its expiry the outcome of an outreach is awaited: a call that began in time has to end and to be told.
pub const OUTCOME_GRACE: Span = Span::minutes(1);

/// A proposal under decision.
pub(super) struct Proposal {
    pub(super) instance: Instance,
    /// When it became due, or its deferral ended.
    pub(super) since: Timestamp,
}

impl Machine<'_> {
    /// Decides what is proposed; `moved` are the heads that this moment asks for anyway.
    pub(super) fn settle(&mut self, moved: Heads) {
        for _ in 0..ROUNDS_MAX {
            self.hold_paused();
            self.ask_first(moved);
            if self.arbitrate() == 0 {
                return;
            }
            self.watch_always();
        }
    }

    /// Asks for the scores that new proposals read, unless they are as fresh as the proposal. Of a head that does not apply there is
    /// none to wait for.
    fn ask_first(&mut self, moved: Heads) {
        let triggers = &self.book.triggers;
        let mut needed = Heads::NONE;
        let is_new = |stage: Stage| match stage {
            Stage::Proposed { since, awaits: None } => Some(since),
            Stage::Proposed { .. }
            | Stage::Waiting
            | Stage::Deferred { .. }
            | Stage::Held { .. }
            | Stage::Sent { .. }
            | Stage::Retrying { .. } => None,
        };
        for instance in self.state.instances() {
            if is_new(instance.stage).is_none() {
                continue;
            }
            let Some(trigger) = triggers.get(&instance.trigger) else { continue };
            let stale = |head| self.profile.score(head).is_none_or(|score| score.at < self.now);
            let read = trigger.when.heads().common(self.applying);
            needed = needed.union(read.iter().filter(|head| moved.contains(*head) || stale(*head)).collect());
        }
        self.out.asks = self.out.asks.union(needed);
        let Some(parts) = self.state.existing() else { return };
        for instance in &mut parts.instances {
            if let Some(since) = is_new(instance.stage) {
                instance.stage = Stage::Proposed { since, awaits: Some(needed) };
            }
        }
    }

    /// Decides every proposal that waits for nothing; returns how many were sent.
    fn arbitrate(&mut self) -> usize {
        let mut proposals = self.ready();
        let triggers = &self.book.triggers;
        proposals.sort_by_cached_key(|Proposal { instance, .. }| {
            let priority = triggers.get(&instance.trigger).map_or(0, |trigger| trigger.policy.priority);
            (Reverse(priority), instance.entered, instance.slot.clone(), instance.trigger.clone())
        });
        let mut sent = 0;
        for proposal in proposals {
            sent += usize::from(self.decide(proposal));
        }
        sent
    }

    fn ready(&mut self) -> Vec<Proposal> {
        let is_ready = |instance: &Instance| matches!(instance.stage, Stage::Proposed { awaits: Some(heads), .. } if heads.is_empty());
        let Some(parts) = self.state.existing() else { return Vec::new() };
        let ready = parts.instances.extract_if(.., |instance| is_ready(instance));
        ready
            .filter_map(|instance| match instance.stage {
                Stage::Proposed { since, .. } => Some(Proposal { instance, since }),
                Stage::Waiting
                | Stage::Deferred { .. }
                | Stage::Held { .. }
                | Stage::Sent { .. }
                | Stage::Retrying { .. } => None,
            })
            .collect()
    }

    /// Decides one proposal; returns whether it was sent.
    fn decide(&mut self, mut proposal: Proposal) -> bool {
        let Some(trigger) = self.trigger(&proposal.instance.trigger) else {
            self.record(&mut proposal.instance, Ending::suppressed(Reason::TriggerGone));
            return false;
        };
        proposal.instance.version = trigger.version;
        let Weighed { ruling, mut ending } = self.weigh(trigger, &proposal);
        match ruling {
            Ruling::End => self.record(&mut proposal.instance, ending),
            Ruling::Hold { fits } => self.hold(trigger, proposal, fits, ending),
            Ruling::Pass if trigger.mode == Mode::Shadow => {
                (ending.verdict, ending.reason) = (Verdict::Withheld, Reason::Shadow);
                self.record(&mut proposal.instance, ending);
            }
            Ruling::Pass => {
                self.send(trigger, proposal, ending);
                return true;
            }
        }
        false
    }

    /// A cap or quiet hours stand against it: it waits until it fits, at most `max_defer`, or ends. The first deferral goes on record,
    /// that of a further attempt does not: that one was sent is there.
    fn hold(&mut self, trigger: &Trigger, proposal: Proposal, fits: Option<Timestamp>, mut ending: Ending) {
        let Proposal { mut instance, .. } = proposal;
        let first = instance.deferred.unwrap_or(self.now);
        let last = first + trigger.policy.max_defer;
        let drops = match trigger.policy.on_cap {
            OnCap::Drop => true,
            OnCap::Defer => false,
        };
        if !drops && self.now < last {
            if instance.deferred.is_none() && instance.attempt == 0 {
                ending.verdict = Verdict::Deferred;
                self.record(&mut instance, ending);
            }
            instance.deferred = Some(first);
            instance.stage = Stage::Deferred { until: fits.map_or(last, |fits| fits.min(last)) };
            self.state.parts().instances.push(instance);
            return;
        }
        if !drops {
            (ending.verdict, ending.reason) = (Verdict::Expired, Reason::MaxDefer);
        }
        self.record(&mut instance, ending);
    }

    /// Nothing stands against it. A further attempt is the same outreach, whose decision is on record.
    fn send(&mut self, trigger: &Trigger, proposal: Proposal, ending: Ending) {
        let Proposal { mut instance, since } = proposal;
        let (id, expires) = (instance.outreach(), since + trigger.policy.max_age);
        if instance.attempt == 0 {
            self.record(&mut instance, ending);
        }
        let outreach = Outreach {
            id,
            customer: self.customer.clone(),
            trigger: trigger.name.clone(),
            version: trigger.version,
            slot: instance.slot.clone(),
            attempt: instance.attempt,
            category: trigger.policy.category,
            channel: trigger.action.channel.clone(),
            template: trigger.action.template.clone(),
            facts: self.facts(trigger),
            at: self.now,
            expires,
        };
        self.out.leaving.push(Outgoing::Outreach(Box::new(outreach)));
        self.profile.note_outreach(trigger.policy.category, self.now);
        self.use_up(trigger, id);
        let until = self.book.policy.contact.outcomes_expire.then(|| expires + OUTCOME_GRACE);
        instance.stage = Stage::Sent { since, until, ended: None };
        let instances = &mut self.state.parts().instances;
        instances.push(instance);
        forget_awaited(instances);
    }

    /// Returns the values that travel with the outreach.
    fn facts(&self, trigger: &Trigger) -> Properties {
        let fact = |field: &FieldRef| Some((field.path(), field.read(self.profile, self.now)?));
        Properties(trigger.action.facts.iter().filter_map(fact).collect())
    }

    /// Notes a send for the caps.
    fn use_up(&mut self, trigger: &Trigger, id: OutreachId) {
        let caps = &self.book.policy.contact.caps;
        let Some(longest) = caps.iter().map(|cap| cap.within).max() else { return };
        match trigger.policy.caps {
            CapRole::Counted | CapRole::Exempt => {}
            CapRole::Uncounted => return,
        }
        let category = trigger.policy.category;
        let (at, channel) = (self.now, trigger.action.channel.clone());
        let sends = &mut self.state.parts().sends;
        sends.push(Send { id, at, category, channel });
        forget_sends(sends, at - longest);
    }
}

/// Awaits the outcome of no more outreach than the bound, latest due first.
pub(super) fn forget_awaited(instances: &mut Vec<Instance>) {
    let since = |instance: &Instance| match instance.stage {
        Stage::Sent { since, .. } => Some(since),
        Stage::Waiting
        | Stage::Proposed { .. }
        | Stage::Deferred { .. }
        | Stage::Held { .. }
        | Stage::Retrying { .. } => None,
    };
    while instances.iter().filter(|instance| !instance.is_open()).count() > AWAITED_MAX {
        let awaited = (0..instances.len()).filter_map(|place| Some((since(&instances[place])?, place)));
        let Some((_, oldest)) = awaited.min() else { return };
        instances.remove(oldest);
    }
}

/// Drops sends at or before an instant, and those beyond the bound, oldest first.
pub(super) fn forget_sends(sends: &mut Vec<Send>, until: Timestamp) {
    let surplus = sends.len().saturating_sub(SENDS_MAX);
    sends.drain(..surplus);
    sends.retain(|send| send.at > until);
}
