//! What a Segment call means: lenient in its form (numbers as ids, other dialects' names, missing fields), strict in its meaning.

use std::borrow::Cow;

use smol_str::{SmolStr, ToSmolStr};

use super::border::{Border, ID_MAX, NAME_MAX, names_nobody};
use super::reject::{RejectReason, Rejection};
use super::time::time_of;
use super::vocabulary::{self, Known};
use super::wire::{self, Extent, Field, Object, Wire};
use super::{Call, Event};
use crate::ids::{ANONYMOUS_PREFIX, CustomerId, MessageId};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// Integers up to this size are exact as doubles, so that a number of either form is one id.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Returns the event that a record with the key `customer` holds; an empty key is none. `stamp` is the log's time at its append.
///
/// Errors: see [`RejectReason`]; each names the field.
/// Bounds: nesting up to [`crate::value::DEPTH_MAX`], `border.item_bytes_max` bytes.
pub fn decode(customer: &str, body: &[u8], stamp: Timestamp, border: &Border) -> Result<Event, Rejection> {
    let wire = wire::read(body, border, Extent::Whole)?;
    event_of(wire, body, customer, (stamp, border))
}

/// Returns the event that a call is.
pub(super) fn event_of(
    mut wire: Wire<'_>,
    body: &[u8],
    customer: &str,
    (stamp, border): (Timestamp, &Border),
) -> Result<Event, Rejection> {
    let call = call_of(&wire)?;
    let (named, anonymous) = ids_of(&wire, call)?;
    if named.as_str() != customer && !customer.is_empty() {
        let field = if named.is_anonymous() { "anonymousId" } else { "userId" };
        let message = format!(
            "makes this an event of {named}, but the record's key is {customer:?}; the key must be the customer's id"
        );
        return Err(Rejection::new(RejectReason::WrongKey, field, message));
    }
    let name = name_of(&wire, call)?;
    let (at, timeliness) = time_of(&wire, stamp, border)?;
    let message_text = message_text(&wire.message_id, body)?;
    let (locale, zone) = match &wire.context {
        Object::Members(context) => (word(&context.locale), word(&context.timezone)),
        Object::Absent | Object::Other(_) => (None, None),
    };
    let properties = properties_of(&mut wire, call)?;
    let message = MessageId::of(&message_text);
    Ok(Event {
        message,
        message_text,
        call,
        name,
        at,
        timeliness,
        customer: named,
        anonymous,
        properties,
        locale,
        zone,
    })
}

/// Returns the customer that a producer has to key the record with.
///
/// Errors: the body is no call, or names nobody. What [`decode`] refuses for another reason passes here.
pub fn customer_of(body: &[u8], border: &Border) -> Result<CustomerId, Rejection> {
    let wire = wire::read(body, border, Extent::Head)?;
    let call = call_of(&wire)?;
    ids_of(&wire, call).map(|(customer, _)| customer)
}

fn call_of(wire: &Wire<'_>) -> Result<Call, Rejection> {
    let text = match &wire.call {
        Field::Absent => return Ok(Call::Track),
        Field::Text(text) => text,
        Field::Integer(_) | Field::Real(_) | Field::Other(_) => {
            return Err(wrong_type("type", &wire.call, "a string"));
        }
    };
    call_named(text).ok_or_else(|| {
        let message =
            format!("is {}; legal are track, identify, page, screen, group and alias", quoted(text));
        Rejection::new(RejectReason::UnknownCall, "type", message)
    })
}

/// Returns the call of a name.
pub(super) fn call_named(name: &str) -> Option<Call> {
    Some(match name {
        "track" => Call::Track,
        "identify" => Call::Identify,
        "page" => Call::Page,
        "screen" => Call::Screen,
        "group" => Call::Group,
        "alias" => Call::Alias,
        _ => return None,
    })
}

