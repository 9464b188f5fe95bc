//! The border, tried with what clients send.

mod cloud;
mod hostile;

use serde_json::json;

use super::*;
use crate::value::Value;

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
