//! What an event ends, starts anew and opens.

use smol_str::{SmolStr, ToSmolStr};

use super::entry::Opening;
use super::{Ending, Machine, Source, is_of};
use crate::decision::Reason;
use crate::event::Event;
use crate::profile::{Folded, Standing, bounded_text};
use crate::time::Timestamp;
use crate::trigger::index::Role;
use crate::trigger::spec::{EventPattern, Key, Match, Mode, Trigger};
use crate::trigger::state::{Instance, Stage};
use crate::value::Value;

/// An event as the fold left it.
#[derive(Clone, Copy)]
pub(super) struct Told<'e> {
    pub(super) event: &'e Event,
    pub(super) folded: &'e Folded,
}

impl Told<'_> {
    /// Returns what the event says of a key, which for a cart may be by the order or checkout that it is about.
    fn key(&self, key: &Key) -> Option<SmolStr> {
        match key {
            Key::Customer => Some(SmolStr::default()),
            Key::Cart => self.folded.cart.clone(),
            Key::Order => self.folded.order.clone(),
            Key::Property(path) => match self.event.properties.at(path)? {
                Value::Text(text) => (!text.is_empty()).then(|| bounded_text(text)),
                Value::Number(number) => Some(number.to_smolstr()),
                Value::Bool(value) => Some(value.to_smolstr()),
                Value::Null | Value::List(_) | Value::Map(_) => None,
            },
        }
    }
}

