//! CloudEvents at the border: what they mean, what is refused, and that nothing panics.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::*;
use super::STAMP;
use crate::value::Value;

fn envelope(data: &Json) -> Json {
    json!({
        "specversion": "1.0", "id": "e-1", "source": "/shop/checkout", "type": "com.shop.order_completed.v1",
        "subject": "42", "time": "2023-11-14T22:13:10.5Z", "datacontenttype": "application/json", "data": data,
    })
}

fn decoded(key: &str, body: &Json) -> Result<Event, Rejection> {
    let bytes = serde_json::to_vec(body).expect("a JSON value");
    decode_cloud_event(key, &bytes, STAMP, &Border::default())
}

fn with(name: &str, value: Json) -> Json {
    let mut body = envelope(&json!({"order_id": "o-1"}));
    body[name] = value;
    body
}

#[test]
fn data_that_is_no_call_is_the_properties_of_an_event_of_the_type() {
    let event = decoded("42", &envelope(&json!({"transaction_id": "o-1", "value": 59.9}))).expect("good");
    assert_eq!((event.name.as_str(), event.call), ("Order Completed", Call::Track));
    assert_eq!((event.customer.as_str(), event.anonymous), ("42", None));
    assert_eq!((event.at, event.timeliness), (Timestamp(1_699_999_990_500), Timeliness::OnTime));
    assert_eq!(event.message_text, "/shop/checkout e-1");
    assert_eq!(event.properties.get("order_id"), Some(&Value::Text("o-1".into())));
    assert_eq!(event.properties.get("value"), Some(&Value::Number(59.9)));
}

#[test]
fn data_that_is_a_call_keeps_what_it_says() {
    let call = json!({
        "type": "track", "event": "add_to_cart", "userId": "7", "anonymousId": "a", "messageId": "m",
        "timestamp": "2023-11-14T22:13:00Z", "context": {"locale": "zh-CN"},
        "properties": {"product_id": "p"},
    });
    let event = decoded("7", &envelope(&call)).expect("good");
    assert_eq!((event.name.as_str(), event.customer.as_str()), ("Product Added", "7"));
    assert_eq!(event.anonymous, Some(CustomerId::anonymous("a")));
    assert_eq!(event.at, Timestamp(1_699_999_980_000));
    assert_eq!(event.message_text, "/shop/checkout e-1", "the envelope names the message");
    assert_eq!((event.locale.as_deref(), event.properties.0.len()), (Some("zh-CN"), 1));
    let identify = json!({"type": "identify", "traits": {"email": "a@example.com"}});
    let event = decoded("42", &envelope(&identify)).expect("good");
    assert_eq!((event.name.as_str(), event.customer.as_str()), ("Identified", "42"));
    assert_eq!(event.at, Timestamp(1_699_999_990_500), "what a call does not say the envelope says");
}

#[test]
fn the_last_part_of_a_type_is_the_name_where_it_is_known() {
    for (kind, name) in [
        ("com.shop.purchase", "Order Completed"),
        ("com.shop.purchase.v12", "Order Completed"),
        ("com.shop/purchase", "Order Completed"),
        ("Order Shipped", "Order Shipped"),
        ("com.shop.loyalty.tier_changed.v1", "com.shop.loyalty.tier_changed.v1"),
        ("com.shop.order.vip", "com.shop.order.vip"),
        ("v1", "v1"),
    ] {
        assert_eq!(decoded("42", &with("type", json!(kind))).expect("good").name, name, "{kind}");
    }
}

#[test]
fn the_customer_is_named_by_data_before_the_subject() {
    let whose = |data: Json, subject: Json| {
        let mut body = envelope(&data);
        body["subject"] = subject;
        decoded("", &body).map(|event| event.customer.to_string())
    };
    assert_eq!(whose(json!({"userId": 7}), json!("order-9")), Ok("7".into()));
    assert_eq!(whose(json!({"anonymousId": "a"}), json!("order-9")), Ok("anon:a".into()));
    assert_eq!(whose(json!({}), json!("42")), Ok("42".into()));
    assert_eq!(whose(json!({}), json!("anon:a")), Ok("anon:a".into()));
    let nobody = whose(json!({}), json!(null)).expect_err("nobody");
    assert_eq!((nobody.reason, nobody.field.as_str()), (RejectReason::NoCustomer, "subject"));
    let other = decoded("43", &envelope(&json!({}))).expect_err("of 42");
    assert_eq!((other.reason, other.field.as_str()), (RejectReason::WrongKey, "subject"));
}

