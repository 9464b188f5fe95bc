//! The world of servers: topics of Kafka and tables of a CQL store, to serve in it or to look at it.

use std::sync::Arc;

use actors::batcher::Patience;
use actors::metrics::Metrics;
use actors::port::Ports;
use actors::port::clock::Clock;
use actors::port::predictor::Predictor;
use actors::port::store::Store;
use anyhow::{Context, Result};
use schemas::ids::LogId;
use tokio::task::spawn_blocking;

use super::folder::predictor;
use crate::backup::import::Target;
use crate::clock::{ReplayClock, SystemClock};
use crate::log::kafka::{self, KafkaLog};
use crate::log::numbered::Numbered;
use crate::outreach;
use crate::outreach::in_app::Voice;
use crate::predict::rules::Rules;
use crate::settings::Settings;
use crate::store::cql::CqlStore;

/// Open topics and tables with everything that works on them.
pub(super) struct Servers {
    /// The topics: to be asked how they fare, and to be left at the end.
    pub(super) log: Arc<KafkaLog>,
    /// Every port.
    pub(super) ports: Ports,
}

/// How a log is opened.
type Open = fn(&kafka::Settings, u32, Arc<dyn Clock>, &Metrics) -> Result<Arc<KafkaLog>, kafka::Error>;

impl Servers {
    /// Opens the store and joins the group: partitions are assigned from then on.
    ///
    /// Errors: models are refused · the keyspace is not migrated, the topics are missing or not as they must be · servers do not answer.
    pub(super) async fn for_service(settings: &Settings, metrics: &Metrics) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let patience = Patience::Bounded(settings.partition().score_deadline);
        let predictor = predictor(settings, metrics, (clock.clone(), patience))?;
        Self::open(settings, metrics, (KafkaLog::join, predictor, clock)).await
    }

    /// Opens the store and topics that were made for a replay: partitions are assigned from then on.
    ///
    /// Errors: as for a service.
    pub(super) async fn for_replay(
        settings: &Settings,
        metrics: &Metrics,
        clock: Arc<ReplayClock>,
    ) -> Result<Self> {
        let predictor = predictor(settings, metrics, (clock.clone(), Patience::Endless))?;
        Self::open(settings, metrics, (KafkaLog::join_for_replay, predictor, clock)).await
    }

    /// Opens store and topics to look at them.
    ///
    /// Errors: as for a service, models aside.
    pub(super) async fn for_reading(settings: &Settings, metrics: &Metrics) -> Result<Self> {
        // Who looks asks nothing, and need not wait for models or stumble over one that is refused.
        Self::open(settings, metrics, (KafkaLog::look, Arc::new(Rules::new()), Arc::new(SystemClock))).await
    }

    /// The store first: a member of the group without a store would hold partitions that it cannot work on.
    async fn open(
        settings: &Settings,
        metrics: &Metrics,
        (open, predictor, clock): (Open, Arc<dyn Predictor>, Arc<dyn Clock>),
    ) -> Result<Self> {
        let store = store(settings, metrics).await?;
        let agreement = store.read_agreement().await.context("failed to read what the engines agreed on")?;
        let log = log(settings, metrics, (open, clock.clone())).await?;
        let numbered = Arc::new(Numbered::new(Arc::clone(&log), agreement.log));
        let partitions = settings.log.partitions;
        let voice = Voice { sink: numbered.clone(), partitions, clock: clock.clone() };
        let around = outreach::Around { data_dir: &settings.data.dir, metrics, voice };
        let channels = outreach::build(&settings.channels, &around)?;
        let ports = Ports {
            source: numbered.clone(),
            sink: numbered,
            store,
            predictor,
            answers: Arc::new(actors::port::answers::Nobody),
            channels: Arc::new(channels),
            clock,
        };
        Ok(Self { log, ports })
    }
}

/// Opens store and topics to move a shop there, which goes on in the log of that number.
///
/// Errors: as for looking at them.
pub async fn import_target(settings: &Settings, number: LogId) -> Result<Target> {
    let metrics = Metrics::new();
    let store = store(settings, &metrics).await?;
    let log = log(settings, &metrics, (KafkaLog::look, Arc::new(SystemClock))).await?;
    let numbered = Arc::new(Numbered::new(log, number));
    Ok(Target { store, source: numbered.clone(), sink: numbered, embedded: None })
}

async fn store(settings: &Settings, metrics: &Metrics) -> Result<Arc<CqlStore>> {
    let store = CqlStore::connect(&settings.cql, settings.log.partitions, metrics).await;
    store.context("failed to open the store")
}

async fn log(
    settings: &Settings,
    metrics: &Metrics,
    (open, clock): (Open, Arc<dyn Clock>),
) -> Result<Arc<KafkaLog>> {
    let (of_log, partitions, counted) = (settings.kafka.clone(), settings.log.partitions, metrics.clone());
    // It asks the brokers and waits for them.
    let opening = spawn_blocking(move || open(&of_log, partitions, clock, &counted));
    opening.await.context("failed to start a thread")?.context("failed to open the log")
}
