//! The border, tried with what clients send, by accident or on purpose.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::value::{DEPTH_MAX, Value};

const STAMP: Timestamp = Timestamp(1_700_000_000_000);

fn decoded(body: &serde_json::Value) -> Result<Event, Rejection> {
    let bytes = serde_json::to_vec(body).expect("a JSON value");
    let customer = customer_of(&bytes, &Border::default())?;
    decode(customer.as_str(), &bytes, STAMP, &Border::default())
}

fn refused(body: &serde_json::Value) -> (RejectReason, String) {
    let rejection = decoded(body).expect_err("it must be refused");
    (rejection.reason, rejection.field.to_string())
}

#[test]
fn a_track_call_is_an_event_with_a_canonical_name() {
    let event = decoded(&json!({
        "type": "track", "event": "add_to_cart", "userId": 42, "anonymousId": "a-1", "messageId": "m-1",
        "timestamp": "2023-11-14T22:13:10.5Z", "context": {"locale": "zh-CN", "timezone": "Asia/Shanghai"},
        "properties": {"transaction_id": "t", "items": [{"item_id": "p-1", "id": "other", "price": 2.5}]},
    }))
    .expect("a good call");
    assert_eq!((event.name.as_str(), event.customer.as_str()), ("Product Added", "42"));
    assert_eq!(event.anonymous, Some(CustomerId::anonymous("a-1")));
    assert_eq!((event.at, event.timeliness), (Timestamp(1_699_999_990_500), Timeliness::OnTime));
    assert_eq!((event.locale.as_deref(), event.zone.as_deref()), (Some("zh-CN"), Some("Asia/Shanghai")));
    assert_eq!(event.properties.get("order_id"), Some(&Value::Text("t".into())));
    let Some(Value::List(lines)) = event.properties.get("products") else { panic!("a list") };
    let Value::Map(line) = &lines[0] else { panic!("an object") };
    assert_eq!(line.get("product_id"), Some(&Value::Text("p-1".into())));
}

#[test]
fn calls_without_a_name_have_one() {
    for (call, name) in [
        ("identify", "Identified"),
        ("page", "Page Viewed"),
        ("screen", "Screen Viewed"),
        ("group", "Grouped"),
        ("alias", "Aliased"),
    ] {
        let event = decoded(&json!({"type": call, "userId": "u", "name": "Home"})).expect("a good call");
        assert_eq!(event.name, name, "{call}");
    }
}

#[test]
fn what_a_call_says_beside_its_properties_is_kept() {
    let event =
        decoded(&json!({"type": "page", "userId": "u", "name": "Home", "category": "Shop"})).expect("good");
    assert_eq!(event.properties.get("name"), Some(&Value::Text("Home".into())));
    assert_eq!(event.properties.get("category"), Some(&Value::Text("Shop".into())));
    let event =
        decoded(&json!({"type": "group", "userId": "u", "groupId": "g-1", "traits": {"plan": "gold"}}));
    let event = event.expect("good");
    assert_eq!(event.properties.get("group_id"), Some(&Value::Text("g-1".into())));
    assert_eq!(event.properties.get("plan"), Some(&Value::Text("gold".into())));
    let event = decoded(&json!({"type": "identify", "userId": "u", "traits": {"items": 3}})).expect("good");
    assert_eq!(event.properties.get("items"), Some(&Value::Number(3.0)), "traits keep their names");
}

#[test]
fn an_alias_names_the_user_and_the_anonymous_id_before() {
    let alias = |body| decoded(&body).map(|event| (event.customer, event.anonymous));
    let expected = (CustomerId::user("u"), Some(CustomerId::anonymous("p")));
    assert_eq!(alias(json!({"type": "alias", "userId": "u", "previousId": "p"})), Ok(expected.clone()));
    let both = json!({"type": "alias", "userId": "u", "previousId": "p", "anonymousId": "a"});
    assert_eq!(alias(both), Ok(expected));
    let fallback = json!({"type": "alias", "userId": "u", "previousId": "null", "anonymousId": "a"});
    assert_eq!(alias(fallback), Ok((CustomerId::user("u"), Some(CustomerId::anonymous("a")))));
    assert_eq!(refused(&json!({"type": "alias", "previousId": "p"})).0, RejectReason::NoCustomer);
}