/// What a field says about who it is.
enum Named<'a> {
    /// It is missing.
    Missing,
    /// It holds a word that clients send when they have no id.
    Nobody(Cow<'a, str>),
    Somebody(Cow<'a, str>),
}

/// Returns whose event it is, and the anonymous id that it names beside a user id.
fn ids_of(wire: &Wire<'_>, call: Call) -> Result<(CustomerId, Option<CustomerId>), Rejection> {
    let user = id_of("userId", &wire.user_id)?;
    if let Named::Somebody(id) = &user
        && id.starts_with(ANONYMOUS_PREFIX)
    {
        let message = format!(
            "is {}; a user id must not begin with {ANONYMOUS_PREFIX}, as only the customers behind an anonymousId do",
            quoted(id)
        );
        return Err(Rejection::new(RejectReason::BadId, "userId", message));
    }
    let mut other = id_of("anonymousId", &wire.anonymous_id)?;
    if call == Call::Alias
        && let previous @ Named::Somebody(_) = id_of("previousId", &wire.previous_id)?
    {
        other = previous;
    }
    match (user, other) {
        (Named::Somebody(user), Named::Somebody(anonymous)) => {
            Ok((CustomerId::user(&user), Some(CustomerId::anonymous(&anonymous))))
        }
        (Named::Somebody(user), Named::Missing | Named::Nobody(_)) => Ok((CustomerId::user(&user), None)),
        (Named::Missing | Named::Nobody(_), Named::Somebody(anonymous)) if call != Call::Alias => {
            Ok((CustomerId::anonymous(&anonymous), None))
        }
        (user @ (Named::Missing | Named::Nobody(_)), other) => {
            Err(Rejection::new(RejectReason::NoCustomer, "userId", nobody(&user, &other, call)))
        }
    }
}

/// Returns why no customer is named, in words.
fn nobody(user: &Named<'_>, other: &Named<'_>, call: Call) -> String {
    let said = |named: &Named<'_>| match named {
        Named::Missing => "is missing".to_owned(),
        Named::Nobody(word) => format!("is {word:?}, which names nobody"),
        Named::Somebody(_) => "is there".to_owned(),
    };
    if call == Call::Alias {
        return format!("{}; an alias call needs the id of the user that previousId belongs to", said(user));
    }
    format!("{}, and anonymousId {}; one of them must hold the id of somebody", said(user), said(other))
}

