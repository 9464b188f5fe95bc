//! A trigger as it stands after parsing: checked, with every name looked up. What the machine runs and the linter describes.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::decision::Category;
use crate::profile::Heads;
use crate::profile::field::FieldRef;
use crate::score::Head;
use crate::time::Span;
use crate::value::Value;

/// Instances of one trigger that one customer may have open.
pub const INSTANCES_MAX: usize = 64;

/// One version of a trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its name; one trigger per name is in force.
    pub name: SmolStr,
    /// Its version, from 1.
    pub version: u32,
    /// One sentence for people.
    pub description: SmolStr,
    /// What it may do.
    pub mode: Mode,
    /// What opens an instance.
    pub entry: Entry,
    /// What tells instances apart.
    pub key: Key,
    /// How often the same key may enter.
    pub reentry: Reentry,
    /// How long an instance waits before it is due; none = it is due at once.
    pub wait: Option<Wait>,
    /// What ends an instance before it is due.
    pub exits: Vec<Exit>,
    /// What has to hold when it is due.
    pub when: Condition,
    /// Gates between a proposal and the customer.
    pub policy: TriggerPolicy,
    /// Share of customers from whom every instance is withheld, to know the effect. Bounds: [0, 1).
    pub holdout: f64,
    /// What is sent.
    pub action: Action,
    /// What the trigger is for: reached while an instance is open, it ends it.
    pub goal: Option<Goal>,
}

/// What a trigger may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It decides and sends.
    #[default]
    Live,
    /// It decides, sends nothing and uses up no cap.
    Shadow,
    /// It opens nothing; open instances keep their timers.
    Paused,
}

/// What opens an instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An event.
    Event(EventPattern),
    /// A score's latch is set.
    Crossing(Crossing),
    /// A condition begins to hold; what holds of a customer of whom nothing is known has not begun to.
    Becomes(Condition),
    /// A condition ceases to hold.
    Ceases(Condition),
}

impl Entry {
    /// Returns the event that opens an instance.
    pub fn event(&self) -> Option<&EventPattern> {
        match self {
            Entry::Event(pattern) => Some(pattern),
            Entry::Crossing(_) | Entry::Becomes(_) | Entry::Ceases(_) => None,
        }
    }

    /// Returns the condition whose beginning or end opens an instance.
    pub fn condition(&self) -> Option<&Condition> {
        match self {
            Entry::Becomes(condition) | Entry::Ceases(condition) => Some(condition),
            Entry::Event(_) | Entry::Crossing(_) => None,
        }
    }
}

/// Events that are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPattern {
    /// Canonical name.
    pub name: SmolStr,
    /// What its properties have to be; only [`Condition::Event`] and its combinations.
    pub filter: Condition,
}

/// What tells instances of one trigger apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Key {
    /// Nothing: one instance per customer.
    #[default]
    Customer,
    /// The cart; an event that is about no cart and no order is about the one open cart.
    Cart,
    /// The order.
    Order,
    /// A property of the entry event, by its path.
    Property(SmolStr),
}

/// How often the same key may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reentry {
    /// What happens to an entry while an instance of its key is open, or shortly after.
    pub mode: ReentryMode,
    /// Entries per key for life; none = no bound.
    pub max: Option<u32>,
}

/// What another entry of the same key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReentryMode {
    /// Ignored while an instance of the key is open; opens one afterwards.
    Always,
    /// Refused within this span of the last entry.
    Cooldown(Span),
    /// The first entry of a key is its only one.
    Once,
}

/// A wait before an instance is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// How long.
    pub span: Span,
    /// Events of the same key that start it anew.
    pub reset_on: Vec<EventPattern>,
}

/// An event that ends an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// The event.
    pub event: EventPattern,
    /// Whether it has to be about the instance's key.
    pub matching: Match,
}

/// Which events concern an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Match {
    /// Any event of the customer.
    #[default]
    Any,
    /// Only those with the instance's key.
    Key,
}

