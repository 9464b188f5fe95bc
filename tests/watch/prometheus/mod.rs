//! A real Prometheus scrapes the real binary under load: every query of every dashboard has to find something, every rule has to be one,
//! and no alert fires while all is well.

mod answers;
mod dashboards;
mod server;

use std::collections::BTreeSet;
use std::process::Command;

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::log::{NewRecord, Topic};
use engine::app::Opened;
use engine::clock::SystemClock;
use engine::predict::Kind;
use engine::settings::Settings;
use schemas::ids::PartitionId;
use schemas::record::RecordKind;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::care;
use crate::http::client::{Answer, Ask, Client};
use crate::service::{PATIENCE, Served};
use crate::watch::{in_repository, text_of};

use answers::Answers;
use dashboards::Query;
use server::Prometheus;

/// What a query may ask about that finds nothing here: beginnings of names of metrics, and when they are there.
const FOUND_ELSEWHERE: [(&str, &str); 5] = [
    ("care_log_records_unread", "the log lies on servers"),
    ("care_log_partitions_", "the log lies on servers"),
    ("care_log_append_seconds", "the log lies on servers"),
    ("care_log_retention_margin_records", "the log lies on servers"),
    ("care_store_request_seconds", "the store lies on servers"),
];

/// And those that are there when something went wrong that this test does not do.
const FOUND_IN_A_FAULT: [(&str, &str); 2] = [
    ("care_partition_leases_lost_total", "another process took a lease"),
    ("care_store_requests_failed_total", "a server of the store failed"),
];

/// And those that are there once something has been refused or has failed: in the second part of the test.
const FOUND_AFTER_TROUBLE: [&str; 6] = [
    "care_collector_events_rejected_total",
    "care_http_requests_refused_total",
    "care_partition_records_rejected_total",
    "care_generation_calls_failed_total",
    "care_generation_calls_retried_total",
    "rung=~\"template|hand_off\"",
];

/// A served shop: simulated shoppers, and events over HTTP.
struct Shop {
    dir: TempDir,
    key: String,
    served: Served,
    /// Events sent.
    sent: u64,
}

impl Shop {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let data = data(&dir);
        let words = ["keys", "create", "--role", "ingest", "--name", "web", "--json", "--data-dir", &data];
        let key = care::run(words).summary()["key"].as_str().expect("a key").to_owned();
        let served = serve(&dir, "127.0.0.1:0", "127.0.0.1:0");
        Self { dir, key, served, sent: 0 }
    }

    fn send(&self, ask: Ask) -> Answer {
        let http = self.served.started["http"].as_str().expect("it listens");
        let address = http.strip_prefix("http://").expect("http");
        Client::connect(address).and_then(|mut client| client.send(&ask)).expect("an answer")
    }

    /// Sends what a shop's page and a shop's back office send: one request of each kind.
    fn shop(&mut self) {
        self.sent += 1;
        let (n, user) = (self.sent, format!("shopper-{}", self.sent % 50));
        for event in ["Help Wanted", "Product Viewed"] {
            let properties = json!({"product_id": "p-1"});
            let call = json!({"userId": user, "event": event, "messageId": format!("{event}-{n}"), "properties": properties});
            let answer = self.send(Ask::json("/v1/track", call).key(&self.key));
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let event = json!({"specversion": "1.0", "id": n.to_string(), "source": "test", "type": "Seen", "subject": user, "data": {"product_id": "p-1"}});
        let cloud = Ask::new("POST", "/events").header("Content-Type", "application/cloudevents+json");
        let answer = self.send(cloud.body(event.to_string()).key(&self.key));
        assert!(answer.status < 300, "{answer:?}");
    }

    /// Sends what is refused: as a whole and one by one.
    fn trouble(&self) {
        let call = json!({"userId": "u", "event": "Seen", "messageId": "m"});
        assert_eq!(self.send(Ask::json("/v1/track", &call).key("wrong")).status, 401);
        assert_eq!(self.send(Ask::new("GET", "/nowhere")).status, 404);
        let batch = json!({"batch": [call, {"type": "track", "event": "Seen"}]});
        assert_eq!(self.send(Ask::json("/v1/batch", batch).key(&self.key)).status, 200);
    }

    /// Stops it, puts what is no event into its log, and serves it again where it was.
    fn spoil(mut self) -> Self {
        let at = |url: &Value| url.as_str().expect("an address").trim_start_matches("http://").to_owned();
        let (endpoint, http) = (at(&self.served.started["endpoint"]), at(&self.served.started["http"]));
        let (status, _) = self.served.stop();
        assert_eq!(status.code(), Some(0));
        append_garbage(&self.dir);
        self.served = serve(&self.dir, &endpoint, &http);
        self
    }
}

fn data(dir: &TempDir) -> String {
    dir.path().join("data").display().to_string()
}

fn serve(dir: &TempDir, endpoint: &str, http: &str) -> Served {
    let triggers = in_repository("tests/watch/triggers").display().to_string();
    let data = data(dir);
    let options = ["--simulate", "3000", "--http", http, "--data-dir", &data, "--triggers", &triggers];
    // Customers rest soon, so that this is seen.
    let mut served = Served::start_at(endpoint, &options, &[("CARE__CUSTOMERS__IDLE_S", "2")]);
    served.hear("ready");
    served
}

