//! The triggers in force, with what makes an event that concerns none of them cost one look-up.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::condition::Scene;
use super::spec::{Condition, Crossing, Entry, EventPattern, Trigger};
use super::state::Latches;
use crate::profile::{Heads, Profile};
use crate::score::Head;
use crate::time::Timestamp;
use crate::value::Properties;

/// Triggers in force, one per name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Triggers {
    list: Vec<Trigger>,
    /// What events of a name do, in the order in which it is done.
    roles: FxHashMap<SmolStr, Vec<Role>>,
    /// Triggers whose entry condition any event may change.
    always: Vec<usize>,
    /// Triggers whose entry condition reads a score.
    scored: Vec<(Heads, usize)>,
    /// Latches that somebody reads, and the triggers that each of them enters.
    crossings: Vec<(Crossing, Vec<usize>)>,
    /// Whether the entry condition holds of a customer of whom nothing is known, by trigger.
    held_at_first: Vec<bool>,
    /// Paths that an instance has to retain of its entry event, by trigger.
    retained: Vec<Vec<SmolStr>>,
    heads: Heads,
}

/// What an event does to a trigger, by the place of the trigger. In the order in which one event acts: what it ends, what it starts
/// anew, what it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Ends instances, by this exit.
    Exit { trigger: usize, exit: usize },
    /// Reaches the goal.
    Goal { trigger: usize },
    /// Starts waits anew, by this pattern.
    Reset { trigger: usize, pattern: usize },
    /// Opens an instance.
    Entry { trigger: usize },
    /// May change the entry condition.
    Watch { trigger: usize },
}

impl Triggers {
    /// Returns these triggers, of each name the highest version.
    pub fn new(triggers: impl IntoIterator<Item = Trigger>) -> Self {
        let mut list: Vec<Trigger> = triggers.into_iter().collect();
        list.sort_by(|a, b| a.name.cmp(&b.name).then(b.version.cmp(&a.version)));
        list.dedup_by(|later, kept| later.name == kept.name);
        let mut triggers = Self { list: Vec::new(), ..Self::default() };
        for (place, trigger) in list.iter().enumerate() {
            triggers.add(place, trigger);
        }
        for roles in triggers.roles.values_mut() {
            roles.sort_unstable();
            roles.dedup();
        }
        triggers.list = list;
        triggers
    }

    /// Returns the triggers in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Trigger> {
        self.list.iter()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns true when there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the trigger of this name.
    pub fn get(&self, name: &str) -> Option<&Trigger> {
        self.place(name).map(|place| &self.list[place])
    }

    /// Returns the heads whose scores some trigger reads.
    pub fn heads(&self) -> Heads {
        self.heads
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.list.binary_search_by(|trigger| trigger.name.as_str().cmp(name)).ok()
    }

    pub(super) fn at(&self, place: usize) -> &Trigger {
        &self.list[place]
    }

    pub(super) fn roles_of(&self, event: &str) -> &[Role] {
        self.roles.get(event).map_or(&[], Vec::as_slice)
    }

    pub(super) fn always_watched(&self) -> &[usize] {
        &self.always
    }

    /// Returns the triggers whose entry condition reads this score.
    pub(super) fn watching_score(&self, head: Head) -> impl Iterator<Item = usize> {
        self.scored.iter().filter(move |(heads, _)| heads.contains(head)).map(|(_, place)| *place)
    }

    /// Returns the triggers that are entered by a condition.
    pub(super) fn watching(&self) -> impl Iterator<Item = usize> {
        (0..self.list.len()).filter(|place| self.list[*place].entry.condition().is_some())
    }

    pub(super) fn crossings(&self) -> &[(Crossing, Vec<usize>)] {
        &self.crossings
    }

    /// Returns whether the entry condition held before the customer was first heard of.
    pub(super) fn held_at_first(&self, place: usize) -> bool {
        self.held_at_first[place]
    }

    pub(super) fn retained(&self, place: usize) -> &[SmolStr] {
        &self.retained[place]
    }

    fn add(&mut self, place: usize, trigger: &Trigger) {
        let mut role = |pattern: &EventPattern, role| {
            self.roles.entry(pattern.name.clone()).or_default().push(role);
        };
        for (exit, rule) in trigger.exits.iter().enumerate() {
            role(&rule.event, Role::Exit { trigger: place, exit });
        }
        if let Some(goal) = &trigger.goal {
            role(&goal.event, Role::Goal { trigger: place });
        }
        for (pattern, reset) in trigger.wait.iter().flat_map(|wait| &wait.reset_on).enumerate() {
            role(reset, Role::Reset { trigger: place, pattern });
        }
        self.read(&trigger.when);
        match &trigger.entry {
            Entry::Event(pattern) => role_of_entry(&mut self.roles, pattern, place),
            Entry::Crossing(crossing) => {
                let known = self.latch(*crossing);
                self.crossings[known].1.push(place);
            }
            Entry::Becomes(condition) | Entry::Ceases(condition) => self.watch(place, condition),
        }
        self.held_at_first.push(trigger.entry.condition().is_some_and(holds_of_nobody));
        let mut retained = Vec::new();
        trigger.when.each_leaf(&mut |leaf| {
            if let Condition::Event { path, .. } = leaf
                && !retained.contains(path)
            {
                retained.push(path.clone());
            }
        });
        self.retained.push(retained);
    }

    fn watch(&mut self, place: usize, condition: &Condition) {
        self.read(condition);
        let mut always = false;
        condition.each_leaf(&mut |leaf| match leaf {
            Condition::Count { event, .. } => {
                self.roles.entry(event.clone()).or_default().push(Role::Watch { trigger: place });
            }
            Condition::Profile { .. } => always = true,
            Condition::Event { .. } | Condition::Latch(_) | Condition::Score { .. } => {}
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => {}
        });
        if always {
            self.always.push(place);
        }
        if !condition.heads().is_empty() {
            self.scored.push((condition.heads(), place));
        }
    }

    /// Notes what a condition reads of scores.
    fn read(&mut self, condition: &Condition) {
        self.heads = self.heads.union(condition.heads());
        condition.each_leaf(&mut |leaf| {
            if let Condition::Latch(crossing) = leaf {
                self.latch(*crossing);
            }
        });
    }

    fn latch(&mut self, crossing: Crossing) -> usize {
        self.heads = self.heads.union(Heads::of(&[crossing.head]));
        self.crossings.iter().position(|(known, _)| *known == crossing).unwrap_or_else(|| {
            self.crossings.push((crossing, Vec::new()));
            self.crossings.len() - 1
        })
    }
}

fn holds_of_nobody(condition: &Condition) -> bool {
    let (profile, facts, latches) = (Profile::default(), Properties::default(), Latches::default());
    condition.holds(Scene { profile: &profile, now: Timestamp::default(), facts: &facts, latches: &latches })
}

fn role_of_entry(roles: &mut FxHashMap<SmolStr, Vec<Role>>, pattern: &EventPattern, place: usize) {
    roles.entry(pattern.name.clone()).or_default().push(Role::Entry { trigger: place });
}

impl FromIterator<Trigger> for Triggers {
    fn from_iter<T: IntoIterator<Item = Trigger>>(triggers: T) -> Self {
        Self::new(triggers)
    }
}
