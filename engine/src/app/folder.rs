//! An open data folder: the embedded world, for a replay, to serve in it, or to look at it.

use std::sync::Arc;

use actors::batcher::Patience;
use actors::metrics::Metrics;
use actors::port::Ports;
use actors::port::clock::Clock;
use actors::port::predictor::Predictor;
use anyhow::{Context, Result, bail};

use super::bounds::REPLAY_LOOK;
use crate::clock::{ReplayClock, SystemClock};
use crate::embedded::{self, Database, directory};
use crate::log::embedded::EmbeddedLog;
use crate::outreach::in_app::Voice;
use crate::settings::Settings;
use crate::store::embedded::EmbeddedStore;
use crate::{outreach, predict};

/// An open data folder with everything that works on it.
pub struct Opened {
    /// The database: to be asked how it fares.
    pub database: Database,
    /// Its log as replays append to it: with their progress.
    pub log: Arc<EmbeddedLog>,
    /// Every port.
    pub ports: Ports,
    /// What everything counts in.
    pub metrics: Metrics,
}

impl Opened {
    /// Opens the data folder for a replay: made where it is missing, with log time where the log left it.
    ///
    /// Errors: the folder is in use, of a newer version, something else, or unreadable; an active model is refused.
    pub fn for_replay(settings: &Settings) -> Result<(Self, Arc<ReplayClock>)> {
        Self::for_counted_replay(settings, Metrics::new())
    }

    /// Opens the data folder for a replay that counts in `metrics`.
    ///
    /// Errors: as [`Opened::for_replay`].
    pub fn for_counted_replay(settings: &Settings, metrics: Metrics) -> Result<(Self, Arc<ReplayClock>)> {
        let clock = Arc::new(ReplayClock::default());
        let bounds =
            embedded::Settings { fetch_wait_ms: REPLAY_LOOK.as_millis() as u64, ..Default::default() };
        // Before the data: a model that is refused leaves no trace of a run.
        let predictor = predictor(settings, &metrics, (clock.clone(), Patience::Endless))?;
        let opened = Self::open(settings, bounds, clock.clone(), (predictor, metrics))?;
        clock.reached(opened.database.newest_stamp());
        Ok((opened, clock))
    }

    /// Opens the data folder to serve in it: made where it is missing, with log time as it is on the wall.
    ///
    /// Errors: as [`Opened::for_replay`].
    pub fn for_service(settings: &Settings, metrics: Metrics) -> Result<Self> {
        let clock = Arc::new(SystemClock);
        let patience = Patience::Bounded(settings.partition().score_deadline);
        let predictor = predictor(settings, &metrics, (clock.clone(), patience))?;
        Self::open(settings, embedded::Settings::default(), clock, (predictor, metrics))
    }

    /// Opens the data folder to look at it.
    ///
    /// Errors: as for a replay, or it does not exist.
    pub fn for_reading(settings: &Settings) -> Result<Self> {
        let dir = &settings.data.dir;
        if !directory::exists(dir) {
            bail!(
                "there is no data in {}: `care replay FILES --format F --data-dir {}` makes it, --data-dir names another folder",
                dir.display(),
                dir.display()
            );
        }
        // Who looks asks nothing, and need not wait for models or stumble over one that is refused.
        let predictor = Arc::new(predict::rules::Rules::new());
        // Looking must not move log time: what it appends, a dead letter for another try, comes at the time there is.
        let clock = Arc::new(ReplayClock::default());
        let bounds = embedded::Settings::default();
        let opened = Self::open(settings, bounds, clock.clone(), (predictor, Metrics::new()))?;
        clock.reached(opened.database.newest_stamp());
        Ok(opened)
    }

    fn open(
        settings: &Settings,
        bounds: embedded::Settings,
        clock: Arc<dyn Clock>,
        (predictor, metrics): (Arc<dyn Predictor>, Metrics),
    ) -> Result<Self> {
        let of_database = embedded::Settings { partitions: settings.log.partitions, ..bounds };
        let opened = Database::open(&settings.data.dir, &of_database, clock.clone());
        let database = opened.context("failed to open the data")?;
        let log = Arc::new(EmbeddedLog::new(&database));
        let voice = Voice { sink: log.clone(), partitions: settings.log.partitions, clock: clock.clone() };
        let around = outreach::Around { data_dir: &settings.data.dir, metrics: &metrics, voice };
        let channels = outreach::build(&settings.channels, &around)?;
        let ports = Ports {
            source: log.clone(),
            sink: log.clone(),
            store: Arc::new(EmbeddedStore::new(&database)),
            predictor,
            answers: Arc::new(actors::port::answers::Nobody),
            channels: Arc::new(channels),
            clock,
        };
        Ok(Self { database, log, ports, metrics })
    }
}

/// Returns the predictor that the settings name.
pub(super) fn predictor(
    settings: &Settings,
    metrics: &Metrics,
    (clock, patience): (Arc<dyn Clock>, Patience),
) -> Result<Arc<dyn Predictor>> {
    let around = predict::Around { data_dir: &settings.data.dir, metrics, clock, patience };
    predict::build(&settings.predictor, around)
}
