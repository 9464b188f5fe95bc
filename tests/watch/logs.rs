//! Log lines of the real binary: JSON by setting, with the ids of requests and without what customers said.

use serde_json::{Value, json};

use crate::care;
use crate::http::client::{Ask, Client};
use crate::service::Served;

/// What must not be in a log: who a customer is, what he did, what opens a door.
const USER: &str = "ada.lovelace@example.com";
const EVENT: &str = "Secret Wish Made";

#[test]
fn lines_are_json_bear_the_ids_of_requests_and_tell_nothing_of_customers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data").display().to_string();
    let words = ["keys", "create", "--role", "ingest", "--name", "web", "--json", "--data-dir", &data];
    let key = care::run(words).summary()["key"].as_str().expect("a key").to_owned();
    let variables = [
        ("CARE__PREDICTOR__KIND", "rules"),
        ("CARE__OBSERVABILITY__LOG", "trace"),
        ("CARE__OBSERVABILITY__LOG_FORMAT", "json"),
    ];
    let mut served = Served::start(&["--http", "127.0.0.1:0", "--data-dir", &data], &variables);
    served.hear("ready");
    let http = served.started["http"].as_str().expect("it listens").trim_start_matches("http://").to_owned();
    let send = |ask: &Ask| Client::connect(&http).and_then(|mut client| client.send(ask)).expect("an answer");
    let call = json!({"userId": USER, "event": EVENT, "messageId": "m-1", "traits": {"email": USER}});
    let track = Ask::json("/v1/track", call).key(&key);
    let given = send(&track.clone().header("X-Request-Id", "till-7.4711"));
    assert_eq!((given.status, given.header("X-Request-Id")), (200, Some("till-7.4711")));
    let own = send(&track.header("X-Request-Id", "<script>"));
    let own = own.header("X-Request-Id").expect("one of its own").to_owned();
    assert!(own.len() == 16 && own.bytes().all(|byte| byte.is_ascii_hexdigit()), "{own}");
    let event = json!({"client_id": USER, "events": [{"name": EVENT.replace(' ', "_"), "params": {}}]});
    let google = send(&Ask::json(format!("/mp/collect?api_secret={key}&user={USER}"), event));
    assert_eq!(google.status, 204);
    served.wait_until("the events are applied", |served| {
        served.metric("care_customer_events_applied_total")
            + served.metric("care_customer_events_duplicate_total")
            >= 3.0
    });
    served.signal("TERM");
    served.hear("stopped");
    let (_, log) = served.wait();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect();
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()));
    for id in ["till-7.4711", own.as_str()] {
        let line = lines.iter().find(|line| line["span"]["request"] == id).expect("a line of the request");
        assert_eq!(
            (&line["span"]["http.route"], &line["fields"]["status"]),
            (&json!("/v1/track"), &json!(200))
        );
    }
    let engine = |line: &&Value| {
        let target = line["target"].as_str().expect("a target");
        ["care", "engine", "actors", "schemas"].iter().any(|ours| target.starts_with(ours))
    };
    let told = lines.iter().filter(engine).map(Value::to_string).collect::<String>();
    for secret in [USER, "ada.lovelace", EVENT, "Secret_Wish", key.as_str()] {
        assert!(!told.contains(secret), "{secret:?} is in the log");
    }
}
