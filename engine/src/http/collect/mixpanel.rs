//! Mixpanel's `/track` and `/import`.
//!
//! An event becomes a track call: `$user_id`, else a `distinct_id` that is no device's, is the customer's id; `$device_id`, else a
//! `distinct_id` that begins with `$device:`, the anonymous one; `$insert_id` is the message id. `$identify` and `$create_alias` become
//! the calls that they are. The project token is our key, in `Authorization`, in the properties, or as `api_key` in the query.
//!
//! `/import` has two generations of clients. The newer send JSON, give every event an `$insert_id`, and are told of failed records; the
//! older send a parameter `data` and are answered as by `/track`.
//! Source: Mixpanel, Ingestion API; simplified ID merge.

use actix_web::HttpResponse;
use actix_web::http::Method;
use bytes::Bytes;
use openssl::base64::decode_block;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::members::{Members, Object, text_of};
use super::{
    Asked, Body, Candidate, Dialect, Done, Fault, HasTime, Rejected, Sent, at_most, list, malformed,
    message_id, text,
};
use crate::http::problem::Refusal;

/// What a distinct id begins with that is a device's.
const DEVICE_PREFIX: &str = "$device:";

/// Numbers below it are seconds since 1970, others milliseconds: the year 5138 in the one, 1973 in the other.
const SECONDS_MAX: f64 = 1e11;

/// Properties that become members of the call.
const TAKEN: [&str; 6] = ["token", "time", "distinct_id", "$user_id", "$device_id", "$insert_id"];

const FORM: &str = "application/x-www-form-urlencoded";
const LINES: &str = "application/x-ndjson";

/// One route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Mixpanel {
    /// `/track`: from browsers and apps.
    Track,
    /// `/import`: from servers.
    Import,
}

/// Whether every event has to say its message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InsertId {
    Optional,
    Required,
}

impl Mixpanel {
    /// Returns true for what the newer clients of `/import` send.
    fn imports(self, asked: &Asked<'_>) -> bool {
        self == Mixpanel::Import && !sends_data(asked)
    }
}

impl Dialect for Mixpanel {
    fn as_str(&self) -> &'static str {
        match self {
            Mixpanel::Track => "mixpanel",
            Mixpanel::Import => "mixpanel_import",
        }
    }

    fn refuses(&self, asked: &Asked<'_>) -> Option<&'static str> {
        refuses(asked)
    }

    fn key(&self, asked: &Asked<'_>) -> Option<String> {
        asked.query("api_key")
    }

    fn has_key_in_body(&self) -> bool {
        true
    }

    fn read(&self, asked: &Asked<'_>, body: &Bytes) -> Result<Sent, Refusal> {
        let insert_id = if self.imports(asked) { InsertId::Required } else { InsertId::Optional };
        read(asked, body, insert_id)
    }

    fn field<'a>(&self, ours: &'a str) -> &'a str {
        theirs(ours)
    }

    fn done(&self, asked: &Asked<'_>, done: &Done) -> HttpResponse {
        if !self.imports(asked) {
            return track_done(asked, done);
        }
        let is_strict = asked.query("strict").is_none_or(|strict| strict != "0");
        let Done { accepted, rejected } = done;
        if rejected.is_empty() || !is_strict {
            let answer = json!({"code": 200, "status": "OK", "num_records_imported": accepted});
            return HttpResponse::Ok().json(answer);
        }
        let failed: Vec<Value> = rejected.iter().map(failed_record).collect();
        HttpResponse::BadRequest().json(json!({
            "code": 400,
            "status": "Bad Request",
            "error": "some data points in the request failed validation",
            "num_records_imported": accepted,
            "failed_records": failed,
        }))
    }

    fn refused(&self, asked: &Asked<'_>, refusal: &Refusal) -> HttpResponse {
        if !self.imports(asked) {
            return track_refused(asked, refusal);
        }
        let status = refusal.status();
        let (code, reason) = (status.as_u16(), status.canonical_reason().unwrap_or_default());
        let body = json!({"code": code, "status": reason, "error": refusal.detail()}).to_string();
        refusal.with_body("application/json", body)
    }
}

fn failed_record(rejected: &Rejected) -> Value {
    let Rejected { index, id, fault: Fault { field, message, .. } } = rejected;
    json!({"index": index, "insert_id": id, "field": field, "message": message})
}

fn track_done(asked: &Asked<'_>, done: &Done) -> HttpResponse {
    let error = done
        .rejected
        .first()
        .map(|Rejected { index, fault, .. }| format!("event {index}: {} {}", fault.field, fault.message));
    track_answer(asked, error)
}

