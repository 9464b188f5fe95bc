//! JSON objects taken apart and put together without looking into their members: what is not changed is handed on byte by byte, however
//! deep it is and however exact its numbers are.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of an object, in their order. Of a name that occurs twice the last one counts, and null is none.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads an object.
    ///
    /// Errors: the text is none.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns what a member holds.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(known, _)| known == name)?;
        (value.get() != "null").then_some(*value)
    }

    /// Returns what a member holds, when that is a text.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text_of(self.get(name)?)
    }

    /// Returns name and value of every member.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }
}

/// A text that is borrowed where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns what a value says, when it is a text.
pub(super) fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), value)) = access.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// An object that is being written.
pub(super) struct Object(Vec<u8>);

impl Object {
    /// Returns an object without members.
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(512))
    }

    /// Adds a member as it was sent.
    pub(super) fn raw(&mut self, name: &str, value: &RawValue) -> &mut Self {
        self.name(name).extend_from_slice(value.get().as_bytes());
        self
    }

    /// Adds a text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        let json = self.name(name);
        put(json, text);
        self
    }

    /// Adds a whole number.
    pub(super) fn integer(&mut self, name: &str, number: i64) -> &mut Self {
        let json = self.name(name);
        json.extend_from_slice(number.to_string().as_bytes());
        self
    }

    /// Adds an object.
    pub(super) fn object(&mut self, name: &str, object: Object) -> &mut Self {
        let json = self.name(name);
        json.extend_from_slice(&object.end());
        self
    }

    /// Returns the bytes of what is there so far, without the end.
    pub(super) fn so_far(&self) -> &[u8] {
        &self.0
    }

    /// Returns the object as JSON.
    pub(super) fn end(mut self) -> Bytes {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0.into()
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        put(&mut self.0, name);
        self.0.push(b':');
        &mut self.0
    }
}

fn put(json: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(json, text).expect("a vector takes every byte, and every text is JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_handed_on_byte_by_byte() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let sent =
            format!(r#"{{"a":0.10,"b\n":{deep},"n":123456789012345678901234567890,"a":null,"t":"x\u0041"}}"#);
        let members = Members::read(&sent).expect("an object");
        assert!(members.get("a").is_none() && members.get("z").is_none());
        assert_eq!(members.text("t").as_deref(), Some("xA"));
        assert_eq!(members.text("n"), None);
        let mut object = Object::new();
        members.iter().for_each(|(name, value)| {
            object.raw(name, value);
        });
        assert_eq!(object.end(), sent.as_bytes());
        assert_eq!(Object::new().end(), "{}");
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "[]", "1", "{", "{}x", "{\"a\"}", "{\"a\":}", "null"] {
            assert!(Members::read(text).is_err(), "{text}");
        }
    }
}
