//! Property values: what a sender may put under any name. Owned, ordered, cheap to look up in small maps.
//!
//! In JSON a value is the JSON value itself; in the row codec, which does not describe itself, it is a tagged one.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Lists and objects that may stand inside each other in JSON, the outermost included.
pub const DEPTH_MAX: u8 = 32;

/// A JSON value. Numbers are `f64`: a larger integer keeps its text form only where the sender quotes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// JSON null.
    #[default]
    Null,
    /// JSON true or false.
    Bool(bool),
    /// JSON number, always finite.
    Number(f64),
    /// JSON string.
    Text(SmolStr),
    /// JSON array.
    List(Vec<Value>),
    /// JSON object.
    Map(Properties),
}

impl Value {
    /// Returns the JSON type's name, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "an array",
            Value::Map(_) => "an object",
        }
    }

    /// Returns the number that the value is or spells.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the text that the value is.
    pub fn as_text(&self) -> Option<&SmolStr> {
        match self {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// A JSON object in the sender's order; of a name that occurs twice the last one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties(pub Vec<(SmolStr, Value)>);

impl Properties {
    /// Returns the value under `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Returns the value at a dotted path, e.g. `address.city`; a name that holds dots itself comes first.
    pub fn at(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.get(path) {
            return Some(value);
        }
        let (head, rest) = path.split_once('.')?;
        match self.get(head)? {
            Value::Map(inner) => inner.at(rest),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }
    }
}

/// The form of a value in a codec that does not describe itself.
#[derive(Serialize, Deserialize)]
enum Tagged {
    Null,
    Bool(bool),
    Number(f64),
    Text(SmolStr),
    List(Vec<Value>),
    Map(Properties),
}

/// The same, borrowed.
#[derive(Serialize)]
enum TaggedRef<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a SmolStr),
    List(&'a [Value]),
    Map(&'a Properties),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return match self {
                Value::Null => TaggedRef::Null,
                Value::Bool(value) => TaggedRef::Bool(*value),
                Value::Number(value) => TaggedRef::Number(*value),
                Value::Text(value) => TaggedRef::Text(value),
                Value::List(value) => TaggedRef::List(value),
                Value::Map(value) => TaggedRef::Map(value),
            }
            .serialize(serializer);
        }
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                serializer.serialize_i64(*value as i64)
            }
            Value::Number(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Value::Map(values) => values.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let mut value = Value::Null;
            return Fill { value: &mut value, levels: DEPTH_MAX }.deserialize(deserializer).map(|()| value);
        }
        Ok(match Tagged::deserialize(deserializer)? {
            Tagged::Null => Value::Null,
            Tagged::Bool(value) => Value::Bool(value),
            Tagged::Number(value) => Value::Number(value),
            Tagged::Text(value) => Value::Text(value),
            Tagged::List(value) => Value::List(value),
            Tagged::Map(value) => Value::Map(value),
        })
    }
}

/// Reads a value from JSON into its place; it may open so many more lists and objects. A value that is handed on by every layer of
/// the parser is copied by each.
struct Fill<'v> {
    value: &'v mut Value,
    levels: u8,
}

impl Fill<'_> {
    /// Returns how many levels are left one level further in.
    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.levels
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nests deeper than {DEPTH_MAX} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Fill<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.value = Value::Null;
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.value = Value::Bool(value);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        *self.value = if value.is_finite() { Value::Number(value) } else { Value::Null };
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        *self.value = Value::Text(SmolStr::new(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let levels = self.inner()?;
        let mut values = Vec::new();
        let mut value = Value::Null;
        while access.next_element_seed(Fill { value: &mut value, levels })?.is_some() {
            values.push(std::mem::take(&mut value));
        }
        *self.value = Value::List(values);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        *self.value = Value::Map(entries(access, self.inner()?, 4)?);
        Ok(())
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_map(PropertiesVisitor);
        }
        Vec::deserialize(deserializer).map(Properties)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
    type Value = Properties;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Properties, A::Error> {
        Properties::read(access)
    }
}

impl Properties {
    /// Reads the members of a JSON object that nothing stands around.
    pub(crate) fn read<'de, A: MapAccess<'de>>(access: A) -> Result<Properties, A::Error> {
        entries(access, DEPTH_MAX - 1, 12)
    }
}

/// Reads the members of an object inside which so many more may be opened; `usual` members are made room for.
fn entries<'de, A: MapAccess<'de>>(mut access: A, levels: u8, usual: usize) -> Result<Properties, A::Error> {
    let mut values: Vec<(SmolStr, Value)> = Vec::with_capacity(usual);
    while let Some(name) = access.next_key()? {
        let (_, value) = values.push_mut((name, Value::Null));
        access.next_value_seed(Fill { value, levels })?;
    }
    Ok(Properties(values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-1e12..1e12).prop_map(Value::Number),
            ".{0,12}".prop_map(|text| Value::Text(text.into())),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec((".{0,6}".prop_map(SmolStr::from), inner), 0..5)
                    .prop_map(|entries| Value::Map(Properties(entries))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_survives_json_and_the_row_codec(value in any_value()) {
            let json = serde_json::to_vec(&value).expect("a value is JSON");
            prop_assert_eq!(&serde_json::from_slice::<Value>(&json).expect("its own JSON"), &value);
            let bytes = postcard::to_allocvec(&value).expect("a value can be encoded");
            prop_assert_eq!(&postcard::from_bytes::<Value>(&bytes).expect("its own bytes"), &value);
        }
    }
}
