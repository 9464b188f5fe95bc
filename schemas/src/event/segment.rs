//! Segment JSON to an [`Event`]: parsed once, leniently in the form (numbers as ids, missing fields), strictly in the meaning.

use serde::Deserialize;
use smol_str::{SmolStr, ToSmolStr};

use super::border::{BLOCKED_IDS, Border, ID_MAX, NAME_MAX};
use super::reject::{RejectReason, Rejection};
use super::{Call, Event, Timeliness, vocabulary};
use crate::ids::{CustomerId, MessageId};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// One call as it comes. Every field takes any JSON, so that a wrong type is told by the field's name.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    #[serde(rename = "type")]
    call: Value,
    event: Value,
    name: Value,
    user_id: Value,
    anonymous_id: Value,
    previous_id: Value,
    message_id: Value,
    timestamp: Value,
    original_timestamp: Value,
    sent_at: Value,
    received_at: Value,
    properties: Value,
    traits: Value,
    context: Value,
}

/// Returns the event that a record of `customer`'s partition holds. `stamp` is the log's time at its append.
///
/// Errors: see [`RejectReason`]; each names the field.
/// Bounds: nesting as deep as the JSON parser allows (128), `border.item_bytes_max` bytes.
pub fn decode(customer: &str, body: &[u8], stamp: Timestamp, border: &Border) -> Result<Event, Rejection> {
    let wire = parse(body, border)?;
    let call = call_of(&wire)?;
    let (named, anonymous) = ids_of(&wire, call)?;
    if named.as_str() != customer {
        let message = format!(
            "is of another customer than the record's key {customer:?}; the key must be the customer's id"
        );
        return Err(Rejection::new(RejectReason::WrongKey, "userId", message));
    }
    let (at, timeliness) = time_of(&wire, stamp, border)?;
    let message_text = message_text(&wire, body)?;
    let context = match &wire.context {
        Value::Map(context) => Some(context),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
    };
    let word = |name: &str| context.and_then(|context| context.get(name)).and_then(Value::as_text).cloned();
    let (locale, zone) = (word("locale"), word("timezone"));
    Ok(Event {
        message: MessageId::of(&message_text),
        message_text,
        call,
        name: name_of(&wire, call)?,
        at,
        timeliness,
        customer: named,
        anonymous,
        locale,
        zone,
        properties: properties_of(wire, call)?,
    })
}

/// Returns the customer that a producer has to key the record with.
///
/// Errors: the body is not JSON, or names nobody.
pub fn customer_of(body: &[u8], border: &Border) -> Result<CustomerId, Rejection> {
    let wire = parse(body, border)?;
    let call = call_of(&wire)?;
    ids_of(&wire, call).map(|(customer, _)| customer)
}

fn parse(body: &[u8], border: &Border) -> Result<Wire, Rejection> {
    if body.len() > border.item_bytes_max {
        let message = format!("has {} bytes; at most {} are legal", body.len(), border.item_bytes_max);
        return Err(Rejection::new(RejectReason::TooLarge, "body", message));
    }
    // A struct may come as an array to serde; a call may not.
    if body.trim_ascii_start().first() != Some(&b'{') {
        let message = "is not a JSON object; a Segment call is legal, e.g. {\"userId\": \"42\", \"event\": \"Product Added\"}";
        return Err(Rejection::new(RejectReason::MalformedJson, "body", message));
    }
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("is not one JSON object of a Segment call: {error}");
        Rejection::new(RejectReason::MalformedJson, "body", message)
    })
}

fn call_of(wire: &Wire) -> Result<Call, Rejection> {
    match &wire.call {
        Value::Null => Ok(Call::Track),
        Value::Text(text) => match text.as_str() {
            "track" => Ok(Call::Track),
            "identify" => Ok(Call::Identify),
            "page" => Ok(Call::Page),
            "screen" => Ok(Call::Screen),
            "group" => Ok(Call::Group),
            "alias" => Ok(Call::Alias),
            other => {
                let message =
                    format!("is {other:?}; legal are track, identify, page, screen, group and alias");
                Err(Rejection::new(RejectReason::UnknownCall, "type", message))
            }
        },
        other => Err(wrong_type("type", other, "a string")),
    }
}

/// Returns whose event it is, and the anonymous id that it names beside a user id.
fn ids_of(wire: &Wire, call: Call) -> Result<(CustomerId, Option<CustomerId>), Rejection> {
    let user = id_of("userId", &wire.user_id)?;
    let (field, other) = match call {
        Call::Alias => ("previousId", &wire.previous_id),
        Call::Identify | Call::Track | Call::Page | Call::Screen | Call::Group => {
            ("anonymousId", &wire.anonymous_id)
        }
    };
    let anonymous = id_of(field, other)?.map(|id| CustomerId::anonymous(&id));
    match (user, anonymous) {
        (Some(user), anonymous) => Ok((CustomerId::user(&user), anonymous)),
        (None, Some(anonymous)) => Ok((anonymous, None)),
        (None, None) => {
            let message = "names nobody, and neither does anonymousId; one of them must hold an id (blank ids and words such as null or guest do not count)";
            Err(Rejection::new(RejectReason::NoCustomer, "userId", message))
        }
    }
}

/// Returns the id that a field holds; `None` for ids that name nobody.
fn id_of(field: &str, value: &Value) -> Result<Option<SmolStr>, Rejection> {
    let id = match value {
        Value::Null => return Ok(None),
        Value::Text(text) => text.trim().to_smolstr(),
        Value::Number(number) if number.fract() == 0.0 => (*number as i64).to_smolstr(),
        other => return Err(wrong_type(field, other, "a string or a whole number")),
    };
    if id.len() > ID_MAX {
        let message = format!("has {} bytes; at most {ID_MAX} are legal", id.len());
        return Err(Rejection::new(RejectReason::TooLarge, field, message));
    }
    let blocked = id.len() <= 36 && BLOCKED_IDS.contains(&id.to_lowercase().as_str());
    Ok((!blocked).then(|| strip_reserved(&id)))
}

