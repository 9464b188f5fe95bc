//! The engine at a glance: how much goes on, whether all is well. It speaks of this process alone; the others of a group say it of theirs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::metrics::Pulse;
use schemars::JsonSchema;
use serde::Serialize;

use super::answers::Time;
use super::asked::Asked;
use super::feed::Feed;
use super::{Known, Views};
use crate::http::problem::Refusal;

/// Between two beats.
const BEAT: Duration = Duration::from_secs(2);

/// The engine at a glance.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Overview {
    /// Version of the engine.
    version: String,
    /// Log time.
    at: Time,
    health: Health,
    pulse: Beat,
    /// Triggers in force.
    triggers: usize,
    /// Partitions of the log.
    partitions: u32,
}

/// Whether this process does what it is there for.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    ready: bool,
    /// `starting`, `serving` or `draining`.
    phase: String,
    /// Since when.
    since: String,
    /// Partitions assigned to this process.
    assigned: usize,
    /// Those that are at work.
    at_work: usize,
    checks: BTreeMap<String, Check>,
}

/// One thing that is looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct Check {
    good: bool,
    /// Since when it is so.
    since: String,
    /// What is wrong.
    reason: Option<String>,
}

/// How much goes on in this process. Counters count from its start.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(in crate::http) struct Beat {
    /// Events that changed their customer.
    events: u64,
    /// Over the last two seconds.
    events_per_second: f64,
    /// Events that had come before.
    duplicates: u64,
    /// Decisions, by verdict.
    decisions: BTreeMap<String, u64>,
    /// Over the last two seconds.
    decisions_per_second: f64,
    /// Records that became dead letters.
    dead_letters: u64,
    /// Customers in memory.
    customers_live: u64,
    /// Records appended and not yet safe.
    lag: u64,
}

/// The last beat.
#[derive(Default)]
pub(super) struct Beats(Mutex<Beat>);

impl Beats {
    fn last(&self) -> Beat {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts again and again, and tells whoever listens.
pub(super) async fn beat(known: Arc<Known>, beats: Arc<Beats>, feed: Arc<Feed>) {
    let clock = known.ports.clock.clone();
    let mut before = (clock.boot(), known.metrics.pulse());
    loop {
        clock.sleep(BEAT).await;
        let now = (clock.boot(), known.metrics.pulse());
        let beat = Beat::between(&before, &now);
        feed.pulse(&beat);
        *beats.0.lock().unwrap_or_else(PoisonError::into_inner) = beat;
        before = now;
    }
}

impl Beat {
    fn between((from, before): &(Duration, Pulse), (to, now): &(Duration, Pulse)) -> Self {
        let seconds = to.saturating_sub(*from).as_secs_f64().max(0.001);
        let rate =
            |before: u64, now: u64| (now.saturating_sub(before) as f64 / seconds * 10.0).round() / 10.0;
        let all = |pulse: &Pulse| pulse.decisions.values().sum();
        Self {
            events: now.events,
            events_per_second: rate(before.events, now.events),
            duplicates: now.duplicates,
            decisions: now.decisions.clone(),
            decisions_per_second: rate(all(before), all(now)),
            dead_letters: now.dead_letters,
            customers_live: now.customers_live,
            lag: now.lag,
        }
    }
}

impl Views {
    /// Returns the engine at a glance.
    ///
    /// Errors: there is a parameter.
    pub(super) fn overview(&self, asked: &Asked<'_>) -> Result<Overview, Refusal> {
        asked.query(&[])?;
        let Known { ports, book, health, .. } = &*self.known;
        let told = health.readiness();
        let checks = told.checks.into_iter().map(|(name, checked)| {
            let check = Check { good: checked.good, since: checked.since, reason: checked.reason };
            (name.to_owned(), check)
        });
        let health = Health {
            ready: told.ready,
            phase: told.phase.as_str().to_owned(),
            since: told.phase_since,
            assigned: told.partitions.assigned,
            at_work: told.partitions.at_work,
            checks: checks.collect(),
        };
        Ok(Overview {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: ports.clock.now().into(),
            health,
            pulse: self.beats.last(),
            triggers: book.triggers.len(),
            partitions: ports.source.partitions(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_what_came_between_two_beats() {
        let decisions = |n| BTreeMap::from([("sent".to_owned(), n), ("expired".to_owned(), 1)]);
        let before = Pulse { events: 100, decisions: decisions(4), ..Pulse::default() };
        let now = Pulse { events: 151, decisions: decisions(5), lag: 7, ..Pulse::default() };
        let beat = Beat::between(&(Duration::from_secs(1), before.clone()), &(Duration::from_secs(3), now));
        assert_eq!((beat.events_per_second, beat.decisions_per_second, beat.lag), (25.5, 0.5, 7));
        let still = Beat::between(&(BEAT, before.clone()), &(BEAT, before));
        assert_eq!(still.events_per_second, 0.0, "no time has passed");
    }
}
