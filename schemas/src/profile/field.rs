//! The closed table of profile fields that triggers, templates and the command line may name.

mod table;

use smol_str::SmolStr;

use super::{Profile, said};
use crate::time::{Span, Timestamp};
use crate::value::Value;

pub use table::TABLE;

/// What a path of a trait begins with.
pub const TRAITS: &str = "traits.";

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Bool,
    /// Whatever the shop sent (traits).
    Any,
}

/// A field of the profile.
#[derive(Debug)]
pub struct Field {
    /// Path that triggers write.
    pub name: &'static str,
    /// Unit of a number, empty otherwise.
    pub unit: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// One sentence for people.
    pub doc: &'static str,
    /// Reads it; `None` when there is nothing to read (no open cart, no order yet).
    pub read: fn(&Profile, Timestamp) -> Option<Value>,
    /// Says whether the value may be incomplete.
    pub partial: fn(&Profile, Timestamp) -> bool,
    /// Returns the next instant after now at which the value changes by time alone, other than by its growth.
    pub next_change: fn(&Profile, Timestamp) -> Option<Timestamp>,
    /// Set where time alone adds to the value, so that any later value can be told ahead.
    pub growth: Option<Growth>,
}

/// A value that is the number of whole units of time since an instant.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// What adds one.
    pub unit: Span,
    /// Returns the instant, where there is one.
    pub since: fn(&Profile, Timestamp) -> Option<Timestamp>,
}

/// A path that was looked up.
#[derive(Clone, Debug)]
pub enum FieldRef {
    /// A field of [`TABLE`].
    Known(&'static Field),
    /// The trait of this name.
    Trait(SmolStr),
}

impl PartialEq for FieldRef {
    /// Names are unique in the table.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (FieldRef::Known(a), FieldRef::Known(b)) => a.name == b.name,
            (FieldRef::Trait(a), FieldRef::Trait(b)) => a == b,
            (FieldRef::Known(_), FieldRef::Trait(_)) | (FieldRef::Trait(_), FieldRef::Known(_)) => false,
        }
    }
}

impl FieldRef {
    /// Returns the path as triggers write it.
    pub fn path(&self) -> SmolStr {
        match self {
            FieldRef::Known(field) => SmolStr::new_static(field.name),
            FieldRef::Trait(name) => SmolStr::from_iter([TRAITS, name]),
        }
    }

    /// Returns what the field holds.
    pub fn kind(&self) -> FieldKind {
        match self {
            FieldRef::Known(field) => field.kind,
            FieldRef::Trait(_) => FieldKind::Any,
        }
    }

    /// Returns the value at `now`.
    pub fn read(&self, profile: &Profile, now: Timestamp) -> Option<Value> {
        match self {
            FieldRef::Known(field) => (field.read)(profile, now),
            FieldRef::Trait(name) => profile.attribute(name).cloned(),
        }
    }

    /// Returns whether the value may be incomplete.
    pub fn partial(&self, profile: &Profile, now: Timestamp) -> bool {
        match self {
            FieldRef::Known(field) => (field.partial)(profile, now),
            FieldRef::Trait(_) => false,
        }
    }

    /// Returns the next instant after `now` at which the value changes by time alone.
    pub fn next_change(&self, profile: &Profile, now: Timestamp) -> Option<Timestamp> {
        self.next_change_to(profile, now, |value| Some(value + 1.0))
    }

    /// Returns the same, and of a value that grows not every step but the one to what `turn` returns for the value at `now`.
    pub fn next_change_to(
        &self,
        profile: &Profile,
        now: Timestamp,
        turn: impl FnOnce(f64) -> Option<f64>,
    ) -> Option<Timestamp> {
        let FieldRef::Known(field) = self else { return None };
        let grown = field.growth.as_ref().and_then(|growth| {
            let since = (growth.since)(profile, now)?;
            let turn = turn((field.read)(profile, now)?.as_number()?)?;
            Some(since + Span(growth.unit.0.saturating_mul(turn as i64)))
        });
        [grown, (field.next_change)(profile, now)].into_iter().flatten().min()
    }
}

/// No field has this path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find a profile field {path:?}; nearest is {nearest:?}")]
pub struct Unknown {
    /// The path as it was written.
    pub path: SmolStr,
    /// The most similar path there is.
    pub nearest: SmolStr,
}

/// Looks a path up.
///
/// Errors: `Unknown` → the path is neither in [`TABLE`] nor `traits.` and a name.
pub fn lookup(path: &str) -> Result<FieldRef, Unknown> {
    if let Some(name) =
        path.strip_prefix(TRAITS).filter(|name| !name.is_empty() && name.len() <= said::TEXT_MAX)
    {
        return Ok(FieldRef::Trait(SmolStr::new(name)));
    }
    TABLE
        .iter()
        .find(|field| field.name == path)
        .map(FieldRef::Known)
        .ok_or_else(|| Unknown { path: said::bounded(path).into(), nearest: nearest(path) })
}

/// Returns the name that takes the fewest changes of a letter to reach.
fn nearest(path: &str) -> SmolStr {
    let distance = |field: &&Field| strsim::osa_distance(field.name, &said::bounded(path));
    TABLE.iter().min_by_key(distance).map(|field| SmolStr::new_static(field.name)).unwrap_or_default()
}
