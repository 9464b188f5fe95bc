//! What the tests of the dialects share, and that every one of them keeps what it accepts.

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use proptest::prelude::*;
use schemas::event::decode;
use serde_json::{Map, Value, json};

use super::super::route::Handler;
use super::google::Google;
use super::mixpanel::Mixpanel;
use super::segment::Segment;
use super::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// Returns a request with this query and type of body.
pub(super) fn asked(query: &'static str, media: &str) -> Asked<'static> {
    let mut headers = HeaderMap::new();
    if !media.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(media).expect("a value"));
    }
    asked_with(Box::leak(Box::new(headers)), query)
}

/// Returns a request with these headers and query.
pub(super) fn asked_with<'a>(headers: &'a HeaderMap, query: &'a str) -> Asked<'a> {
    Asked { method: &Method::POST, headers, query, received: NOW }
}

/// Checks which events of a body are refused, each by place, code and field; the others pass.
#[track_caller]
pub(super) fn check_faults(dialect: &dyn Dialect, body: &str, expected: &[(usize, &str, &str)]) {
    check_faults_with(dialect, &asked("", ""), body, expected);
}

/// The same for a request of one's own.
#[track_caller]
pub(super) fn check_faults_with(
    dialect: &dyn Dialect,
    asked: &Asked<'_>,
    body: &str,
    expected: &[(usize, &str, &str)],
) {
    let sent = dialect.read(asked, &Bytes::copy_from_slice(body.as_bytes())).expect("readable as a whole");
    let mut found = Vec::new();
    for (index, Candidate { read, .. }) in sent.events.into_iter().enumerate() {
        let record = |body| record(body, (8, &Border::default()), NOW);
        let judged = read.and_then(|body| record(body).map_err(|error| Fault::of(&error, dialect)));
        if let Err(Fault { code, field, message }) = judged {
            assert!(!message.is_empty(), "{code} says nothing");
            found.push((index, code, field));
        }
    }
    let expected: Vec<_> =
        expected.iter().map(|(index, code, field)| (*index, *code, (*field).to_owned())).collect();
    assert_eq!(found, expected);
}

/// Any JSON that properties may hold.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(|number: f64| json!(number)),
        "\\PC{0,12}".prop_map(Value::from),
        "[\"\\\\\n\t\u{0}-\u{1f}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Properties whose names mean nothing to any dialect.
fn properties() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("x_[a-z\"\\\\]{1,6}", value(), 0..6)
        .prop_map(|map| map.into_iter().collect())
}

fn decoded(dialect: &dyn Dialect, body: &Value) -> event::Event {
    let mut sent = dialect.read(&asked("", ""), &body.to_string().into()).expect("a good body");
    match sent.events.remove(0).read.expect("a good event") {
        Body::Segment(json) => decode("", &json, NOW, &Border::default()).expect("a good call"),
        Body::Cloud(_) => panic!("no CloudEvent was sent"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What the topic's own decoder makes of properties is what it makes of them behind every dialect.
    #[test]
    fn properties_come_through_every_dialect_as_they_were_sent(properties in properties()) {
        let direct = json!({"type": "track", "userId": "u", "event": "E", "properties": properties});
        let expected = decode("", direct.to_string().as_bytes(), NOW, &Border::default()).expect("a good call");
        let batch = json!({"batch": [direct]});
        let google = json!({"user_id": "u", "events": [{"name": "E", "params": properties}]});
        let mut mixed = properties.clone();
        mixed.insert("distinct_id".to_owned(), json!("u"));
        let mixpanel = json!({"event": "E", "properties": mixed});
        for (dialect, body) in [
            (&Segment::TRACK as &dyn Dialect, &direct),
            (&Segment::BATCH, &batch),
            (&Google::Collect, &google),
            (&Mixpanel::Track, &mixpanel),
        ] {
            let found = decoded(dialect, body);
            prop_assert_eq!(&found.properties, &expected.properties, "{}", dialect.as_str());
            prop_assert_eq!((&found.name, &found.customer), (&expected.name, &expected.customer));
        }
    }

    /// Whatever bytes come, each dialect says what they are and none panics.
    #[test]
    fn no_bytes_bring_a_dialect_down(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..120) {
        let good = br#"{"batch":[{"userId":"u"}],"events":[{"name":"a"}],"properties":{"distinct_id":"u"}}"#;
        let mut mixed = good[..cut.min(good.len())].to_vec();
        mixed.extend(&bytes);
        for body in [Bytes::from(bytes), Bytes::from(mixed)] {
            for route in super::super::route::ROUTES {
                let Handler::Collects(dialect) = route.handler else { continue };
                drop(dialect.read(&asked("data=e30", "application/x-www-form-urlencoded"), &body));
                drop(dialect.read(&asked("", ""), &body));
            }
        }
    }
}