fn track_refused(asked: &Asked<'_>, refusal: &Refusal) -> HttpResponse {
    if let Refusal::Malformed { .. } = refusal {
        return track_answer(asked, Some(refusal.detail()));
    }
    let body = json!({"status": 0, "error": refusal.detail()}).to_string();
    refusal.with_body("application/json", body)
}

/// Answers as short as it was wished: `1` or `0`, or an object with the reason.
fn track_answer(asked: &Asked<'_>, error: Option<String>) -> HttpResponse {
    let good = u8::from(error.is_none());
    match asked.query("verbose").as_deref() {
        None | Some("0" | "") => HttpResponse::Ok().content_type("text/plain").body(good.to_string()),
        Some(_) => HttpResponse::Ok().json(json!({"status": good, "error": error})),
    }
}

/// Returns true for a request whose events stand in a parameter `data`.
fn sends_data(asked: &Asked<'_>) -> bool {
    asked.method == Method::GET || asked.media() == FORM
}

/// Returns what Mixpanel calls a field.
fn theirs(ours: &str) -> &str {
    match ours {
        "userId" | "anonymousId" => "properties.distinct_id",
        "timestamp" => "properties.time",
        "messageId" => "properties.$insert_id",
        other => other,
    }
}

fn refuses(asked: &Asked<'_>) -> Option<&'static str> {
    let is_read = matches!(asked.media().as_str(), "" | "application/json" | "text/plain" | FORM | LINES);
    (!is_read)
        .then_some("application/json, application/x-ndjson, or application/x-www-form-urlencoded with data")
}

fn read(asked: &Asked<'_>, body: &Bytes, insert_id: InsertId) -> Result<Sent, Refusal> {
    let data = if asked.method == Method::GET {
        unpacked(asked.query("data"))?
    } else if asked.media() == FORM {
        let data = form_urlencoded::parse(body).find(|(name, _)| name == "data");
        unpacked(data.map(|(_, value)| value.into_owned()))?
    } else {
        text(body)?.to_owned()
    };
    let parts = match (asked.media().as_str(), data.trim_start().starts_with('[')) {
        (LINES, _) => {
            let lines: Vec<&str> = data.lines().filter(|line| !line.trim().is_empty()).collect();
            at_most(lines.len())?;
            lines
        }
        (_, true) => list("data", &data)?.into_iter().map(RawValue::get).collect(),
        (_, false) => vec![data.as_str()],
    };
    let mut sent = Sent::default();
    for part in parts {
        let (token, candidate) = candidate(part, sent.key.as_deref(), insert_id);
        sent.key = sent.key.or(token);
        sent.events.push(candidate);
    }
    Ok(sent)
}

/// Returns what the parameter `data` holds: JSON, as it is or in base64.
fn unpacked(data: Option<String>) -> Result<String, Refusal> {
    let legal = "legal is JSON, as it is or in base64";
    let data = data.ok_or_else(|| malformed("data", format!("is missing; {legal}")))?;
    if data.trim_start().starts_with(['{', '[']) {
        return Ok(data);
    }
    // Some clients leave out what fills the last group, some use the letters for URLs; a plus that was not escaped comes as a blank.
    let mut base64 = data.trim().replace('-', "+").replace('_', "/").replace(' ', "+");
    while base64.len() % 4 != 0 {
        base64.push('=');
    }
    let json = decode_block(&base64).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    json.ok_or_else(|| malformed("data", format!("is neither JSON nor base64 of it; {legal}")))
}

/// Returns an event, and the token that it shows.
fn candidate(part: &str, token: Option<&str>, insert_id: InsertId) -> (Option<String>, Candidate) {
    let failed = |fault| (None, Candidate { id: None, read: Err(fault) });
    let event = match Members::read(part) {
        Ok(event) => event,
        Err(error) => return failed(Fault::no_object(&error)),
    };
    let properties = match event.get("properties").map(|properties| Members::read(properties.get())) {
        None => Members::default(),
        Some(Ok(properties)) => properties,
        Some(Err(_)) => return failed(Fault::new("wrong_type", "properties", "is no object; legal is one")),
    };
    let shown = properties.text("token").map(|token| token.into_owned());
    let id = properties.text("$insert_id").map(|id| id.into_owned());
    let is_other = token.is_some() && shown.is_some() && token != shown.as_deref();
    let read = match is_other {
        true => Err(Fault::new(
            "other_token",
            "properties.token",
            "differs from that of the events before; one request is for one project",
        )),
        false => call(&event, &properties, insert_id).map(|call| Body::Segment(call.end())),
    };
    (shown, Candidate { id, read })
}

/// Returns the call that an event is.
fn call(event: &Members<'_>, properties: &Members<'_>, insert_id: InsertId) -> Result<Object, Fault> {
    if insert_id == InsertId::Required && properties.get("$insert_id").is_none() {
        let message = "is missing; legal is a text, another one for each event";
        return Err(Fault::new("no_insert_id", "properties.$insert_id", message));
    }
    let mut call = Object::new();
    match event.text("event").as_deref() {
        Some("$identify") => {
            let names = [("$identified_id", "userId"), ("$anon_id", "anonymousId")];
            put(call.text("type", "identify"), properties, &names);
        }
        Some("$create_alias") => {
            let names = [("alias", "userId"), ("distinct_id", "previousId")];
            put(call.text("type", "alias"), properties, &names);
        }
        Some(_) | None => {
            put(call.text("type", "track"), event, &[("event", "event")]);
            name_customer(&mut call, properties);
            let mut rest = Object::new();
            for (name, value) in properties.iter().filter(|(name, _)| !TAKEN.contains(name)) {
                rest.raw(name, value);
            }
            call.object("properties", rest);
        }
    }
    let has_time = match properties.get("time").map(millis).transpose()? {
        Some(at) => {
            call.integer("timestamp", at);
            HasTime::Yes
        }
        None => HasTime::No,
    };
    match properties.get("$insert_id") {
        Some(id) => call.raw("messageId", id),
        None => {
            let id = message_id(call.so_far(), has_time);
            call.text("messageId", &id)
        }
    };
    Ok(call)
}

/// Adds members under other names.
fn put(call: &mut Object, from: &Members<'_>, names: &[(&str, &str)]) {
    for (theirs, ours) in names {
        if let Some(value) = from.get(theirs) {
            call.raw(ours, value);
        }
    }
}

/// Says whose event it is.
fn name_customer(call: &mut Object, properties: &Members<'_>) {
    let distinct = properties.get("distinct_id");
    let distinct_text = properties.text("distinct_id");
    let device_of = |id: &str| id.strip_prefix(DEVICE_PREFIX).map(str::to_owned);
    let of_distinct = distinct_text.as_deref().and_then(device_of);
    let is_device = |id: &RawValue| {
        let device = properties.get("$device_id").and_then(text_of);
        of_distinct.is_some() || device.is_some() && device == text_of(id)
    };
    if let Some(user) = properties.get("$user_id").or_else(|| distinct.filter(|id| !is_device(id))) {
        call.raw("userId", user);
    }
    match (properties.get("$device_id"), &of_distinct) {
        (Some(device), _) => {
            call.raw("anonymousId", device);
        }
        (None, Some(device)) => {
            call.text("anonymousId", device);
        }
        (None, None) => {}
    }
}

/// Returns a time in seconds or milliseconds since 1970 as milliseconds.
fn millis(time: &RawValue) -> Result<i64, Fault> {
    let text = text_of(time).map_or_else(|| time.get().to_owned(), |text| text.trim().to_owned());
    match text.parse::<f64>() {
        Ok(seconds) if seconds.abs() < SECONDS_MAX => Ok((seconds * 1_000.0).round() as i64),
        Ok(millis) if millis.is_finite() => Ok(millis as i64),
        Ok(_) | Err(_) => {
            let message = "is no time; legal are seconds or milliseconds since 1970, in UTC";
            Err(Fault::new("bad_time", "properties.time", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::event::{Border, Call, Event, decode};
    use schemas::time::Timestamp;

    use super::super::tests::{asked, check_faults};
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn sent(query: &'static str, media: &str, body: &str) -> Result<Sent, Refusal> {
        Mixpanel::Track.read(&asked(query, media), &Bytes::copy_from_slice(body.as_bytes()))
    }

    fn events(sent: Sent) -> Vec<Event> {
        let decoded = |candidate: Candidate| match candidate.read.expect("a good event") {
            Body::Segment(json) => decode("", &json, NOW, &Border::default()).expect("a good call"),
            Body::Cloud(_) => panic!("no CloudEvent was sent"),
        };
        sent.events.into_iter().map(decoded).collect()
    }

    #[test]
    fn data_is_found_in_forms_lists_and_lines() {
        let one = r#"{"event":"view_item","properties":{"token":"k","distinct_id":"u","$insert_id":"i"}}"#;
        let base64 = openssl::base64::encode_block(one.as_bytes());
        let escaped: String = form_urlencoded::byte_serialize(base64.as_bytes()).collect();
        let plain: String = form_urlencoded::byte_serialize(one.as_bytes()).collect();
        for (media, body) in [
            ("application/json", one.to_owned()),
            ("application/json", format!(" [{one}]")),
            ("text/plain", one.to_owned()),
            (LINES, format!("{one}\n\n")),
            (FORM, format!("verbose=1&data={escaped}")),
            (FORM, format!("data={base64}")),
            (FORM, format!("data={plain}")),
            (FORM, format!("data={}", base64.trim_end_matches('='))),
        ] {
            let sent = sent("", media, &body).expect("read");
            assert_eq!(sent.key.as_deref(), Some("k"), "{media} {body}");
            let found = events(sent);
            assert_eq!((found.len(), found[0].name.as_str()), (1, "Product Viewed"));
            assert_eq!((found[0].customer.as_str(), found[0].message_text.as_str()), ("u", "i"));
            assert!(found[0].properties.0.is_empty(), "the token goes nowhere: {:?}", found[0].properties);
        }
        for (media, body) in [(FORM, "x=1"), (FORM, "data=%00"), (FORM, "data=####"), ("", "[1")] {
            assert!(matches!(sent("", media, body), Err(Refusal::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn ids_of_users_and_devices_are_told_apart() {
        let named = |ids: &str| {
            let body = format!(r#"{{"event":"E","properties":{{{ids}}}}}"#);
            let event = events(sent("", "", &body).expect("read")).remove(0);
            (event.customer.to_string(), event.anonymous.map(|id| id.to_string()))
        };
        let anonymous = || Some("anon:d".to_owned());
        assert_eq!(named(r#""distinct_id":"u""#), ("u".to_owned(), None));
        assert_eq!(named(r#""distinct_id":13"#), ("13".to_owned(), None));
        assert_eq!(named(r#""distinct_id":"$device:d""#), ("anon:d".to_owned(), None));
        assert_eq!(named(r#""distinct_id":"$device:d","$device_id":"d""#), ("anon:d".to_owned(), None));
        assert_eq!(named(r#""distinct_id":"d","$device_id":"d""#), ("anon:d".to_owned(), None));
        assert_eq!(
            named(r#""distinct_id":"u","$device_id":"d","$user_id":"u""#),
            ("u".to_owned(), anonymous())
        );
    }

    #[test]
    fn merges_become_the_calls_that_they_are() {
        let body = r#"[{"event":"$identify","properties":{"$identified_id":"u","$anon_id":"d","$insert_id":"1"}},
            {"event":"$create_alias","properties":{"distinct_id":"d","alias":"u","$insert_id":"2"}}]"#;
        let found = events(sent("", "", body).expect("read"));
        let told: Vec<_> = found.iter().map(|event| (event.call, event.customer.as_str())).collect();
        assert_eq!(told, [(Call::Identify, "u"), (Call::Alias, "u")]);
        assert!(found.iter().all(|event| event.anonymous.as_ref().is_some_and(|id| id.as_str() == "anon:d")));
    }

    #[test]
    fn seconds_and_milliseconds_are_one_time() {
        let at = |time: &str| {
            let body = format!(r#"{{"event":"E","properties":{{"distinct_id":"u","time":{time}}}}}"#);
            events(sent("", "", &body).expect("read"))[0].at
        };
        for time in ["1794999999", "1794999999.0", "1794999999000", "\"1794999999\""] {
            assert_eq!(at(time), Timestamp(1_794_999_999_000), "{time}");
        }
        check_faults(
            &Mixpanel::Track,
            r#"{"event":"E","properties":{"distinct_id":"u","time":"noon"}}"#,
            &[(0, "bad_time", "properties.time")],
        );
    }

    #[test]
    fn an_import_needs_insert_ids_and_a_request_is_for_one_project() {
        let body = r#"[{"event":"E","properties":{"distinct_id":"u","$insert_id":"1","token":"k"}},
            {"event":"E","properties":{"distinct_id":"u"}},{"event":"E","properties":{"distinct_id":"u","$insert_id":"3","token":"l"}},
            {"event":"E","properties":{"$insert_id":"4"}},{"event":"E","properties":[]},{"properties":{"distinct_id":"u","$insert_id":"6"}}]"#;
        check_faults(
            &Mixpanel::Import,
            body,
            &[
                (1, "no_insert_id", "properties.$insert_id"),
                (2, "other_token", "properties.token"),
                (3, "no_customer", "properties.distinct_id"),
                (4, "wrong_type", "properties"),
                (5, "no_name", "event"),
            ],
        );
    }
}
