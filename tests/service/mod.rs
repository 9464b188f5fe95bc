//! `care serve` in the embedded world, by the real binary: started, watched, stopped.

mod process;

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use care_tests::shop::Shop;
use serde_json::Value;
use tempfile::TempDir;

pub use process::{PATIENCE, Served};

use crate::care;

/// A small shop in real time, with rule scores: what is tested is not the models.
const SHOP: [&str; 3] = ["--simulate", "3000", "--data-dir"];

const RULES: (&str, &str) = ("CARE__PREDICTOR__KIND", "rules");

fn folder() -> (TempDir, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data").display().to_string();
    (dir, data)
}

fn shop(data: &str) -> Vec<&str> {
    [&SHOP[..], &[data]].concat()
}

/// Returns everything that is durable in a data folder, one line each.
fn dump(data: &str) -> Vec<String> {
    care::dump(["--data-dir".to_owned(), data.to_owned()])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn a_service_says_what_it_is_is_scraped_and_stops_with_everything_safe() {
    let (_dir, data) = folder();
    let mut served = Served::start(&shop(&data), &[RULES]);
    assert_eq!(served.started["world"], "embedded");
    assert_eq!(served.started["models"]["churn"], "rules");
    assert!(served.started["triggers"].as_array().is_some_and(|all| all.len() > 5), "{}", served.started);
    assert_eq!(served.hear("ready")["partitions"], 8);
    let ready = served.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let (ready, live) = (json(&ready.body), served.get("/livez"));
    assert_eq!(
        (&ready["phase"], &ready["partitions"]["at_work"]),
        (&Value::from("serving"), &Value::from(8))
    );
    assert!(
        ready["checks"].as_object().expect("checks").values().all(|check| check["good"] == true),
        "{ready}"
    );
    assert_eq!((live.status, &json(&live.body)["live"]), (200, &Value::from(true)));
    served.wait_until("events are applied", |served| {
        served.metric("care_customer_events_applied_total") > 100.0
    });
    for name in [
        "care_engine_ready",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(served.metric(name) > 0.0, "{name}");
    }
    let elsewhere = served.get("/");
    assert!(elsewhere.status == 404 && elsewhere.body.contains("/readyz"), "{}", elsewhere.body);
    let (status, stopped) = served.stop();
    println!("drained in {} s", stopped["took_s"]);
    assert_eq!((status.code(), &stopped["safe"]), (Some(0), &Value::from(true)), "{stopped}");
    assert_eq!(stopped["left"], serde_json::json!({"partitions": [], "rows": 0, "unsent": 0}));
    let customers = dump(&data).iter().filter(|line| line.contains("\"customer\"")).count();
    assert!(customers > 10, "{customers} customers are there for whoever looks afterwards");
}

#[test]
fn files_that_are_served_in_pieces_come_to_what_a_replay_comes_to() {
    let (dir, data) = folder();
    let events = dir.path().join("shop.jsonl").display().to_string();
    let lines = Shop { seed: 5, shoppers: 120, days: 3 }.lines();
    std::fs::write(&events, lines.join("\n")).expect("the events are written");
    let replayed = dir.path().join("replayed").display().to_string();
    let of_replay = ["replay", &events, "--format", "segment-jsonl", "--json", "--data-dir", &replayed];
    let summary = care::run(of_replay).summary();
    assert_eq!((&summary["lost"], &summary["doubled"]), (&Value::from(0), &Value::from(0)));

    let of_service = ["--replay", &events, "--format", "segment-jsonl", "--data-dir", &data];
    let mut first = Served::start(&of_service, &[]);
    first.hear("ready");
    let (status, _) = first.stop();
    assert_eq!(status.code(), Some(0));
    let second = Served::start(&of_service, &[]);
    second.wait_for_log("files replayed, everything is durable");
    second.wait_until("the log is read to its end", |served| {
        served.metric("care_partition_records_lag") == 0.0
    });
    let (status, stopped) = second.stop();
    assert_eq!((status.code(), &stopped["safe"]), (Some(0), &Value::from(true)), "{stopped}");
    let (expected, found) = (dump(&replayed), dump(&data));
    if let Some(difference) = care::difference(&expected, &found) {
        panic!("served otherwise than replayed:\n{difference}");
    }
}

#[test]
fn a_service_manager_hears_of_ready_alive_and_stopping() {
    let (dir, data) = folder();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a bound");
    let heard = |words: &str| {
        let mut buffer = [0; 4_096];
        loop {
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("never {words}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.contains(words) {
                return text;
            }
        }
    };
    let path = path.display().to_string();
    let variables = [RULES, ("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "900000")];
    let served = Served::start(&["--data-dir", &data], &variables);
    assert!(heard("READY=1").contains("STATUS=8 partitions at work"));
    heard("WATCHDOG=1");
    let (status, _) = served.stop();
    assert!(heard("STOPPING=1").contains("EXTEND_TIMEOUT_USEC=10000000"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_model_that_is_activated_answers_while_the_service_runs() {
    let (_dir, data) = folder();
    let mut served = Served::start(&["--data-dir", &data], &[]);
    served.hear("ready");
    assert_ne!(served.started["models"]["churn"], "rules", "a shipped model is active");
    let changed =
        care::run(["models", "activate", "churn", "rules", "--data-dir", &data, "--json"]).summary();
    assert_eq!(changed["active"], "rules");
    let line = served.wait_for_log("model activated");
    assert!(line.contains("churn") && line.contains("rules"), "{line}");
    let (status, _) = served.stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_keeps_a_service_from_starting_is_said_with_what_to_do() {
    let (_dir, data) = folder();
    let mut served = Served::start(&["--data-dir", &data], &[RULES]);
    served.hear("ready");
    let again = care::run(["serve", "--listen", "127.0.0.1:0", "--data-dir", &data]);
    assert!(!again.success && again.err.contains("is in use by"), "{}", again.err);
    let other = folder();
    let taken = care::run(["serve", "--listen", &served.endpoint, "--data-dir", &other.1]);
    assert!(!taken.success && taken.err.contains("serve.listen"), "{}", taken.err);
    assert!(!Path::new(&other.1).exists(), "nothing is made before the address is there");
    let (status, _) = served.stop();
    assert_eq!(status.code(), Some(0));
}
