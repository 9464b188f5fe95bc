//! Whether an instance is opened: its key, how often the key may enter, how many may be open.
//!
//! An entry while an instance of its key is open is ignored. Any other that does not open one is a recorded refusal; of those by
//! cool-down or `max`, which a busy shopper causes with every event, the first after an entry.

use smol_str::SmolStr;

use super::{Ending, Machine, is_of};
use crate::decision::Reason;
use crate::event::Event;
use crate::ids::Slot;
use crate::profile::bounded_text;
use crate::time::Timestamp;
use crate::trigger::spec::{INSTANCES_MAX, Mode, Reentry, ReentryMode, Trigger};
use crate::trigger::state::{ENTRIES_MAX, Entered, Instance, OPEN_MAX, Stage, entry_of};
use crate::value::{Properties, Value};

/// What would open an instance.
pub(super) struct Opening<'e> {
    /// Place of the trigger.
    pub(super) place: usize,
    /// The key, where there is one.
    pub(super) key: Option<SmolStr>,
    /// What names the instance.
    pub(super) slot: Slot,
    /// The event, where one opens it.
    pub(super) event: Option<&'e Event>,
}

/// Whether an instance may be opened.
enum Admission {
    Open,
    /// An instance of the key is open.
    Ignored,
    Refused(Reason),
}

impl Machine<'_> {
    /// Opens an instance, unless something stands against it.
    pub(super) fn enter(&mut self, opening: Opening<'_>) {
        let trigger = self.book.triggers.at(opening.place);
        match trigger.mode {
            Mode::Live | Mode::Shadow => {}
            Mode::Paused => return,
        }
        let Some(key) = &opening.key else { return self.refuse(&opening, Reason::NoKey) };
        match self.admits(trigger, key) {
            Admission::Open => {
                self.remember(trigger, key);
                let instance = self.instance(&opening);
                self.state.parts().instances.push(instance);
            }
            Admission::Ignored => {}
            Admission::Refused(reason) => self.refuse(&opening, reason),
        }
    }

    /// Puts on record that no instance was opened.
    pub(super) fn refuse(&mut self, opening: &Opening<'_>, reason: Reason) {
        if matches!(reason, Reason::Cooldown | Reason::ReentryMax) && !self.first_refusal(opening) {
            return;
        }
        let mut instance = self.instance(opening);
        self.record(&mut instance, Ending::suppressed(reason));
    }

    fn admits(&self, trigger: &Trigger, key: &SmolStr) -> Admission {
        let (mut open, mut of_trigger) = (0, 0);
        for instance in self.state.instances().iter().filter(|instance| instance.is_open()) {
            open += 1;
            if is_of(instance, &trigger.name) {
                of_trigger += 1;
                if instance.key == *key {
                    return Admission::Ignored;
                }
            }
        }
        if let Some(reason) = self.too_often(trigger, key) {
            return Admission::Refused(reason);
        }
        if of_trigger >= INSTANCES_MAX || open >= OPEN_MAX {
            return Admission::Refused(Reason::InstanceLimit);
        }
        Admission::Open
    }

    /// Returns why the key may not enter again.
    fn too_often(&self, trigger: &Trigger, key: &str) -> Option<Reason> {
        let Reentry { mode, max } = trigger.reentry;
        remembered_until(trigger.reentry, self.now)?;
        let of = entry_of(&trigger.name, key);
        let known = self.state.entries().iter().find(|entered| entered.of == of)?;
        match mode {
            ReentryMode::Once => return Some(Reason::ReentryMax),
            ReentryMode::Cooldown(span) if self.now < known.last + span => return Some(Reason::Cooldown),
            ReentryMode::Cooldown(_) | ReentryMode::Always => {}
        }
        max.filter(|max| known.count >= *max).map(|_| Reason::ReentryMax)
    }

    /// Notes an entry, where it decides about later ones.
    fn remember(&mut self, trigger: &Trigger, key: &str) {
        let (of, last) = (entry_of(&trigger.name, key), self.now);
        let Some(until) = remembered_until(trigger.reentry, last) else { return };
        let entries = &mut self.state.parts().entries;
        entries.retain(|entered| entered.until > last);
        match entries.iter_mut().find(|entered| entered.of == of) {
            Some(known) => {
                *known = Entered { of, last, until, count: known.count.saturating_add(1), refused: false }
            }
            None => entries.push(Entered { of, last, until, count: 1, refused: false }),
        }
        forget_oldest(entries);
    }

    /// Returns true once between two entries of a key.
    fn first_refusal(&mut self, opening: &Opening<'_>) -> bool {
        let trigger = self.book.triggers.at(opening.place);
        let of = entry_of(&trigger.name, opening.key.as_deref().unwrap_or_default());
        let Some(parts) = self.state.existing() else { return true };
        let known = parts.entries.iter_mut().find(|entered| entered.of == of);
        known.is_none_or(|known| !std::mem::replace(&mut known.refused, true))
    }

    fn instance(&self, opening: &Opening<'_>) -> Instance {
        let trigger = self.book.triggers.at(opening.place);
        let due = trigger.wait.as_ref().map_or(self.now, |wait| self.now + wait.span);
        let stage = match &trigger.wait {
            Some(_) => Stage::Waiting,
            None => Stage::Proposed { since: self.now, awaits: None },
        };
        let retained = self.book.triggers.retained(opening.place);
        Instance {
            trigger: trigger.name.clone(),
            version: trigger.version,
            key: opening.key.clone().unwrap_or_default(),
            slot: opening.slot.clone(),
            entered: self.now,
            due,
            deferred: None,
            stage,
            attempt: 0,
            recorded: 0,
            facts: opening.event.map(|event| retain(&event.properties, retained)).unwrap_or_default(),
            opened_by: opening.event.map(|event| event.message_text.clone()).unwrap_or_default(),
        }
    }
}

/// Drops entries beyond the bound, those first that decide about others for the shortest time.
pub(super) fn forget_oldest(entries: &mut Vec<Entered>) {
    while entries.len() > ENTRIES_MAX {
        let rank = |place: &usize| (entries[*place].until, entries[*place].last);
        let least = (0..entries.len()).min_by_key(rank).unwrap_or_default();
        entries.remove(least);
    }
}

/// Returns until when an entry at `now` decides about others of its key; `None` when it never does.
fn remembered_until(reentry: Reentry, now: Timestamp) -> Option<Timestamp> {
    let for_life = Timestamp(i64::MAX);
    match reentry.mode {
        ReentryMode::Once => Some(for_life),
        ReentryMode::Always | ReentryMode::Cooldown(_) if reentry.max.is_some() => Some(for_life),
        ReentryMode::Cooldown(span) => Some(now + span),
        ReentryMode::Always => None,
    }
}

/// Returns what conditions can read of the properties at these paths. Lists and objects are only there or not.
fn retain(properties: &Properties, paths: &[SmolStr]) -> Properties {
    let kept = |path: &SmolStr| {
        let value = match properties.at(path)? {
            Value::Text(text) => Value::Text(bounded_text(text)),
            Value::List(_) => Value::List(Vec::new()),
            Value::Map(_) => Value::Map(Properties::default()),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => scalar.clone(),
        };
        Some((path.clone(), value))
    };
    Properties(paths.iter().filter_map(kept).collect())
}
