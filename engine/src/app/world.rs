//! Opens the world that the settings name, to serve in it or to look at it.

use actors::metrics::Metrics;
use actors::port::Ports;
use anyhow::{Result, bail};
use schemas::time::Timestamp;

use super::Opened;
use crate::embedded::Database;
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
}

impl OpenWorld {
    /// Opens the world to serve in it.
    ///
    /// Errors: what keeps it from being opened, with what to do.
    pub async fn to_serve(settings: &Settings, metrics: Metrics) -> Result<Self> {
        match world(settings)? {
            World::Embedded => Ok(Self::of_folder(Opened::for_service(settings, metrics)?)),
            World::Servers => bail!("kafka + cql is not there yet"),
        }
    }

    /// Opens the world to look at it: nothing is assigned, nothing is made.
    ///
    /// Errors: as for a service, or there is nothing to look at.
    pub async fn to_look(settings: &Settings) -> Result<Self> {
        match world(settings)? {
            World::Embedded => Ok(Self::of_folder(Opened::for_reading(settings)?)),
            World::Servers => bail!("kafka + cql is not there yet"),
        }
    }

    /// Returns an open data folder as a world.
    pub fn of_folder(opened: Opened) -> Self {
        let Opened { database, ports, metrics, log: _ } = opened;
        let place = format!("data folder {}", database.path().display());
        Self { ports, metrics, place, keeper: Keeper::Folder(database) }
    }

    /// Returns the log time that whoever looks goes by.
    pub fn now(&self) -> Timestamp {
        match &self.keeper {
            Keeper::Folder(database) => database.newest_stamp(),
        }
    }

    /// Returns why the world can take no more, if it failed for good.
    pub fn failure(&self) -> Option<&str> {
        match &self.keeper {
            Keeper::Folder(database) => database.failure(),
        }
    }

    /// Leaves the world: what others wait for is let go at once.
    pub async fn leave(self) {
        match self.keeper {
            Keeper::Folder(_) => {}
        }
    }
}

fn world(settings: &Settings) -> Result<World> {
    settings.world().map_err(|reason| anyhow::anyhow!("store.kind: {reason}"))
}
