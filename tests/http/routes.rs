//! Every route: what it takes, how it answers, what it refuses.

use std::collections::{BTreeMap, BTreeSet};

use engine::http::{Open, ROUTES, Route};
use engine::keys::Role;
use serde_json::{Value, json};

use super::client::{Answer, Ask};
use super::{Shop, count, customer, track};

/// Where a page opens a session, with the key that it sends events with.
pub(super) const SESSION: &str = "/chat/session";

/// Returns the paths of the collector.
pub(super) fn collector() -> BTreeSet<&'static str> {
    let takes = |route: &&Route| route.open == Open::Keys(&[Role::Ingest]) && route.path != SESSION;
    ROUTES.iter().filter(takes).map(|route| route.path).collect()
}

/// A good request for a path of the collector, with the key where its clients put it; the event is of `user` and called `Seen`.
pub(super) fn good(path: &str, key: &str, user: &str) -> Ask {
    let id = format!("{path} {user}");
    let call = json!({"userId": user, "event": "Seen", "messageId": id, "writeKey": key});
    let mixpanel = |token: Option<&str>| json!({"event": "Seen", "properties": {"distinct_id": user, "$insert_id": id, "token": token}});
    match path {
        "/v1/batch" | "/v1/b" => {
            let mut call = call;
            call["type"] = json!("track");
            Ask::json(path, json!({"batch": [call], "writeKey": key})).header("Content-Type", "text/plain")
        }
        path if path.starts_with("/v1/") => Ask::json(path, call).header("Content-Type", "text/plain"),
        "/events" => {
            let event = json!({"specversion": "1.0", "id": id, "source": "/test", "type": "Seen", "subject": user, "data": {}});
            Ask::json(path, event).header("Content-Type", "application/cloudevents+json").key(key)
        }
        "/mp/collect" | "/debug/mp/collect" => {
            let body = json!({"user_id": user, "timestamp_micros": 1_700_000_000_000_000_u64, "events": [{"name": "Seen"}]});
            Ask::new("POST", format!("{path}?measurement_id=G-1&api_secret={key}")).body(body.to_string())
        }
        "/track" => Ask::json("/track/?verbose=1&ip=1", mixpanel(Some(key))),
        "/import" => {
            let basic = basic(key);
            Ask::json("/import?strict=1", json!([mixpanel(None)])).header("Authorization", &basic)
        }
        other => panic!("no request is known for {other}"),
    }
}