fn append_garbage(dir: &TempDir) {
    let mut settings = Settings::defaults();
    settings.data.dir = data(dir).into();
    settings.predictor.kind = Kind::Rules;
    let opened = Opened::for_service(&settings, Metrics::new()).expect("the folder is free");
    let garbage = |n: u32| {
        let (partition, kind) = (PartitionId(n), RecordKind::Event);
        NewRecord { partition, key: "u".into(), kind, epoch: None, stamp: None, body: "no event".into() }
    };
    let appended = opened.ports.sink.append(Topic::Events, (0..3).map(garbage).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(appended).expect("the log takes whatever it is given");
}

/// Returns the queries that find nothing though they should; each has to be a query.
fn empty(queries: &[Query], prometheus: &Prometheus, excused: &[&str]) -> Vec<Query> {
    let finds_nothing = |query: &&Query| {
        let found = prometheus.query(&query.text).unwrap_or_else(|error| panic!("{query:?}: {error}"));
        let excused = excused.iter().any(|name| query.text.contains(name));
        !excused && !found.iter().any(|value| value.is_finite())
    };
    queries.iter().filter(finds_nothing).cloned().collect()
}

/// Does something again and again until every query finds something, and says which do not when that takes too long.
#[track_caller]
fn until_found(queries: &[Query], prometheus: &Prometheus, excused: &[&str], mut act: impl FnMut()) {
    let began = SystemClock.boot();
    let mut open = queries.to_vec();
    while !open.is_empty() {
        act();
        open = empty(&open, prometheus, excused);
        assert!(SystemClock.boot() - began < PATIENCE, "these find nothing:\n{open:#?}");
    }
}

fn firing(prometheus: &Prometheus) -> BTreeSet<String> {
    let rules = prometheus.rules();
    let alerts = rules.iter().filter(|rule| rule["state"] == "firing");
    alerts.map(|alert| alert["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn every_query_of_the_dashboards_finds_something_and_no_alert_fires_while_all_is_well() {
    let (mut shop, answers) = (Shop::open(), Answers::start());
    let prometheus = Prometheus::start(&[&shop.served.endpoint, &answers.address]);
    let scraped = || prometheus.query("count(up == 1) == 2").expect("a query");
    while scraped().is_empty() {
        shop.shop();
    }
    let dashboards = dashboards::all();
    let queries: Vec<Query> = dashboards
        .iter()
        .flat_map(|(name, dashboard)| dashboards::queries(name, dashboard, &prometheus))
        .collect();
    assert!(queries.len() > 80, "{} queries were found: the files are read wrongly", queries.len());
    let never: Vec<&str> = FOUND_ELSEWHERE.iter().chain(&FOUND_IN_A_FAULT).map(|(name, _)| *name).collect();
    let not_yet = [&never[..], &FOUND_AFTER_TROUBLE].concat();
    until_found(&queries, &prometheus, &not_yet, || shop.shop());

    let rules = prometheus.rules();
    assert!(rules.len() > 30, "{} rules were read", rules.len());
    for rule in &rules {
        assert_eq!((&rule["health"], &rule["lastError"]), (&json!("ok"), &Value::Null), "{rule}");
    }
    assert_eq!(firing(&prometheus), BTreeSet::new(), "all is well");

    shop = shop.spoil();
    answers.break_down();
    until_found(&queries, &prometheus, &never, || {
        shop.shop();
        shop.trouble();
    });
    for name in never {
        assert!(queries.iter().any(|query| query.text.contains(name)), "no query speaks of {name} any more");
    }
    let mut fire = firing(&prometheus);
    while fire.is_empty() {
        shop.shop();
        fire = firing(&prometheus);
    }
    assert_eq!(
        fire,
        BTreeSet::from(["CareDeadLetters".to_owned()]),
        "and nothing that needs longer than this"
    );
    let (status, _) = shop.served.stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn alerts_fire_when_they_must_and_are_silent_when_they_must() {
    let files =
        ["alerts_test.yml", "alerts_days_test.yml"].map(|name| format!("ops/deploy/prometheus/{name}"));
    let path = |file: &String| in_repository(file).display().to_string();
    promtool(["check", "config"], [path(&"ops/deploy/prometheus/prometheus.yml".to_owned())]);
    promtool(["test", "rules"], files.each_ref().map(path));
    let tests = files.map(|file| text_of(&file)).concat();
    let untested: Vec<String> = super::runbook::alerts()
        .into_iter()
        .map(|alert| alert.name)
        .filter(|name| !tests.contains(&format!("alertname=\"{name}\"")))
        .collect();
    assert!(untested.is_empty(), "these never fire in a test: {untested:?}");
}

#[track_caller]
fn promtool<const N: usize>(command: [&str; 2], files: [String; N]) {
    let done = Command::new(server::program("promtool")).args(command).args(files).output();
    let done = done.expect("there is a promtool: `ops/test --setup-only` fetches it");
    let told = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(done.status.success(), "{told}");
}
