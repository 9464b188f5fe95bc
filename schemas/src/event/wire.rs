//! One Segment call as it comes: JSON to fields, borrowed from the body where that is possible, judged by nobody yet.
//!
//! A field takes any JSON, so that a wrong type is told by the field's name later. Of a name that occurs twice the last one counts.
//! What no reader asks for is skipped, not built.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::border::Border;
use super::reject::{RejectReason, Rejection};
use crate::value::Properties;

/// What a field of a call holds. An integer that a double cannot hold exactly stays an integer as long as it fits.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Field<'a> {
    /// Nothing, or null.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Integer(i64),
    Real(f64),
    /// Another type, by its name.
    Other(&'static str),
}

/// What a field of a call holds that should hold an object.
#[derive(Debug, Default)]
pub(super) enum Object<T> {
    /// Nothing, or null.
    #[default]
    Absent,
    Members(T),
    /// Another type, by its name.
    Other(&'static str),
}

/// The fields of a call that anything is read from.
#[derive(Debug, Default)]
pub(super) struct Wire<'a> {
    pub(super) call: Field<'a>,
    pub(super) event: Field<'a>,
    pub(super) name: Field<'a>,
    pub(super) category: Field<'a>,
    pub(super) user_id: Field<'a>,
    pub(super) anonymous_id: Field<'a>,
    pub(super) previous_id: Field<'a>,
    pub(super) group_id: Field<'a>,
    pub(super) message_id: Field<'a>,
    pub(super) timestamp: Field<'a>,
    pub(super) original_timestamp: Field<'a>,
    pub(super) sent_at: Field<'a>,
    pub(super) received_at: Field<'a>,
    pub(super) properties: Object<Properties>,
    pub(super) traits: Object<Properties>,
    pub(super) context: Object<Context<'a>>,
}

/// The members of `context` that anything is read from.
#[derive(Debug, Default)]
pub(super) struct Context<'a> {
    pub(super) locale: Field<'a>,
    pub(super) timezone: Field<'a>,
}

/// How much of a call is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every field.
    Whole,
    /// Without properties, traits and context.
    Head,
}

/// Reads a body as a call.
///
/// Errors: `TooLarge` → above the border's bound · `TooDeep` → properties nest too deep · `MalformedJson` → all else.
pub(super) fn read<'a>(body: &'a [u8], border: &Border, extent: Extent) -> Result<Wire<'a>, Rejection> {
    let legal = r#"a Segment call is legal, e.g. {"userId": "42", "event": "Product Added"}"#;
    let text = object_text(body, border.item_bytes_max, legal)?;
    let mut wire = Wire::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let filled = Deserializer::deserialize_map(&mut json, Fill { wire: &mut wire, extent });
    let read = filled.and_then(|()| json.end());
    read.map_err(|error| no_object(&error, "body", "a Segment call"))?;
    Ok(wire)
}

/// Returns the text of a body that has to be one JSON object.
///
/// Errors: `TooLarge` → above `max` bytes · `MalformedJson` → no text, or another value than an object; `legal` says what is legal.
pub(super) fn object_text<'a>(body: &'a [u8], max: usize, legal: &str) -> Result<&'a str, Rejection> {
    if body.len() > max {
        let message = format!("has {} bytes; at most {max} are legal", body.len());
        return Err(Rejection::new(RejectReason::TooLarge, "body", message));
    }
    let malformed = |message: String| Rejection::new(RejectReason::MalformedJson, "body", message);
    let text = std::str::from_utf8(body).map_err(|error| {
        malformed(format!("is not UTF-8 from byte {} on; JSON must be", error.valid_up_to()))
    })?;
    if !text.trim_start().starts_with('{') {
        return Err(malformed(format!("is not a JSON object; {legal}")));
    }
    Ok(text)
}

