//! Traits: what identify calls say about the person, kept as far as triggers and templates need it.
//!
//! E-mail addresses and phone numbers are not kept: the trait is then `true` for "known", and the value's hash leads here through
//! the link index.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{pack, said};
use crate::customer::{Link, LinkKind};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// Traits that are kept; further names are ignored.
pub const TRAITS_MAX: usize = 24;

/// Links of contact values that are remembered, so that a repeated identify call does not emit them again.
const CONTACTS_MAX: usize = 8;

/// What identify calls said, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    by_name: Vec<(SmolStr, Value)>,
    at: Timestamp,
    contacts: Vec<Link>,
}

impl Traits {
    /// Returns a trait.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.by_name.iter().find(|(of, _)| of == name).map(|(_, value)| value)
    }

    /// Returns every trait.
    pub fn iter(&self) -> impl Iterator<Item = &(SmolStr, Value)> {
        self.by_name.iter()
    }

    /// Takes the traits of an identify call and returns links to contact values that are new. An older call fills gaps only.
    pub fn take(&mut self, traits: &Properties, at: Timestamp) -> Vec<Link> {
        let newer = at >= self.at;
        self.at = self.at.max(at);
        let mut links = Vec::new();
        for (name, value) in &traits.0 {
            if let (Some(kind), Value::Text(text)) = (contact(name), value) {
                let link = said::link(kind, text);
                if !text.trim().is_empty() && !self.contacts.contains(&link) {
                    let surplus = (self.contacts.len() + 1).saturating_sub(CONTACTS_MAX);
                    self.contacts.drain(..surplus);
                    pack::room(&mut self.contacts, 1);
                    self.contacts.push(link);
                    links.push(link);
                }
            }
            if let Some(value) = kept(name, value) {
                self.set(name, value, newer);
            }
        }
        links
    }

    /// Adds the traits of another profile where this one has none.
    pub fn merge(&mut self, other: Traits) {
        for (name, value) in other.by_name {
            self.set(&name, value, false);
        }
        for link in other.contacts {
            if !self.contacts.contains(&link) && self.contacts.len() < CONTACTS_MAX {
                self.contacts.push(link);
            }
        }
        self.at = self.at.max(other.at);
    }

    fn set(&mut self, name: &str, value: Value, replaces: bool) {
        let room = self.by_name.len() < TRAITS_MAX;
        match self.by_name.iter_mut().find(|(of, _)| of == name) {
            Some((_, here)) if replaces => *here = value,
            Some(_) => {}
            None if room => {
                pack::room(&mut self.by_name, 1);
                self.by_name.push((SmolStr::new(name), value));
            }
            None => {}
        }
    }
}

fn contact(name: &str) -> Option<LinkKind> {
    match name {
        "email" => Some(LinkKind::Email),
        "phone" => Some(LinkKind::Phone),
        _ => None,
    }
}

/// Returns what is kept of a trait: short scalars; of a contact value only that it is known; of consent nothing, for it has its
/// own place.
fn kept(name: &str, value: &Value) -> Option<Value> {
    if name.len() > said::TEXT_MAX || name == "consent" || name.ends_with("_consent") {
        return None;
    }
    match value {
        Value::Text(text) if contact(name).is_some() => Some(Value::Bool(!text.trim().is_empty())),
        Value::Text(text) => Some(Value::Text(SmolStr::new(&*said::bounded(text)))),
        Value::Bool(_) => Some(value.clone()),
        Value::Number(number) => number.is_finite().then(|| value.clone()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
