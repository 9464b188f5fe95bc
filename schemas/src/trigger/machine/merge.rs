//! The state of an anonymous row becomes part of its user's.
//!
//! An instance keeps its slot, so that the two rows cannot both send it. An instance of either row ends if the other row saw one of
//! its exits, or its goal, since its entry: the customer bought on one device what the other one still waits for. Exits are found
//! in the profile's counters, which know names and stamps, not keys and properties; where they are in doubt the instance ends, too.
//! Rather one outreach too few.

use super::arbiter::forget_awaited;
use super::entry::forget_oldest;
use super::{Ending, Machine};
use crate::decision::Reason;
use crate::profile::{Heads, Profile};
use crate::score;
use crate::time::Span;
use crate::trigger::spec::{INSTANCES_MAX, Trigger};
use crate::trigger::state::{Instance, OPEN_MAX, SENDS_MAX, Stage, TriggerState};

impl Machine<'_> {
    /// Takes in the state and the profile of a row that has become an alias of this one.
    pub fn merge(&mut self, mut other: TriggerState, profile: Profile) {
        let parts = std::mem::take(other.parts());
        let mut kept = Vec::new();
        let mut ended = Vec::new();
        let own = std::mem::take(&mut self.state.parts().instances);
        let own = own.into_iter().map(|instance| (self.saw_exit(&instance, &profile), instance));
        let moved =
            parts.instances.into_iter().map(|instance| (self.saw_exit(&instance, self.profile), instance));
        // Those of this row come first, so that theirs are held against them.
        for (has_ended, instance) in own.chain(moved) {
            match has_ended {
                true => ended.push(instance),
                false => kept.push(instance),
            }
        }
        self.profile.merge(profile);
        self.applying = score::population(self.profile, self.now);
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
                    known.until = known.until.max(theirs.until);
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
        forget_awaited(&mut self.state.parts().instances);
        // What the other row had seen of conditions was about another profile, as were its scores.
        self.withdraw();
        let moved = self.asked(Heads::ALL);
        self.out.asks = self.out.asks.union(moved);
        self.look(moved);
    }

    /// Returns whether the profile of the row that an instance is not of saw what ends it.
    fn saw_exit(&self, instance: &Instance, profile: &Profile) -> bool {
        let looks = self.book.rules.exits_since_entry;
        let Some(trigger) = self.trigger(&instance.trigger).filter(|_| looks) else { return false };
        // An exit of the same instant counts.
        let since = self.now - (instance.entered - Span(1));
        let saw = |name: &str| {
            let counted = profile.count(name, since, self.now);
            counted.n > 0 || counted.partial && profile.total(name).n > 0
        };
        exits(trigger).any(saw)
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
    let exits = trigger.exits.iter().map(|exit| &exit.event);
    exits.chain(trigger.goal.iter().map(|goal| &goal.event)).map(|event| event.name.as_str())
}
