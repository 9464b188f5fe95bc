//! Google Analytics 4, Measurement Protocol: `/mp/collect`, and `/debug/mp/collect`, which looks at events and keeps none.
//!
//! An event becomes a track call: `name` is its name, `params` are its properties, `client_id` (`app_instance_id` of an app) is the
//! anonymous id, `user_id` the customer's. Names of its vocabulary are known to the decoder. `user_properties` become one identify call
//! more, the last. As its clients expect, a bad event is no error: the answer is 204, and the debug route says what is wrong. A key that is
//! wrong, a body that is too large and events that are not durable are errors all the same, since they would be lost unseen else.
//! Source: Google Analytics, Measurement Protocol reference and validation.

use std::borrow::Cow;

use actix_web::HttpResponse;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::members::{Members, Object};
use super::{
    Asked, Body, Candidate, Dialect, Done, Fault, HasTime, Purpose, Rejected, Sent, list, malformed,
    message_id, text,
};
use crate::http::document::Good;
use crate::http::problem::Refusal;

/// What the answer to a malformed body and to bad events says of their index.
const EVENTS: &str = "events";

/// One route of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Google {
    /// `/mp/collect`.
    Collect,
    /// `/debug/mp/collect`.
    Debug,
}

impl Dialect for Google {
    fn as_str(&self) -> &'static str {
        match self {
            Google::Collect => "ga4",
            Google::Debug => "ga4_debug",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Google::Collect => Purpose::Keep,
            Google::Debug => Purpose::Check,
        }
    }

    /// Its clients send JSON under any type, or none.
    fn refuses(&self, _asked: &Asked<'_>) -> Option<&'static str> {
        None
    }

    fn key(&self, asked: &Asked<'_>) -> Option<String> {
        asked.query("api_secret")
    }

    fn read(&self, _asked: &Asked<'_>, body: &Bytes) -> Result<Sent, Refusal> {
        read(body)
    }

    fn field<'a>(&self, ours: &'a str) -> &'a str {
        theirs(ours)
    }

    fn good(&self) -> Good {
        match self {
            Google::Collect => Good { status: 204, media: None },
            Google::Debug => Good::JSON,
        }
    }

    fn done(&self, _asked: &Asked<'_>, done: &Done) -> HttpResponse {
        match self {
            Google::Collect => HttpResponse::NoContent().finish(),
            Google::Debug => messages(done.rejected.iter().map(message).collect()),
        }
    }

    fn refused(&self, _asked: &Asked<'_>, refusal: &Refusal) -> HttpResponse {
        match (self, refusal) {
            (Google::Collect, Refusal::Malformed { .. }) => HttpResponse::NoContent().finish(),
            (Google::Debug, Refusal::Malformed { field, message }) => messages(vec![json!({
                "fieldPath": field, "description": message, "validationCode": "VALUE_INVALID",
            })]),
            (Google::Collect | Google::Debug, other) => other.problem(),
        }
    }
}

fn messages(messages: Vec<Value>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"validationMessages": messages}))
}

fn message(rejected: &Rejected) -> Value {
    let Rejected { index, fault: Fault { code, field, message }, .. } = rejected;
    let path = match field.as_str() {
        of_request @ ("client_id" | "user_id" | "user_properties") => of_request.to_owned(),
        of_event => format!("{EVENTS}[{index}].{of_event}"),
    };
    let code = match *code {
        "no_name" | "no_customer" => "VALUE_REQUIRED",
        "too_large" | "too_deep" => "VALUE_OUT_OF_BOUNDS",
        _ => "VALUE_INVALID",
    };
    json!({"fieldPath": path, "description": format!("{field} {message}"), "validationCode": code})
}

/// Returns what the protocol calls a field.
fn theirs(ours: &str) -> &str {
    match ours {
        "userId" => "user_id",
        "anonymousId" => "client_id",
        "event" => "name",
        "properties" => "params",
        "timestamp" => "timestamp_micros",
        "traits" => "user_properties",
        other => other,
    }
}

