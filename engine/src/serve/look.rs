//! Looks at the engine, again and again: partitions, threads, whether log and store answer. What it finds is the service's health.
//!
//! A look asks log and store about one partition, the next one each time, and about one that gave no answer until it does. So a look costs
//! the same however many partitions there are.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use actors::node::Node;
use actors::partition::board::{Shown, Standing};
use actors::port::BoxFuture;
use actors::port::log::Topic;
use futures_util::future::{self, Either, FutureExt};
use schemas::ids::PartitionId;

use super::health::{Change, Check, Found, HANGS_AFTER, Health, Phase};
use super::{Said, Settings, systemd};
use crate::app::OpenWorld;

/// Time between two looks at a service that starts.
const STARTING_LOOK: Duration = Duration::from_millis(100);

/// Partitions that a reason names.
const NAMED_MAX: usize = 5;

/// Looks at a node in its world.
pub(super) struct Looker<'a> {
    node: &'a Node,
    world: &'a OpenWorld,
    health: &'a Health,
    settings: &'a Settings,
    /// Counts the looks; says which partition is asked about.
    looks: usize,
    /// The turn of the threads that is waited for.
    turn: Option<BoxFuture<'static, ()>>,
}

impl<'a> Looker<'a> {
    /// Returns who looks, and has not yet.
    pub(super) fn new(
        node: &'a Node,
        world: &'a OpenWorld,
        health: &'a Health,
        settings: &'a Settings,
    ) -> Self {
        Self { node, world, health, settings, looks: 0, turn: None }
    }

    /// Looks until the engine cannot go on, and returns why.
    pub(super) async fn run(mut self, say: &mut dyn FnMut(Said<'_>)) -> String {
        loop {
            if let Some(reason) = self.node.ended() {
                return reason;
            }
            let found = self.look().await;
            self.note(found, say);
            self.world.ports.clock.sleep(self.pause()).await;
        }
    }

    /// Returns the time to the next look. A start is looked at more often, and a service manager that watches hears of it twice in its
    /// interval at least.
    fn pause(&self) -> Duration {
        let look = match self.health.phase() {
            Phase::Starting => STARTING_LOOK,
            Phase::Serving | Phase::Draining => Duration::from_millis(self.settings.look_ms),
        };
        systemd::watched().map_or(look, |interval| look.min(interval / 3))
    }

    async fn look(&mut self) -> Found {
        self.look_at_threads();
        self.world.show_queues();
        let shown = self.node.shown();
        let mut found = Found { assigned: shown.len(), ..Found::default() };
        found.at_work = shown.iter().filter(|(_, one)| is_at_work(one)).count();
        let (log, store) = self.ask(&shown).await;
        let failed = self.world.failure().map(str::to_owned);
        found.wrong[Check::Partitions as usize] = match shown.is_empty() && self.world.stands_by() {
            true => None,
            false => wrong_with(&shown),
        };
        found.wrong[Check::Log as usize] = failed.clone().or(log);
        found.wrong[Check::Store as usize] = failed.or(store);
        let hang = self.health.since_turn() > HANGS_AFTER;
        found.wrong[Check::Threads as usize] = hang.then(|| "a thread of partitions has no turn".to_owned());
        found
    }

    /// Asks for a turn of every thread, and notes when all have had it.
    fn look_at_threads(&mut self) {
        let turn = self.turn.get_or_insert_with(|| self.node.turned().boxed());
        if turn.now_or_never().is_some() {
            self.turn = None;
            self.health.turned();
        }
    }

    /// Asks log and store about a partition and returns what is wrong with each.
    async fn ask(&mut self, shown: &[(PartitionId, Shown)]) -> (Option<String>, Option<String>) {
        let partition = match shown.len() {
            0 => PartitionId(0),
            assigned => shown[self.looks % assigned].0,
        };
        let ports = &self.world.ports;
        let log = self.answer(ports.source.end(Topic::Events, partition));
        let store = self.answer(ports.store.read_lease(partition));
        let (log, store) = future::join(log, store).await;
        if log.is_none() && store.is_none() {
            self.looks = self.looks.wrapping_add(1);
        }
        (log, store)
    }

    /// Returns what is wrong with an answer: it says so, or there is none in time.
    async fn answer<T, E: Display>(&self, reply: impl Future<Output = Result<T, E>>) -> Option<String> {
        let patience = self.world.ports.clock.sleep(Duration::from_millis(self.settings.answer_ms));
        match future::select(std::pin::pin!(reply), patience).await {
            Either::Left((answer, _)) => answer.err().map(|error| error.to_string()),
            Either::Right(_) => Some(format!("no answer within {} ms", self.settings.answer_ms)),
        }
    }

    /// Tells whoever wants to know what changed.
    fn note(&self, found: Found, say: &mut dyn FnMut(Said<'_>)) {
        let (assigned, was) = (found.assigned, self.health.phase());
        for change in self.health.looked(found) {
            match change {
                Change::Ready if was == Phase::Starting => {
                    tracing::info!(partitions = assigned, "ready");
                    say(Said::Ready { partitions: assigned });
                    systemd::ready(&format!("{assigned} partitions at work"));
                }
                Change::Ready => {
                    tracing::info!(partitions = assigned, "ready again");
                    systemd::status(&format!("{assigned} partitions at work"));
                }
                Change::Unready => tracing::warn!("not ready"),
                Change::Worse(check, reason) if was == Phase::Starting => {
                    tracing::debug!(check = check.as_str(), reason, "not ready yet");
                }
                Change::Worse(check, reason) => {
                    systemd::status(&format!("not ready: {}: {reason}", check.as_str()));
                    tracing::warn!(check = check.as_str(), reason, "something is wrong");
                }
                Change::Better(check) => tracing::debug!(check = check.as_str(), "well again"),
            }
        }
        let readiness = self.health.readiness();
        self.world.metrics.ready(readiness.ready);
        for check in Check::ALL {
            self.world.metrics.check(check.as_str(), readiness.checks[check.as_str()].good);
        }
        if self.health.liveness().live {
            systemd::alive();
        }
    }
}

fn is_at_work(shown: &Shown) -> bool {
    shown.at_work && shown.standing == Standing::Working
}

/// Returns what is wrong with the partitions of this process.
fn wrong_with(shown: &[(PartitionId, Shown)]) -> Option<String> {
    if shown.is_empty() {
        return Some("no partition is assigned".to_owned());
    }
    let idle: Vec<u32> =
        shown.iter().filter(|(_, one)| !is_at_work(one)).map(|(partition, _)| partition.0).collect();
    if idle.is_empty() {
        return None;
    }
    let named: Vec<String> = idle.iter().take(NAMED_MAX).map(u32::to_string).collect();
    let more = if idle.len() > NAMED_MAX { ", …" } else { "" };
    Some(format!(
        "{} of {} partitions do not hold their lease: {}{more}",
        idle.len(),
        shown.len(),
        named.join(", ")
    ))
}
