//! Wiring: from settings to the rulebook, the ports and the node's bounds.

use std::sync::Arc;
use std::time::Duration;

use actors::batcher::Patience;
use actors::dispatcher::settings::{Recheck, Settings as DispatcherSettings};
use actors::metrics::Metrics;
use actors::node::NodeSettings;
use actors::partition::settings::Settings as PartitionSettings;
use actors::port::Ports;
use actors::port::channel::Channels;
use actors::port::clock::Clock;
use actors::port::predictor::Predictor;
use anyhow::{Context, Result, bail};
use schemas::decision::Category;
use schemas::event::Border;
use schemas::profile::ProfilePolicy;
use schemas::rulebook::{Cap, CapScope, ContactPolicy, Policy, Rulebook};
use schemas::time::Span;

use crate::clock::{ReplayClock, SystemClock};
use crate::embedded::{self, Database, directory};
use crate::log::embedded::EmbeddedLog;
use crate::replay::Format;
use crate::settings::{AssumedConsent, Settings};
use crate::store::embedded::EmbeddedStore;
use crate::{outreach, predict, triggers};

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
        let clock = Arc::new(ReplayClock::default());
        let fetch_wait_ms = REPLAY_LOOK.as_millis() as u64;
        let (metrics, bounds) = (Metrics::new(), embedded::Settings { fetch_wait_ms, ..Default::default() });
        let around = predict::Around {
            data_dir: &settings.data.dir,
            metrics: &metrics,
            clock: clock.clone(),
            patience: Patience::Endless,
        };
        // Before the data: a model that is refused leaves no trace of a run.
        let predictor = predict::build(&settings.predictor, around)?;
        let opened = Self::open(settings, bounds, clock.clone(), (predictor, metrics))?;
        clock.reached(opened.database.newest_stamp());
        Ok((opened, clock))
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
        let clock = Arc::new(SystemClock);
        Self::open(settings, embedded::Settings::default(), clock, (predictor, Metrics::new()))
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
        let ports = Ports {
            source: log.clone(),
            sink: log.clone(),
            store: Arc::new(EmbeddedStore::new(&database)),
            predictor,
            channels: Arc::new(outreach::build(&settings.channels)),
            clock,
        };
        Ok(Self { database, log, ports, metrics })
    }
}

/// Returns what decides beside the customers' rows.
///
/// Errors: every fault of every trigger file.
pub fn rulebook(settings: &Settings, channels: &Channels) -> Result<Rulebook> {
    let triggers = triggers::load(&settings.triggers.dir, channels.keys())?;
    let profile = settings.profile_policy();
    let contact = contact_policy(settings);
    let heads = settings.predictor.heads.iter().copied().collect();
    Ok(Rulebook { triggers, heads, policy: Policy { profile, contact }, ..Rulebook::default() })
}

/// Returns the rulebook of a replay: its dispatcher is days of log time behind, so no outcome is given up.
///
/// Errors: every fault of every trigger file.
pub fn replay_rulebook(settings: &Settings, channels: &Channels) -> Result<Rulebook> {
    let mut book = rulebook(settings, channels)?;
    book.policy.contact.outcomes_expire = false;
    Ok(book)
}

/// Returns the rulebook of a replay of files: profiles are folded as training folds them, or models would be asked what they were never
/// trained on.
///
/// Errors: every fault of every trigger file.
pub fn rulebook_of_files(settings: &Settings, channels: &Channels, format: Format) -> Result<Rulebook> {
    let mut book = replay_rulebook(settings, channels)?;
    book.policy.profile = profile_of_files(settings, format);
    Ok(book)
}

fn contact_policy(settings: &Settings) -> ContactPolicy {
    let of = &settings.policy;
    let marketing = CapScope::Category(Category::Marketing);
    ContactPolicy {
        caps: vec![
            Cap { scope: marketing.clone(), within: Span::hours(24), max: of.cap_marketing_day },
            Cap { scope: marketing, within: Span::days(7), max: of.cap_marketing_week },
            Cap { scope: CapScope::Any, within: Span::hours(24), max: of.cap_any_day },
        ],
        control_share: of.control_share,
        consent_assumed: match of.assume_consent {
            AssumedConsent::None => Vec::new(),
            AssumedConsent::Marketing => vec![Category::Marketing],
        },
        outcomes_expire: true,
    }
}

/// Returns how profiles are folded from the files of a format: as the settings have it, but for a shop that is known by its format, whose
/// currency and zone are its own. Without that, amounts in pounds would be of no home currency, and every feature of value 0.
pub fn profile_of_files(settings: &Settings, format: Format) -> ProfilePolicy {
    let policy = settings.profile_policy();
    match format.home() {
        Some(home) => {
            ProfilePolicy { base_currency: home.currency, default_zone: home.zone.into(), ..policy }
        }
        None => policy,
    }
}

/// Returns what an event must be to pass.
pub fn border(settings: &Settings) -> Border {
    let of = &settings.policy;
    Border { late: Span::days(of.late_days), future: Span::minutes(of.future_min), ..Border::default() }
}

/// How often a replay looks for due timers, and how long it waits at the end of a partition before it looks at the clock again: log time
/// moves by days per second there, and whoever waits until nothing is left to do waits for both.
const REPLAY_LOOK: Duration = Duration::from_millis(10);

/// No deadline: longer than any replay.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Returns the bounds of a node for a replay: a customer's next event waits for the open score, however long that takes, so that the
/// same events give the same decisions whatever the speed of the machine.
pub fn replay_node(settings: &Settings) -> NodeSettings {
    let partition = PartitionSettings {
        hold_for_score: true,
        score_deadline: NEVER,
        timer_grid: REPLAY_LOOK,
        ..settings.partition()
    };
    let dispatcher = DispatcherSettings { recheck: Recheck::AsOfDecision, ..dispatcher(settings) };
    NodeSettings { threads: settings.partition.threads, partition, dispatcher, ..NodeSettings::default() }
}

fn dispatcher(settings: &Settings) -> DispatcherSettings {
    let of = &settings.dispatcher;
    DispatcherSettings {
        window: of.window,
        fetch_max: of.fetch_max,
        call_deadline: Duration::from_millis(of.call_deadline_ms),
        retry_after: Span::seconds(of.retry_after_s),
        retry: Duration::from_millis(settings.partition.retry_ms),
        drain: Duration::from_millis(settings.partition.drain_ms),
        ..DispatcherSettings::default()
    }
}