fn read(body: &Bytes) -> Result<Sent, Refusal> {
    let whole = Members::read(text(body)?)
        .map_err(|error| malformed("body", format!("is not one JSON object: {error}")))?;
    let events =
        whole.get(EVENTS).ok_or_else(|| malformed(EVENTS, "is missing; legal is a list".to_owned()))?;
    let mut candidates = Vec::new();
    for (index, event) in list(EVENTS, events.get())?.into_iter().enumerate() {
        let read = track(&whole, event, index).map(|object| Body::Segment(object.end()));
        candidates.push(Candidate { id: None, read });
    }
    if let Some(properties) = whole.get("user_properties") {
        let read = identify(&whole, properties).map(|object| Body::Segment(object.end()));
        candidates.push(Candidate { id: None, read });
    }
    Ok(Sent { key: None, events: candidates })
}

/// Returns the call that an event is.
fn track(whole: &Members<'_>, event: &RawValue, index: usize) -> Result<Object, Fault> {
    let members = Members::read(event.get()).map_err(|error| Fault::no_object(&error))?;
    let mut call = Object::new();
    call.text("type", "track");
    for (theirs, ours) in [("name", "event"), ("params", "properties")] {
        if let Some(value) = members.get(theirs) {
            call.raw(ours, value);
        }
    }
    let at = members.get("timestamp_micros").or_else(|| whole.get("timestamp_micros"));
    complete(call, whole, (at, index))
}

/// Returns the call that says what a request tells of its user.
fn identify(whole: &Members<'_>, properties: &RawValue) -> Result<Object, Fault> {
    let wrong = |found: &str| {
        let legal = r#"legal is an object of objects, e.g. {"plan": {"value": "gold"}}"#;
        Fault::new("wrong_type", "user_properties", format!("{found}; {legal}"))
    };
    let of_user = Members::read(properties.get()).map_err(|_| wrong("is no object"))?;
    let mut traits = Object::new();
    for (name, property) in of_user.iter() {
        let property = Members::read(property.get())
            .map_err(|_| wrong(&format!("holds {name:?}, which is no object")))?;
        if let Some(value) = property.get("value") {
            traits.raw(name, value);
        }
    }
    let mut call = Object::new();
    call.text("type", "identify").object("traits", traits);
    complete(call, whole, (whole.get("timestamp_micros"), 0))
}

/// Adds who it was and when, and what tells the call from others.
fn complete(
    mut call: Object,
    whole: &Members<'_>,
    (at, index): (Option<&RawValue>, usize),
) -> Result<Object, Fault> {
    if let Some(user) = whole.get("user_id") {
        call.raw("userId", user);
    }
    if let Some(client) = whole.get("client_id").or_else(|| whole.get("app_instance_id")) {
        call.raw("anonymousId", client);
    }
    let has_time = match at.map(millis).transpose()? {
        Some(at) => {
            call.integer("timestamp", at);
            HasTime::Yes
        }
        None => HasTime::No,
    };
    // Two events of a request may be alike.
    let mut sent = call.so_far().to_vec();
    sent.extend(index.to_string().bytes());
    call.text("messageId", &message_id(&sent, has_time));
    Ok(call)
}

/// Returns microseconds since 1970, a number or a text, as milliseconds.
fn millis(micros: &RawValue) -> Result<i64, Fault> {
    let text = super::members::text_of(micros).unwrap_or(Cow::Borrowed(micros.get()));
    let micros: Option<i64> = text.trim().parse().ok();
    micros.map(|micros| micros.div_euclid(1_000)).ok_or_else(|| {
        let message = format!(
            "is {}, which is no time; legal is a whole number of microseconds since 1970",
            shown(&text)
        );
        Fault::new("bad_time", "timestamp_micros", message)
    })
}

