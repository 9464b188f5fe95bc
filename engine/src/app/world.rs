//! Opens the world that the settings name, to serve in it or to look at it.

use std::sync::Arc;

use actors::metrics::{Metrics, Queue};
use actors::port::Ports;
use actors::port::log::Topic;
use anyhow::Result;
use schemas::time::Timestamp;

use super::Opened;
use super::servers::Servers;
use crate::embedded::Database;
use crate::log::kafka::KafkaLog;
use crate::settings::{Settings, World};

/// An open world: its ports, and what keeps it open.
pub struct OpenWorld {
    /// Every port.
    pub ports: Ports,
    /// What everything counts in.
    pub metrics: Metrics,
    /// Where it is, for people.
    pub place: String,
    keeper: Keeper,
}

/// What is asked how a world fares, and closed at the end.
enum Keeper {
    /// The database of a data folder.
    Folder(Database),
    /// The topics, whose group is left.
    Topics(Arc<KafkaLog>),
}

impl OpenWorld {
    /// Opens the world to serve in it.
    ///
    /// Errors: what keeps it from being opened, with what to do.
    pub async fn to_serve(settings: &Settings, metrics: Metrics) -> Result<Self> {
        match world(settings)? {
            World::Embedded => Ok(Self::of_folder(Opened::for_service(settings, metrics)?)),
            World::Servers => {
                let servers = Servers::for_service(settings, &metrics).await?;
                Ok(Self::of_servers(settings, metrics, servers))
            }
        }
    }

    /// Opens the world to look at it: nothing is assigned, nothing is made.
    ///
    /// Errors: as for a service, or there is nothing to look at.
    pub async fn to_look(settings: &Settings) -> Result<Self> {
        match world(settings)? {
            World::Embedded => Ok(Self::of_folder(Opened::for_reading(settings)?)),
            World::Servers => {
                let metrics = Metrics::new();
                let servers = Servers::for_reading(settings, &metrics).await?;
                Ok(Self::of_servers(settings, metrics, servers))
            }
        }
    }

    /// Returns an open data folder as a world.
    pub fn of_folder(opened: Opened) -> Self {
        let Opened { database, ports, metrics, log: _ } = opened;
        let place = format!("data folder {}", database.path().display());
        Self { ports, metrics, place, keeper: Keeper::Folder(database) }
    }

    fn of_servers(settings: &Settings, metrics: Metrics, servers: Servers) -> Self {
        let Servers { log, ports } = servers;
        let (kafka, cql) = (&settings.kafka, &settings.cql);
        let place = format!(
            "group {} at {} (topic {} and its neighbours), keyspace {} at {}",
            kafka.group,
            kafka.brokers,
            kafka.topic(Topic::Events),
            cql.keyspace,
            cql.nodes
        );
        Self { ports, metrics, place, keeper: Keeper::Topics(log) }
    }

    /// Returns the log time that whoever looks goes by.
    pub fn now(&self) -> Timestamp {
        match &self.keeper {
            Keeper::Folder(database) => database.newest_stamp(),
            // Brokers stamp records by the wall clock, where they do.
            Keeper::Topics(log) => log.newest_stamp().unwrap_or_else(|| self.ports.clock.now()),
        }
    }

    /// Returns why the world can take no more, if it failed for good.
    pub fn failure(&self) -> Option<&str> {
        match &self.keeper {
            Keeper::Folder(database) => database.failure(),
            Keeper::Topics(log) => log.failure(),
        }
    }

    /// Shows how long the queues of the world are that nobody else counts.
    pub fn show_queues(&self) {
        match &self.keeper {
            Keeper::Folder(database) => {
                let now = database.statistics();
                self.metrics.queue(Queue::Commit, now.queue_len);
                self.metrics.queue(Queue::Read, now.reads_len);
            }
            // The clients of the servers tell for themselves.
            Keeper::Topics(_) => {}
        }
    }

    /// Returns true when this process has its share of the partitions and that is nothing: more processes than partitions serve.
    pub fn stands_by(&self) -> bool {
        match &self.keeper {
            Keeper::Folder(_) => false,
            Keeper::Topics(log) => log.has_joined() && log.held() == 0,
        }
    }

    /// Leaves the world: what others wait for is let go at once.
    pub async fn leave(self) {
        match self.keeper {
            Keeper::Folder(_) => {}
            Keeper::Topics(log) => log.leave().await,
        }
    }
}

/// Returns what log and store of the settings are together.
pub(super) fn world(settings: &Settings) -> Result<World> {
    settings.world().map_err(|reason| anyhow::anyhow!("store.kind: {reason}"))
}
