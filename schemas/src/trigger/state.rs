//! What a customer's row keeps of triggers: open instances, latches, entries, sends, watched conditions.
//!
//! Most customers have nothing of it, and then it takes eight bytes. Everything is bounded; what a bound drops is said at the bound.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use super::spec::Crossing;
use crate::decision::{Category, Reason};
use crate::ids::{OutreachId, Slot};
use crate::profile::Heads;
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// Instances that one customer may have open, of all triggers together; further entries are refused.
pub const OPEN_MAX: usize = 256;
/// Outreach that one customer awaits the outcome of; beyond it the oldest is awaited no longer, and its outcome changes nothing.
pub const AWAITED_MAX: usize = 64;
/// Keys whose entries are remembered; beyond it the one whose cool-down ends first is forgotten and may enter again, and one that is
/// remembered for life only among its like, the one that was entered longest ago.
pub const ENTRIES_MAX: usize = 256;
/// Sends that are remembered for caps; a cap above this bound is never reached.
pub const SENDS_MAX: usize = 128;

/// State of the trigger machine for one customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TriggerState(Option<Box<Parts>>);

/// What a state that is not empty holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Parts {
    pub(super) instances: Vec<Instance>,
    pub(super) latches: Latches,
    pub(super) entries: Vec<Entered>,
    pub(super) sends: Vec<Send>,
    pub(super) watches: Vec<Watch>,
}

/// One instance of a trigger, from its entry to its recorded end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Name of the trigger.
    pub trigger: SmolStr,
    /// Version that opened it, later the version that decided; an open instance goes on under the version in force.
    pub version: u32,
    /// Its key; empty without.
    pub key: SmolStr,
    /// What names it for ever.
    pub slot: Slot,
    /// When it was opened.
    pub entered: Timestamp,
    /// When it is, or was, due.
    pub due: Timestamp,
    /// When it was first deferred.
    pub deferred: Option<Timestamp>,
    /// Where it stands.
    pub stage: Stage,
    /// Attempts at its outreach that came back to be tried again.
    pub attempt: u32,
    /// Decisions recorded so far.
    pub recorded: u8,
    /// What its conditions read of the event that opened it.
    pub facts: Properties,
    /// Message id of that event; empty without one.
    pub opened_by: SmolStr,
}

/// Where an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Waits until it is due.
    Waiting,
    /// Is to be decided; `max_age` runs from `since`.
    Proposed {
        /// When it became due, or its deferral ended.
        since: Timestamp,
        /// Scores it waits for; `None` as long as it has not asked.
        awaits: Option<Heads>,
    },
    /// Waits for a cap or quiet hours.
    Deferred {
        /// When it is decided again.
        until: Timestamp,
    },
    /// Is to be decided, and its trigger is paused.
    Held {
        /// When the pause is looked at again.
        until: Timestamp,
        /// When it became due, or its deferral ended.
        since: Timestamp,
    },
    /// Handed to the dispatcher; what becomes of it is awaited.
    Sent {
        /// When it became due, or its deferral ended.
        since: Timestamp,
        /// When nothing is awaited any more.
        until: Option<Timestamp>,
        /// What has ended it in the meantime, should it come back.
        ended: Option<Reason>,
    },
    /// Came back to be tried again.
    Retrying {
        /// Not before this instant.
        at: Timestamp,
        /// When it became due, or its deferral ended.
        since: Timestamp,
    },
}

/// Latches that are set; every other one is clear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latches(pub(super) Vec<Crossing>);

/// That a key of a trigger was entered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entered {
    /// Hash of trigger and key.
    pub(super) of: u64,
    pub(super) last: Timestamp,
    /// From then on it decides about no other entry: the end of the cool-down, or never.
    pub(super) until: Timestamp,
    pub(super) count: u32,
    /// A refusal since the last entry is on record.
    pub(super) refused: bool,
}

/// An outreach that uses up caps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Send {
    pub(super) id: OutreachId,
    pub(super) at: Timestamp,
    pub(super) category: Category,
    pub(super) channel: SmolStr,
}

