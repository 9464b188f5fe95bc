//! The engine as the product runs it, driven step by step of log time.
//!
//! A step: the events of a span of log time are appended, and the engine is given the time that it needs to be done with them; then log
//! time comes to the end of the span, and what silence brought is done, too. So what the engine does in a step depends on nothing but the
//! events: not on the speed of the machine, and not on how its threads take turns.

use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::node::Node;
use actors::partition::core::Counts;
use actors::port::Ports;
use actors::port::channel::{Channel, Channels};
use actors::port::clock::Clock;
use actors::port::log::{LogSink, LogSource, NewRecord, Topic};
use actors::port::predictor::Predictor;
use anyhow::{Context, Result};
use schemas::decision::Decision;
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;

use super::channel::{ShopChannel, Tray};
use super::treated::{Decisions, Join, Treated};
use crate::app::{self, Opened};
use crate::clock::ReplayClock;
use crate::log::embedded::EmbeddedLog;
use crate::settings::Settings;

/// How often due timers are looked for: whenever a partition is awake, for every step waits for one look, and for every write.
const TIMER_LOOK: Duration = Duration::ZERO;

/// What a driven engine is made of.
pub struct Parts<'a> {
    /// Settings; `data.dir` is the folder that is opened.
    pub settings: &'a Settings,
    /// What decides beside the rows.
    pub book: Arc<Rulebook>,
    /// Outreach that the shop takes; more is refused.
    pub budget: u64,
    /// Puts another predictor in the place of that of the settings, or before it.
    pub predictor: &'a dyn Fn(Arc<dyn Predictor>) -> Arc<dyn Predictor>,
}

/// An engine at work, and what it did in the steps so far.
pub struct Driven {
    node: Node,
    log: Arc<EmbeddedLog>,
    clock: Arc<ReplayClock>,
    book: Arc<Rulebook>,
    metrics: Metrics,
    tray: Tray,
    decisions: Decisions,
    join: Join,
    appended: u64,
    /// What the rows had counted when the engine was ready.
    before: Counts,
    // Last, so that it closes after everything that works on it.
    opened: Opened,
}

/// What the engine did in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stepped {
    /// Who was treated, in an order that depends on nothing but what was decided.
    pub treated: Vec<Treated>,
    /// Every decision, in no particular order.
    pub decisions: Vec<Decision>,
}

/// What became of the events and the outreach of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Events appended.
    pub appended: u64,
    /// Events that rows applied.
    pub applied: u64,
    /// Outreach delivered, each once.
    pub delivered: u64,
    /// Events that no row accounts for, and outreach that was decided and of which nothing became.
    pub lost: u64,
    /// Events that rows applied beyond those appended, and outreach that was delivered again.
    pub doubled: u64,
}

impl Driven {
    /// Opens the data folder of the settings and starts the engine on it, with the shop in place of every channel; finishes what an
    /// earlier run left.
    ///
    /// Errors: the folder cannot be opened · the engine cannot start.
    pub async fn start(parts: Parts<'_>) -> Result<Self> {
        let Parts { settings, book, budget, predictor } = parts;
        let (opened, clock) = Opened::for_replay(settings)?;
        let (tray, decisions) = (Tray::of(budget), Decisions::default());
        let into_shop = || Arc::new(ShopChannel(tray.clone())) as Arc<dyn Channel>;
        let channels: Channels =
            opened.ports.channels.keys().map(|name| (name.clone(), into_shop())).collect();
        let ports = Ports {
            answers: Arc::new(actors::port::answers::Nobody),
            channels: Arc::new(channels),
            sink: decisions.tap(opened.ports.sink.clone()),
            predictor: predictor(opened.ports.predictor.clone()),
            ..opened.ports.clone()
        };
        let (border, metrics) = (app::border(settings), opened.metrics.clone());
        let mut of_node = app::replay_node(settings);
        of_node.partition.timer_grid = TIMER_LOOK;
        of_node.partition.flush_urgent = Duration::ZERO;
        let node = Node::start(ports, book.clone(), border, of_node, metrics.clone());
        let node = node.context("failed to start")?;
        node.settle().await.context("failed to finish what an earlier run left")?;
        let before = node.counts();
        let (log, join) = (opened.log.clone(), Join::default());
        let driven =
            Self { node, log, clock, book, metrics, tray, decisions, join, appended: 0, before, opened };
        // What an earlier run left is of shoppers that are gone.
        driven.tray.take();
        driven.decisions.take();
        Ok(driven)
    }

    /// Returns the log time that the engine has come to.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns time since boot, for whoever paces the steps.
    pub fn clock(&self) -> &ReplayClock {
        &self.clock
    }

    /// Returns the number of partitions of every topic.
    pub fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    /// Returns what the engine has measured.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes a step: appends the records, stamped before `until`, and returns what the engine did when it has nothing left to do at that
    /// log time.
    ///
    /// Errors: the engine stopped, or the log takes no more.
    pub async fn step(&mut self, records: Vec<NewRecord>, until: Timestamp) -> Result<Stepped> {
        if !records.is_empty() {
            self.appended += records.len() as u64;
            self.log.append(Topic::Events, records).await.context("failed to append events")?;
            // Before time moves on: what the engine appends itself is stamped with the time there is.
            self.node.quiet().await?;
        }
        self.clock.reached(until);
        self.log.time_has_moved();
        self.node.quiet_at(self.clock.now()).await?;
        let decisions = self.decisions.take();
        let treated = self.join.join(&self.book, &decisions, self.tray.take());
        Ok(Stepped { treated, decisions })
    }

    /// Waits until everything is durable, stops the engine and returns what became of what it was given.
    ///
    /// Errors: the engine stopped before, or cannot be brought to an end.
    pub async fn finish(self) -> Result<Balance> {
        self.node.settle().await.context("failed to finish")?;
        let counts = self.node.counts() - self.before;
        self.node.stop().await.context("failed to stop")?;
        let settled = counts.applied + counts.duplicate + counts.dead_lettered;
        // A customer that panicked applies records again whose first application was lost with it: they count twice.
        let again = if counts.panics > 0 { 0 } else { settled.saturating_sub(self.appended) };
        let Counted { failed, withheld } = Counted::of(&self.metrics);
        let undelivered = self.join.sent().saturating_sub(self.tray.delivered() + failed + withheld);
        drop(self.opened);
        Ok(Balance {
            appended: self.appended,
            applied: counts.applied,
            delivered: self.tray.delivered(),
            lost: self.appended.saturating_sub(settled) + undelivered,
            doubled: again + self.tray.repeated(),
        })
    }
}

/// Outreach that ended without a delivery, for a reason on record.
struct Counted {
    failed: u64,
    withheld: u64,
}

impl Counted {
    fn of(metrics: &Metrics) -> Self {
        let samples = metrics.samples();
        let of = |outcome: &str| -> u64 {
            let outreach = samples.iter().filter(|sample| sample.name == actors::metrics::OUTREACH);
            outreach.filter(|sample| sample.labels[0] == outcome).map(|sample| sample.value as u64).sum()
        };
        Self { failed: of("failed"), withheld: of("withheld") }
    }
}
