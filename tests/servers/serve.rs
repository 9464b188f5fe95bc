//! `care serve` on Kafka and a CQL server: two processes share the partitions, an outage is told, a stop has a bound.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::Value;

use crate::care;
use crate::cluster::{Brokers, Cluster, Names, Server};
use crate::http::client::{Ask, Client};
use crate::service::Served;

/// Partitions of every topic.
pub const PARTITIONS: u64 = 4;

/// Customers of a test.
const CUSTOMERS: usize = 40;

/// A world of its own on servers: topics and keyspace made.
pub struct World<'a> {
    cluster: &'a Cluster,
    names: Names,
}

impl<'a> World<'a> {
    /// Makes one.
    pub fn new(cluster: &'a Cluster, what: &str) -> Self {
        let world = Self { cluster, names: cluster.names(what) };
        for command in [&["topics", "create"][..], &["migrate"]] {
            let done = world.care(command);
            assert!(done.success, "{command:?}: {}", done.err);
        }
        world
    }

    /// Returns the settings as the environment has them.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let Names { topic_prefix, group, keyspace } = &self.names;
        let copies = self.cluster.replication.to_string();
        [
            ("CARE__LOG__KIND", "kafka"),
            ("CARE__STORE__KIND", "cql"),
            ("CARE__LOG__PARTITIONS", &PARTITIONS.to_string()),
            ("CARE__KAFKA__BROKERS", &self.cluster.brokers),
            ("CARE__KAFKA__TOPIC_PREFIX", topic_prefix),
            ("CARE__KAFKA__GROUP", group),
            ("CARE__KAFKA__REPLICATION", &copies),
            ("CARE__KAFKA__MIN_INSYNC", "1"),
            ("CARE__CQL__NODES", &self.cluster.cql),
            ("CARE__CQL__KEYSPACE", keyspace),
            ("CARE__CQL__REPLICATION", "1"),
            ("CARE__PREDICTOR__KIND", "rules"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }

    fn care(&self, words: &[&str]) -> care::Finished {
        care::run_with(words.iter().copied(), &self.settings())
    }

    /// Starts a process of it.
    pub fn serve(&self, more: &[(&'static str, &str)]) -> Served {
        let settings = self.settings();
        let mut variables: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.extend(more);
        Served::start::<&str>(&[], &variables)
    }

    /// Produces one record per customer, and waits until all copies are there.
    fn produce(&self, body: impl Fn(&str) -> String) {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.cluster.brokers).set("partitioner", "murmur2_random");
        let producer: FutureProducer = client.create().expect("legal settings");
        let topic = format!("{}care.events", self.names.topic_prefix);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            for customer in (0..CUSTOMERS).map(|number| format!("customer-{number}")) {
                let body = body(&customer);
                let record = FutureRecord::to(&topic).key(&customer).payload(&body);
                producer.send(record, Duration::from_secs(30)).await.expect("appended");
            }
        });
    }
}

fn cart(customer: &str) -> String {
    format!(
        r#"{{"type":"track","event":"Product Added","userId":"{customer}","messageId":"m-{customer}","properties":{{"cart_id":"c","product_id":"p","price":60.0,"quantity":1}}}}"#
    )
}

