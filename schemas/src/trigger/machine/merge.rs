//! The state of an anonymous row becomes part of its user's.
//!
//! An instance keeps its slot, so that the two rows cannot both send it. It is dropped if this row saw one of its exits since its
//! entry: the other row's state may be older than this customer's purchase. Exits are found in the profile's counters, which know
//! names and stamps, not keys and properties; where they are in doubt the instance is dropped, too. Rather one outreach too few.

use super::entry::forget_oldest;
use super::{Ending, Machine};
use crate::decision::Reason;
use crate::profile::Profile;
use crate::time::Span;
use crate::trigger::spec::{INSTANCES_MAX, Trigger};
use crate::trigger::state::{Instance, OPEN_MAX, SENDS_MAX, Stage, TriggerState};

impl Machine<'_> {
    /// Takes in the state and the profile of a row that has become an alias of this one.
    pub fn merge(&mut self, mut other: TriggerState, profile: Profile) {
        let parts = std::mem::take(other.parts());
        let mut kept = Vec::new();
        let mut ended = Vec::new();
        for instance in parts.instances {
            match self.saw_exit(&instance) {
                true => ended.push(instance),
                false => kept.push(instance),
            }
        }
        self.profile.merge(profile);
        for mut instance in ended {
            if let Stage::Sent { ended, .. } = &mut instance.stage {
                ended.get_or_insert(Reason::Exited);
                kept.push(instance);
            } else {
                self.record(&mut instance, Ending::suppressed(Reason::Exited));
            }
        }
        let ours = self.state.parts();
        for latch in parts.latches.0 {
            if !ours.latches.is_set(&latch) {
                ours.latches.0.push(latch);
            }
        }
        for theirs in parts.entries {
            match ours.entries.iter_mut().find(|entered| entered.of == theirs.of) {
                Some(known) => {
                    known.last = known.last.max(theirs.last);
                    known.count = known.count.saturating_add(theirs.count);
                    known.refused &= theirs.refused;
                }
                None => ours.entries.push(theirs),
            }
        }
        forget_oldest(&mut ours.entries);
        ours.sends.extend(parts.sends);
        ours.sends.sort_by_key(|send| send.at);
        let surplus = ours.sends.len().saturating_sub(SENDS_MAX);
        ours.sends.drain(..surplus);
        for instance in kept {
            self.move_in(instance);
        }
        // What the other row had seen of conditions was about another profile.
        self.look();
    }

    /// Returns whether this row, before the merge, saw what ends the instance.
    fn saw_exit(&self, instance: &Instance) -> bool {
        let Some(trigger) = self.trigger(&instance.trigger) else { return false };
        // An exit of the same instant counts.
        let since = self.now - (instance.entered - Span(1));
        let saw = |name: &str, within: Span| {
            let counted = self.profile.count(name, within, self.now);
            counted.n > 0 || counted.partial && self.profile.total(name).n > 0
        };
        exits(trigger).any(|name| saw(name, since))
            || trigger.goal.as_ref().is_some_and(|goal| saw(&goal.event.name, since.min(goal.within)))
    }

    /// Adds an instance of the other row. Of two of one key the older one goes on.
    fn move_in(&mut self, mut instance: Instance) {
        if let Stage::Proposed { since, .. } = instance.stage {
            instance.stage = Stage::Proposed { since, awaits: None };
        }
        if !instance.is_open() {
            return self.state.parts().instances.push(instance);
        }
        let instances = &mut self.state.parts().instances;
        let same =
            |ours: &Instance| ours.is_open() && ours.trigger == instance.trigger && ours.key == instance.key;
        if let Some(place) = instances.iter().position(same) {
            if instance.entered < instances[place].entered {
                std::mem::swap(&mut instances[place], &mut instance);
            }
            return self.record(&mut instance, Ending::suppressed(Reason::Merged));
        }
        let open = || instances.iter().filter(|ours| ours.is_open());
        if open().count() >= OPEN_MAX
            || open().filter(|ours| ours.trigger == instance.trigger).count() >= INSTANCES_MAX
        {
            return self.record(&mut instance, Ending::suppressed(Reason::InstanceLimit));
        }
        instances.push(instance);
    }
}

/// Returns the names of the events that end instances of a trigger.
fn exits(trigger: &Trigger) -> impl Iterator<Item = &str> {
    trigger.exits.iter().map(|exit| exit.event.name.as_str())
}