/// Returns HTTP Basic with a key as user name.
fn basic(key: &str) -> String {
    let bytes = format!("{key}:").into_bytes();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("Basic ");
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = alphabet[(number >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[track_caller]
pub(super) fn problem(answer: &Answer, status: u16, name: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("Content-Type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:care:problem:{name}"));
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}

#[test]
fn every_route_takes_what_its_clients_send_and_answers_as_they_expect() {
    let shop = Shop::open(&[]);
    for path in collector() {
        let answer = shop.send(&good(path, &shop.key, "shopper"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        let accepted = json!({"success": true, "accepted": 1, "rejected": []});
        let (status, expected) = match path {
            "/events" => (200, json!({"accepted": 1, "rejected": []})),
            "/mp/collect" => (204, Value::Null),
            "/debug/mp/collect" => (200, json!({"validationMessages": []})),
            "/track" => (200, json!({"status": 1, "error": null})),
            "/import" => (200, json!({"code": 200, "status": "OK", "num_records_imported": 1})),
            _ => (200, accepted),
        };
        let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
        assert_eq!((answer.status, body), (status, expected), "{path}");
    }
    // What is sent to the debug route is looked at and not kept.
    shop.wait_for_events(collector().len() as u64 - 1);
    let dir = shop.close();
    // Track calls, alone and in batches, on long and short routes; a CloudEvent; one of GA4; two of Mixpanel. Other calls bear other names.
    assert_eq!(count(&customer(&dir, "shopper"), "Seen"), 8);
}

#[test]
fn what_is_refused_is_told_with_what_would_be_legal() {
    let shop = Shop::open(&[("CARE__HTTP__BODY_MAX_KIB", "100")]);
    let good = || Ask::json("/v1/track", track("u", "E", "m"));
    problem(&shop.send_with_key(Ask::new("GET", "/v2/track")), 404, "not-found");
    let method = shop.send_with_key(Ask::new("GET", "/v1/track"));
    assert_eq!(method.header("Allow"), Some("POST, OPTIONS"));
    problem(&method, 405, "method-not-allowed");
    let xml = good().header("Content-Type", "application/xml");
    assert!(
        problem(&shop.send_with_key(xml), 415, "unsupported-media-type")["detail"]
            .to_string()
            .contains("application/json")
    );
    let brotli = good().header("Content-Encoding", "br");
    problem(&shop.send_with_key(brotli), 415, "unsupported-content-encoding");
    let huge = Ask::json("/v1/track", " ".repeat(101 << 10));
    problem(&shop.send_with_key(huge), 413, "too-large");
    let many = format!("{{\"batch\":[{}{{}}]}}", "{},".repeat(2_500));
    problem(&shop.send_with_key(Ask::json("/v1/batch", many)), 413, "too-large");
    for body in ["", "{", "[]", "\u{0}", "{\"a\":\"\\ud800\"}x", &"[".repeat(90_000)] {
        let refused = problem(&shop.send_with_key(Ask::json("/v1/track", body)), 400, "malformed");
        assert_eq!(refused["field"], "body");
    }
    let refused = problem(&shop.send_with_key(Ask::json("/v1/batch", "{}")), 400, "malformed");
    assert_eq!(refused["field"], "batch");
    for (ask, name) in [(good(), "no-key"), (good().key("care_ingest_00000000_11"), "unknown-key")] {
        let answer = shop.send(&ask);
        assert!(answer.header("WWW-Authenticate").is_some_and(|header| header.starts_with("Basic")));
        problem(&answer, 401, name);
    }
    let single =
        problem(&shop.send_with_key(Ask::json("/v1/track", track("null", "E", "m"))), 400, "events-refused");
    assert_eq!((&single["success"], &single["rejected"][0]["code"]), (&json!(false), &json!("no_customer")));
    let long = "x".repeat(33 << 10);
    let single =
        problem(&shop.send_with_key(Ask::json("/v1/track", track("u", &long, "m"))), 400, "events-refused");
    assert_eq!(single["rejected"][0]["code"], "too_large");
    assert_eq!(shop.served.metric("care_collector_events_accepted_total"), 0.0);
    // Two events that cannot pass, and seven bodies that are none.
    assert_eq!(shop.served.metric("care_collector_events_rejected_total"), 9.0);
}

#[test]
fn compatible_routes_refuse_as_their_clients_expect() {
    let shop = Shop::open(&[]);
    let key = &shop.key;
    let google = |path: &str, secret: &str, body: &str| {
        shop.send(&Ask::new("POST", format!("{path}?api_secret={secret}")).body(body))
    };
    for body in ["{", "{}", r#"{"events":[{"name":"a"}]}"#, r#"{"client_id":"c","events":[{}]}"#] {
        assert_eq!(google("/mp/collect", key, body).status, 204, "{body}");
        let told = google("/debug/mp/collect", key, body);
        let messages = told.json()["validationMessages"].clone();
        assert_eq!((told.status, messages.as_array().map(Vec::len)), (200, Some(1)), "{body} {messages}");
        assert!(
            ["VALUE_INVALID", "VALUE_REQUIRED"].map(Value::from).contains(&messages[0]["validationCode"]),
            "{messages}"
        );
    }
    problem(&google("/mp/collect", "wrong", "{}"), 401, "unknown-key");
    problem(&google("/mp/collect", key, &" ".repeat(600 << 10)), 413, "too-large");

    let mixpanel = |path: &str, body: Value| shop.send(&Ask::json(path, body));
    let bad = json!({"event": "E", "properties": {"token": key}});
    assert_eq!(mixpanel("/track", bad.clone()).body, "0");
    let told = mixpanel("/track?verbose=1", bad).json();
    assert!(told["status"] == 0 && told["error"].to_string().contains("distinct_id"), "{told}");
    let unknown = mixpanel("/track", json!({"event": "E", "properties": {"distinct_id": "u", "token": "k"}}));
    assert_eq!((unknown.status, &unknown.json()["status"]), (401, &json!(0)));
    let import = json!([
        {"event": "E", "properties": {"distinct_id": "u", "$insert_id": "1", "token": key}},
        {"event": "E", "properties": {"distinct_id": "u", "token": key}},
    ]);
    let told = mixpanel("/import?strict=1", import.clone());
    let body = told.json();
    assert_eq!((told.status, &body["num_records_imported"]), (400, &json!(1)), "{body}");
    let failed = &body["failed_records"];
    assert_eq!((failed.as_array().map(Vec::len), &failed[0]["index"]), (Some(1), &json!(1)), "{failed}");
    assert_eq!(failed[0]["field"], "properties.$insert_id");
    assert_eq!(mixpanel("/import?strict=0", import).json()["code"], 200);
    let form = format!("data={}", r#"[{"event":"E","properties":{"distinct_id":"u"}}]"#);
    let get = shop.send_with_key(Ask::new("GET", format!("/track?{}", form.replace('"', "%22"))));
    assert_eq!((get.status, get.body.as_str()), (200, "1"));
}

#[test]
fn a_bad_event_of_a_batch_is_told_by_index_and_code_and_the_others_are_durable() {
    let shop = Shop::open(&[]);
    let mut batch: Vec<Value> = (0..20).map(|n| track("buyer", "Seen", &format!("m{n}"))).collect();
    batch[3] = json!({"type": "track", "event": "Seen"});
    batch[7] = json!("no call");
    let answer = shop.send_with_key(Ask::json("/v1/batch", json!({"batch": batch})));
    let body = answer.json();
    assert_eq!((answer.status, &body["success"], &body["accepted"]), (200, &json!(true), &json!(18)));
    let told: BTreeMap<u64, String> = body["rejected"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (one["index"].as_u64().expect("a number"), one["code"].as_str().expect("a code").to_owned())
        })
        .collect();
    assert_eq!(told, BTreeMap::from([(3, "no_customer".to_owned()), (7, "malformed_json".to_owned())]));
    let again = shop.send_with_key(Ask::json("/v1/batch", json!({"batch": batch})));
    assert_eq!(again.json(), body, "a retry is answered alike");
    shop.wait_for_events(36);
    assert_eq!(shop.served.metric("care_customer_events_duplicate_total"), 18.0);
    assert_eq!(count(&customer(&shop.close(), "buyer"), "Seen"), 18, "a retry counts once");
}

#[test]
fn pages_of_configured_origins_may_send() {
    let origins = "https://shop.example,http://localhost:3000";
    let shop = Shop::open(&[("CARE__HTTP__CORS_ORIGINS", origins)]);
    let asked = |origin: &str| {
        let preflight = Ask::new("OPTIONS", "/v1/t")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "content-type");
        shop.send(&preflight)
    };
    let allowed = asked("https://shop.example");
    assert_eq!(allowed.status, 204, "{allowed:?}");
    assert_eq!(allowed.header("Access-Control-Allow-Origin"), Some("https://shop.example"));
    assert!(allowed.header("Access-Control-Allow-Methods").is_some_and(|methods| methods.contains("POST")));
    assert!(
        allowed.header("Access-Control-Allow-Headers").is_some_and(|names| names.contains("Content-Type"))
    );
    assert_eq!(asked("https://other.example").header("Access-Control-Allow-Origin"), None);
    let call = Ask::json("/v1/t", track("u", "E", "m")).header("Origin", "http://localhost:3000");
    let answer = shop.send_with_key(call);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("http://localhost:3000"));
    let elsewhere = shop.send(&Ask::new("GET", "/").header("Origin", "http://localhost:3000"));
    assert_eq!(elsewhere.header("Access-Control-Allow-Origin"), None, "for the collector alone");
}