#[test]
fn what_is_refused_names_the_attribute_and_what_is_legal() {
    use RejectReason::{BadAttribute, BadId, BadTime, NoCustomer, TooLarge, WrongType};
    let deep = json!("x".repeat(NAME_MAX + 1));
    for (name, value, reason, field, says) in [
        ("specversion", json!("0.3"), BadAttribute, "specversion", "legal is \"1.0\""),
        ("specversion", json!(null), BadAttribute, "specversion", "ce_specversion"),
        ("id", json!(" "), BadAttribute, "id", "ce_id"),
        ("id", json!(7), WrongType, "id", "a string"),
        ("source", json!(null), BadAttribute, "source", "ce_source"),
        ("type", json!(null), BadAttribute, "type", "ce_type"),
        ("type", deep, TooLarge, "type", "200"),
        ("subject", json!("null"), NoCustomer, "subject", "names nobody"),
        ("subject", json!("a\u{1}b"), BadId, "subject", "control"),
        ("subject", json!([]), WrongType, "subject", "a string"),
        ("time", json!("yesterday"), BadTime, "time", "ISO 8601"),
        ("time", json!(5), WrongType, "time", "a string"),
        ("datacontenttype", json!("text/xml"), BadAttribute, "datacontenttype", "application/json"),
        ("data", json!("{}"), WrongType, "data", "no JSON when it was sent"),
        ("data", json!([]), WrongType, "data", "an array"),
        ("data", json!(5), WrongType, "data", "a number"),
        ("data", json!(null), WrongType, "data", "is missing"),
    ] {
        let rejection = decoded("42", &with(name, value.clone())).expect_err("refused");
        assert_eq!(
            (rejection.reason, rejection.field.as_str()),
            (reason, field),
            "{name} {value}: {rejection}"
        );
        assert!(rejection.message.contains(says), "{name} {value}: {rejection}");
    }
    let mut bytes = with("data_base64", json!("e30="));
    bytes["data"] = json!(null);
    assert!(decoded("42", &bytes).expect_err("refused").message.contains("data_base64 is not read"));
}

#[test]
fn media_types_of_json_pass() {
    for media in ["application/json; charset=utf-8", "Text/JSON", "application/vnd.shop+json", ""] {
        assert!(decoded("42", &with("datacontenttype", json!(media))).is_ok(), "{media}");
    }
}

#[test]
fn nesting_and_size_are_bounded() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels), "}".repeat(levels));
        format!(
            r#"{{"specversion":"1.0","id":"i","source":"s","type":"t","subject":"u","data":{open}1{close}}}"#
        )
    };
    let levels = usize::from(crate::value::DEPTH_MAX);
    let decode = |body: String| decode_cloud_event("u", body.as_bytes(), STAMP, &Border::default());
    assert!(decode(nested(levels)).is_ok());
    for levels in [levels + 1, 5_000] {
        assert_eq!(decode(nested(levels)).expect_err("too deep").reason, RejectReason::TooDeep, "{levels}");
    }
    let long = " ".repeat(Border::default().item_bytes_max + 8 * 1_024);
    assert_eq!(decode(nested(1) + &long).expect_err("too long").reason, RejectReason::TooLarge);
    for body in ["", "[]", "{", "nul", r#"{"specversion":"1.0"}{}"#, "\"x\""] {
        let rejection = decode(body.to_owned()).expect_err("no CloudEvent");
        assert_eq!(
            (rejection.reason, rejection.field.as_str()),
            (RejectReason::MalformedJson, "body"),
            "{body}"
        );
    }
    let bytes = decode_cloud_event("u", b"{\"id\":\"\xff\"}", STAMP, &Border::default());
    assert_eq!(bytes.expect_err("no UTF-8").reason, RejectReason::MalformedJson);
}

/// CloudEvents with attributes and data of every type, most of them good.
fn any_envelope() -> impl Strategy<Value = Json> {
    let value = prop_oneof![
        4 => "[a-z0-9.:]{1,8}".prop_map(|text| json!(text)),
        1 => Just(json!(null)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => Just(json!({"event": "purchase", "userId": 5, "properties": [1]})),
        1 => Just(json!({"type": "identify", "traits": {"a": 1}})),
        1 => ".{0,8}".prop_map(|text| json!(text)),
    ];
    let name = prop::sample::select(vec![
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "data",
        "data_base64",
    ]);
    prop::collection::vec((name, value), 0..4).prop_map(|changes| {
        let mut body = envelope(&json!({"order_id": 1}));
        for (name, value) in changes {
            body[name] = value;
        }
        body
    })
}

proptest! {
    #[test]
    fn what_passes_is_an_event_of_its_key(body in any_envelope(), stamp in any::<i64>()) {
        let bytes = serde_json::to_vec(&body).expect("a JSON value");
        let (stamp, border) = (Timestamp(stamp), Border::default());
        if let Ok(event) = decode_cloud_event("", &bytes, stamp, &border) {
            prop_assert!(!names_nobody(event.customer.as_str()));
            prop_assert!(!event.name.is_empty() && event.message_text.contains(' '));
            let again = decode_cloud_event(event.customer.as_str(), &bytes, stamp, &border);
            prop_assert_eq!(again, Ok(event), "the key that it names is its key");
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _answer = decode_cloud_event("u", &bytes, STAMP, &Border::default());
    }
}

/// With more iterations and guidance by coverage it runs under `cargo bolero test`.
#[test]
fn a_good_cloud_event_with_bytes_changed_is_decoded_or_refused() {
    let good = serde_json::to_vec(&envelope(
        &json!({"event": "purchase", "userId": "42", "properties": {"a": [1.5]}}),
    ))
    .expect("a JSON value");
    bolero::check!().with_type::<Vec<(u8, u8)>>().with_iterations(20_000).for_each(|changes| {
        let mut body = good.clone();
        for (place, byte) in changes {
            let place = usize::from(*place) % body.len();
            body[place] = *byte;
        }
        if let Ok(event) = decode_cloud_event("42", &body, STAMP, &Border::default()) {
            assert_eq!(event.customer, CustomerId::user("42"));
        }
    });
}
