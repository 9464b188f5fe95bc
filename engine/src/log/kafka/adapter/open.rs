//! How a log on Kafka begins: what is verified, which threads there are, and who starts which reading.

use std::sync::{Arc, Mutex, PoisonError};

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::log::{Error as PortError, Topic};
use schemas::time::Span;
use tokio::sync::oneshot;

use super::KafkaLog;
use crate::log::kafka::asker::Asker;
use crate::log::kafka::assignment::Assignments;
use crate::log::kafka::buffer::Bounds;
use crate::log::kafka::client;
use crate::log::kafka::commits::Commits;
use crate::log::kafka::consumer::{Around, Consumer, Role};
use crate::log::kafka::error::Error;
use crate::log::kafka::failure::Failure;
use crate::log::kafka::floors::Floors;
use crate::log::kafka::member::Member;
use crate::log::kafka::producer::Producer;
use crate::log::kafka::reading::Reading;
use crate::log::kafka::settings::Settings;
use crate::log::kafka::watch::Watcher;
use crate::log::kafka::{Stamps, topics};

impl KafkaLog {
    /// Joins the group and begins to be given partitions of care.events, whose records the brokers stamp.
    ///
    /// Errors: `Brokers` → they do not answer or refuse · `Topics` → they are not as they must be · `Client`, `Thread`.
    pub fn join(
        settings: &Settings,
        partitions: u32,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, Error> {
        Self::member(settings, (partitions, Stamps::Appended), clock, metrics)
    }

    /// Joins the group on topics that were made for a replay: records bear the stamps that they are appended with, and the log's time is
    /// the clock's. For one process alone.
    ///
    /// Errors: as [`KafkaLog::join`].
    pub fn join_for_replay(
        settings: &Settings,
        partitions: u32,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, Error> {
        Self::member(settings, (partitions, Stamps::Asked), clock, metrics)
    }

    /// Opens the log to read, ask and append; nothing is ever assigned.
    ///
    /// Errors: as [`KafkaLog::join`].
    pub fn look(
        settings: &Settings,
        partitions: u32,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, Error> {
        // Who looks may look at topics of either kind.
        let stamps = match topics::verify(settings, partitions, Stamps::Asked) {
            Ok(()) => Stamps::Asked,
            Err(Error::Topics(_)) => {
                topics::verify(settings, partitions, Stamps::Appended)?;
                Stamps::Appended
            }
            Err(error) => return Err(error),
        };
        Ok(Arc::new(Self::open(settings, (partitions, stamps), (clock, metrics), None)?))
    }

    fn member(
        settings: &Settings,
        (partitions, stamps): (u32, Stamps),
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, Error> {
        topics::verify(settings, partitions, stamps)?;
        let membership = (Arc::new(Assignments::default()), Arc::new(Commits::default()));
        let log = Self::open(settings, (partitions, stamps), (clock, metrics), Some(membership.clone()))?;
        let reading = log.new_reading(Topic::Events);
        let member = Member::new(Arc::clone(&log.settings), membership.0, membership.1);
        log.start(reading, &client::member(settings), Role::Member(Box::new(member)))?;
        Ok(Arc::new(log))
    }

    fn open(
        settings: &Settings,
        (partitions, stamps): (u32, Stamps),
        (clock, metrics): (Arc<dyn Clock>, &Metrics),
        membership: Option<(Arc<Assignments>, Arc<Commits>)>,
    ) -> Result<Self, Error> {
        let settings = Arc::new(settings.clone());
        let around = Around {
            clock: Arc::clone(&clock),
            metrics: metrics.clone(),
            questions: Arc::default(),
            failure: Arc::new(Failure::default()),
        };
        let floors = match stamps {
            Stamps::Appended => Floors::default(),
            Stamps::Asked => Floors::read(&settings, partitions)?,
        };
        let (producer, producer_ended) = Producer::start(Arc::clone(&settings), metrics.clone(), clock)?;
        let log = Self {
            partitions,
            stamps,
            membership,
            producer,
            readings: Arc::default(),
            confirmed: Arc::default(),
            floors,
            ends: Mutex::new(vec![producer_ended]),
            settings,
            around,
        };
        log.start_watcher()?;
        Ok(log)
    }

    fn start_watcher(&self) -> Result<(), Error> {
        let (clock, metrics) = (Arc::clone(&self.around.clock), self.around.metrics.clone());
        let asker = Asker::new(client::reader(&self.settings), clock, metrics).map_err(Error::Client)?;
        let watcher = Watcher {
            asker,
            settings: Arc::clone(&self.settings),
            partitions: self.partitions,
            stamps: self.stamps,
            around: self.around.clone(),
            readings: Arc::clone(&self.readings),
            assignments: self.membership.as_ref().map(|(assignments, _)| Arc::clone(assignments)),
            confirmed: Arc::clone(&self.confirmed),
        };
        let (ended, heard) = oneshot::channel();
        std::thread::Builder::new().name("kafka-watcher".into()).spawn(move || {
            watcher.run();
            drop(ended);
        })?;
        self.note_end(heard);
        Ok(())
    }

    fn note_end(&self, ended: oneshot::Receiver<()>) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
    }

    fn new_reading(&self, topic: Topic) -> Arc<Reading> {
        let silence_ms = self.settings.ends_ms.saturating_mul(2).max(5_000);
        let bounds = Bounds {
            records: self.settings.buffer_records,
            bytes: self.settings.buffer_kib << 10,
            silence_max: Span(i64::try_from(silence_ms).unwrap_or(i64::MAX)),
        };
        let failure = Arc::clone(&self.around.failure);
        Arc::new(Reading::new(topic, self.settings.topic(topic), self.partitions, bounds, failure))
    }

    fn start(&self, reading: Arc<Reading>, config: &rdkafka::ClientConfig, role: Role) -> Result<(), Error> {
        let ended = Consumer::start(config, Arc::clone(&reading), role, self.around.clone())?;
        self.note_end(ended);
        self.readings.write().unwrap_or_else(PoisonError::into_inner).push(reading);
        Ok(())
    }

    /// Returns the reading of a topic; a reader of its own is started for one that is read for the first time.
    pub(super) fn reading(&self, topic: Topic) -> Result<Arc<Reading>, PortError> {
        let find = |readings: &[Arc<Reading>]| readings.iter().find(|one| one.topic == topic).cloned();
        if let Some(reading) = find(&self.readings.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(reading);
        }
        let mut readings = self.readings.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = find(&readings) {
            return Ok(reading);
        }
        let reading = self.new_reading(topic);
        for partition in reading.partitions() {
            reading.buffer(partition).expect("it is one of its own").hold();
        }
        let role = Role::Reader(Default::default());
        let started =
            Consumer::start(&client::reader(&self.settings), Arc::clone(&reading), role, self.around.clone());
        self.note_end(started.map_err(|error| PortError::Failed(error.to_string()))?);
        readings.push(Arc::clone(&reading));
        Ok(reading)
    }
}