/// Returns a value as a message shows it: escaped, and short.
fn shown(text: &str) -> String {
    format!("{:?}", &text[..text.floor_char_boundary(40)])
}

#[cfg(test)]
mod tests {
    use schemas::event::{Border, Call, Event, decode};
    use schemas::time::Timestamp;

    use super::super::tests::{asked, check_faults};
    use super::*;

    fn events(body: &str) -> Vec<Event> {
        let sent = Google::Collect
            .read(&asked("", ""), &Bytes::copy_from_slice(body.as_bytes()))
            .expect("a good body");
        let decoded = |candidate: Candidate| match candidate.read.expect("a good event") {
            Body::Segment(json) => {
                decode("", &json, Timestamp(1_795_000_000_000), &Border::default()).expect("a good call")
            }
            Body::Cloud(_) => panic!("no CloudEvent was sent"),
        };
        sent.events.into_iter().map(decoded).collect()
    }

    #[test]
    fn an_event_becomes_a_track_call_of_the_vocabulary() {
        let found = events(
            r#"{"client_id":"c.1","user_id":"u1","timestamp_micros":"1794999999123456","events":[
                {"name":"purchase","params":{"transaction_id":"t1","value":12.5,"currency":"EUR",
                 "items":[{"item_id":"p","price":12.5,"quantity":1}]}},
                {"name":"level_up","timestamp_micros":1794999998000000}],
                "user_properties":{"plan":{"value":"gold"}}}"#,
        );
        let names: Vec<_> = found.iter().map(|event| (event.call, event.name.as_str())).collect();
        assert_eq!(
            names,
            [(Call::Track, "Order Completed"), (Call::Track, "level_up"), (Call::Identify, "Identified")]
        );
        assert_eq!(found[0].customer.as_str(), "u1");
        assert_eq!(found[0].anonymous.as_ref().map(|id| id.as_str()), Some("anon:c.1"));
        assert_eq!((found[0].at, found[1].at), (Timestamp(1_794_999_999_123), Timestamp(1_794_999_998_000)));
        assert!(
            found[0].properties.get("order_id").is_some() && found[0].properties.get("products").is_some()
        );
        assert!(found[2].properties.get("plan").is_some());
    }

    #[test]
    fn an_event_with_a_time_counts_once_and_one_without_each_time_it_is_sent() {
        let ids = |time: &str| -> Vec<_> {
            let body = format!(r#"{{"client_id":"c"{time},"events":[{{"name":"a"}},{{"name":"a"}}]}}"#);
            events(&body).iter().map(|event| event.message).collect()
        };
        let timed = ids(r#","timestamp_micros":1794999999000000"#);
        assert_eq!(ids(r#","timestamp_micros":1794999999000000"#), timed, "sent again");
        assert_ne!(timed[0], timed[1], "two of one request are two");
        assert_ne!(ids("")[0], ids("")[0], "nothing tells these from two events");
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_the_protocol() {
        let body = r#"{"client_id":"c","events":[{"params":{}},7,{"name":"a","params":[]},
            {"name":"a","timestamp_micros":"soon"},{"name":"a"}],"user_properties":{"a":1}}"#;
        check_faults(
            &Google::Debug,
            body,
            &[
                (0, "no_name", "name"),
                (1, "malformed_json", "body"),
                (2, "wrong_type", "params"),
                (3, "bad_time", "timestamp_micros"),
                (5, "wrong_type", "user_properties"),
            ],
        );
        check_faults(&Google::Collect, r#"{"events":[{"name":"a"}]}"#, &[(0, "no_customer", "user_id")]);
        for bad in ["", "[]", "{}", r#"{"events":{}}"#] {
            let refusal = Google::Collect.read(&asked("", ""), &Bytes::copy_from_slice(bad.as_bytes()));
            assert!(matches!(refusal, Err(Refusal::Malformed { .. })), "{bad}");
        }
    }
}
