//! The border, tried with what is sent by accident or on purpose: nothing panics, nothing is followed, what passes is what was meant.

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::STAMP;
use crate::time::Span;
use crate::value::{DEPTH_MAX, Value};

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

/// Properties that are called here as they are everywhere.
fn any_properties() -> impl Strategy<Value = Properties> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1e12..1e12_f64).prop_map(Value::Number),
        ".{0,40}".prop_map(|text| Value::Text(text.into())),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(("x-.{0,6}".prop_map(SmolStr::from), inner), 0..4)
                .prop_map(|entries| Value::Map(Properties(entries))),
        ]
    });
    prop::collection::vec(("x-.{0,6}".prop_map(SmolStr::from), value), 0..8).prop_map(Properties)
}

proptest! {
    #[test]
    fn what_was_written_is_what_is_read(
        name in "x-[^\\p{C}]{1,40}y", user in "[a-zA-Z0-9._@+-]{3,40}x", anonymous in prop::option::of("[a-f0-9-]{40}x"),
        message in "m[!-~]{0,40}", age_ms in 0..600_000_000_i64, properties in any_properties(), zone in prop::option::of("[A-Z][a-z]{2,20}"),
    ) {
        let at = STAMP - Span(age_ms);
        // Written as text: a JSON value of serde_json would sort the properties.
        let written = serde_json::to_string(&properties).expect("properties are JSON");
        let head = json!({
            "type": "track", "event": name, "userId": user, "anonymousId": anonymous, "messageId": message,
            "timestamp": at.to_string(), "context": {"timezone": zone, "other": [zone]},
        });
        let body = head.to_string().replacen('{', &format!(r#"{{"properties":{written},"#), 1);
        let expected = Event {
            message: MessageId::of(&message),
            message_text: message.into(),
            call: Call::Track,
            name: name.into(),
            at,
            timeliness: Timeliness::OnTime,
            customer: CustomerId::user(&user),
            anonymous: anonymous.as_deref().map(CustomerId::anonymous),
            properties,
            locale: None,
            zone: zone.map(SmolStr::from),
        };
        prop_assert_eq!(decode(&user, body.as_bytes(), STAMP, &Border::default()), Ok(expected));
    }

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

#[test]
fn a_good_body_with_bytes_changed_is_decoded_or_refused() {
    let good = br#"{"type":"track","event":"purchase","userId":"u","anonymousId":"a","messageId":"m","sentAt":"2023-11-14T22:13:20.000Z","originalTimestamp":1700000000000,"context":{"locale":"en"},"properties":{"items":[{"id":"p","price":1.5e0}],"\u00e9":null}}"#;
    bolero::check!().with_type::<Vec<(u8, u8)>>().with_iterations(20_000).for_each(|changes| {
        let mut body = good.to_vec();
        for (place, byte) in changes {
            let place = usize::from(*place) % body.len();
            body[place] = *byte;
        }
        if let Ok(event) = decode("u", &body, STAMP, &Border::default()) {
            assert_eq!(event.customer, CustomerId::user("u"));
        }
    });
}
