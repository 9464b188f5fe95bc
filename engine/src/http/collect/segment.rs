//! Segment's HTTP API and the short routes of its browser SDK.
//!
//! A call becomes the JSON that a producer would put on the topic: its type is that of the route, what a batch says beside its calls
//! counts for those that do not say it themselves, a call without a message id gets one from its bytes, and the time of receipt is noted.
//! What a client calls `timestamp` is the original one as soon as it also says when it sent it: the decoder corrects it by that for a wrong
//! clock, once.
//! Source: Segment's specification, HTTP tracking API.

use actix_web::HttpResponse;
use bytes::Bytes;
use schemas::event::{body_message_id, names_nobody};
use schemas::time::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::members::{Members, Object, text_of};
use super::{Asked, Body, Candidate, Dialect, Done, Fault, Rejected, Sent, list, malformed, text};
use crate::http::problem::{Refusal, all_refused};

/// What a batch may say for all its calls.
const SHARED: [&str; 3] = ["sentAt", "context", "integrations"];

/// Members that are the server's to write, or that nobody behind it may see.
const OURS: [&str; 3] = ["type", "receivedAt", "writeKey"];

/// One route of the API.
pub(in crate::http) struct Segment {
    /// Its call; none for a batch of several.
    call: Option<&'static str>,
}

impl Segment {
    pub(in crate::http) const IDENTIFY: Self = Self { call: Some("identify") };
    pub(in crate::http) const TRACK: Self = Self { call: Some("track") };
    pub(in crate::http) const PAGE: Self = Self { call: Some("page") };
    pub(in crate::http) const SCREEN: Self = Self { call: Some("screen") };
    pub(in crate::http) const GROUP: Self = Self { call: Some("group") };
    pub(in crate::http) const ALIAS: Self = Self { call: Some("alias") };
    pub(in crate::http) const BATCH: Self = Self { call: None };
}

impl Dialect for Segment {
    fn as_str(&self) -> &'static str {
        "segment"
    }

    /// The browser SDK sends text/plain, so that a browser need not ask first.
    fn refuses(&self, asked: &Asked<'_>) -> Option<&'static str> {
        let is_read = matches!(asked.media().as_str(), "" | "application/json" | "text/plain");
        (!is_read).then_some("application/json, or text/plain that holds JSON")
    }

    fn has_key_in_body(&self) -> bool {
        true
    }

    fn read(&self, asked: &Asked<'_>, body: &Bytes) -> Result<Sent, Refusal> {
        let no_object =
            |error: serde_json::Error| malformed("body", format!("is not one JSON object: {error}"));
        let whole = Members::read(text(body)?).map_err(no_object)?;
        let key = whole.text("writeKey").map(|key| key.into_owned());
        let events = match self.call {
            Some(call) => vec![candidate(&whole, call_of(&whole, Some(call)), &Around::new(asked.received))],
            None => {
                let batch = whole
                    .get("batch")
                    .ok_or_else(|| malformed("batch", "is missing; legal is a list of calls".to_owned()))?;
                let around = Around { received: asked.received, batch: Some(&whole) };
                list("batch", batch.get())?.into_iter().map(|call| of_batch(call, &around)).collect()
            }
        };
        Ok(Sent { key, events })
    }

    fn done(&self, _asked: &Asked<'_>, done: &Done) -> HttpResponse {
        let Done { accepted, rejected } = done;
        let listed: Vec<Value> = rejected.iter().map(rejection).collect();
        if *accepted == 0 && !rejected.is_empty() {
            let mut members = Map::new();
            members.insert("success".to_owned(), json!(false));
            members.insert("accepted".to_owned(), json!(0));
            members.insert("rejected".to_owned(), Value::from(listed));
            return all_refused("what is wrong with each stands in rejected", members);
        }
        HttpResponse::Ok().json(json!({"success": true, "accepted": accepted, "rejected": listed}))
    }
}

/// Returns an event's refusal as clients are told.
pub(super) fn rejection(rejected: &Rejected) -> Value {
    let Rejected { index, fault: Fault { code, field, message }, .. } = rejected;
    json!({"index": index, "code": code, "field": field, "message": message})
}

/// What stands around a call.
struct Around<'a> {
    received: Timestamp,
    /// The batch that it is of.
    batch: Option<&'a Members<'a>>,
}

impl Around<'_> {
    fn new(received: Timestamp) -> Self {
        Self { received, batch: None }
    }
}

fn of_batch(call: &RawValue, around: &Around<'_>) -> Candidate {
    match Members::read(call.get()) {
        Ok(members) => candidate(&members, call_of(&members, None), around),
        Err(error) => Candidate { id: None, read: Err(Fault::no_object(&error)) },
    }
}

