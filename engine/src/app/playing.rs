//! Opens the world that history is played into, by one process: the data folder, or topics that were made for a replay and a CQL store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::Ports;
use anyhow::{Context, Result};

use super::Opened;
use super::servers::Servers;
use super::world::world;
use crate::clock::ReplayClock;
use crate::embedded::Database;
use crate::log::kafka::{History, KafkaLog};
use crate::replay::Target;
use crate::settings::{Settings, World};

/// A world that history is played into: its ports, and what keeps it open.
pub struct PlayedWorld {
    /// Every port.
    pub ports: Ports,
    /// What everything counts in.
    pub metrics: Metrics,
    /// What files are played into.
    pub target: Arc<dyn Target>,
    /// Log time, where the log left it.
    pub clock: Arc<ReplayClock>,
    /// Where it is, for people.
    pub place: String,
    /// Folder for temporary files.
    pub scratch: PathBuf,
    keeper: Keeper,
}

/// What is asked how a world fares, and closed at the end.
enum Keeper {
    /// The database of a data folder.
    Folder(Database),
    /// The log of the servers.
    Servers(Arc<KafkaLog>),
}

impl PlayedWorld {
    /// Opens the world of the settings. A data folder is made where it is missing; topics and keyspace are not.
    ///
    /// Errors: what keeps it from being opened, with what to do; an active model is refused.
    pub async fn open(settings: &Settings) -> Result<Self> {
        match world(settings)? {
            World::Embedded => Self::folder(settings),
            World::Servers => Self::servers(settings).await,
        }
    }

    fn folder(settings: &Settings) -> Result<Self> {
        let (Opened { database, log, ports, metrics }, clock) = Opened::for_replay(settings)?;
        Ok(Self {
            ports,
            metrics,
            target: log,
            clock,
            place: settings.data.dir.display().to_string(),
            scratch: settings.data.dir.join("scratch"),
            keeper: Keeper::Folder(database),
        })
    }

    async fn servers(settings: &Settings) -> Result<Self> {
        let (clock, metrics) = (Arc::new(ReplayClock::default()), Metrics::new());
        let Servers { log, ports } = Servers::for_replay(settings, &metrics, clock.clone()).await?;
        let history = History::open(log.clone(), &settings.kafka, &*clock).await;
        let target: Arc<dyn Target> = Arc::new(history.context("failed to read what was played")?);
        clock.reached(target.reached().await?);
        let (prefix, keyspace) = (&settings.kafka.topic_prefix, &settings.cql.keyspace);
        Ok(Self {
            ports,
            metrics,
            target,
            clock,
            place: format!("topics {prefix}care.* and keyspace {keyspace}"),
            scratch: tempfile::env::temp_dir(),
            keeper: Keeper::Servers(log),
        })
    }

    /// Returns why the world can take no more, if it failed for good.
    pub fn failure(&self) -> Option<&str> {
        match &self.keeper {
            Keeper::Folder(database) => database.failure(),
            Keeper::Servers(log) => log.failure(),
        }
    }

    /// Returns the processor time of the thread that makes a data folder's changes durable; servers have theirs to themselves.
    pub fn commit_cpu(&self) -> Duration {
        match &self.keeper {
            Keeper::Folder(database) => database.statistics().cpu,
            Keeper::Servers(_) => Duration::ZERO,
        }
    }

    /// Leaves the world: what others wait for is let go at once.
    pub async fn leave(self) {
        match self.keeper {
            Keeper::Folder(_) => {}
            Keeper::Servers(log) => log.leave().await,
        }
    }
}