impl Machine<'_> {
    /// An event was folded.
    pub fn on_event(&mut self, event: &Event, folded: &Folded, source: Source<'_>) {
        let triggers = &self.book.triggers;
        let told = Told { event, folded };
        let roles = triggers.roles_of(&event.name);
        match folded.standing {
            Standing::Duplicate => return,
            Standing::Late => return self.too_late(roles, told, source),
            Standing::Applied => {}
        }
        let withdrawn = self.withdraw();
        let moved = self.asked(folded.moved);
        self.out.asks = self.out.asks.union(moved);
        for role in roles {
            match *role {
                Role::Exit { trigger, exit } => {
                    let trigger = triggers.at(trigger);
                    let rule = &trigger.exits[exit];
                    self.end_all(trigger, &rule.event, rule.matching, Reason::Exited, told);
                }
                Role::Goal { trigger } => self.reach(triggers.at(trigger), told),
                Role::Reset { trigger, pattern } => self.reset(triggers.at(trigger), pattern, told),
                Role::Entry { trigger } => self.enter_by(trigger, told, source),
                Role::Watch { trigger } => self.watch(trigger),
            }
        }
        self.watch_scores(withdrawn);
        self.watch_always();
        self.settle(moved);
        self.state.tidy();
    }

    /// A late event fires nothing; that it would have, itself or by a condition that it made hold, is on record.
    fn too_late(&mut self, roles: &[Role], told: Told<'_>, source: Source<'_>) {
        let triggers = &self.book.triggers;
        let withdrawn = self.withdraw();
        for role in roles {
            match *role {
                Role::Entry { trigger } => {
                    if self.meant(triggers.at(trigger).entry.event(), told) {
                        let opening = self.opening(trigger, told, source);
                        self.refuse_late(&opening);
                    }
                }
                Role::Watch { trigger } => self.watch_late(trigger),
                Role::Exit { .. } | Role::Goal { .. } | Role::Reset { .. } => {}
            }
        }
        for place in withdrawn.iter().flat_map(|head| triggers.watching_score(head)) {
            self.watch_late(place);
        }
        for place in triggers.always_watched() {
            self.watch_late(*place);
        }
        self.state.tidy();
    }

    /// Looks at an entry condition after an event that must not open anything; at what changes now by time alone its timer looks.
    fn watch_late(&mut self, place: usize) {
        let name = &self.book.triggers.at(place).name;
        if self.state.watches().iter().any(|watch| watch.trigger == *name && watch.check == Some(self.now)) {
            return;
        }
        if let Some(opening) = self.turn(place) {
            self.refuse_late(&opening);
        }
    }

    fn refuse_late(&mut self, opening: &Opening<'_>) {
        match self.book.triggers.at(opening.place).mode {
            Mode::Live | Mode::Shadow => self.refuse(opening, Reason::LateEvent),
            Mode::Paused => {}
        }
    }

    /// Returns whether the properties of the event are as the pattern wants them; its name led here.
    fn meant(&self, pattern: Option<&EventPattern>, told: Told<'_>) -> bool {
        pattern.is_some_and(|pattern| pattern.filter.holds(self.scene(&told.event.properties)))
    }

    fn enter_by(&mut self, place: usize, told: Told<'_>, source: Source<'_>) {
        if self.meant(self.book.triggers.at(place).entry.event(), told) {
            let opening = self.opening(place, told, source);
            self.enter(opening);
        }
    }

    fn opening<'e>(&self, place: usize, told: Told<'e>, source: Source<'_>) -> Opening<'e> {
        let key = self.key_of(&self.book.triggers.at(place).key, told);
        Opening { place, key, slot: self.slot(source), event: Some(told.event) }
    }

    /// Returns the key that the event is about; one that is about no cart and no order is about the one open cart.
    fn key_of(&self, key: &Key, told: Told<'_>) -> Option<SmolStr> {
        let open_cart = || match key {
            Key::Cart if told.folded.order.is_none() => self.profile.cart_key(self.now).cloned(),
            Key::Customer | Key::Cart | Key::Order | Key::Property(_) => None,
        };
        told.key(key).or_else(open_cart)
    }

    /// Ends the instances whose goal the event reaches: one about another key does not, one that names none reaches that of all.
    fn reach(&mut self, trigger: &Trigger, told: Told<'_>) {
        let Some(goal) = &trigger.goal else { return };
        if !self.concerns(trigger) || !self.meant(Some(&goal.event), told) {
            return;
        }
        let (entered, key) = (self.now - goal.within, told.key(&trigger.key));
        let reached = |instance: &Instance| {
            instance.entered >= entered && key.as_ref().is_none_or(|key| instance.key == *key)
        };
        self.end(|instance| is_of(instance, &trigger.name) && reached(instance), Reason::GoalReached);
    }

    fn end_all(
        &mut self,
        trigger: &Trigger,
        pattern: &EventPattern,
        matching: Match,
        reason: Reason,
        told: Told<'_>,
    ) {
        if !self.concerns(trigger) || !self.meant(Some(pattern), told) {
            return;
        }
        match matching {
            Match::Any => self.end(|instance| is_of(instance, &trigger.name), reason),
            Match::Key => {
                let Some(key) = self.key_of(&trigger.key, told) else { return };
                self.end(|instance| is_of(instance, &trigger.name) && instance.key == key, reason);
            }
        }
    }

    /// Returns whether there is an instance of the trigger at all: for most customers there is none, and nothing more is looked at.
    fn concerns(&self, trigger: &Trigger) -> bool {
        self.state.instances().iter().any(|instance| is_of(instance, &trigger.name))
    }

    /// Ends instances. One that was handed to the dispatcher is ended if it comes back.
    pub(super) fn end(&mut self, meant: impl Fn(&Instance) -> bool, reason: Reason) {
        let Some(parts) = self.state.existing() else { return };
        for instance in parts.instances.iter_mut().filter(|instance| meant(instance)) {
            if let Stage::Sent { ended, .. } = &mut instance.stage {
                ended.get_or_insert(reason);
            }
        }
        let ended: Vec<Instance> =
            parts.instances.extract_if(.., |instance| instance.is_open() && meant(instance)).collect();
        for mut instance in ended {
            self.record(&mut instance, Ending::suppressed(reason));
        }
    }

    /// Starts the waits of the event's key anew.
    fn reset(&mut self, trigger: &Trigger, pattern: usize, told: Told<'_>) {
        let Some(wait) = &trigger.wait else { return };
        if !self.concerns(trigger) || !self.meant(wait.reset_on.get(pattern), told) {
            return;
        }
        let Some(key) = self.key_of(&trigger.key, told) else { return };
        let due: Timestamp = self.now + wait.span;
        let Some(parts) = self.state.existing() else { return };
        for instance in &mut parts.instances {
            if instance.stage == Stage::Waiting && is_of(instance, &trigger.name) && instance.key == key {
                instance.due = due;
            }
        }
    }
}
