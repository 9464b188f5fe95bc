//! CloudEvents 1.0 in their JSON format: the attributes around `data` complete what `data` says.
//!
//! `data` is a Segment call when it has a member `event`, or a `type` that is one of the six calls. Any other object is the properties
//! of an event that the attribute `type` names: by its last part, without a version, where the vocabulary knows that
//! (`com.shop.order_completed.v1` is `Order Completed`), else by the whole. Whose it is: `userId` and `anonymousId` of `data`, else
//! `subject`. When it was: what a call says, else `time`. Its message id is `source` and `id`, which name it by the specification.
//! The binary mode of Kafka is made this format at the border ([`crate::record::headers`]).
//! Source: CloudEvents 1.0.2, JSON event format.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Event;
use super::border::Border;
use super::reject::{RejectReason, Rejection};
use super::segment::{call_named, event_of, quoted, wrong_type};
use super::vocabulary::Known;
use super::wire::{Field, Members, Object, Wire, no_object, object_text};
use crate::ids::ANONYMOUS_PREFIX;
use crate::time::Timestamp;
use crate::value::Properties;

/// Bytes that the attributes may take beside `data`.
const ATTRIBUTES_BYTES_MAX: usize = 8 * 1_024;

/// A CloudEvent as it comes, its `data` read as a `D`. Of a name that occurs twice the last one counts, extension attributes are passed
/// over.
#[derive(Debug, Default)]
struct Envelope<'a, D> {
    around: Around<'a>,
    data: Object<D>,
}

/// What stands around `data`.
#[derive(Debug, Default)]
struct Around<'a> {
    specversion: Field<'a>,
    id: Field<'a>,
    source: Field<'a>,
    kind: Field<'a>,
    subject: Field<'a>,
    time: Field<'a>,
    datacontenttype: Field<'a>,
    data_base64: Field<'a>,
}

/// The attributes, judged.
struct Attributes<'a> {
    /// Names the event for ever.
    message_id: String,
    kind: &'a str,
    subject: Option<&'a str>,
    time: Option<&'a str>,
}

/// Returns the event that a record with the key `customer` holds; an empty key is none. `stamp` is the log's time at its append.
///
/// Errors: `BadAttribute` → an attribute is missing or not legal · else see [`RejectReason`]; each names the attribute or, of `data`,
/// the field.
/// Bounds: nesting as [`super::decode`], `border.item_bytes_max` bytes and 8 KiB for the attributes.
pub fn decode(customer: &str, body: &[u8], stamp: Timestamp, border: &Border) -> Result<Event, Rejection> {
    let Envelope { around, data } = read::<Wire<'_>>(body, border)?;
    let attributes = around.attributes()?;
    let mut wire = data_of(data, &around.data_base64)?;
    // What a rejection calls by the name of a call's field, and by what the sender wrote instead.
    let mut written: Vec<(&str, &str)> = Vec::new();
    if !is_call(&wire) {
        let Envelope { data, .. } = read::<Properties>(body, border)?;
        wire = Wire {
            event: Field::Text(name_of(attributes.kind)),
            user_id: wire.user_id,
            anonymous_id: wire.anonymous_id,
            properties: Object::Members(data_of(data, &around.data_base64)?),
            ..Wire::default()
        };
        written.push(("event", "type"));
    }
    if wire.user_id == Field::Absent && wire.anonymous_id == Field::Absent {
        name_customer(&mut wire, attributes.subject)?;
        written.extend([("userId", "subject"), ("anonymousId", "subject")]);
    }
    if let Some(time) = attributes.time.filter(|_| is_without_time(&wire)) {
        wire.timestamp = Field::Text(Cow::Borrowed(time));
        written.push(("timestamp", "time"));
    }
    wire.message_id = Field::Text(Cow::Owned(attributes.message_id));
    event_of(wire, body, customer, (stamp, border)).map_err(|mut rejection| {
        if let Some((_, attribute)) = written.iter().find(|(field, _)| *field == rejection.field) {
            rejection.field = (*attribute).into();
        }
        rejection
    })
}

