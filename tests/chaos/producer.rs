//! The shop: a client of its own that no cut reaches, whose events are numbered per customer. It knows what the log acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Message};
use schemas::ids::PartitionId;

use super::story::Said;
use super::world::PARTITIONS;

/// How long events may wait for the broker: longer than any outage.
const PATIENCE_MS: &str = "300000";
/// How long whoever sends waits for room in the queue, each time.
const ROOM: Duration = Duration::from_millis(20);

/// Sequence numbers by customer.
pub type Sequences = BTreeMap<String, BTreeSet<u64>>;

/// Sends events.
pub struct Producer {
    inner: ThreadedProducer<Book>,
    topic: String,
    acknowledged: Arc<Mutex<Sequences>>,
}

/// Writes down what was acknowledged.
struct Book(Arc<Mutex<Sequences>>);

impl ClientContext for Book {}

impl ProducerContext for Book {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, sequence: Box<u64>) {
        if let Ok(message) = result {
            let customer = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
            let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            book.entry(customer).or_default().insert(*sequence);
        }
    }
}

impl Producer {
    /// Returns a producer to a topic; nobody is asked yet.
    pub fn new(brokers: &str, topic: &str) -> Self {
        let acknowledged = Arc::<Mutex<Sequences>>::default();
        let inner = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("message.timeout.ms", PATIENCE_MS)
            .create_with_context(Book(Arc::clone(&acknowledged)))
            .expect("these settings are legal");
        Self { inner, topic: topic.to_owned(), acknowledged }
    }

    /// Hands an event to the client, waiting for room in its queue.
    ///
    /// Errors: the client takes no event any more.
    pub fn send(&self, said: &Said) -> Result<(), String> {
        let mut record = BaseRecord::with_opaque_to(&self.topic, Box::new(said.sequence))
            .key(&said.customer)
            .payload(&said.body);
        if said.is_astray {
            let home = PartitionId::of(&said.customer, PARTITIONS).0;
            record = record.partition(((home + 1) % PARTITIONS) as i32);
        }
        loop {
            match self.inner.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    // Room comes with what is acknowledged; whether all is does not matter here.
                    drop(self.inner.flush(ROOM));
                }
                Err((error, _)) => return Err(format!("send to {}: {error}", self.topic)),
            }
        }
    }

    /// Waits until everything that was sent is acknowledged.
    ///
    /// Errors: it is not, within this time.
    pub fn flush(&self, within: Duration) -> Result<(), String> {
        self.inner.flush(within).map_err(|error| format!("{}: {error}", self.topic))
    }

    /// Returns what was acknowledged so far.
    pub fn acknowledged(&self) -> Sequences {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
