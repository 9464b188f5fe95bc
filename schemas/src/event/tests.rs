//! The border, tried with what clients send, by accident or on purpose.

use proptest::prelude::*;
use serde_json::json;

use super::*;

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
    assert_eq!(
        event.properties.get("order_id").and_then(|value| value.as_text()).map(|t| t.as_str()),
        Some("t")
    );
    let crate::value::Value::List(lines) = event.properties.get("products").expect("renamed") else {
        panic!("a list")
    };
    let crate::value::Value::Map(line) = &lines[0] else { panic!("an object") };
    assert_eq!(line.get("product_id").and_then(|value| value.as_text()).map(|t| t.as_str()), Some("p-1"));
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
fn what_is_wrong_is_told_by_the_fields_name() {
    for (body, reason, field) in [
        (json!([]), RejectReason::MalformedJson, "body"),
        (json!({"type": "poke", "userId": "u"}), RejectReason::UnknownCall, "type"),
        (json!({"type": 7, "userId": "u"}), RejectReason::WrongType, "type"),
        (json!({"event": "x"}), RejectReason::NoCustomer, "userId"),
        (
            json!({"event": "x", "userId": " NULL ", "anonymousId": "undefined"}),
            RejectReason::NoCustomer,
            "userId",
        ),
        (json!({"event": "x", "userId": {"id": 1}}), RejectReason::WrongType, "userId"),
        (json!({"event": "x", "userId": "u".repeat(300)}), RejectReason::TooLarge, "userId"),
        (json!({"userId": "u"}), RejectReason::NoName, "event"),
        (json!({"userId": "u", "event": 5}), RejectReason::WrongType, "event"),
        (json!({"userId": "u", "event": "x", "timestamp": "yesterday"}), RejectReason::BadTime, "timestamp"),
        (json!({"userId": "u", "event": "x", "properties": "none"}), RejectReason::WrongType, "properties"),
        (json!({"userId": "u", "event": "x", "messageId": []}), RejectReason::WrongType, "messageId"),
        (json!({"type": "identify", "userId": "u", "traits": 1}), RejectReason::WrongType, "traits"),
    ] {
        assert_eq!(refused(&body), (reason, field.to_owned()), "{body}");
    }
}

#[test]
fn stamps_from_1970_and_2099_are_late_and_clamped() {
    let at = |timestamp: &str| {
        let event =
            decoded(&json!({"userId": "u", "event": "x", "timestamp": timestamp})).expect("legal stamps");
        (event.at, event.timeliness)
    };
    assert_eq!(at("1970-01-01T00:00:00Z"), (Timestamp(0), Timeliness::Late));
    assert_eq!(at("2099-01-01T00:00:00Z"), (STAMP, Timeliness::Clamped));
}

#[test]
fn the_senders_clock_is_corrected_by_when_it_sent() {
    let event = decoded(&json!({
        "userId": "u", "event": "x", "originalTimestamp": "2023-11-14T20:00:00Z", "sentAt": "2023-11-14T20:00:10Z",
        "receivedAt": "2023-11-14T22:13:20Z",
    }))
    .expect("a good call");
    assert_eq!(event.at, Timestamp(STAMP.0 - 10_000));
}

#[test]
fn an_event_of_a_megabyte_is_refused_by_its_size() {
    let body = json!({"userId": "u", "event": "x", "properties": {"text": "x".repeat(1_000_000)}});
    assert_eq!(refused(&body).0, RejectReason::TooLarge);
}

#[test]
fn a_record_under_another_customers_key_is_refused() {
    let body = br#"{"userId":"u","event":"x"}"#;
    let rejection = decode("v", body, STAMP, &Border::default()).expect_err("another key");
    assert_eq!(rejection.reason, RejectReason::WrongKey);
}

#[test]
fn a_user_id_cannot_name_an_anonymous_row() {
    let body = json!({"userId": "anon:somebody", "event": "x"});
    assert!(!decoded(&body).expect("a good call").customer.is_anonymous());
}

#[test]
fn without_a_message_id_the_same_bytes_are_the_same_message() {
    let body = json!({"userId": "u", "event": "x"});
    let (one, two) = (decoded(&body).expect("good"), decoded(&body).expect("good"));
    assert_eq!(one.message, two.message);
}

#[test]
fn hostile_json_is_refused_not_followed() {
    let deep = format!(
        "{{\"userId\":\"u\",\"event\":\"x\",\"properties\":{}1{}}}",
        "{\"a\":".repeat(900),
        "}".repeat(900)
    );
    let surrogate = r#"{"userId":"\ud800","event":"x"}"#;
    let huge = r#"{"userId":"u","event":"x","properties":{"n":1e999}}"#;
    for body in [deep.as_str(), surrogate, huge, "", "{", "nul", "\u{0}", "{\"userId\":\"u\"}trailing"] {
        let answer = decode("u", body.as_bytes(), STAMP, &Border::default());
        assert_eq!(answer.expect_err(body).reason, RejectReason::MalformedJson, "{body}");
    }
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), stamp in any::<i64>()) {
        let _answer = decode("u", &bytes, Timestamp(stamp), &Border::default());
    }

    #[test]
    fn decoding_almost_json_never_panics(text in r#"\{("(userId|event|type|timestamp|properties|traits)":("[a-z0-9:TZ-]{0,12}"|-?[0-9]{1,22}|null|\{\}|\[\]),?){0,6}\}"#, stamp in any::<i64>()) {
        let _answer = decode("u", text.as_bytes(), Timestamp(stamp), &Border::default());
    }
}

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
