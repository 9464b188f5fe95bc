//! The sink: one idempotent producer for everything this process appends.
//!
//! An append is handed to the library record by record, in order, and resolves when the brokers have acknowledged all of it. Order within
//! a partition survives the library's own retries. When the library gives a producer up for good (its sequence is broken), a new one takes
//! its place, and every owner begins anew with an epoch record: what the old one sent may still arrive, behind what the new one sends.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::metrics::{Metrics, Queue};
use actors::port::clock::Clock;
use actors::port::log::{Error, NewRecord, Topic};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use schemas::ids::Position;
use schemas::record::headers;
use tokio::sync::oneshot;

use super::client::{self, Voice};
use super::error::{self, meaning};
use super::row::{Outgoing, ROW};
use super::settings::Settings;

/// How long the producer's thread waits for acknowledgements before it looks whether it is to end.
const POLL_WAIT: Duration = Duration::from_millis(50);

/// What is on its way when the log is left is waited for at most this long.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Appends.
pub(super) struct Producer {
    settings: Arc<Settings>,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    current: Mutex<Arc<Instance>>,
    stop: AtomicBool,
}

/// One producer of the library.
struct Instance {
    client: BaseProducer<Deliveries>,
}

/// What the library tells of its producer.
#[derive(Default)]
struct Deliveries {
    voice: Voice,
    /// The library has given this producer up.
    dead: AtomicBool,
    /// It has delivered something.
    worked: AtomicBool,
}

/// What an append comes to: the positions of its records.
type Appended = Result<Vec<Position>, Error>;

/// One append under way.
struct Append {
    positions: Mutex<Vec<Option<Position>>>,
    left: AtomicUsize,
    failed: Mutex<Option<Error>>,
    answer: Mutex<Option<oneshot::Sender<Appended>>>,
    began: Duration,
}

/// One record under way.
struct Delivery {
    append: Arc<Append>,
    index: usize,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        Voice::line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.error(&error, reason);
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.dead.store(true, Ordering::Release);
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        let position = match result {
            Ok(message) => {
                self.worked.store(true, Ordering::Release);
                u64::try_from(message.offset()).map(Position).map_err(|_| {
                    Error::Unavailable("the record is in the log, and the brokers did not say where".into())
                })
            }
            Err((error, _)) => {
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.dead.store(true, Ordering::Release);
                }
                Err(refusal(error))
            }
        };
        delivery.append.delivered(delivery.index, position);
    }
}

/// Returns what a failed delivery means. A producer that is given up is replaced.
fn refusal(error: &KafkaError) -> Error {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::Fatal) => Error::ProducerReplaced(error.to_string()),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidTimestamp
            | RDKafkaErrorCode::InvalidMessage,
        ) => Error::Failed(format!("the brokers refuse a record: {error}")),
        Some(_) | None => meaning(error),
    }
}

impl Append {
    fn delivered(&self, index: usize, position: Result<Position, Error>) {
        match position {
            Ok(position) => {
                self.positions.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(position);
            }
            Err(error) => self.fail(error),
        }
        self.settle(1);
    }

    /// Keeps the worst of what went wrong: what must reach a person before what is tried again.
    fn fail(&self, error: Error) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*failed, Some(Error::Failed(_))) {
            *failed = Some(error);
        }
    }

    fn settle(&self, records: usize) {
        if self.left.fetch_sub(records, Ordering::AcqRel) != records {
            return;
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let positions = std::mem::take(&mut *self.positions.lock().unwrap_or_else(PoisonError::into_inner));
        let result = failed.map_or_else(|| Ok(positions.into_iter().flatten().collect()), Err);
        if let Some(answer) = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A caller that is gone needs no answer.
            drop(answer.send(result));
        }
    }
}

impl Instance {
    fn new(settings: &Settings) -> Result<Arc<Self>, error::Error> {
        let client = client::producer(settings).create_with_context(Deliveries::default());
        Ok(Arc::new(Self { client: client.map_err(error::Error::Client)? }))
    }
}

impl Producer {
    /// Starts a producer and its thread.
    ///
    /// Errors: `Client` → the library refuses the set-up · `Thread` → the system gives no thread.
    pub(super) fn start(
        settings: Arc<Settings>,
        metrics: Metrics,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Self>, oneshot::Receiver<()>), error::Error> {
        let current = Mutex::new(Instance::new(&settings)?);
        let producer = Arc::new(Self { settings, metrics, clock, current, stop: AtomicBool::new(false) });
        let (ended, heard) = oneshot::channel();
        let thread = Arc::clone(&producer);
        std::thread::Builder::new().name("kafka-producer".into()).spawn(move || {
            thread.run();
            drop(ended);
        })?;
        Ok((producer, heard))
    }