/// Returns why a text was not read as the JSON object of `what`. Its members take every type, so the only complaint about data is that of
/// its depth, found in `deep`.
pub(super) fn no_object(error: &serde_json::Error, deep: &'static str, what: &str) -> Rejection {
    match error.classify() {
        Category::Data => Rejection::new(RejectReason::TooDeep, deep, error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => {
            let message = format!("is not one JSON object of {what}: {error}");
            Rejection::new(RejectReason::MalformedJson, "body", message)
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    Type,
    Event,
    Name,
    Category,
    UserId,
    AnonymousId,
    PreviousId,
    GroupId,
    MessageId,
    Timestamp,
    OriginalTimestamp,
    SentAt,
    ReceivedAt,
    Properties,
    Traits,
    Context,
    #[serde(other)]
    Other,
}

/// Fills a call in place: it is too large to be handed on by every layer of the parser.
struct Fill<'w, 'de> {
    wire: &'w mut Wire<'de>,
    extent: Extent,
}

impl<'de> Visitor<'de> for Fill<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Segment call")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Self { wire, extent } = self;
        while let Some(key) = access.next_key()? {
            match key {
                Key::Type => wire.call = access.next_value()?,
                Key::Event => wire.event = access.next_value()?,
                Key::Name => wire.name = access.next_value()?,
                Key::Category => wire.category = access.next_value()?,
                Key::UserId => wire.user_id = access.next_value()?,
                Key::AnonymousId => wire.anonymous_id = access.next_value()?,
                Key::PreviousId => wire.previous_id = access.next_value()?,
                Key::GroupId => wire.group_id = access.next_value()?,
                Key::MessageId => wire.message_id = access.next_value()?,
                Key::Timestamp => wire.timestamp = access.next_value()?,
                Key::OriginalTimestamp => wire.original_timestamp = access.next_value()?,
                Key::SentAt => wire.sent_at = access.next_value()?,
                Key::ReceivedAt => wire.received_at = access.next_value()?,
                Key::Properties if extent == Extent::Whole => wire.properties = access.next_value()?,
                Key::Traits if extent == Extent::Whole => wire.traits = access.next_value()?,
                Key::Context if extent == Extent::Whole => wire.context = access.next_value()?,
                Key::Properties | Key::Traits | Key::Context | Key::Other => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<'de>, E> {
        Ok(Field::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(i64::try_from(number).map_or(Field::Real(number as f64), Field::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<'de>, E> {
        Ok(Field::Real(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field<'de>, E> {
        Ok(Field::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Field<'de>, A::Error> {
        IgnoredAny.visit_seq(access).map(|_| Field::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Field<'de>, A::Error> {
        IgnoredAny.visit_map(access).map(|_| Field::Other("an object"))
    }
}

/// What is read from the members of an object.
pub(super) trait Members<'de>: Sized {
    fn read<A: MapAccess<'de>>(access: A) -> Result<Self, A::Error>;
}

impl<'de> Members<'de> for Wire<'de> {
    fn read<A: MapAccess<'de>>(access: A) -> Result<Self, A::Error> {
        let mut wire = Wire::default();
        Fill { wire: &mut wire, extent: Extent::Whole }.visit_map(access)?;
        Ok(wire)
    }
}

impl<'de> Members<'de> for Properties {
    fn read<A: MapAccess<'de>>(access: A) -> Result<Self, A::Error> {
        Properties::read(access)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ContextKey {
    Locale,
    Timezone,
    #[serde(other)]
    Other,
}

impl<'de> Members<'de> for Context<'de> {
    fn read<A: MapAccess<'de>>(mut access: A) -> Result<Self, A::Error> {
        let mut context = Context::default();
        while let Some(key) = access.next_key()? {
            match key {
                ContextKey::Locale => context.locale = access.next_value()?,
                ContextKey::Timezone => context.timezone = access.next_value()?,
                ContextKey::Other => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(context)
    }
}

impl<'de, T: Members<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_str<E>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object::Other("a string"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object::Other("a number"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Object<T>, A::Error> {
        IgnoredAny.visit_seq(access).map(|_| Object::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Object<T>, A::Error> {
        T::read(access).map(Object::Members)
    }
}