/// Takes the anonymous prefix off an id: a user id that carries it would name somebody else's row.
fn strip_reserved(id: &str) -> SmolStr {
    id.trim_start_matches(crate::ids::ANONYMOUS_PREFIX).to_smolstr()
}

fn name_of(wire: &Wire, call: Call) -> Result<SmolStr, Rejection> {
    let fixed = match call {
        Call::Identify => "Identified",
        Call::Page => "Page Viewed",
        Call::Screen => "Screen Viewed",
        Call::Group => "Grouped",
        Call::Alias => "Aliased",
        Call::Track => {
            return match &wire.event {
                Value::Text(text) if text.len() > NAME_MAX => {
                    let message = format!("has {} bytes; at most {NAME_MAX} are legal", text.len());
                    Err(Rejection::new(RejectReason::TooLarge, "event", message))
                }
                Value::Text(text) if !text.trim().is_empty() => Ok(vocabulary::canonical(text.trim())),
                Value::Null | Value::Text(_) => {
                    let message = "is missing; a track call must name what happened, e.g. \"Product Added\"";
                    Err(Rejection::new(RejectReason::NoName, "event", message))
                }
                other => Err(wrong_type("event", other, "a string")),
            };
        }
    };
    Ok(SmolStr::new_static(fixed))
}

/// Returns when it happened: as the server stamped it, else corrected for the sender's clock, else the log's time.
fn time_of(wire: &Wire, stamp: Timestamp, border: &Border) -> Result<(Timestamp, Timeliness), Rejection> {
    let original = instant("originalTimestamp", &wire.original_timestamp)?;
    let sent = instant("sentAt", &wire.sent_at)?;
    let received = instant("receivedAt", &wire.received_at)?;
    let corrected = match (original, sent, received) {
        (Some(original), Some(sent), Some(received)) => Some(received - (sent - original)),
        _ => None,
    };
    let at = instant("timestamp", &wire.timestamp)?.or(corrected).or(original).or(received).unwrap_or(stamp);
    Ok(if at > stamp + border.future {
        (stamp, Timeliness::Clamped)
    } else if at < stamp - border.late {
        (at, Timeliness::Late)
    } else {
        (at, Timeliness::OnTime)
    })
}

fn instant(field: &str, value: &Value) -> Result<Option<Timestamp>, Rejection> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(Some(Timestamp(*number as i64))),
        Value::Text(text) => match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(Some(Timestamp(instant.as_millisecond()))),
            Err(error) => {
                let message = format!(
                    "is {text:?}, which is no time ({error}); legal is ISO 8601 with an offset, e.g. 2026-11-24T08:30:00.000Z, or milliseconds since 1970"
                );
                Err(Rejection::new(RejectReason::BadTime, field, message))
            }
        },
        other => Err(wrong_type(field, other, "an ISO 8601 string or milliseconds since 1970")),
    }
}

/// Returns the message id as sent; without one, a hash of the body, so that the same bytes are the same message.
fn message_text(wire: &Wire, body: &[u8]) -> Result<SmolStr, Rejection> {
    match &wire.message_id {
        Value::Text(text) if !text.is_empty() && text.len() <= ID_MAX => Ok(text.clone()),
        Value::Text(text) if !text.is_empty() => Ok(hashed(text.as_bytes())),
        Value::Number(number) => Ok(number.to_smolstr()),
        Value::Null | Value::Text(_) => Ok(hashed(body)),
        other => Err(wrong_type("messageId", other, "a string")),
    }
}

fn hashed(bytes: &[u8]) -> SmolStr {
    smol_str::format_smolstr!("body-{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

fn properties_of(wire: Wire, call: Call) -> Result<Properties, Rejection> {
    let (field, value) = match call {
        Call::Identify | Call::Group => ("traits", wire.traits),
        Call::Track | Call::Page | Call::Screen | Call::Alias => ("properties", wire.properties),
    };
    let mut properties = match value {
        Value::Map(properties) => properties,
        Value::Null => Properties::default(),
        other => return Err(wrong_type(field, &other, "an object")),
    };
    if matches!(call, Call::Page | Call::Screen)
        && matches!(wire.name, Value::Text(_))
        && properties.get("name").is_none()
    {
        properties.0.push((SmolStr::new_static("name"), wire.name));
    }
    if call == Call::Track {
        rename(&mut properties);
    }
    Ok(properties)
}

/// Gives properties of other dialects the names they have here, where that name is free.
fn rename(properties: &mut Properties) {
    rename_by(properties, vocabulary::property);
    let products = properties.0.iter_mut().rev().find(|(name, _)| name == "products");
    if let Some((_, Value::List(lines))) = products {
        for line in lines {
            if let Value::Map(line) = line {
                rename_by(line, vocabulary::property);
                rename_by(line, vocabulary::line_property);
            }
        }
    }
}

fn rename_by(properties: &mut Properties, ours: fn(&str) -> Option<&'static str>) {
    for index in 0..properties.0.len() {
        if let Some(ours) = ours(&properties.0[index].0)
            && properties.get(ours).is_none()
        {
            properties.0[index].0 = SmolStr::new_static(ours);
        }
    }
}

fn wrong_type(field: &str, value: &Value, legal: &str) -> Rejection {
    Rejection::new(RejectReason::WrongType, field, format!("is {}; legal is {legal}", value.type_name()))
}