    /// Ends the thread, when what is on its way is acknowledged or a few seconds have passed.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    fn current(&self) -> Arc<Instance> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn run(&self) {
        while !self.stop.load(Ordering::Acquire) {
            let instance = self.current();
            instance.client.poll(POLL_WAIT);
            self.metrics
                .queue(Queue::Producer, usize::try_from(instance.client.in_flight_count()).unwrap_or(0));
            if instance.client.context().dead.load(Ordering::Acquire) {
                self.replace(&instance);
            }
        }
        if let Err(error) = self.current().client.flush(LAST_WORD) {
            tracing::warn!(%error, "records were not acknowledged before the end");
        }
    }

    /// Puts a new producer in the place of one that the library gave up.
    fn replace(&self, dead: &Arc<Instance>) {
        let context = dead.client.context();
        let reason = context.voice.last();
        match Instance::new(&self.settings) {
            Ok(new) => *self.current.lock().unwrap_or_else(PoisonError::into_inner) = new,
            Err(error) => return tracing::error!(%error, "no new producer"),
        }
        tracing::warn!(
            reason,
            "the producer was given up by the client library; a new one takes its place, owners begin anew"
        );
        self.metrics.log().producer_replaced();
        // What it still holds fails now, and is appended again.
        if let Err(error) = dead.client.flush(Duration::ZERO) {
            tracing::debug!(%error, "records of the old producer are given up");
        }
    }

    /// Appends records in order; the answer comes when all are durable.
    pub(super) fn append(&self, topic: Topic, name: &str, records: Vec<Outgoing>) -> Answer {
        let (answer, heard) = oneshot::channel();
        let instance = self.current();
        let (count, began) = (records.len(), self.clock.boot());
        if count == 0 {
            drop(answer.send(Ok(Vec::new())));
            return Answer { heard, began, topic };
        }
        let under_way = usize::try_from(instance.client.in_flight_count()).unwrap_or(0);
        // A whole queue's worth at once passes when nothing else is under way.
        if under_way > 0 && under_way + count > self.settings.queue_records {
            self.metrics.queue_refused(Queue::Producer);
            drop(answer.send(Err(Error::Unavailable("the queue to the brokers is full".into()))));
            return Answer { heard, began, topic };
        }
        let append = Arc::new(Append {
            positions: Mutex::new(vec![None; count]),
            left: AtomicUsize::new(count),
            failed: Mutex::new(None),
            answer: Mutex::new(Some(answer)),
            began,
        });
        for (index, outgoing) in records.iter().enumerate() {
            let delivery = Delivery { append: Arc::clone(&append), index };
            if let Err(error) = send(&instance.client, name, outgoing, delivery) {
                append.fail(refusal(&error));
                // Those behind it must not come before it.
                append.settle(count - index);
                break;
            }
        }
        Answer { heard, began: append.began, topic }
    }
}

/// Where the answer to an append arrives.
pub(super) struct Answer {
    heard: oneshot::Receiver<Result<Vec<Position>, Error>>,
    began: Duration,
    topic: Topic,
}

impl Answer {
    /// Resolves with the positions of what was appended.
    pub(super) async fn wait(self, metrics: Metrics, clock: Arc<dyn Clock>) -> Result<Vec<Position>, Error> {
        let gone = |_| Err(Error::Unavailable("the log was left before the brokers acknowledged".into()));
        let result = self.heard.await.unwrap_or_else(gone);
        if result.is_ok() {
            metrics.log().appended(self.topic, clock.boot().saturating_sub(self.began));
        }
        result
    }
}

fn written(record: &NewRecord) -> OwnedHeaders {
    let written = headers::write(record.kind, record.epoch, &record.key, &record.body);
    let all = OwnedHeaders::new_with_capacity(written.len());
    written.iter().fold(all, |all, (key, value)| all.insert(Header { key, value: Some(value.as_ref()) }))
}

fn send(
    client: &BaseProducer<Deliveries>,
    name: &str,
    Outgoing { record, stamp, row }: &Outgoing,
    delivery: Delivery,
) -> Result<(), KafkaError> {
    let mut headers = written(record);
    if let Some(row) = row {
        headers = headers.insert(Header { key: ROW, value: Some(&row.write()) });
    }
    let mut new = BaseRecord::with_opaque_to(name, Box::new(delivery))
        .partition(record.partition.0 as i32)
        .key(record.key.as_str())
        .payload(record.body.as_ref())
        .headers(headers);
    if let Some(stamp) = stamp {
        new = new.timestamp(stamp.0);
    }
    client.send(new).map_err(|(error, _)| error)
}
