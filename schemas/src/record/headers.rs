//! Headers of a log that has them: what those of a record say it is, and which ones our own records carry.
//!
//! Records of an engine say their kind and epoch in [`KIND`] and [`EPOCH`]. What has neither comes from outside: a CloudEvent in
//! structured mode by its content type, in binary mode by its `ce_` headers, all else is Segment JSON. A CloudEvent in binary mode is
//! made its JSON format here: behind this border a body alone says what it is, in the log, in a dead letter and when that is sent again.
//! Headers never fail: what they say wrongly is told by the decoder.
//! Source: CloudEvents 1.0.2, Kafka protocol binding.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::RecordKind;
use crate::ids::{Epoch, OutreachId, PartitionId, Position};
use crate::time::Timestamp;

/// Header with the kind of an engine's record.
pub const KIND: &str = "care-kind";
/// Header with the epoch of the owner that wrote a record.
pub const EPOCH: &str = "care-epoch";

/// Header with the media type of the body.
const CONTENT_TYPE: &str = "content-type";
/// Media type of a CloudEvent in structured mode.
const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";
/// What every media type of a CloudEvent in structured mode begins with.
const STRUCTURED_PREFIX: &str = "application/cloudevents";
/// What the header of an attribute begins with in binary mode.
const ATTRIBUTE_PREFIX: &str = "ce_";
/// Source of the CloudEvents that an engine writes.
const SOURCE: &str = "/care-engine";

/// What the headers of a record say.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// What the body is.
    pub kind: RecordKind,
    /// Epoch of the owner that wrote it.
    pub epoch: Option<Epoch>,
    /// The body, as its kind says.
    pub body: Bytes,
}

/// A header to write.
pub type Header = (&'static str, Cow<'static, str>);

/// Returns what headers say of a record with this body.
pub fn read<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>, body: Bytes) -> Head {
    let (mut kind, mut epoch, mut media) = (None, None, None);
    let mut attributes = Vec::new();
    for (name, value) in headers {
        match name {
            KIND => kind = Some(value),
            EPOCH => epoch = Some(value),
            _ if name.eq_ignore_ascii_case(CONTENT_TYPE) => media = Some(value),
            _ => attributes.extend(attribute_of(name).map(|attribute| (attribute, value))),
        }
    }
    let epoch = epoch.map(|epoch| std::str::from_utf8(epoch).ok()?.parse().ok().map(Epoch));
    if epoch == Some(None) {
        // Whether a record counts may depend on its epoch: one that cannot be read is of no kind.
        return Head { kind: RecordKind::Unknown, epoch: None, body };
    }
    let epoch = epoch.flatten();
    let kind = match kind {
        Some(name) => named(name),
        None if media.is_some_and(is_structured) => RecordKind::CloudEvent,
        None if attributes.is_empty() => RecordKind::Event,
        None => {
            let body = structured_body(&attributes, media, &body);
            return Head { kind: RecordKind::CloudEvent, epoch, body };
        }
    };
    Head { kind, epoch, body }
}

/// Returns the attribute of a header.
fn attribute_of(name: &str) -> Option<&str> {
    let (prefix, attribute) = name.split_at_checked(ATTRIBUTE_PREFIX.len())?;
    prefix.eq_ignore_ascii_case(ATTRIBUTE_PREFIX).then_some(attribute)
}

/// Returns the kind of a name.
fn named(name: &[u8]) -> RecordKind {
    let named = RecordKind::ALL.into_iter().find(|kind| kind.as_str().as_bytes() == name);
    named.unwrap_or(RecordKind::Unknown)
}

/// Returns true for a media type of a CloudEvent in structured mode.
fn is_structured(media: &[u8]) -> bool {
    let media = media.trim_ascii_start().get(..STRUCTURED_PREFIX.len());
    media.is_some_and(|media| media.eq_ignore_ascii_case(STRUCTURED_PREFIX.as_bytes()))
}

/// Returns the JSON format of a CloudEvent that came in binary mode. Data that is no JSON becomes a string, which no decoder takes.
fn structured_body(attributes: &[(&str, &[u8])], media: Option<&[u8]>, data: &[u8]) -> Bytes {
    let room = attributes.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
    let mut json = Vec::with_capacity(room + data.len() + 80);
    let media = media.map(|media| ("datacontenttype", media));
    for (name, value) in attributes.iter().copied().chain(media) {
        json.push(if json.is_empty() { b'{' } else { b',' });
        put(&mut json, &name.to_ascii_lowercase());
        json.push(b':');
        put(&mut json, &String::from_utf8_lossy(value));
    }
    if !data.is_empty() {
        json.extend_from_slice(b",\"data\":");
        match serde_json::from_slice::<IgnoredAny>(data) {
            Ok(_) => json.extend_from_slice(data),
            Err(_) => put(&mut json, &String::from_utf8_lossy(data)),
        }
    }
    json.push(b'}');
    json.into()
}

fn put(json: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(json, text).expect("a vector takes every byte, and every text is JSON");
}

