//! An engine on an embedded database, and whoever feeds it: what every measurement runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::{Metrics, Sample, Stage};
use actors::node::{Node, NodeSettings};
use actors::partition::settings::Settings as Partition;
use actors::port::Ports;
use actors::port::clock::Clock;
use actors::port::log::{LogSink, NewRecord, Topic};
use actors::port::predictor::Predictor;
use anyhow::{Context, Result, bail};
use engine::clock::{SystemClock, process_cpu, thread_cpu};
use engine::embedded::{Database, Settings as Embedded};
use engine::log::embedded::EmbeddedLog;
use engine::predict::rules::Rules as RulePredictor;
use engine::settings::Settings;
use engine::store::embedded::EmbeddedStore;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use schemas::event::Border;
use schemas::rulebook::Rulebook;

use crate::events::Events;

/// Events appended at once.
pub const BATCH: usize = 1_024;

/// Events appended and not yet applied.
const AHEAD_MAX: u64 = 32 * BATCH as u64;

/// An engine that does nothing for so long will do nothing more.
const PATIENCE: Duration = Duration::from_secs(30);

/// Threads of partitions.
const THREADS: usize = 2;

/// Makes the way into the log.
type MakeSink = dyn FnOnce(Arc<EmbeddedLog>) -> Arc<dyn LogSink>;

/// Makes the predictor.
type MakePredictor = dyn FnOnce(&Metrics) -> Result<Arc<dyn Predictor>>;

/// What is put between an engine and the world.
pub struct Around {
    /// Stands before the log.
    pub sink: Box<MakeSink>,
    /// Answers questions.
    pub predictor: Box<MakePredictor>,
}

impl Default for Around {
    fn default() -> Self {
        Self { sink: Box::new(|log| log), predictor: Box::new(|_| Ok(Arc::new(RulePredictor::new()))) }
    }
}

/// A running engine.
pub struct World {
    /// The database of log and store.
    pub database: Database,
    /// Its log.
    pub log: Arc<EmbeddedLog>,
    /// The partitions.
    pub node: Node,
    /// What it tells of itself.
    pub metrics: Metrics,
    /// The machine's clock.
    pub clock: SystemClock,
    /// Events appended.
    fed: u64,
}

/// What was used up to an instant.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// Events applied.
    pub applied: u64,
    /// Rows written.
    pub rows: u64,
    /// Bytes of these.
    pub row_bytes: u64,
    /// Turns taken.
    pub turns: u64,
    /// Of the process, in user and system mode.
    pub process: Duration,
    /// Of the thread that appends the events.
    pub feeder: Duration,
    /// Of the thread that writes the database.
    pub commit: Duration,
    /// Group commits.
    pub groups: u64,
    /// Of the partitions, by stage.
    pub stages: [Duration; Stage::ALL.len()],
    /// Time since boot.
    pub at: Duration,
}

/// Returns the bounds that `default.toml` sets.
pub fn bounds() -> Partition {
    Settings::defaults().partition()
}

/// Runs a measurement on an actix system of this thread.
pub fn run<T>(measurement: impl Future<Output = Result<T>>) -> Result<T> {
    actix::System::new().block_on(measurement)
}

impl World {
    /// Starts an engine in `dir`.
    pub fn start(dir: &Path, book: Rulebook, partition: Partition, around: Around) -> Result<Self> {
        let (clock, metrics) = (SystemClock, Metrics::new());
        let database =
            Database::open(dir, &Embedded::default(), Arc::new(clock)).context("open a database")?;
        let log = Arc::new(EmbeddedLog::new(&database));
        let ports = Ports {
            source: log.clone(),
            sink: (around.sink)(log.clone()),
            store: Arc::new(EmbeddedStore::new(&database)),
            predictor: (around.predictor)(&metrics)?,
            answers: Arc::new(actors::port::answers::Nobody),
            channels: Arc::default(),
            clock: Arc::new(clock),
        };
        let settings = NodeSettings { threads: THREADS, partition, ..NodeSettings::default() };
        let node = Node::start(ports, Arc::new(book), Border::default(), settings, metrics.clone())?;
        Ok(Self { database, log, node, metrics, clock, fed: 0 })
    }

    /// Starts an engine without anything in between.
    pub fn plain(dir: &Path, book: Rulebook, partition: Partition) -> Result<Self> {
        Self::start(dir, book, partition, Around::default())
    }

    /// Returns a stream of events for its partitions.
    pub fn events(&self, customers: u64, order: crate::events::Order) -> Events {
        Events::new(customers, order, Embedded::default().partitions)
    }

    /// Feeds `count` events as fast as they are applied, and returns when all are applied and every row is durable.
    pub async fn feed(&mut self, events: &mut Events, count: u64) -> Result<()> {
        self.push(events, count).await?;
        self.settled().await
    }