/// A closed condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All hold; holds when empty.
    All(Vec<Condition>),
    /// One holds; does not hold when empty.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A number of events within a window.
    Count {
        /// Canonical name.
        event: SmolStr,
        /// The window is (now − within, now].
        within: Span,
        /// What the number has to be.
        compare: Compare,
    },
    /// A field of the profile.
    Profile {
        /// The field.
        field: FieldRef,
        /// What it has to be.
        compare: Compare,
    },
    /// A property of the event that opened the instance (of the event itself in a filter).
    Event {
        /// Dotted path.
        path: SmolStr,
        /// What it has to be.
        compare: Compare,
    },
    /// The latch of a score is set.
    Latch(Crossing),
    /// The score itself.
    Score {
        /// Whose.
        head: Head,
        /// What it has to be.
        compare: Compare,
    },
}

impl Condition {
    /// Returns the condition that always holds.
    pub const fn always() -> Self {
        Condition::All(Vec::new())
    }

    /// Calls `visit` with every condition that is no combination of others, in file order.
    pub fn each_leaf<'a>(&'a self, visit: &mut impl FnMut(&'a Condition)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.each_leaf(visit));
            }
            Condition::Not(inner) => inner.each_leaf(visit),
            Condition::Count { .. }
            | Condition::Profile { .. }
            | Condition::Event { .. }
            | Condition::Latch(_)
            | Condition::Score { .. } => visit(self),
        }
    }

    /// Returns the heads whose scores it reads.
    pub fn heads(&self) -> Heads {
        let mut heads = Heads::NONE;
        self.each_leaf(&mut |leaf| match leaf {
            Condition::Latch(crossing) => heads = heads.union(Heads::of(&[crossing.head])),
            Condition::Score { head, .. } => heads = heads.union(Heads::of(&[*head])),
            Condition::Count { .. } | Condition::Profile { .. } | Condition::Event { .. } => {}
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => {}
        });
        heads
    }
}

/// What a value has to be. A value that is not there satisfies [`Compare::Missing`] alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Compare {
    /// Equal.
    Eq(Value),
    /// Not equal.
    Ne(Value),
    /// Greater.
    Gt(f64),
    /// Greater or equal.
    Gte(f64),
    /// Less.
    Lt(f64),
    /// Less or equal.
    Lte(f64),
    /// One of these.
    In(Vec<Value>),
    /// It is there.
    Exists,
    /// It is not there.
    Missing,
}

/// A latch per customer and head: set when the score rises above the one threshold, cleared when it falls below the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// Whose score.
    pub head: Head,
    /// Set above it.
    pub rises_above: f32,
    /// Cleared below it; at most `rises_above`.
    pub rearms_below: f32,
}

/// Gates between a proposal and the customer.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerPolicy {
    /// Purpose: decides whether consent is needed.
    pub category: Category,
    /// The higher goes first; of two equal ones the older instance. Bounds: 0 to 100.
    pub priority: u8,
    /// From due to decision; older proposals expire. Bounds: 1 s to 30 days.
    pub max_age: Span,
    /// What happens at a used-up cap or in quiet hours.
    pub on_cap: OnCap,
    /// Whether caps hold for it and whether it uses them up.
    pub caps: CapRole,
    /// Hours of the customer's day in which nothing is sent.
    pub quiet_hours: Option<QuietHours>,
    /// A deferral waits at most this long.
    pub max_defer: Span,
    /// Proposed although a case of the customer is open.
    pub despite_open_case: bool,
}

/// What a refusal that passes by itself comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCap {
    /// Waits until it fits.
    #[default]
    Defer,
    /// Ends.
    Drop,
}

/// How a trigger stands to caps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CapRole {
    /// Caps hold for it and it uses them up.
    #[default]
    Counted,
    /// Caps do not hold for it; what it sends uses them up.
    Exempt,
    /// Caps neither hold for it nor are used up by it.
    Uncounted,
}

/// Hours of the customer's civil day, from `start` up to `end`; they may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes after midnight.
    pub start_min: u16,
    /// Minutes after midnight.
    pub end_min: u16,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Name of the channel.
    pub channel: SmolStr,
    /// Name of the template.
    pub template: SmolStr,
    /// Fields of the profile whose values travel with the outreach.
    pub facts: Vec<FieldRef>,
}

/// What a trigger is for.
///
/// An event about the instance's key reaches it, and one that names no key (a sign-up, of a trigger keyed by cart); one about
/// another key does not: who bought another cart has not bought this one.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The event that reaches it.
    pub event: EventPattern,
    /// Counted for this long after the entry.
    pub within: Span,
}