/// Returns the headers of a record that an engine appends under `key`. Outreach, decisions and turns are CloudEvents in
/// binary mode.
pub fn write(kind: RecordKind, epoch: Option<Epoch>, key: &str, body: &[u8]) -> Vec<Header> {
    let mut headers = Vec::new();
    match kind {
        RecordKind::Event => {}
        RecordKind::CloudEvent => headers.push((CONTENT_TYPE, STRUCTURED.into())),
        RecordKind::Relay
        | RecordKind::Outcome
        | RecordKind::Command
        | RecordKind::Outreach
        | RecordKind::Decision
        | RecordKind::DeadLetter
        | RecordKind::Epoch
        | RecordKind::Stray
        | RecordKind::Talk
        | RecordKind::Reply
        | RecordKind::Unknown => headers.push((KIND, kind.as_str().into())),
    }
    headers.extend(epoch.map(|epoch| (EPOCH, epoch.0.to_string().into())));
    match kind {
        RecordKind::Outreach => headers.extend(cloud_event("care.outreach.v1", key, body)),
        RecordKind::Decision => headers.extend(cloud_event("care.decision.v1", key, body)),
        RecordKind::Reply => headers.extend(reply(key, body)),
        RecordKind::DeadLetter => headers.extend(letter(body)),
        RecordKind::Event
        | RecordKind::CloudEvent
        | RecordKind::Relay
        | RecordKind::Outcome
        | RecordKind::Command
        | RecordKind::Epoch
        | RecordKind::Stray
        | RecordKind::Talk
        | RecordKind::Unknown => {}
    }
    headers
}

/// What names an outreach or decision in its body.
#[derive(Deserialize)]
struct Named {
    id: OutreachId,
    #[serde(default)]
    attempt: u32,
    at: Timestamp,
}

/// Returns the attributes of an outreach or decision; its id is the same however often it is relayed.
fn cloud_event(kind: &'static str, key: &str, body: &[u8]) -> Vec<Header> {
    let Ok(named) = serde_json::from_slice::<Named>(body) else { return Vec::new() };
    attributes(kind, key, &named)
}

/// A whole turn, as far as it is named by its body.
#[derive(Deserialize)]
struct Told {
    turn: TurnNamed,
}

/// What names a turn in its body; its attempt is that of a question, and no part of its name.
#[derive(Deserialize)]
struct TurnNamed {
    id: OutreachId,
    at: Timestamp,
}

/// Returns the attributes of a turn; a piece of one has none, since nobody may rely on it.
fn reply(key: &str, body: &[u8]) -> Vec<Header> {
    let Ok(Told { turn }) = serde_json::from_slice(body) else { return Vec::new() };
    attributes("care.turn.v1", key, &Named { id: turn.id, attempt: 0, at: turn.at })
}

fn attributes(kind: &'static str, key: &str, named: &Named) -> Vec<Header> {
    let id = match named.attempt {
        0 => named.id.to_string(),
        attempt => format!("{}-{attempt}", named.id),
    };
    vec![
        ("ce_specversion", "1.0".into()),
        ("ce_id", id.into()),
        ("ce_source", SOURCE.into()),
        ("ce_type", kind.into()),
        ("ce_subject", key.to_owned().into()),
        ("ce_time", named.at.to_string().into()),
        (CONTENT_TYPE, "application/json".into()),
    ]
}

/// Where a dead letter comes from and why it is one, in its body.
#[derive(Deserialize)]
struct Letter {
    topic: String,
    partition: PartitionId,
    position: Position,
    reason: String,
    message: String,
    build: String,
}