/// What a condition whose beginning or end opens instances came to when last looked at. One that is what it was
/// at first, stays so if nothing happens and opened nothing yet is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) trigger: SmolStr,
    pub(super) held: bool,
    /// When that changes by time alone.
    pub(super) check: Option<Timestamp>,
    /// Instances it has opened: what tells those of one record apart.
    pub(super) opened: u16,
}

impl TriggerState {
    /// Returns open instances and those whose outcome is awaited.
    pub fn instances(&self) -> &[Instance] {
        self.0.as_ref().map_or(&[], |parts| &parts.instances)
    }

    /// Returns the latches.
    pub fn latches(&self) -> &Latches {
        const NONE: &Latches = &Latches(Vec::new());
        self.0.as_ref().map_or(NONE, |parts| &parts.latches)
    }

    /// Returns true when nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the instant at which the machine has something to do, if nothing else happens.
    pub fn next_due(&self) -> Option<Timestamp> {
        let parts = self.0.as_ref()?;
        let instances = parts.instances.iter().filter_map(Instance::wakes);
        instances.chain(parts.watches.iter().filter_map(|watch| watch.check)).min()
    }

    /// Returns about how many bytes of memory the state has on the heap.
    pub fn weight(&self) -> usize {
        let Some(parts) = &self.0 else { return 0 };
        let facts = |instance: &Instance| instance.facts.0.capacity() * size_of::<(SmolStr, Value)>();
        size_of::<Parts>()
            + parts.instances.capacity() * size_of::<Instance>()
            + parts.instances.iter().map(facts).sum::<usize>()
            + parts.latches.0.capacity() * size_of::<Crossing>()
            + parts.entries.capacity() * size_of::<Entered>()
            + parts.sends.capacity() * size_of::<Send>()
            + parts.watches.capacity() * size_of::<Watch>()
    }

    /// Takes everything out.
    pub fn take(&mut self) -> TriggerState {
        Self(self.0.take())
    }

    pub(super) fn entries(&self) -> &[Entered] {
        self.0.as_ref().map_or(&[], |parts| &parts.entries)
    }

    pub(super) fn sends(&self) -> &[Send] {
        self.0.as_ref().map_or(&[], |parts| &parts.sends)
    }

    pub(super) fn watches(&self) -> &[Watch] {
        self.0.as_ref().map_or(&[], |parts| &parts.watches)
    }

    pub(super) fn parts(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    pub(super) fn existing(&mut self) -> Option<&mut Parts> {
        self.0.as_deref_mut()
    }

    /// Gives back what is empty, so that equal states are equal bytes.
    pub(super) fn tidy(&mut self) {
        if self.0.as_deref().is_some_and(|parts| *parts == Parts::default()) {
            self.0 = None;
        }
    }
}

impl Watch {
    /// Returns true for what need not be kept, of a condition that held, or did not, before it was first looked at.
    pub(super) fn is_plain(&self, held_at_first: bool) -> bool {
        self.held == held_at_first && self.check.is_none() && self.opened == 0
    }
}

impl Instance {
    /// Returns when it has something to do by time alone.
    fn wakes(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Waiting => Some(self.due),
            Stage::Proposed { since, awaits: None } => Some(since),
            // What waits for nothing is due: its scores apply no more.
            Stage::Proposed { since, awaits: Some(heads) } => heads.is_empty().then_some(since),
            Stage::Deferred { until } | Stage::Held { until, .. } => Some(until),
            Stage::Sent { until, .. } => until,
            Stage::Retrying { at, .. } => Some(at),
        }
    }

    /// Returns true until it was handed to the dispatcher.
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Sent { .. })
    }

    /// Returns the id of its outreach.
    pub fn outreach(&self) -> OutreachId {
        OutreachId::of(&self.trigger, &self.slot)
    }
}

impl Latches {
    /// Returns whether the latch of this crossing is set.
    pub fn is_set(&self, crossing: &Crossing) -> bool {
        self.0.contains(crossing)
    }
}

/// Returns the hash of a trigger's key.
pub(super) fn entry_of(trigger: &str, key: &str) -> u64 {
    let mut bytes = Vec::with_capacity(trigger.len() + key.len() + 8);
    bytes.extend((trigger.len() as u64).to_le_bytes());
    bytes.extend(trigger.as_bytes());
    bytes.extend(key.as_bytes());
    xxh3_64(&bytes)
}