    /// Returns when everything is applied and durable.
    pub async fn settled(&self) -> Result<()> {
        let patience = self.clock.sleep(PATIENCE);
        match select(std::pin::pin!(self.node.settle()), patience).await {
            Either::Left((settled, _)) => Ok(settled?),
            Either::Right(((), _)) => bail!("the engine does not settle: {:?}", self.node.levels()),
        }
    }

    /// Feeds `count` events as fast as they are applied, and returns when the log has them.
    pub async fn push(&mut self, events: &mut Events, count: u64) -> Result<()> {
        let goal = self.fed + count;
        let mut appends = FuturesUnordered::new();
        let mut moved = (0, self.clock.boot());
        while self.fed < goal {
            let applied = self.node.counts().applied;
            if applied != moved.0 {
                moved = (applied, self.clock.boot());
            } else if self.clock.boot() > moved.1 + PATIENCE {
                bail!("the engine stands still: {:?} {:?}", self.node.ended(), self.node.levels());
            }
            let ahead = self.fed - applied;
            if ahead < AHEAD_MAX && appends.len() < 8 {
                let batch = events.batch(BATCH.min((goal - self.fed) as usize), self.clock.now());
                self.fed += batch.len() as u64;
                appends.push(self.append(batch));
                continue;
            }
            let look_again = self.clock.sleep(Duration::from_millis(1));
            match appends.is_empty() {
                true => look_again.await,
                false => drop(select(appends.next(), look_again).await),
            }
        }
        while let Some(appended) = appends.next().await {
            appended?;
        }
        Ok(())
    }

    /// Appends events.
    pub fn append(&self, batch: Vec<NewRecord>) -> impl Future<Output = Result<()>> + use<> {
        let appended = self.log.append(Topic::Events, batch);
        async move {
            appended.await?;
            Ok(())
        }
    }

    /// Returns what was used so far. What partitions tell of their stages comes with their ticks, so they get time for one.
    pub async fn used(&self) -> Used {
        let (process, at) = (process_cpu(), self.clock.boot());
        self.clock.sleep(Duration::from_millis(1_500)).await;
        let (counts, statistics) = (self.node.counts(), self.database.statistics());
        Used {
            applied: counts.applied,
            rows: counts.rows,
            row_bytes: self.sample(ROW_BYTES, None) as u64,
            turns: counts.turns,
            process,
            feeder: thread_cpu(),
            commit: statistics.cpu,
            groups: statistics.groups,
            stages: Stage::ALL
                .map(|stage| Duration::from_secs_f64(self.sample(STAGES, Some(stage.as_str())))),
            at,
        }
    }

    /// Returns how many scores were applied that a model said, and how many that stood in.
    pub fn scores(&self) -> (u64, u64) {
        let of = |source| {
            let samples = self.metrics.samples();
            let ours = samples
                .iter()
                .filter(|one| one.name == SCORES && one.labels.iter().any(|label| label == source));
            ours.map(|one| one.value as u64).sum()
        };
        (of("model"), of("fallback"))
    }

    /// Returns how many batches the model has run.
    pub fn batches(&self) -> u64 {
        self.sample(BATCHES, None) as u64
    }

    /// Returns the value of a metric.
    fn sample(&self, name: &str, label: Option<&str>) -> f64 {
        let samples = self.metrics.samples();
        let of = |sample: &&Sample| {
            sample.name == name && label.is_none_or(|label| sample.labels.iter().any(|one| one == label))
        };
        samples.iter().find(of).map_or(0.0, |sample| sample.value)
    }
}

/// Name of the metric of the stages.
const STAGES: &str = "care_partition_stage_seconds_total";

/// Name of the metric of the scores.
const SCORES: &str = "care_predictor_scores_total";

/// Name of the metric of the batches.
const BATCHES: &str = "care_predictor_batch_rows";

/// Name of the metric of the bytes of rows.
const ROW_BYTES: &str = "care_partition_rows_written_bytes_total";

impl Used {
    /// Returns what was used since an earlier instant.
    pub fn since(&self, earlier: &Used) -> Used {
        Used {
            applied: self.applied - earlier.applied,
            rows: self.rows - earlier.rows,
            row_bytes: self.row_bytes - earlier.row_bytes,
            turns: self.turns - earlier.turns,
            process: self.process - earlier.process,
            feeder: self.feeder - earlier.feeder,
            commit: self.commit - earlier.commit,
            groups: self.groups - earlier.groups,
            stages: std::array::from_fn(|stage| self.stages[stage] - earlier.stages[stage]),
            at: self.at - earlier.at,
        }
    }

    /// Returns microseconds per event applied.
    pub fn each(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1e6 / self.applied.max(1) as f64
    }

    /// Returns events applied per second of real time.
    pub fn rate(&self) -> f64 {
        self.applied as f64 / self.at.as_secs_f64().max(1e-9)
    }
}