/// Reads a body as a CloudEvent.
///
/// Errors: `TooLarge` → above the bound · `TooDeep` → data nests too deep · `MalformedJson` → all else.
fn read<'a, D: Members<'a> + Default>(body: &'a [u8], border: &Border) -> Result<Envelope<'a, D>, Rejection> {
    let max = border.item_bytes_max.saturating_add(ATTRIBUTES_BYTES_MAX);
    let legal = "a CloudEvent is legal: one JSON object with specversion, id, source, type and data";
    let text = object_text(body, max, legal)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Deserializer::deserialize_map(&mut json, EnvelopeVisitor(PhantomData));
    read.and_then(|envelope| json.end().map(|()| envelope))
        .map_err(|error| no_object(&error, "data", "a CloudEvent"))
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    SpecVersion,
    Id,
    Source,
    Type,
    Subject,
    Time,
    DataContentType,
    Data,
    #[serde(rename = "data_base64")]
    DataBase64,
    #[serde(other)]
    Other,
}

struct EnvelopeVisitor<D>(PhantomData<D>);

impl<'de, D: Members<'de> + Default> Visitor<'de> for EnvelopeVisitor<D> {
    type Value = Envelope<'de, D>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Envelope<'de, D>, A::Error> {
        let mut envelope = Envelope::default();
        let around = &mut envelope.around;
        while let Some(key) = access.next_key()? {
            match key {
                Key::SpecVersion => around.specversion = access.next_value()?,
                Key::Id => around.id = access.next_value()?,
                Key::Source => around.source = access.next_value()?,
                Key::Type => around.kind = access.next_value()?,
                Key::Subject => around.subject = access.next_value()?,
                Key::Time => around.time = access.next_value()?,
                Key::DataContentType => around.datacontenttype = access.next_value()?,
                Key::Data => envelope.data = access.next_value()?,
                Key::DataBase64 => around.data_base64 = access.next_value()?,
                Key::Other => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

impl Around<'_> {
    fn attributes(&self) -> Result<Attributes<'_>, Rejection> {
        let version = needed("specversion", &self.specversion, "\"1.0\"")?;
        if version != "1.0" {
            return Err(illegal("specversion", format!("is {}; legal is \"1.0\"", quoted(version))));
        }
        let id = needed("id", &self.id, "a text that no other event of the source has")?;
        let source = needed("source", &self.source, "who sends it, as \"/shop/checkout\"")?;
        let kind = needed("type", &self.kind, "what happened, as \"com.shop.order_completed\"")?;
        if let Some(media) = text("datacontenttype", &self.datacontenttype)?
            && !is_json(media)
        {
            let message = format!("is {}; legal is application/json", quoted(media));
            return Err(illegal("datacontenttype", message));
        }
        // A source is a URI reference, which holds no blank: no two pairs are written alike.
        let message_id = format!("{source} {id}");
        let (subject, time) = (text("subject", &self.subject)?, text("time", &self.time)?);
        Ok(Attributes { message_id, kind, subject, time })
    }
}

/// Returns what `data` holds, which is an object.
fn data_of<D>(data: Object<D>, data_base64: &Field<'_>) -> Result<D, Rejection> {
    let found = match (data, data_base64) {
        (Object::Members(data), _) => return Ok(data),
        // What is no JSON in binary mode comes here as a string.
        (Object::Other("a string"), _) => "is a string, or was no JSON when it was sent",
        (Object::Other(found), _) => return Err(no_data(&format!("is {found}"))),
        (Object::Absent, Field::Absent) => "is missing",
        (Object::Absent, Field::Text(_) | Field::Integer(_) | Field::Real(_) | Field::Other(_)) => {
            "is missing, and data_base64 is not read"
        }
    };
    Err(no_data(found))
}

fn no_data(found: &str) -> Rejection {
    let legal = "legal is a JSON object: a Segment call, or the properties of the event";
    Rejection::new(RejectReason::WrongType, "data", format!("{found}; {legal}"))
}

/// Returns the text of an attribute that every CloudEvent has.
fn needed<'a>(name: &str, field: &'a Field<'_>, legal: &str) -> Result<&'a str, Rejection> {
    text(name, field)?.ok_or_else(|| {
        let message =
            format!("is missing; a CloudEvent must say {legal} (in binary mode in the header ce_{name})");
        illegal(name, message)
    })
}

/// Returns the text of an attribute; a blank one is none.
fn text<'a>(name: &str, field: &'a Field<'_>) -> Result<Option<&'a str>, Rejection> {
    match field {
        Field::Absent => Ok(None),
        Field::Text(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Field::Integer(_) | Field::Real(_) | Field::Other(_) => Err(wrong_type(name, field, "a string")),
    }
}

fn illegal(attribute: &str, message: String) -> Rejection {
    Rejection::new(RejectReason::BadAttribute, attribute, message)
}

/// Returns true for a media type of JSON.
fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or(media).trim();
    let Some((_, subtype)) = media.split_once('/') else { return false };
    subtype.eq_ignore_ascii_case("json")
        || subtype.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
}

/// Returns true when `data` is a Segment call.
fn is_call(data: &Wire<'_>) -> bool {
    let named = match &data.call {
        Field::Text(name) => call_named(name).is_some(),
        Field::Absent | Field::Integer(_) | Field::Real(_) | Field::Other(_) => false,
    };
    named || data.event != Field::Absent
}

fn is_without_time(call: &Wire<'_>) -> bool {
    [&call.timestamp, &call.original_timestamp, &call.sent_at, &call.received_at]
        .into_iter()
        .all(|field| *field == Field::Absent)
}

/// Returns what an event of this type is called.
fn name_of(kind: &str) -> Cow<'_, str> {
    let parts = match kind.rsplit_once('.') {
        Some((name, version)) if is_version(version) => name,
        Some(_) | None => kind,
    };
    let last = parts.rsplit(['.', '/']).next().unwrap_or(parts);
    Known::of(last).map_or(Cow::Borrowed(kind), |known| Cow::Borrowed(known.as_str()))
}

/// Returns true for `v1`, `v2` and so on.
fn is_version(part: &str) -> bool {
    part.strip_prefix(['v', 'V'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Names the customer by the subject.
fn name_customer<'a>(wire: &mut Wire<'a>, subject: Option<&'a str>) -> Result<(), Rejection> {
    let Some(subject) = subject else {
        let message = "is missing, and data has neither userId nor anonymousId; one of them must hold the customer's id";
        return Err(Rejection::new(RejectReason::NoCustomer, "subject", message));
    };
    match subject.strip_prefix(ANONYMOUS_PREFIX) {
        Some(anonymous) => wire.anonymous_id = Field::Text(Cow::Borrowed(anonymous)),
        None => wire.user_id = Field::Text(Cow::Borrowed(subject)),
    }
    Ok(())
}
