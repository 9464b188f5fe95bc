//! Producers that get key or partitioner wrong, on a real broker: what they send counts once with its customer all the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::kit::memory::{MemoryStore, ScriptedPredictor};
use actors::metrics::Metrics;
use actors::node::{Node, NodeSettings};
use actors::partition::settings::Settings as PartitionSettings;
use actors::port::Ports;
use actors::port::log::{LogSource as _, Topic};
use actors::port::store::Store as _;
use engine::clock::SystemClock;
use engine::log::kafka::{KafkaLog, Settings, Stamps, topics};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use schemas::customer::Customer;
use schemas::event::Border;
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::RecordKind;

use crate::cluster::Cluster;

const PARTITIONS: u32 = 4;
const CUSTOMERS: usize = 20;
/// Events of each producer.
const EVENTS: usize = 100;
/// Longest wait for anything that comes about by itself.
const SOON: Duration = Duration::from_secs(60);

/// How a producer keys its records and finds their partitions.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// As it has to be.
    Right,
    /// The key is right, the partitioner is the library's default.
    OtherPartitioner,
    /// Without a key, so by chance.
    NoKey,
}

/// Produces events; returns how many of them lie in another partition than their customer's.
async fn produce(settings: &Settings, manner: Manner) -> u64 {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &settings.brokers).set("acks", "all");
    if let Manner::Right = manner {
        client.set("partitioner", "murmur2_random");
    }
    // Without a key the library fills one partition for a while, then another.
    client.set("sticky.partitioning.linger.ms", "0");
    let producer: FutureProducer = client.create().expect("legal settings");
    let topic = settings.topic(Topic::Events);
    let mut elsewhere = 0;
    for number in 0..EVENTS {
        let customer = format!("u{}", number % CUSTOMERS);
        let body = format!(r#"{{"userId":"{customer}","event":"Seen","messageId":"{manner:?}{number}"}}"#);
        let record = FutureRecord::to(&topic).payload(&body);
        let record = match manner {
            Manner::Right | Manner::OtherPartitioner => record.key(&customer),
            Manner::NoKey => record,
        };
        let delivered = producer.send(record, SOON).await.expect("the broker takes it");
        elsewhere += u64::from(delivered.partition as u32 != PartitionId::of(&customer, PARTITIONS).0);
    }
    elsewhere
}

/// Reads the log with a node whose rows are kept in memory.
fn start(settings: &Settings, store: &MemoryStore, metrics: &Metrics) -> (Arc<KafkaLog>, Node) {
    let clock = Arc::new(SystemClock);
    let log = KafkaLog::join(settings, PARTITIONS, clock.clone(), metrics).expect("the broker is there");
    let ports = Ports {
        source: log.clone(),
        sink: log.clone(),
        store: Arc::new(store.clone()),
        predictor: Arc::new(ScriptedPredictor::new()),
        answers: Arc::new(actors::port::answers::Nobody),
        channels: Arc::default(),
        clock,
    };
    // What this store acknowledges is never lost.
    let partition = PartitionSettings { replay_margin: Duration::ZERO, ..PartitionSettings::default() };
    let node = NodeSettings { partition, ..NodeSettings::default() };
    let node = Node::start(ports, Arc::default(), Border::default(), node, metrics.clone());
    (log, node.expect("a system runs"))
}

async fn counted(store: &MemoryStore) -> BTreeMap<CustomerId, u64> {
    let mut counted = BTreeMap::new();
    for partition in (0..PARTITIONS).map(PartitionId) {
        for row in store.scan_rows(partition, None, usize::MAX).await.expect("memory").rows {
            assert_eq!(
                PartitionId::of(row.customer.as_str(), PARTITIONS),
                partition,
                "a row in a wrong partition"
            );
            let customer = Customer::decode(&row.state).expect("a row");
            counted.insert(row.customer, customer.profile().total("Seen").n);
        }
    }
    counted
}

/// Returns how many records of others a partition holds by relay.
async fn relayed_to(log: &KafkaLog, partition: PartitionId) -> u64 {
    let end = log.end(Topic::Events, partition).await.expect("there is such a partition");
    let (mut next, mut relayed) = (Position(0), 0);
    while next < end {
        let fetched =
            log.fetch(Topic::Events, partition, next, 10_000).await.expect("there is such a partition");
        next = fetched.next;
        let records = fetched.records.iter();
        relayed += records.filter(|record| record.kind == RecordKind::Stray).count() as u64;
    }
    relayed
}

fn sample(metrics: &Metrics, name: &str) -> f64 {
    metrics.samples().iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
}

#[test]
fn what_other_partitioners_and_null_keys_put_elsewhere_counts_once_with_its_customer() {
    actix::System::new().block_on(async {
        let settings = Cluster::shared().kafka("strays");
        topics::create(&settings, PARTITIONS, Stamps::Appended).expect("topics are made");
        let mut elsewhere = 0;
        for manner in [Manner::Right, Manner::OtherPartitioner, Manner::NoKey] {
            let strays = produce(&settings, manner).await;
            match manner {
                Manner::Right => assert_eq!(strays, 0, "murmur2 is the rule"),
                Manner::OtherPartitioner | Manner::NoKey => assert!(strays > 10, "{manner:?}: {strays}"),
            }
            elsewhere += strays;
        }
        let (store, metrics) = (MemoryStore::new(), Metrics::new());
        let (log, node) = start(&settings, &store, &metrics);
        let all = (3 * EVENTS) as f64;
        while sample(&metrics, "care_customer_events_applied_total") < all {
            actix::clock::sleep(Duration::from_millis(20)).await;
        }
        node.settle().await.expect("settled");

        let expected: BTreeMap<CustomerId, u64> = (0..CUSTOMERS)
            .map(|who| (CustomerId::user(&format!("u{who}")), (3 * EVENTS / CUSTOMERS) as u64))
            .collect();
        assert_eq!(counted(&store).await, expected);
        assert_eq!(sample(&metrics, "care_customer_events_applied_total"), all);
        assert_eq!(sample(&metrics, "care_partition_records_strayed_total"), elsewhere as f64);
        assert_eq!(sample(&metrics, "care_partition_dead_letters_total"), 0.0);
        // The node reads where it is; who reads again from the start does so beside it.
        let look = KafkaLog::look(&settings, PARTITIONS, Arc::new(SystemClock), &metrics);
        let look = look.expect("the broker is there");
        let mut relayed = 0;
        for partition in (0..PARTITIONS).map(PartitionId) {
            relayed += relayed_to(&look, partition).await;
        }
        assert_eq!(relayed, elsewhere, "each was relayed once");
        node.stop().await.expect("stopped");
        log.leave().await;
    });
}
