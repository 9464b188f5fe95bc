//! The trigger machine of one customer: what an event, time, a score or an outcome does to its instances.
//!
//! It changes the state and the profile's note of the last outreach, and leaves decisions, outreach and questions in its
//! [`Output`]; it sends nothing. An event acts in this order: it ends instances (exit, then goal), starts waits anew, opens
//! instances, and what it opened without a wait is decided. Timers of the same instant come after it, so an exit wins against them.
//! A late event does none of this.
//!
//! | file | holds |
//! |---|---|
//! | `event` | what an event ends, starts anew and opens |
//! | `entry` | whether an instance is opened: key, re-entry, limits |
//! | `watch` | latches, and conditions whose beginning or end opens instances |
//! | `time` | what is due |
//! | `population` | heads that apply no more |
//! | `arbiter` | proposals of one moment: fresh scores, order, what each comes to |
//! | `gates` | what stands between a proposal and the customer |
//! | `quiet` | quiet hours in the customer's zone |
//! | `chance` | control arms by stable hash |
//! | `outcome` | what became of an outreach |
//! | `merge` | the state of another row becomes part of this one |

mod arbiter;
mod chance;
mod entry;
mod event;
mod gates;
mod merge;
mod outcome;
mod population;
mod quiet;
mod time;
mod watch;

#[cfg(test)]
pub(crate) mod tests;

use smol_str::SmolStr;

use super::condition::Scene;
use super::spec::Trigger;
use super::state::{Instance, TriggerState};
use crate::customer::Outgoing;
use crate::decision::{Decision, Evaluated, Reason, Verdict};
use crate::ids::{CustomerId, Position, Slot};
use crate::profile::{Heads, Profile};
use crate::rulebook::Rulebook;
use crate::score::{Head, Score};
use crate::time::Timestamp;
use crate::value::Properties;

pub use gates::consents;
pub use outcome::Awaited;
pub use quiet::quiet_until;

/// The machine at one moment of one customer.
#[derive(Debug)]
pub struct Machine<'a> {
    /// Triggers and policy.
    pub book: &'a Rulebook,
    /// Whose machine it is.
    pub customer: &'a CustomerId,
    /// What is known of the customer.
    pub profile: &'a mut Profile,
    /// What is kept of triggers.
    pub state: &'a mut TriggerState,
    /// Log time.
    pub now: Timestamp,
    /// Position of the row's last record that is no outcome: it names what time, scores and conditions open.
    pub heard: Position,
    /// Heads that apply now.
    pub applying: Heads,
    /// What it leaves.
    pub out: Output,
}

/// What the machine leaves for the row.
#[derive(Debug, Default)]
pub struct Output {
    /// Decisions and outreach, in the order they were made.
    pub leaving: Vec<Outgoing>,
    /// Heads whose scores are to be asked for.
    pub asks: Heads,
}

/// What names the instances that something opens.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Row whose record it was.
    pub origin: &'a CustomerId,
    /// Position of that record in the origin's partition.
    pub position: Position,
    /// Tells apart what one record opens of one trigger: 0 the record itself, 1 the end of a session behind it.
    pub nth: u16,
}

/// How an instance, or an attempt to open one, ends.
#[derive(Debug)]
struct Ending {
    verdict: Verdict,
    reason: Reason,
    conditions: Vec<Evaluated>,
    scores: Vec<(Head, Score)>,
    propensity: f64,
}

impl Ending {
    fn suppressed(reason: Reason) -> Self {
        Self::new(Verdict::Suppressed, reason)
    }

    fn new(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, reason, conditions: Vec::new(), scores: Vec::new(), propensity: 1.0 }
    }
}

impl<'a> Machine<'a> {
    fn trigger(&self, name: &str) -> Option<&'a Trigger> {
        self.book.triggers.get(name)
    }

    fn scene<'s>(&'s self, facts: &'s Properties) -> Scene<'s> {
        Scene { profile: self.profile, now: self.now, facts, latches: self.state.latches() }
    }

    /// Returns the slot of what a source opens, as the rules make it.
    fn slot(&self, source: Source<'_>) -> Slot {
        let position = self.book.rules.slots.position(source.position);
        Slot { origin: source.origin.clone(), position, nth: source.nth, step: 0 }
    }

    /// Returns the slot of what no event opens.
    fn own_slot(&self, nth: u16) -> Slot {
        self.slot(Source { origin: self.customer, position: self.heard, nth })
    }

    /// Puts a decision about the instance on record.
    fn record(&mut self, instance: &mut Instance, ending: Ending) {
        let id = instance.outreach().decision(instance.recorded);
        instance.recorded = instance.recorded.saturating_add(1);
        let decision = Decision {
            id,
            customer: self.customer.clone(),
            trigger: instance.trigger.clone(),
            version: instance.version,
            slot: instance.slot.clone(),
            key: instance.key.clone(),
            at: self.now,
            due: instance.due,
            verdict: ending.verdict,
            reason: ending.reason,
            conditions: ending.conditions,
            scores: ending.scores,
            propensity: ending.propensity as f32,
            opened_by: instance.opened_by.clone(),
        };
        self.out.leaving.push(Outgoing::Decision(Box::new(decision)));
    }
}

/// Returns whether the instance is of this trigger.
fn is_of(instance: &Instance, trigger: &SmolStr) -> bool {
    instance.trigger == *trigger
}