fn letter(body: &[u8]) -> Vec<Header> {
    let Ok(letter) = serde_json::from_slice::<Letter>(body) else { return Vec::new() };
    vec![
        ("care-topic", letter.topic.into()),
        ("care-partition", letter.partition.0.to_string().into()),
        ("care-offset", letter.position.to_string().into()),
        ("care-reason", letter.reason.into()),
        ("care-error", letter.message.into()),
        ("care-build", letter.build.into()),
        (CONTENT_TYPE, "application/json".into()),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Border, RejectReason, decode_cloud_event};

    const BINARY: [(&str, &str); 6] = [
        ("ce_specversion", "1.0"),
        ("ce_id", "e-1"),
        ("ce_source", "/shop"),
        ("ce_type", "com.shop.purchase"),
        ("ce_subject", "42"),
        ("content-type", "application/json"),
    ];

    fn head(headers: &[(&str, &str)], body: &'static [u8]) -> Head {
        read(headers.iter().map(|(name, value)| (*name, value.as_bytes())), Bytes::from_static(body))
    }

    #[test]
    fn what_comes_from_outside_is_told_by_its_headers() {
        let kind = |headers: &[(&str, &str)]| head(headers, b"{}").kind;
        assert_eq!(kind(&[]), RecordKind::Event);
        assert_eq!(kind(&[("traceparent", "00-1"), ("Content-Type", "application/json")]), RecordKind::Event);
        let structured = "application/cloudevents+json; charset=UTF-8";
        assert_eq!(kind(&[("content-type", structured)]), RecordKind::CloudEvent);
        assert_eq!(kind(&[("Content-Type", " Application/CloudEvents+JSON")]), RecordKind::CloudEvent);
        assert_eq!(kind(&BINARY), RecordKind::CloudEvent);
        assert_eq!(kind(&[("ce_id", "1")]), RecordKind::CloudEvent, "one attribute makes it one, a bad one");
        assert_eq!(kind(&[("ce", "1"), ("", "")]), RecordKind::Event);
    }

    #[test]
    fn binary_mode_becomes_the_json_format() {
        let data = br#" {"value": 5, "id": "of data"} "#;
        let Head { kind, epoch, body } = head(&BINARY, data);
        assert_eq!((kind, epoch), (RecordKind::CloudEvent, None));
        let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&json["id"], &json["data"]["id"]), (&"e-1".into(), &"of data".into()));
        assert_eq!(json["datacontenttype"], "application/json");
        let event = decode_cloud_event("42", &body, Timestamp(0), &Border::default()).expect("good");
        assert_eq!((event.name.as_str(), event.message_text.as_str()), ("Order Completed", "/shop e-1"));
    }

    #[test]
    fn binary_data_that_is_no_json_object_is_refused_and_cannot_pass_for_attributes() {
        for data in [
            &b"<order/>"[..],
            b"",
            b"\xff\xfe",
            b"{\"a\":",
            b"{\"a\":1},\"id\":\"other\",\"x\":{}",
            b"\"{}\"",
        ] {
            let Head { body, .. } = head(&BINARY, data);
            let rejection =
                decode_cloud_event("42", &body, Timestamp(0), &Border::default()).expect_err("no object");
            assert_eq!(
                (rejection.reason, rejection.field.as_str()),
                (RejectReason::WrongType, "data"),
                "{data:?}"
            );
        }
    }

    #[test]
    fn what_an_engine_writes_is_read_back() {
        for kind in RecordKind::ALL {
            for epoch in [None, Some(Epoch(0)), Some(Epoch(u64::MAX))] {
                let body = Bytes::from_static(b"{\"any\":1}");
                let written = write(kind, epoch, "42", &body);
                let headers = written.iter().map(|(name, value)| (*name, value.as_bytes()));
                assert_eq!(read(headers, body.clone()), Head { kind, epoch, body });
            }
        }
        assert!(write(RecordKind::Event, None, "42", b"{}").is_empty(), "an event needs none");
    }

    #[test]
    fn headers_of_an_engine_that_cannot_be_read_are_of_no_kind() {
        for headers in [
            [("care-kind", "evening"), ("care-epoch", "1")],
            [("care-kind", ""), ("care-epoch", "1")],
            [("care-kind", "outreach"), ("care-epoch", "-1")],
            [("care-kind", "outreach"), ("care-epoch", "one")],
        ] {
            let Head { kind, epoch, .. } = head(&headers, b"{}");
            assert_eq!(kind, RecordKind::Unknown, "{headers:?}");
            assert!(epoch.is_none_or(|epoch| epoch == Epoch(1)), "{headers:?}");
        }
    }

    #[test]
    fn outreach_and_decisions_leave_as_cloud_events_and_letters_say_where_they_are_from() {
        let body =
            br#"{"id":"000000000000000000000000000000ff","attempt":2,"at":1700000000000,"customer":"42"}"#;
        let of = |kind, body: &[u8], name: &str| {
            let written = write(kind, Some(Epoch(3)), "42", body);
            written.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.into_owned())
        };
        for (name, value) in [
            ("care-kind", "outreach"),
            ("care-epoch", "3"),
            ("ce_specversion", "1.0"),
            ("ce_id", "000000000000000000000000000000ff-2"),
            ("ce_source", "/care-engine"),
            ("ce_type", "care.outreach.v1"),
            ("ce_subject", "42"),
            ("ce_time", "2023-11-14T22:13:20.000Z"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(of(RecordKind::Outreach, body, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(of(RecordKind::Decision, body, "ce_type").as_deref(), Some("care.decision.v1"));
        let letter = br#"{"topic":"care.events","partition":7,"position":9,"reason":"no_name","message":"event: is missing","build":"0.2.0"}"#;
        for (name, value) in [
            ("care-kind", "dead_letter"),
            ("care-topic", "care.events"),
            ("care-partition", "7"),
            ("care-offset", "9"),
            ("care-reason", "no_name"),
            ("care-error", "event: is missing"),
            ("care-build", "0.2.0"),
        ] {
            assert_eq!(of(RecordKind::DeadLetter, letter, name).as_deref(), Some(value), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_headers_and_bytes_make_a_record_that_is_decoded_or_refused(
            headers in prop::collection::vec(
                ("(care-(kind|epoch)|ce_[a-z]{0,4}|ce_(id|type|source|data)|content-type|.{0,6})", any::<Vec<u8>>()), 0..8),
            body in any::<Vec<u8>>(),
        ) {
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
            let Head { kind, body, .. } = read(headers, body.into());
            if kind == RecordKind::CloudEvent {
                let _answer = decode_cloud_event("42", &body, Timestamp(0), &Border::default());
            }
        }
    }
}