#[test]
fn every_blocked_id_names_nobody_in_any_letter_case() {
    for id in BLOCKED_IDS {
        for id in [id.to_owned(), id.to_uppercase(), format!(" {id}\t")] {
            assert_eq!(refused(&json!({"event": "x", "userId": id})).0, RejectReason::NoCustomer, "{id:?}");
            let event = decoded(&json!({"event": "x", "userId": id, "anonymousId": "a"})).expect("named");
            assert_eq!((event.customer, event.anonymous), (CustomerId::anonymous("a"), None), "{id:?}");
        }
    }
    assert_eq!(refused(&json!({"event": "x", "userId": 0})).0, RejectReason::NoCustomer);
    assert_eq!(refused(&json!({"event": "x", "userId": -0.0})).0, RejectReason::NoCustomer);
}

#[test]
fn whoever_is_missing_is_told_with_what_was_sent() {
    let body = json!({"event": "x", "userId": "Guest"});
    let rejection = decoded(&body).expect_err("nobody");
    assert_eq!(
        rejection.to_string(),
        "userId: is \"Guest\", which names nobody, and anonymousId is missing; one of them must hold the id of somebody"
    );
}

#[test]
fn a_number_is_an_id_as_long_as_it_is_exact() {
    let id = |text: &str| {
        let body = format!(r#"{{"event":"x","userId":{text}}}"#);
        customer_of(body.as_bytes(), &Border::default()).map_err(|rejection| rejection.reason)
    };
    assert_eq!(id("42"), Ok(CustomerId::user("42")));
    assert_eq!(id("42.0"), Ok(CustomerId::user("42")));
    assert_eq!(
        id("9007199254740993"),
        Ok(CustomerId::user("9007199254740993")),
        "2^53 + 1, not its neighbour"
    );
    for inexact in ["42.5", "1e300", "18446744073709551615", "123456789012345678901234567890"] {
        assert_eq!(id(inexact), Err(RejectReason::WrongType), "{inexact}");
    }
}

#[test]
fn what_is_wrong_is_told_by_the_fields_name() {
    for (body, reason, field) in [
        (json!([]), RejectReason::MalformedJson, "body"),
        (json!("track"), RejectReason::MalformedJson, "body"),
        (json!({"type": "poke", "userId": "u"}), RejectReason::UnknownCall, "type"),
        (json!({"type": 7, "userId": "u"}), RejectReason::WrongType, "type"),
        (json!({"event": "x"}), RejectReason::NoCustomer, "userId"),
        (json!({"event": "x", "userId": {"id": 1}}), RejectReason::WrongType, "userId"),
        (json!({"event": "x", "userId": true}), RejectReason::WrongType, "userId"),
        (json!({"event": "x", "anonymousId": ["a"]}), RejectReason::WrongType, "anonymousId"),
        (json!({"type": "alias", "userId": "u", "previousId": 1.5}), RejectReason::WrongType, "previousId"),
        (json!({"event": "x", "userId": "u".repeat(300)}), RejectReason::TooLarge, "userId"),
        (json!({"event": "x", "userId": "u\u{0}v"}), RejectReason::BadId, "userId"),
        (json!({"event": "x", "userId": "anon:v"}), RejectReason::BadId, "userId"),
        (json!({"userId": "u"}), RejectReason::NoName, "event"),
        (json!({"userId": "u", "event": " "}), RejectReason::NoName, "event"),
        (json!({"userId": "u", "event": 5}), RejectReason::WrongType, "event"),
        (json!({"userId": "u", "event": "x".repeat(201)}), RejectReason::TooLarge, "event"),
        (json!({"userId": "u", "event": "x", "timestamp": "yesterday"}), RejectReason::BadTime, "timestamp"),
        (
            json!({"userId": "u", "event": "x", "timestamp": "2026-11-24T08:30:00"}),
            RejectReason::BadTime,
            "timestamp",
        ),
        (
            json!({"userId": "u", "event": "x", "timestamp": "2026-02-30T00:00:00Z"}),
            RejectReason::BadTime,
            "timestamp",
        ),
        (json!({"userId": "u", "event": "x", "timestamp": ""}), RejectReason::BadTime, "timestamp"),
        (json!({"userId": "u", "event": "x", "timestamp": {}}), RejectReason::WrongType, "timestamp"),
        (json!({"userId": "u", "event": "x", "sentAt": false}), RejectReason::WrongType, "sentAt"),
        (json!({"userId": "u", "event": "x", "receivedAt": "NaN"}), RejectReason::BadTime, "receivedAt"),
        (
            json!({"userId": "u", "event": "x", "originalTimestamp": "now"}),
            RejectReason::BadTime,
            "originalTimestamp",
        ),
        (json!({"userId": "u", "event": "x", "properties": "none"}), RejectReason::WrongType, "properties"),
        (json!({"userId": "u", "event": "x", "properties": [1]}), RejectReason::WrongType, "properties"),
        (json!({"userId": "u", "event": "x", "messageId": []}), RejectReason::WrongType, "messageId"),
        (json!({"userId": "u", "event": "x", "messageId": 1.5}), RejectReason::WrongType, "messageId"),
        (json!({"type": "identify", "userId": "u", "traits": 1}), RejectReason::WrongType, "traits"),
    ] {
        assert_eq!(refused(&body), (reason, field.to_owned()), "{body}");
    }
}

#[test]
fn what_is_not_needed_may_be_of_any_type() {
    for body in [
        json!({"userId": "u", "event": "x", "context": "none"}),
        json!({"userId": "u", "event": "x", "context": {"locale": 7, "timezone": [1]}}),
        json!({"userId": "u", "event": "x", "traits": 5, "name": 5, "integrations": {"all": false}}),
        json!({"userId": "u", "event": "x", "properties": null, "messageId": null, "timestamp": null}),
        json!({"userId": "u", "event": "x", "timestamp": STAMP.0, "sentAt": "never"}),
    ] {
        let event = decoded(&body).expect("a good call");
        assert_eq!((event.locale, event.zone, event.at), (None, None, STAMP), "{body}");
    }
}

#[test]
fn stamps_from_1970_and_2099_are_late_and_clamped() {
    let at = |timestamp: serde_json::Value| {
        let event =
            decoded(&json!({"userId": "u", "event": "x", "timestamp": timestamp})).expect("legal stamps");
        (event.at, event.timeliness)
    };
    let (late, on_time, clamped) = (Timeliness::Late, Timeliness::OnTime, Timeliness::Clamped);
    assert_eq!(at(json!("1970-01-01T00:00:00Z")), (Timestamp(0), late));
    assert_eq!(at(json!("0001-01-01T00:00:00Z")), (Timestamp(0), late), "what Go sends for no time");
    assert_eq!(at(json!("2099-01-01T00:00:00Z")), (STAMP, clamped));
    assert_eq!(at(json!(i64::MAX)), (STAMP, clamped));
    assert_eq!(at(json!(1e300)), (STAMP, clamped));
    assert_eq!(at(json!(-1e300)), (Timestamp(0), late));
    let border = Border::default();
    let edge = STAMP - border.late;
    assert_eq!(at(json!(edge.0)), (edge, on_time));
    assert_eq!(at(json!(edge.0 - 1)), (Timestamp(edge.0 - 1), late));
    let edge = STAMP + border.future;
    assert_eq!(at(json!(edge.0)), (edge, on_time));
    assert_eq!(at(json!(edge.0 + 1)), (STAMP, clamped));
}

#[test]
fn the_senders_clock_is_corrected_by_when_it_sent() {
    let (original, sent) = ("2023-11-14T20:00:00Z", "2023-11-14T20:00:10Z");
    let received = "2023-11-14T22:13:00Z";
    for (what, fields, at) in [
        (
            "all three",
            json!({"originalTimestamp": original, "sentAt": sent, "receivedAt": received}),
            STAMP.0 - 30_000,
        ),
        ("the log received it", json!({"originalTimestamp": original, "sentAt": sent}), STAMP.0 - 10_000),
        ("its clock went back", json!({"originalTimestamp": sent, "sentAt": original}), STAMP.0),
        ("nothing to correct by", json!({"originalTimestamp": original}), STAMP.0 - 8_000_000),
        ("only received", json!({"receivedAt": received}), STAMP.0 - 20_000),
        (
            "corrected before",
            json!({"timestamp": received, "originalTimestamp": original, "sentAt": sent}),
            STAMP.0 - 20_000,
        ),
        ("with an offset", json!({"timestamp": "2023-11-14T23:13:00+01:00"}), STAMP.0 - 20_000),
    ] {
        let mut body = fields;
        body["userId"] = json!("u");
        body["event"] = json!("x");
        assert_eq!(decoded(&body).expect("a good call").at, Timestamp(at), "{what}");
    }
}

#[test]
fn an_event_of_a_megabyte_is_refused_by_its_size() {
    let body = json!({"userId": "u", "event": "x", "properties": {"text": "x".repeat(1_000_000)}});
    let rejection = decoded(&body).expect_err("too large");
    assert_eq!((rejection.reason, rejection.field.as_str()), (RejectReason::TooLarge, "body"));
    assert!(rejection.message.contains("at most 32768 are legal"), "{}", rejection.message);
}

#[test]
fn a_record_under_another_customers_key_is_refused() {
    let body = br#"{"userId":"u","event":"x"}"#;
    let rejection = decode("v", body, STAMP, &Border::default()).expect_err("another key");
    assert_eq!(rejection.reason, RejectReason::WrongKey);
    assert!(decode("u", body, STAMP, &Border::default()).is_ok());
}

#[test]
fn the_same_message_has_the_same_id() {
    let message = |message_id: serde_json::Value, name: &str| {
        decoded(&json!({"userId": "u", "event": name, "messageId": message_id})).expect("good").message
    };
    assert_eq!(message(json!("m-1"), "x"), message(json!(" m-1 "), "y"));
    assert_ne!(message(json!("m-1"), "x"), message(json!("m-2"), "x"));
    for none in [json!(null), json!(""), json!("undefined")] {
        assert_eq!(message(none.clone(), "x"), message(none.clone(), "x"), "the same bytes");
        assert_ne!(message(none.clone(), "x"), message(none.clone(), "y"), "other bytes under {none}");
    }
    let long = "m".repeat(5_000);
    let event = decoded(&json!({"userId": "u", "event": "x", "messageId": long})).expect("good");
    assert!(event.message_text.len() < ID_MAX);
    assert_ne!(
        message(json!(9_007_199_254_740_993_i64), "x"),
        message(json!(9_007_199_254_740_992_i64), "x")
    );
}

#[test]
fn of_a_name_that_occurs_twice_the_last_one_counts() {
    let body = br#"{"userId":"a","event":"x","userId":"u","properties":{"n":1,"n":2},"event":"y"}"#;
    let event = decode("u", body, STAMP, &Border::default()).expect("a good call");
    assert_eq!((event.name.as_str(), event.properties.get("n")), ("y", Some(&Value::Number(2.0))));
    assert_eq!(customer_of(body, &Border::default()), Ok(CustomerId::user("u")));
}

fn nested(levels: usize) -> String {
    let (open, close) = ("{\"a\":".repeat(levels - 1), "}".repeat(levels - 1));
    format!(r#"{{"userId":"u","event":"x","properties":{{"a":{open}1{close}}}}}"#)
}

#[test]
fn nesting_is_bounded() {
    let border = Border::default();
    let levels = usize::from(DEPTH_MAX);
    assert!(decode("u", nested(levels).as_bytes(), STAMP, &border).is_ok());
    for levels in [levels + 1, 200, 5_000] {
        let rejection = decode("u", nested(levels).as_bytes(), STAMP, &border).expect_err("too deep");
        assert_eq!(rejection.reason, RejectReason::TooDeep, "{levels} levels: {rejection}");
    }
    let skipped =
        format!(r#"{{"userId":"u","event":"x","other":{}{}}}"#, "[".repeat(9_000), "]".repeat(9_000));
    assert!(decode("u", skipped.as_bytes(), STAMP, &border).is_ok(), "what is skipped takes no stack");
}

#[test]
fn hostile_json_is_refused_not_followed() {
    let bodies: [&[u8]; 14] = [
        br#"{"userId":"\ud800","event":"x"}"#,
        br#"{"userId":"u","event":"x","properties":{"a":"\udc00"}}"#,
        br#"{"userId":"u","event":"x","properties":{"n":1e999}}"#,
        br#"{"userId":"u","event":"x","properties":{"n":NaN}}"#,
        br#"{"userId":"u","event":"x","properties":{"n":-Infinity}}"#,
        br#"{"userId":"u","event":"x","properties":{"n":0x10}}"#,
        br#"{"userId":"u","event":"x","properties":{"n":01}}"#,
        b"{\"userId\":\"u\",\"event\":\"\xff\"}",
        b"{\"userId\":\"u\",\"event\":\"a\nb\"}",
        br#"{"userId":"u","event":"x"}{"userId":"u","event":"x"}"#,
        br#"{"userId":"u","event":"x""#,
        b"",
        b"nul",
        b"\0",
    ];
    for body in bodies {
        let rejection = decode("u", body, STAMP, &Border::default()).expect_err("it is no JSON");
        let body = String::from_utf8_lossy(body);
        assert_eq!(
            (rejection.reason, rejection.field.as_str()),
            (RejectReason::MalformedJson, "body"),
            "{body}"
        );
    }
}

/// Calls of every kind with fields of every type, most of them good.
fn any_call() -> impl Strategy<Value = serde_json::Value> {
    let field = prop_oneof![
        4 => "[a-z0-9]{1,8}".prop_map(|text| json!(text)),
        1 => Just(json!(null)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => Just(json!({"a": [1, "2", null]})),
        1 => ".{0,8}".prop_map(|text| json!(text)),
    ];
    let name = prop::sample::select(vec![
        "type",
        "event",
        "name",
        "userId",
        "anonymousId",
        "previousId",
        "groupId",
        "messageId",
        "timestamp",
        "sentAt",
        "originalTimestamp",
        "receivedAt",
        "properties",
        "traits",
        "context",
    ]);
    let call = prop::sample::select(vec!["track", "identify", "page", "screen", "group", "alias"]);
    (call, prop::collection::vec((name, field), 0..6)).prop_map(|(call, fields)| {
        let mut body =
            json!({"type": call, "userId": "u", "event": "purchase", "properties": {"items": [{"id": 1}]}});
        for (name, field) in fields {
            body[name] = field;
        }
        body
    })
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), stamp in any::<i64>()) {
        let _answer = decode("u", &bytes, Timestamp(stamp), &Border::default());
    }

    #[test]
    fn what_passes_the_border_keeps_its_promises(body in any_call(), stamp in any::<i64>()) {
        let bytes = serde_json::to_vec(&body).expect("a JSON value");
        let (stamp, border) = (Timestamp(stamp), Border::default());
        let customer = customer_of(&bytes, &border);
        let key = customer.as_ref().map_or("u", |customer| customer.as_str());
        if let Ok(event) = decode(key, &bytes, stamp, &border) {
            prop_assert_eq!(Ok(&event.customer), customer.as_ref(), "a producer finds the same customer");
            prop_assert!(!names_nobody(event.customer.as_str()));
            prop_assert!(event.anonymous.is_none_or(|anonymous| anonymous.is_anonymous()));
            prop_assert!(!event.name.is_empty() && !event.message_text.is_empty());
            prop_assert!(event.at <= (stamp + border.future).max(Timestamp(0)));
            prop_assert!(event.at >= Timestamp(0) || event.timeliness == Timeliness::Clamped);
        }
    }
}

/// With more iterations and guidance by coverage it runs under `cargo bolero test`.
#[test]
fn fuzzed_bodies_are_decoded_or_refused() {
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
        let border = Border::default();
        if let Ok(customer) = customer_of(bytes, &border) {
            // What has a key can still be refused for the rest of it; it only must not panic.
            let _answer = decode(customer.as_str(), bytes, STAMP, &border);
        }
    });
}
