//! The closed table of profile fields that triggers, templates and the command line may name.

use smol_str::SmolStr;

use super::Profile;
use crate::time::Timestamp;
use crate::value::Value;

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
    /// Returns the next instant after now at which the value changes by time alone.
    pub next_change: fn(&Profile, Timestamp) -> Option<Timestamp>,
}

/// Every field, by name; `traits.*` stands beside it.
pub const TABLE: &[Field] = &[];

/// A path that was looked up.
#[derive(Clone, Debug)]
pub enum FieldRef {
    /// A field of [`TABLE`].
    Known(&'static Field),
    /// The trait of this name.
    Trait(SmolStr),
}

impl FieldRef {
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
        match self {
            FieldRef::Known(field) => (field.next_change)(profile, now),
            FieldRef::Trait(_) => None,
        }
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
    if let Some(name) = path.strip_prefix("traits.").filter(|name| !name.is_empty()) {
        return Ok(FieldRef::Trait(SmolStr::new(name)));
    }
    TABLE
        .iter()
        .find(|field| field.name == path)
        .map(FieldRef::Known)
        .ok_or_else(|| Unknown { path: SmolStr::new(path), nearest: SmolStr::default() })
}
