//! Latches, and conditions whose beginning or end opens instances.
//!
//! A condition is looked at when something it reads may have changed: an event it counts or (when it reads the profile) any event,
//! a score it reads, and the instant at which it changes by time alone. Before it was first looked at it was what it is of a customer
//! of whom nothing is known: what holds of everybody has not begun to hold.

use smol_str::SmolStr;

use super::Machine;
use super::entry::Opening;
use crate::profile::Heads;
use crate::score::Head;
use crate::trigger::spec::{Entry, Key};
use crate::trigger::state::{Stage, Watch};
use crate::value::Properties;

impl Machine<'_> {
    /// The score of a head came, by this attempt of the row's questions.
    pub fn on_score(&mut self, head: Head, attempt: u32) {
        self.turn_latches(head, attempt as u16);
        for place in self.book.triggers.watching_score(head) {
            self.watch(place);
        }
        if let Some(parts) = self.state.existing() {
            for instance in &mut parts.instances {
                if let Stage::Proposed { awaits: Some(heads), .. } = &mut instance.stage {
                    *heads = heads.without(Heads::of(&[head]));
                }
            }
        }
        self.settle(Heads::NONE);
        self.state.tidy();
    }

    /// Sets and clears the latches of a head; one that is set opens instances.
    fn turn_latches(&mut self, head: Head, nth: u16) {
        let triggers = &self.book.triggers;
        let Some(value) = self.profile.score(head).map(|score| score.value) else { return };
        for (crossing, enters) in triggers.crossings().iter().filter(|(crossing, _)| crossing.head == head) {
            let set = self.state.latches().is_set(crossing);
            if set && value < crossing.rearms_below {
                self.state.parts().latches.0.retain(|latch| latch != crossing);
            } else if !set && value > crossing.rises_above {
                self.state.parts().latches.0.push(*crossing);
                for place in enters {
                    let key = self.standing_key(*place);
                    self.enter(Opening { place: *place, key, slot: self.own_slot(nth), event: None });
                }
            }
        }
        // A latch that nobody reads any more would stay set for ever.
        if let Some(parts) = self.state.existing() {
            parts.latches.0.retain(|latch| triggers.crossings().iter().any(|(known, _)| known == latch));
        }
    }

    /// Something changed the profile that is no event and no count: looks at the entry conditions that read it.
    pub fn on_profile(&mut self) {
        self.watch_always();
        self.settle(Heads::NONE);
        self.state.tidy();
    }

    /// Looks at every entry condition again; `moved` are the heads that this moment asks for anyway.
    pub(super) fn look(&mut self, moved: Heads) {
        for place in self.book.triggers.watching() {
            self.watch(place);
        }
        self.settle(moved);
        self.state.tidy();
    }

    pub(super) fn watch_always(&mut self) {
        for place in self.book.triggers.always_watched() {
            self.watch(*place);
        }
    }

    /// Looks at a trigger's entry condition; opens an instance when it began, or ended, to hold.
    pub(super) fn watch(&mut self, place: usize) {
        if let Some(opening) = self.turn(place) {
            self.enter(opening);
        }
    }

    /// Notes what a trigger's entry condition has come to; returns what that would open.
    pub(super) fn turn(&mut self, place: usize) -> Option<Opening<'static>> {
        let trigger = self.book.triggers.at(place);
        let condition = trigger.entry.condition()?;
        let nothing = Properties::default();
        let scene = self.scene(&nothing);
        let holds = condition.holds(scene);
        let check = condition.next_flip(scene);
        let known = self.state.watches().iter().position(|watch| watch.trigger == trigger.name);
        let at_first = self.book.triggers.held_at_first(place);
        let (held, opened) = known.map_or((at_first, 0), |at| {
            let watch = &self.state.watches()[at];
            (watch.held, watch.opened)
        });
        let opens = held != holds
            && match &trigger.entry {
                Entry::Becomes(_) => holds,
                Entry::Ceases(_) => held,
                Entry::Event(_) | Entry::Crossing(_) => false,
            };
        let watch = Watch {
            trigger: trigger.name.clone(),
            held: holds,
            check,
            opened: opened.wrapping_add(u16::from(opens)),
        };
        match known {
            Some(at) if watch.is_plain(at_first) => drop(self.state.parts().watches.remove(at)),
            Some(at) => self.state.parts().watches[at] = watch,
            None if watch.is_plain(at_first) => {}
            None => self.state.parts().watches.push(watch),
        }
        opens.then(|| Opening {
            place,
            key: self.standing_key(place),
            slot: self.own_slot(opened),
            event: None,
        })
    }

    /// Returns the key of an instance that no event opens.
    fn standing_key(&self, place: usize) -> Option<SmolStr> {
        match self.book.triggers.at(place).key {
            Key::Customer => Some(SmolStr::default()),
            Key::Cart => self.profile.cart_key(self.now).cloned(),
            Key::Order | Key::Property(_) => None,
        }
    }
}
