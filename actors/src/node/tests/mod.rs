//! The world of a node's tests: the doubles of every port, which outlive the node, and a plain loop to compare with.

mod failures;
mod flow;
pub(super) mod pace;
mod strays;
mod talk;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use schemas::customer::Customer;
use schemas::event::Border;
use schemas::ids::{CustomerId, Epoch, Position};
use schemas::record::{self, LogRecord, RecordKind};
use schemas::time::Timestamp;

use self::pace::Pace;
use super::*;
use crate::dead_letter::DeadLetter;
use crate::kit::memory::{ManualClock, MemoryLog, MemoryStore, ScriptedPredictor};
use crate::partition::cell::Take;
use crate::partition::turn::{Refused, Step, Turn, Turned};
use crate::port::answers::{Answers, Nobody};
use crate::port::clock::Clock;
use crate::port::log::{LogSink, LogSource, NewRecord, Topic};
use crate::port::store::Store;

const PARTITIONS: u32 = 3;
const START: Timestamp = Timestamp(1_795_507_200_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// Everything outside of a node, which outlives it.
#[derive(Clone)]
struct World {
    clock: ManualClock,
    pace: Pace,
    log: MemoryLog,
    store: MemoryStore,
    book: Arc<Rulebook>,
    metrics: Metrics,
    settings: Settings,
    take: Take,
    answers: Arc<dyn Answers>,
}

impl World {
    fn new() -> Self {
        Self::at(START)
    }

    /// Returns a world whose clock stands at an instant.
    fn at(start: Timestamp) -> Self {
        let clock = ManualClock::at(start);
        // What the doubles acknowledge is never lost, and a thread that gets no processor must not lose its lease.
        let settings = Settings { replay_margin: Duration::ZERO, lease: HOUR, ..Settings::default() };
        Self {
            log: MemoryLog::new(PARTITIONS, Arc::new(clock.clone())),
            pace: Pace::of(clock.clone()),
            clock,
            store: MemoryStore::new(),
            book: Arc::default(),
            metrics: Metrics::new(),
            settings,
            take: Cell::turn,
            answers: Arc::new(Nobody),
        }
    }

    /// Returns the same world as a new process sees it.
    fn reopened(&self) -> Self {
        Self { log: self.log.reopened(), metrics: Metrics::new(), ..self.clone() }
    }

    fn node(&self) -> Node {
        let node = Node::run(self.plan(), 2).expect("a system runs");
        self.pace.follow(&node);
        node
    }

    fn plan(&self) -> Plan {
        let ports = Ports {
            source: Arc::new(self.log.clone()),
            sink: Arc::new(self.log.clone()),
            store: Arc::new(self.store.clone()),
            predictor: Arc::new(ScriptedPredictor::new()),
            answers: Arc::clone(&self.answers),
            channels: Arc::default(),
            clock: Arc::new(self.clock.clone()),
        };
        Plan {
            ports,
            book: Arc::clone(&self.book),
            border: Border::default(),
            settings: self.settings.clone(),
            rules: NodeRules::default(),
            dispatcher: Default::default(),
            metrics: self.metrics.clone(),
            mailbox: MAILBOX,
            decode: record::decode,
            take: self.take,
            agreed: Default::default(),
        }
    }

    async fn append(&self, key: &str, body: String) {
        self.append_stamped(key, body, None).await;
    }

    async fn append_stamped(&self, key: &str, body: String, stamp: Option<Timestamp>) {
        self.append_record(key, (RecordKind::Event, stamp), Bytes::from(body)).await;
    }

    async fn append_record(&self, key: &str, (kind, stamp): (RecordKind, Option<Timestamp>), body: Bytes) {
        let partition = PartitionId::of(key, PARTITIONS);
        let new = NewRecord { partition, key: key.into(), kind, epoch: None, stamp, body };
        self.log.append(Topic::Events, vec![new]).await.expect("memory");
    }

    /// Appends `count` events of `customers` customers; every seventh is anonymous, and later found to be a user.
    async fn shop(&self, customers: u32, from: u32, count: u32) {
        for n in from..from + count {
            let who = n % customers;
            let name = ["Product Viewed", "Product Added", "Checkout Started", "Order Completed"]
                [(n / customers % 4) as usize];
            let rest = format!(
                r#""event":"{name}","messageId":"m{n}","properties":{{"product_id":"p{}","price":2.5,"order_id":"o{n}"}}"#,
                n % 9
            );
            match (who.is_multiple_of(7), n / customers > 1) {
                (true, false) => {
                    self.append(&format!("anon:a{who}"), format!(r#"{{"anonymousId":"a{who}",{rest}}}"#))
                        .await
                }
                (true, true) => {
                    self.append(
                        &format!("u{who}"),
                        format!(r#"{{"userId":"u{who}","anonymousId":"a{who}",{rest}}}"#),
                    )
                    .await
                }
                (false, _) => {
                    self.append(&format!("u{who}"), format!(r#"{{"userId":"u{who}",{rest}}}"#)).await
                }
            }
            if n.is_multiple_of(50) {
                self.clock.advance(Duration::from_secs(7));
            }
        }
    }

    fn records(&self, topic: Topic) -> Vec<LogRecord> {
        (0..PARTITIONS).flat_map(|number| self.log.records(topic, PartitionId(number))).collect()
    }

    fn letters(&self) -> Vec<DeadLetter> {
        let letters = self.records(Topic::DeadLetter);
        letters.iter().map(|letter| serde_json::from_slice(&letter.body).expect("a dead letter")).collect()
    }

    /// Applies the log in a plain loop, but for what `skip` says.
    fn expected(&self, skip: impl Fn(&LogRecord) -> bool) -> BTreeMap<CustomerId, Customer> {
        let mut rows = BTreeMap::new();
        for record in self.records(Topic::Events) {
            if skip(&record) {
                continue;
            }
            let Ok(decoded) = record::decode(&record, &Border::default()) else { continue };
            let id = decoded.customer(record.key.clone());
            let row = rows.entry(id.clone()).or_insert_with(|| Customer::new(id));
            row.apply(&self.book, &decoded, &mut Default::default());
        }
        rows.into_iter().map(|(id, row)| (id, self.at_rest(row))).collect()
    }

    async fn stored(&self) -> BTreeMap<CustomerId, Customer> {
        let mut rows = BTreeMap::new();
        for number in 0..PARTITIONS {
            let page = self.store.scan_rows(PartitionId(number), None, usize::MAX).await.expect("memory");
            for row in page.rows {
                rows.insert(row.customer, self.at_rest(Customer::decode(&row.state).expect("a row")));
            }
        }
        rows
    }

    /// Returns a row as it is when everything due has fired and nothing waits: the same however often it was looked at.
    fn at_rest(&self, mut row: Customer) -> Customer {
        row.wake(&self.book, self.clock.now(), &mut Default::default());
        let numbers: Vec<u64> = row.outbox().iter().map(|entry| entry.number).collect();
        row.clear(&numbers);
        row.set_index(None);
        row
    }

    /// Asserts that the store holds what a plain loop makes of the log, but for what `skip` says.
    async fn assert_rows(&self, skip: impl Fn(&LogRecord) -> bool) {
        let (stored, expected) = (self.stored().await, self.expected(skip));
        assert_eq!(stored.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (id, row) in expected {
            assert_eq!(stored[&id], row);
        }
    }

    async fn ends(&self) -> Vec<(Position, Position)> {
        let mut ends = Vec::new();
        for number in 0..PARTITIONS {
            let partition = PartitionId(number);
            let lease = self.store.read_lease(partition).await.expect("memory");
            ends.push((lease.position, self.log.end(Topic::Events, partition).await.expect("memory")));
        }
        ends
    }

    async fn epochs(&self) -> Vec<Epoch> {
        let mut epochs = Vec::new();
        for number in 0..PARTITIONS {
            epochs.push(self.store.read_lease(PartitionId(number)).await.expect("memory").epoch);
        }
        epochs
    }

    fn sample(&self, name: &str) -> f64 {
        self.metrics.samples().iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
    }
}

fn run(test: impl Future<Output = ()>) {
    System::new().block_on(test);
}