fn candidate(members: &Members<'_>, call: Option<CallName<'_>>, around: &Around<'_>) -> Candidate {
    let id = members.text("messageId").map(|id| id.into_owned());
    Candidate { id, read: Ok(Body::Segment(normalised(members, call, around))) }
}

/// What says which call it is.
enum CallName<'a> {
    Route(&'static str),
    Sent(&'a RawValue),
}

fn call_of<'a>(members: &Members<'a>, route: Option<&'static str>) -> Option<CallName<'a>> {
    route.map(CallName::Route).or_else(|| members.get("type").map(CallName::Sent))
}

/// Returns a call as a producer would put it on the topic.
fn normalised(members: &Members<'_>, call: Option<CallName<'_>>, around: &Around<'_>) -> Bytes {
    let shared = |name: &str| around.batch.and_then(|batch| batch.get(name));
    let is_sent = members.get("sentAt").or_else(|| shared("sentAt")).is_some();
    let is_original = is_sent && members.get("originalTimestamp").is_none();
    let mut object = Object::new();
    match call {
        Some(CallName::Route(name)) => object.text("type", name),
        Some(CallName::Sent(name)) => object.raw("type", name),
        None => &mut object,
    };
    let has_id = members.get("messageId").is_some_and(|id| text_of(id).is_none_or(|id| !names_nobody(&id)));
    for (name, value) in members.iter() {
        let name = if name == "timestamp" && is_original { "originalTimestamp" } else { name };
        let is_dropped = OURS.contains(&name)
            || name == "messageId" && !has_id
            || name == "originalTimestamp" && value.get() == "null";
        if !is_dropped {
            object.raw(name, value);
        }
    }
    if !has_id {
        let id = body_message_id(object.so_far());
        object.text("messageId", &id);
    }
    for name in SHARED.into_iter().filter(|name| members.get(name).is_none()) {
        if let Some(value) = shared(name) {
            object.raw(name, value);
        }
    }
    object.text("receivedAt", &around.received.to_string());
    object.end()
}

#[cfg(test)]
mod tests {
    use schemas::event::{Border, Call, Event, Timeliness, decode};

    use super::super::tests::{asked, check_faults};
    use super::*;

    const RECEIVED: Timestamp = Timestamp(1_795_000_000_000);

    fn read(segment: &Segment, body: &str) -> Result<Sent, Refusal> {
        segment.read(&asked("", ""), &Bytes::copy_from_slice(body.as_bytes()))
    }

    fn events(segment: &Segment, body: &str) -> Vec<Event> {
        let sent = read(segment, body).expect("a good body");
        let decoded = |candidate: Candidate| match candidate.read.expect("an object") {
            Body::Segment(json) => decode("", &json, RECEIVED, &Border::default()).expect("a good call"),
            Body::Cloud(_) => panic!("no CloudEvent was sent"),
        };
        sent.events.into_iter().map(decoded).collect()
    }

    #[test]
    fn the_route_says_which_call_it_is_whatever_the_body_says() {
        let named = [
            (Segment::IDENTIFY, Call::Identify),
            (Segment::TRACK, Call::Track),
            (Segment::PAGE, Call::Page),
            (Segment::SCREEN, Call::Screen),
            (Segment::GROUP, Call::Group),
            (Segment::ALIAS, Call::Alias),
        ];
        for (segment, call) in named {
            let body = r#"{"type":"nonsense","userId":"u","previousId":"a","event":"E","writeKey":"k"}"#;
            let found = events(&segment, body);
            assert_eq!((found.len(), found[0].call), (1, call));
            let sent = read(&segment, body).expect("a good body");
            assert_eq!(sent.key.as_deref(), Some("k"));
            let Ok(Body::Segment(json)) = &sent.events[0].read else { panic!("a call") };
            assert!(!String::from_utf8_lossy(json).contains("writeKey"), "{json:?}");
        }
    }

    #[test]
    fn a_wrong_clock_is_corrected_once_and_a_time_of_receipt_from_outside_is_not_believed() {
        let body = r#"{"userId":"u","event":"E","messageId":"m","timestamp":"2020-01-01T00:00:00Z",
            "sentAt":"2020-01-01T00:00:07Z","receivedAt":"1999-01-01T00:00:00Z"}"#;
        let event = &events(&Segment::TRACK, body)[0];
        assert_eq!((event.at, event.timeliness), (Timestamp(RECEIVED.0 - 7_000), Timeliness::OnTime));
        let without = r#"{"userId":"u","event":"E","timestamp":"2026-11-18T00:00:00Z"}"#;
        let at = events(&Segment::TRACK, without)[0].at;
        assert_eq!(at.to_string(), "2026-11-18T00:00:00.000Z", "nobody says when it was sent");
        let both = r#"{"userId":"u","event":"E","timestamp":"2026-11-18T00:00:00Z",
            "originalTimestamp":"2020-01-01T00:00:00Z","sentAt":"2020-01-01T00:00:07Z"}"#;
        assert_eq!(events(&Segment::TRACK, both)[0].at, at, "whoever says both has corrected it");
    }

    #[test]
    fn what_a_batch_says_counts_for_calls_that_do_not_say_it() {
        let body = r#"{"sentAt":"2020-01-01T00:00:07Z","context":{"locale":"de-DE"},"batch":[
            {"type":"track","userId":"u","event":"E","timestamp":"2020-01-01T00:00:00Z"},
            {"type":"page","userId":"u","context":{"locale":"zh-CN"},"timestamp":"2020-01-01T00:00:01Z",
             "sentAt":"2020-01-01T00:00:02Z"}]}"#;
        let found = events(&Segment::BATCH, body);
        let told: Vec<_> =
            found.iter().map(|event| (event.call, event.locale.as_deref(), event.at)).collect();
        let ago = |ms| Timestamp(RECEIVED.0 - ms);
        assert_eq!(told, [(Call::Track, Some("de-DE"), ago(7_000)), (Call::Page, Some("zh-CN"), ago(1_000))]);
    }

    #[test]
    fn a_call_without_a_message_id_has_the_same_one_whenever_it_is_sent_again() {
        let batch = |sent_at: u32, id: &str| {
            let body = format!(
                r#"{{"sentAt":{sent_at},"batch":[{{"type":"track","userId":"u","event":"E"{id}}}]}}"#
            );
            events(&Segment::BATCH, &body)[0].message_text.to_string()
        };
        let first = batch(1, "");
        assert!(first.starts_with("body-"), "{first}");
        assert_eq!(batch(2, ""), first);
        assert_eq!(batch(1, r#","messageId":"mine""#), "mine");
        assert_eq!(batch(1, r#","messageId":17"#), "17");
        assert!(batch(1, r#","messageId":"undefined""#).starts_with("body-"));
        assert_eq!(batch(1, r#","messageId":null"#), batch(2, r#","messageId":null"#));
        let page = &events(&Segment::PAGE, r#"{"userId":"u"}"#)[0].message;
        assert_ne!(*page, events(&Segment::SCREEN, r#"{"userId":"u"}"#)[0].message, "another call");
    }

    #[test]
    fn each_bad_call_of_a_batch_is_told_by_its_place_and_the_others_are_kept() {
        let body = r#"{"batch":[{"type":"track","userId":"u","event":"E"},{"type":"track","userId":"null","event":"E"},
            7,{"type":"buy","userId":"u"},{"type":"track","userId":"u","event":{"a":[]}},{"type":"track","userId":"u"}]}"#;
        check_faults(
            &Segment::BATCH,
            body,
            &[
                (1, "no_customer", "userId"),
                (2, "malformed_json", "body"),
                (3, "unknown_call", "type"),
                (4, "wrong_type", "event"),
                (5, "no_name", "event"),
            ],
        );
    }

    #[test]
    fn deep_json_is_refused_by_the_call_that_holds_it() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let body = format!(
            r#"{{"batch":[{{"type":"track","userId":"u","event":"E","properties":{{"a":{deep}}}}},{{"type":"page","userId":"u"}}]}}"#
        );
        check_faults(&Segment::BATCH, &body, &[(0, "too_deep", "body")]);
    }

    #[test]
    fn a_body_that_is_no_call_or_batch_is_refused_with_what_would_be_legal() {
        for (segment, body, field) in [
            (Segment::TRACK, "", "body"),
            (Segment::TRACK, "[]", "body"),
            (Segment::TRACK, "{\"userId\":", "body"),
            (Segment::BATCH, "{}", "batch"),
            (Segment::BATCH, "{\"batch\":null}", "batch"),
            (Segment::BATCH, "{\"batch\":{}}", "batch"),
        ] {
            let Err(Refusal::Malformed { field: found, message }) = read(&segment, body) else {
                panic!("{body} was read");
            };
            assert_eq!((found, message.is_empty()), (field, false), "{body}");
        }
        let many = format!("{{\"batch\":[{}{{}}]}}", "{},".repeat(2_500));
        assert!(matches!(read(&Segment::BATCH, &many), Err(Refusal::TooLarge(_))));
        let refusal = Segment::TRACK.read(&asked("", ""), &Bytes::from_static(b"\"\xff\""));
        assert!(matches!(refusal, Err(Refusal::Malformed { .. })));
    }
}
