//! CloudEvents over HTTP: one in the headers around its data (binary), one as JSON (structured), several as a list (batch).
//!
//! What they mean is the decoder's business, the same as on the topic.
//! Source: CloudEvents 1.0.2, HTTP protocol binding and JSON batch format.

use actix_web::HttpResponse;
use bytes::Bytes;
use percent_encoding::percent_decode;
use schemas::record::headers;
use serde_json::{Map, Value, json};

use super::members::Members;
use super::segment::rejection;
use super::{Asked, Body, Candidate, Dialect, Done, Fault, Sent, list, text};
use crate::http::problem::{Refusal, all_refused};

/// Media type of one event as JSON.
const STRUCTURED: &str = "application/cloudevents+json";

/// Media type of a list of them.
const BATCH: &str = "application/cloudevents-batch+json";

/// What the header of an attribute begins with.
const ATTRIBUTE_PREFIX: &str = "ce-";

/// The one route of them.
pub(in crate::http) struct CloudEvents;

impl Dialect for CloudEvents {
    fn as_str(&self) -> &'static str {
        "cloudevents"
    }

    fn refuses(&self, asked: &Asked<'_>) -> Option<&'static str> {
        let is_binary = || asked.headers.contains_key("ce-specversion");
        let is_read = match asked.media().as_str() {
            STRUCTURED | BATCH => true,
            media => is_binary() && !media.starts_with("application/cloudevents"),
        };
        (!is_read).then_some("application/cloudevents+json, application/cloudevents-batch+json, or headers ce-specversion, ce-id, ce-source and ce-type around JSON")
    }

    fn read(&self, asked: &Asked<'_>, body: &Bytes) -> Result<Sent, Refusal> {
        let event = |json: Bytes| Candidate { id: None, read: Ok(Body::Cloud(json)) };
        let events = match asked.media().as_str() {
            BATCH => {
                let of_batch = |part: &str| match Members::read(part) {
                    Ok(_) => event(Bytes::copy_from_slice(part.as_bytes())),
                    Err(error) => Candidate { id: None, read: Err(Fault::no_object(&error)) },
                };
                list("body", text(body)?)?.into_iter().map(|part| of_batch(part.get())).collect()
            }
            STRUCTURED => vec![event(body.clone())],
            media => vec![event(structured(asked, media, body))],
        };
        Ok(Sent { key: None, events })
    }

    fn done(&self, _asked: &Asked<'_>, done: &Done) -> HttpResponse {
        let rejected: Vec<Value> = done.rejected.iter().map(rejection).collect();
        if done.accepted == 0 && !rejected.is_empty() {
            let mut members = Map::new();
            members.insert("rejected".to_owned(), Value::from(rejected));
            return all_refused("what is wrong with each stands in rejected", members);
        }
        HttpResponse::Ok().json(json!({"accepted": done.accepted, "rejected": rejected}))
    }
}

/// Returns the JSON format of an event whose attributes stand in headers. Only those are looked at: a header that says what kind of record
/// the engine has before it is for the topic, where producers are trusted.
fn structured(asked: &Asked<'_>, media: &str, body: &Bytes) -> Bytes {
    let attributes: Vec<(String, Vec<u8>)> = asked
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let attribute = name.as_str().strip_prefix(ATTRIBUTE_PREFIX)?;
            Some((format!("ce_{attribute}"), percent_decode(value.as_bytes()).collect()))
        })
        .collect();
    let media = Some(("content-type", media.as_bytes())).filter(|(_, media)| !media.is_empty());
    let attributes = attributes.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    headers::read(attributes.chain(media), body.clone()).body
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
    use schemas::event::{Border, decode_cloud_event};
    use schemas::time::Timestamp;

    use super::super::tests::{asked_with, check_faults_with};
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_str(value).expect("a value");
            headers.insert(HeaderName::from_static(name), value);
        }
        headers
    }

    const BINARY: [(&str, &str); 5] = [
        ("ce-specversion", "1.0"),
        ("ce-id", "e1"),
        ("ce-source", "/shop"),
        ("ce-type", "com.shop.order_completed.v1"),
        ("ce-subject", "J%C3%BCrgen%20%E2%82%AC"),
    ];

    #[test]
    fn a_binary_event_is_the_structured_one_and_its_headers_are_percent_decoded() {
        let mut pairs = BINARY.to_vec();
        pairs.extend([("content-type", "application/json; charset=utf-8"), ("care-kind", "command")]);
        let headers = headers(&pairs);
        let asked = asked_with(&headers, "");
        assert_eq!(CloudEvents.refuses(&asked), None);
        let sent = CloudEvents.read(&asked, &Bytes::from_static(br#"{"order_id":"o1"}"#)).expect("read");
        let Ok(Body::Cloud(json)) = &sent.events[0].read else { panic!("an event") };
        let event = decode_cloud_event("", json, Timestamp(5), &Border::default()).expect("a good event");
        assert_eq!((event.customer.as_str(), event.name.as_str()), ("Jürgen €", "Order Completed"));
        assert_eq!(event.message_text, "/shop e1");
    }

    #[test]
    fn each_bad_event_of_a_batch_is_told_by_its_place() {
        let headers = headers(&[("content-type", BATCH)]);
        let good = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"u","data":{}}"#;
        let body = format!(r#"[{good},7,{{"specversion":"0.3"}},{good}]"#);
        check_faults_with(
            &CloudEvents,
            &asked_with(&headers, ""),
            &body,
            &[(1, "malformed_json", "body"), (2, "bad_attribute", "specversion")],
        );
    }

    #[test]
    fn what_is_neither_form_is_refused() {
        for pairs in [
            &[][..],
            &[("content-type", "application/json")],
            &[("content-type", "application/cloudevents+avro"), ("ce-specversion", "1.0")],
        ] {
            let headers = headers(pairs);
            assert!(CloudEvents.refuses(&asked_with(&headers, "")).is_some(), "{pairs:?}");
        }
    }
}
