//! What a condition says of a customer at an instant, why, and when that changes by time alone.

use std::borrow::Cow;

use super::spec::{Compare, Condition};
use super::state::Latches;
use crate::decision::Evaluated;
use crate::profile::Profile;
use crate::profile::field::FieldRef;
use crate::score::Head;
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// Changes that [`Condition::next_flip`] looks ahead over; a condition that flips later is looked at again then.
const CHANGES_AHEAD_MAX: usize = 128;

/// What a condition saw of a score that there is not: the head does not apply to the customer, or was never asked.
pub const NO_SCORE: &str = "no score";

/// What a condition is held against.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The customer.
    pub profile: &'a Profile,
    /// The instant.
    pub now: Timestamp,
    /// Properties of the event, or what an instance retained of them.
    pub facts: &'a Properties,
    /// The customer's latches.
    pub latches: &'a Latches,
}

/// What a leaf saw.
struct Seen<'a> {
    value: Option<Cow<'a, Value>>,
    held: bool,
    partial: bool,
}

impl Condition {
    /// Returns whether the condition holds; stops where that is decided.
    pub fn holds(&self, scene: Scene<'_>) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.holds(scene)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(scene)),
            Condition::Not(inner) => !inner.holds(scene),
            Condition::Count { .. }
            | Condition::Profile { .. }
            | Condition::Event { .. }
            | Condition::Latch(_)
            | Condition::Score { .. } => self.see(scene).held,
        }
    }

    /// Returns whether the condition holds and appends every leaf with the value it saw, in file order.
    pub fn explain(&self, scene: Scene<'_>, into: &mut Vec<Evaluated>) -> bool {
        self.each_leaf(&mut |leaf| {
            let Seen { value, held, partial } = leaf.see(scene);
            let value = value.map_or_else(|| leaf.nothing(), Cow::into_owned);
            into.push(Evaluated { condition: leaf.text(), value, held, partial });
        });
        self.holds(scene)
    }

    /// Returns what stands on record where there was no value.
    fn nothing(&self) -> Value {
        match self {
            Condition::Latch(_) | Condition::Score { .. } => Value::Text(NO_SCORE.into()),
            Condition::Count { .. } | Condition::Profile { .. } | Condition::Event { .. } => Value::Null,
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => Value::Null,
        }
    }

    /// Returns the next instant after now at which the condition, if nothing happens, ceases or begins to hold.
    ///
    /// Bounds: looks ahead over [`CHANGES_AHEAD_MAX`] changes of what it reads; if none of them flips it, the last one is returned.
    pub fn next_flip(&self, scene: Scene<'_>) -> Option<Timestamp> {
        let holds = self.holds(scene);
        let mut ahead = scene;
        for _ in 0..CHANGES_AHEAD_MAX {
            ahead.now = self.next_change(ahead)?;
            if self.holds(ahead) != holds {
                break;
            }
        }
        Some(ahead.now)
    }

    /// Returns the next instant after now at which something that the condition reads changes by time alone.
    fn next_change(&self, scene: Scene<'_>) -> Option<Timestamp> {
        let mut next = None;
        self.each_leaf(&mut |leaf| {
            let change = match leaf {
                Condition::Count { event, within, .. } => {
                    scene.profile.next_change(event, *within, scene.now)
                }
                Condition::Profile { field, compare } => next_change_of(field, compare, scene),
                Condition::Event { .. } | Condition::Latch(_) | Condition::Score { .. } => None,
                Condition::All(_) | Condition::Any(_) | Condition::Not(_) => None,
            };
            next = [next, change.filter(|at| *at > scene.now)].into_iter().flatten().min();
        });
        next
    }

    /// Evaluates a leaf; a combination sees nothing.
    fn see<'a>(&'a self, scene: Scene<'a>) -> Seen<'a> {
        let seen = |value: Option<Cow<'a, Value>>, compare: &Compare, partial| {
            let held = compare.holds(value.as_deref());
            Seen { value, held, partial }
        };
        match self {
            Condition::Count { event, within, compare } => {
                let counted = scene.profile.count(event, *within, scene.now);
                seen(Some(Cow::Owned(Value::Number(counted.n as f64))), compare, counted.partial)
            }
            Condition::Profile { field, compare } => {
                let value = field.read(scene.profile, scene.now).map(Cow::Owned);
                seen(value, compare, field.partial(scene.profile, scene.now))
            }
            Condition::Event { path, compare } => {
                seen(scene.facts.at(path).map(Cow::Borrowed), compare, false)
            }
            Condition::Latch(crossing) => {
                let value = score(scene.profile, crossing.head);
                Seen { value, held: scene.latches.is_set(crossing), partial: false }
            }
            Condition::Score { head, compare } => seen(score(scene.profile, *head), compare, false),
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => {
                Seen { value: None, held: self.holds(scene), partial: false }
            }
        }
    }
}

/// Returns when a field may change what a comparison says of it. One that grows with time does so without end; only the values count
/// at which the comparison turns.
fn next_change_of(field: &FieldRef, compare: &Compare, scene: Scene<'_>) -> Option<Timestamp> {
    field.next_change_to(scene.profile, scene.now, |value| compare.turns_above(value))
}

fn score<'a>(profile: &Profile, head: Head) -> Option<Cow<'a, Value>> {
    profile.score(head).map(|score| Cow::Owned(Value::Number(f64::from(score.value))))
}

impl Compare {
    /// Returns whether a value is what it has to be; JSON null counts as a value that is not there.
    pub fn holds(&self, value: Option<&Value>) -> bool {
        let Some(value) = value.filter(|value| **value != Value::Null) else {
            return *self == Compare::Missing;
        };
        let number = |holds: fn(f64, f64) -> bool, bound: f64| {
            value.as_number().is_some_and(|number| holds(number, bound))
        };
        match self {
            Compare::Eq(other) => equal(value, other),
            Compare::Ne(other) => !equal(value, other),
            Compare::Gt(bound) => number(|a, b| a > b, *bound),
            Compare::Gte(bound) => number(|a, b| a >= b, *bound),
            Compare::Lt(bound) => number(|a, b| a < b, *bound),
            Compare::Lte(bound) => number(|a, b| a <= b, *bound),
            Compare::In(others) => others.iter().any(|other| equal(value, other)),
            Compare::Exists => true,
            Compare::Missing => false,
        }
    }
}

impl Compare {
    /// Returns the least whole number above `value` at which the comparison may turn.
    fn turns_above(&self, value: f64) -> Option<f64> {
        // At a number it is reached, behind it it is passed.
        let reached = |number: f64| [number.ceil(), number.floor() + 1.0];
        let above = |turns: [f64; 2]| turns.into_iter().filter(|turn| *turn > value).min_by(f64::total_cmp);
        let among = |other: &Value| above(reached(other.as_number()?));
        match self {
            Compare::Eq(other) | Compare::Ne(other) => among(other),
            Compare::Gt(bound) | Compare::Gte(bound) | Compare::Lt(bound) | Compare::Lte(bound) => {
                above(reached(*bound))
            }
            Compare::In(others) => others.iter().filter_map(among).min_by(f64::total_cmp),
            Compare::Exists | Compare::Missing => None,
        }
    }
}

/// Compares a value with one of a trigger; a number equals the text that spells it, as senders write either.
fn equal(value: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Number(number) => value.as_number() == Some(*number),
        Value::Text(text) => match value {
            Value::Number(number) => wanted.as_number() == Some(*number),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                value.as_text() == Some(text)
            }
        },
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => value == wanted,
    }
}