fn readyz(served: &Served) -> (u16, Value) {
    let answer = served.get("/readyz");
    (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
}

/// Returns how many partitions a process works on.
pub fn at_work(served: &Served) -> u64 {
    readyz(served).1["partitions"]["at_work"].as_u64().expect("a count")
}

#[test]
fn what_comes_over_http_is_acknowledged_by_the_broker_and_applied_once() {
    let world = World::new(Cluster::shared(), "http");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = folder.path().join("keys.json").display().to_string();
    // What one process keeps for itself: the secret of its sessions.
    let data = folder.path().join("data").display().to_string();
    let open = [
        ("CARE__HTTP__LISTEN", "127.0.0.1:0"),
        ("CARE__HTTP__KEYS", keys.as_str()),
        ("CARE__DATA__DIR", data.as_str()),
    ];
    let settings: Vec<_> = open.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let made = ["keys", "create", "--role", "ingest", "--name", "web", "--json"];
    let key = care::run_with(made, &settings).summary()["key"].as_str().expect("a key").to_owned();
    let mut served = world.serve(&open);
    served.hear("ready");
    let address =
        served.started["http"].as_str().and_then(|url| url.strip_prefix("http://")).expect("it listens");
    let mut client = Client::connect(address).expect("it listens");
    for _ in 0..2 {
        for customer in (0..CUSTOMERS).map(|number| format!("customer-{number}")) {
            let ask = Ask::json("/v1/track", cart(&customer)).key(&key);
            let answer = client.send(&ask).expect("an answer");
            assert_eq!((answer.status, &answer.json()["accepted"]), (200, &Value::from(1)), "{answer:?}");
        }
    }
    served.wait_until("everything is applied, or known", |served| {
        let known = served.metric("care_customer_events_duplicate_total");
        served.metric("care_customer_events_applied_total") == CUSTOMERS as f64 && known == CUSTOMERS as f64
    });
    let (status, _) = served.stop();
    assert_eq!(status.code(), Some(0));
    let found = world.care(&["customer", "customer-7", "--json"]).summary();
    assert_eq!(found["id"], "customer-7");
}

#[test]
fn two_processes_share_the_partitions_and_whoever_looks_finds_all_customers() {
    let world = World::new(Cluster::shared(), "serve");
    let (mut one, mut other) = (world.serve(&[]), world.serve(&[]));
    assert_eq!(one.started["world"], "kafka + cql");
    one.hear("ready");
    other.hear("ready");
    one.wait_until("both have partitions", |one| {
        let (mine, others) = (at_work(one), at_work(&other));
        mine > 0 && others > 0 && mine + others == PARTITIONS
    });
    world.produce(cart);
    world.produce(|customer| if customer.ends_with('7') { "{broken".to_owned() } else { cart(customer) });
    let applied = |served: &Served| served.metric("care_customer_events_applied_total");
    one.wait_until("every event is applied", |one| applied(one) + applied(&other) >= CUSTOMERS as f64);
    let letters = |served: &Served| served.metric("care_partition_dead_letters_total");
    one.wait_until("every broken record is a letter", |one| letters(one) + letters(&other) >= 4.0);

    // What is applied is looked up once it is safe.
    let unsafe_yet = |served: &Served| served.metric("care_partition_records_lag");
    one.wait_until("everything is safe", |one| unsafe_yet(one) + unsafe_yet(&other) == 0.0);
    let shown = world.care(&["customer", "customer-3", "--json"]).summary();
    assert_eq!(shown["profile"]["id"].as_str().or(shown["id"].as_str()), Some("customer-3"), "{shown}");
    let why = world.care(&["why", "customer-3", "cart-idle", "--json"]);
    assert!(why.success, "{}", why.err);
    let listed = world.care(&["dead-letters", "list", "--json"]).summary();
    assert_eq!((&listed["total"], &listed["retried"]), (&Value::from(4), &Value::from(0)), "{listed}");
    let retried = world.care(&["dead-letters", "replay", "--all", "--json"]).summary();
    assert_eq!(retried["retried"], 4);
    let again = world.care(&["dead-letters", "replay", "--all", "--json"]).summary();
    assert_eq!((&again["retried"], &again["before"]), (&Value::from(0), &Value::from(4)));
    one.wait_until("they come back as letters", |one| letters(one) + letters(&other) >= 8.0);

    let (status, stopped) = one.stop();
    println!("drained in {} s", stopped["took_s"]);
    assert_eq!((status.code(), &stopped["safe"]), (Some(0), &Value::from(true)), "{stopped}");
    other.wait_until("the other has them all", |other| at_work(other) == PARTITIONS);
    let (status, _) = other.stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_server_that_stalls_is_told_and_a_second_signal_ends_what_waits_for_it() {
    let cluster = Cluster::own(Brokers::One);
    let (hand, world) = (cluster.hand(), World::new(&cluster, "stall"));
    let mut served = world.serve(&[("CARE__SERVE__ANSWER_MS", "500"), ("CARE__SERVE__STOP_MS", "60000")]);
    served.hear("ready");
    for (server, check) in [(Server::Store, "store"), (Server::Broker(1), "log")] {
        hand.pause(server);
        served.wait_until("what stalls is told", |served| {
            let (status, told) = readyz(served);
            status == 503
                && told["checks"][check]["good"] == false
                && told["checks"][check]["reason"].is_string()
        });
        assert_eq!(served.get("/livez").status, 200, "a new start would mend nothing");
        hand.resume(server);
        served.wait_until("it is ready again", |served| readyz(served).0 == 200);
    }
    hand.pause(Server::Store);
    world.produce(cart);
    served.wait_until("something waits for the store", |served| readyz(served).0 == 503);
    served.signal("TERM");
    served.hear("stopping");
    served.signal("TERM");
    let (status, log) = served.wait();
    hand.resume(Server::Store);
    assert_eq!(status.code(), Some(143), "{log}");
    assert!(log.contains("ended at once"), "{log}");
}

#[test]
fn a_partition_that_stops_for_a_person_ends_the_process_with_the_reason() {
    let world = World::new(Cluster::shared(), "person");
    let mut served = world.serve(&[("CARE__PARTITION__INVALID_RUN_MAX", "3")]);
    served.hear("ready");
    world.produce(|_| "{broken".to_owned());
    let stopping = served.hear("stopping");
    let why = stopping["why"].as_str().expect("a reason");
    assert!(why.contains("partition") && why.contains("too many records are invalid"), "{why}");
    let (status, log) = served.wait();
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("too many records are invalid"), "{log}");
}

#[test]
fn topics_and_tables_that_are_missing_are_named_with_the_command() {
    let cluster = Cluster::shared();
    let world = World { cluster, names: cluster.names("missing") };
    let refused = world.care(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!refused.success && refused.err.contains("care migrate"), "{}", refused.err);
    let migrated = world.care(&["migrate"]);
    assert!(migrated.success, "{}", migrated.err);
    let refused = world.care(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!refused.success && refused.err.contains("care topics create"), "{}", refused.err);
    let fed = world.care(&["serve", "--simulate", "10"]);
    assert!(!fed.success && fed.err.contains("embedded world"), "{}", fed.err);
}