/// Returns who a field names.
fn id_of<'a>(field: &str, value: &'a Field<'_>) -> Result<Named<'a>, Rejection> {
    let id = match value {
        Field::Absent => return Ok(Named::Missing),
        Field::Text(text) => Cow::Borrowed(text.trim()),
        Field::Integer(number) => Cow::Owned(number.to_string()),
        Field::Real(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => {
            Cow::Owned((*number as i64).to_string())
        }
        Field::Real(_) => {
            let legal = "a string, or a whole number of at most 18 digits";
            return Err(wrong_type(field, value, legal));
        }
        Field::Other(_) => return Err(wrong_type(field, value, "a string or a whole number")),
    };
    if id.len() > ID_MAX {
        let message = format!("has {} bytes; at most {ID_MAX} are legal", id.len());
        return Err(Rejection::new(RejectReason::TooLarge, field, message));
    }
    if id.bytes().any(|byte| byte.is_ascii_control()) {
        let message = format!("is {id:?}; an id must not hold control characters");
        return Err(Rejection::new(RejectReason::BadId, field, message));
    }
    Ok(if names_nobody(&id) { Named::Nobody(id) } else { Named::Somebody(id) })
}

fn name_of(wire: &Wire<'_>, call: Call) -> Result<SmolStr, Rejection> {
    let known = match call {
        Call::Identify => Known::Identified,
        Call::Page => Known::PageViewed,
        Call::Screen => Known::ScreenViewed,
        Call::Group => Known::Grouped,
        Call::Alias => Known::Aliased,
        Call::Track => return track_name(&wire.event),
    };
    Ok(SmolStr::new_static(known.as_str()))
}

fn track_name(event: &Field<'_>) -> Result<SmolStr, Rejection> {
    let name = match event {
        Field::Absent => "",
        Field::Text(text) => text.trim(),
        Field::Integer(_) | Field::Real(_) | Field::Other(_) => {
            return Err(wrong_type("event", event, "a string"));
        }
    };
    if name.is_empty() {
        let message = "is missing; a track call must name what happened, e.g. \"Product Added\"";
        return Err(Rejection::new(RejectReason::NoName, "event", message));
    }
    if name.len() > NAME_MAX {
        let message = format!("has {} bytes; at most {NAME_MAX} are legal", name.len());
        return Err(Rejection::new(RejectReason::TooLarge, "event", message));
    }
    Ok(vocabulary::canonical(name))
}

/// Returns the message id as sent; without one, a hash of the body, so that the same bytes are the same message.
///
/// A word such as `undefined` is no message id: else all that a broken client sends would be one message.
fn message_text(message_id: &Field<'_>, body: &[u8]) -> Result<SmolStr, Rejection> {
    match message_id {
        Field::Text(text) if !names_nobody(text) => {
            let text = text.trim();
            Ok(if text.len() <= ID_MAX { SmolStr::new(text) } else { hashed("long", text.as_bytes()) })
        }
        Field::Integer(number) => Ok(number.to_smolstr()),
        Field::Absent | Field::Text(_) => Ok(body_message_id(body)),
        Field::Real(_) | Field::Other(_) => {
            Err(wrong_type("messageId", message_id, "a string, or a whole number of at most 18 digits"))
        }
    }
}

/// Returns the message id that [`decode`] gives a body without one.
pub fn body_message_id(body: &[u8]) -> SmolStr {
    hashed("body", body)
}

fn hashed(kind: &str, bytes: &[u8]) -> SmolStr {
    smol_str::format_smolstr!("{kind}-{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

/// Returns the text of a field that may hold anything, where it is one.
fn word(field: &Field<'_>) -> Option<SmolStr> {
    match field {
        Field::Text(text) if !text.trim().is_empty() => Some(SmolStr::new(text.trim())),
        Field::Absent | Field::Text(_) | Field::Integer(_) | Field::Real(_) | Field::Other(_) => None,
    }
}

fn properties_of(wire: &mut Wire<'_>, call: Call) -> Result<Properties, Rejection> {
    let (field, members) = match call {
        Call::Identify | Call::Group => ("traits", std::mem::take(&mut wire.traits)),
        Call::Track | Call::Page | Call::Screen | Call::Alias => {
            ("properties", std::mem::take(&mut wire.properties))
        }
    };
    let mut properties = match members {
        Object::Members(properties) => properties,
        Object::Absent => Properties::default(),
        Object::Other(found) => {
            let message = format!("is {found}; legal is an object");
            return Err(Rejection::new(RejectReason::WrongType, field, message));
        }
    };
    match call {
        Call::Track => rename(&mut properties),
        Call::Page | Call::Screen => {
            complete(&mut properties, "name", &wire.name);
            complete(&mut properties, "category", &wire.category);
        }
        Call::Group => complete(&mut properties, "group_id", &wire.group_id),
        Call::Identify | Call::Alias => {}
    }
    Ok(properties)
}

/// Adds what the call says beside its properties, unless they say it.
fn complete(properties: &mut Properties, name: &'static str, field: &Field<'_>) {
    if properties.get(name).is_none()
        && let Some(text) = word(field)
    {
        properties.0.push((SmolStr::new_static(name), Value::Text(text)));
    }
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

pub(super) fn wrong_type(field: &str, value: &Field<'_>, legal: &str) -> Rejection {
    let found = match value {
        Field::Absent => "nothing",
        Field::Text(_) => "a string",
        Field::Integer(_) => "a number",
        Field::Real(_) => "a number that is not exact",
        Field::Other(found) => found,
    };
    Rejection::new(RejectReason::WrongType, field, format!("is {found}; legal is {legal}"))
}

/// Returns a text for a message: escaped, and cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let end = text.floor_char_boundary(SHOWN);
    if end == text.len() { format!("{text:?}") } else { format!("{:?} and more", &text[..end]) }
}
