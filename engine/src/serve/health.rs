//! What is well and what is not, since when and why: written by the looks at the engine, told by the endpoint.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::port::clock::Clock;
use schemas::time::Timestamp;
use serde::Serialize;

use super::Settings;

/// A look is too old to be believed when so many have not come that should have.
const STALE_LOOKS: u32 = 3;

/// Threads that had no turn this long are held to hang.
pub(super) const HANGS_AFTER: Duration = Duration::from_secs(15);

/// Where a service stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not everything has been well yet.
    #[default]
    Starting,
    /// Everything was well once.
    Serving,
    /// It was told to stop.
    Draining,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Every assigned partition holds its lease, reads and applies.
    Partitions,
    /// The log answers.
    Log,
    /// The store answers.
    Store,
    /// Every thread of partitions has its turn.
    Threads,
}

impl Check {
    /// Every check, in the order of the enum.
    pub const ALL: [Check; 4] = [Check::Partitions, Check::Log, Check::Store, Check::Threads];

    /// Returns the name used in answers, logs and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Check::Partitions => "partitions",
            Check::Log => "log",
            Check::Store => "store",
            Check::Threads => "threads",
        }
    }
}

/// What one look found, check by check: nothing, or what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Partitions assigned to this process.
    pub assigned: usize,
    /// Those that are at work.
    pub at_work: usize,
    /// What is wrong, in the order of [`Check::ALL`].
    pub wrong: [Option<String>; Check::ALL.len()],
}

/// A change that is worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Ready from now on, for the first time or again.
    Ready,
    /// Not ready any more.
    Unready,
    /// A check found something wrong, or something else.
    Worse(Check, String),
    /// A check finds nothing wrong any more.
    Better(Check),
}

/// The health of a service. Clones share it.
#[derive(Clone)]
pub struct Health {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    stale_after: Duration,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    phase_since: Timestamp,
    /// When the last look was, since boot; that of the start before the first.
    looked: Duration,
    found: Found,
    /// Since when each check says what it says.
    since: [Timestamp; Check::ALL.len()],
    /// When the threads had their last turn, since boot.
    turned: Duration,
}

/// The body of `/readyz`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    /// Everything is well: this process does what it is there for.
    pub ready: bool,
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub phase_since: String,
    /// Partitions assigned to this process, and those at work.
    pub partitions: Partitions,
    /// Each check by its name.
    pub checks: BTreeMap<&'static str, Checked>,
}

/// Numbers of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Partitions {
    /// Assigned to this process.
    pub assigned: usize,
    /// Those that are at work.
    pub at_work: usize,
}

/// One check as it is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// Nothing is wrong.
    pub good: bool,
    /// Since when it is so.
    pub since: String,
    /// What is wrong.
    pub reason: Option<String>,
}

/// The body of `/livez`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Liveness {
    /// The process turns: a new start would mend nothing.
    pub live: bool,
    /// What does not turn.
    pub reason: Option<String>,
}

impl Phase {
    /// Returns the name used in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Serving => "serving",
            Phase::Draining => "draining",
        }
    }
}

impl Health {
    /// Returns the health of a service that begins, and is looked at so often.
    pub fn new(clock: Arc<dyn Clock>, settings: &Settings) -> Self {
        let (now, boot) = (clock.now(), clock.boot());
        let found =
            Found { wrong: Check::ALL.map(|_| Some("not looked at yet".to_owned())), ..Found::default() };
        let state = State {
            phase: Phase::Starting,
            phase_since: now,
            looked: boot,
            found,
            since: Check::ALL.map(|_| now),
            turned: boot,
        };
        let stale_after = Duration::from_millis(settings.look_ms + settings.answer_ms) * STALE_LOOKS;
        Self { state: Arc::new(Mutex::new(state)), clock, stale_after }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a look found and returns what changed.
    pub fn looked(&self, found: Found) -> Vec<Change> {
        let (now, boot) = (self.clock.now(), self.clock.boot());
        let mut state = self.lock();
        let was_ready = state.is_ready();
        let mut changes = Vec::new();
        for check in Check::ALL {
            let (before, after) = (&state.found.wrong[check as usize], &found.wrong[check as usize]);
            if before == after {
                continue;
            }
            match after {
                Some(reason) => changes.push(Change::Worse(check, reason.clone())),
                None => changes.push(Change::Better(check)),
            }
            if before.is_some() != after.is_some() {
                state.since[check as usize] = now;
            }
        }
        (state.found, state.looked) = (found, boot);
        if state.phase == Phase::Starting && state.is_well() {
            (state.phase, state.phase_since) = (Phase::Serving, now);
        }
        match (was_ready, state.is_ready()) {
            (false, true) => changes.push(Change::Ready),
            (true, false) => changes.push(Change::Unready),
            (true, true) | (false, false) => {}
        }
        changes
    }

    /// Notes that every thread has had its turn.
    pub fn turned(&self) {
        self.lock().turned = self.clock.boot();
    }

    /// Notes that the service stops: it is not ready from now on.
    pub fn drain(&self) {
        let now = self.clock.now();
        let mut state = self.lock();
        (state.phase, state.phase_since) = (Phase::Draining, now);
    }

    /// Returns how long ago every thread had its turn.
    pub(super) fn since_turn(&self) -> Duration {
        self.clock.boot().saturating_sub(self.lock().turned)
    }

    /// Returns where the service stands.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Returns what `/readyz` tells.
    pub fn readiness(&self) -> Readiness {
        let boot = self.clock.boot();
        let state = self.lock();
        let looked = boot.saturating_sub(state.looked);
        let stale = (looked > self.stale_after).then(|| stale(looked));
        let checked = |check: Check| {
            let wrong = &state.found.wrong[check as usize];
            let reason = match check {
                Check::Threads => stale.as_ref().or(wrong.as_ref()),
                Check::Partitions | Check::Log | Check::Store => wrong.as_ref(),
            };
            let since = state.since[check as usize].to_string();
            (check.as_str(), Checked { good: reason.is_none(), since, reason: reason.cloned() })
        };
        Readiness {
            ready: state.is_ready() && stale.is_none(),
            phase: state.phase,
            phase_since: state.phase_since.to_string(),
            partitions: Partitions { assigned: state.found.assigned, at_work: state.found.at_work },
            checks: Check::ALL.into_iter().map(checked).collect(),
        }
    }

    /// Returns what `/livez` tells.
    pub fn liveness(&self) -> Liveness {
        let boot = self.clock.boot();
        let state = self.lock();
        let (looked, turned) = (boot.saturating_sub(state.looked), boot.saturating_sub(state.turned));
        let reason = if state.phase == Phase::Draining {
            // Nobody looks any more, and a stop has a bound of its own.
            None
        } else if looked > self.stale_after {
            Some(stale(looked))
        } else if turned > HANGS_AFTER {
            Some(format!("a thread of partitions had no turn for {} s", turned.as_secs()))
        } else {
            None
        };
        Liveness { live: reason.is_none(), reason }
    }
}

fn stale(looked: Duration) -> String {
    format!("the engine has not looked at itself for {} s", looked.as_secs())
}

impl State {
    fn is_well(&self) -> bool {
        self.found.wrong.iter().all(Option::is_none)
    }

    fn is_ready(&self) -> bool {
        self.phase == Phase::Serving && self.is_well()
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::memory::ManualClock;

    use super::*;

    fn well() -> Found {
        Found { assigned: 2, at_work: 2, ..Found::default() }
    }

    fn without_store(reason: &str) -> Found {
        let mut found = well();
        found.wrong[Check::Store as usize] = Some(reason.to_owned());
        found
    }

    fn health() -> (Health, ManualClock) {
        let clock = ManualClock::at(Timestamp(1_795_000_000_000));
        let listen = "127.0.0.1:0".parse().expect("an address");
        let settings = Settings { listen, stop_ms: 10_000, look_ms: 1_000, answer_ms: 3_000 };
        (Health::new(Arc::new(clock.clone()), &settings), clock)
    }

    fn second(clock: &ManualClock) {
        clock.advance(Duration::from_secs(1));
    }

    #[test]
    fn it_is_ready_when_everything_is_well_and_says_what_is_wrong_since_when() {
        let (health, clock) = health();
        assert!(!health.readiness().ready);
        assert_eq!(health.phase(), Phase::Starting);
        second(&clock);
        assert!(health.looked(well()).contains(&Change::Ready));
        assert!(health.readiness().ready && health.phase() == Phase::Serving);
        assert_eq!(health.looked(well()), [], "nothing changed");
        second(&clock);
        let away = "no answer within 3000 ms";
        let changes = health.looked(without_store(away));
        assert_eq!(changes, [Change::Worse(Check::Store, away.to_owned()), Change::Unready]);
        let (since, began) = (clock.now().to_string(), health.readiness());
        second(&clock);
        assert_eq!(health.looked(without_store("refused")), [Change::Worse(Check::Store, "refused".into())]);
        let store = &health.readiness().checks["store"];
        assert!(!began.ready && began.phase == Phase::Serving);
        assert_eq!((store.good, &store.since, store.reason.as_deref()), (false, &since, Some("refused")));
        assert!(health.readiness().checks["log"].good);
        assert_eq!(health.looked(well()), [Change::Better(Check::Store), Change::Ready]);
    }

    #[test]
    fn what_drains_is_not_ready_however_well_it_is() {
        let (health, clock) = health();
        health.looked(well());
        health.drain();
        assert_eq!(health.looked(well()), []);
        assert!(!health.readiness().ready && health.phase() == Phase::Draining);
        clock.advance(HANGS_AFTER * 2);
        assert!(health.liveness().live, "a stop has a bound of its own");
    }

    #[test]
    fn an_old_look_is_not_believed_and_threads_that_hang_are_not_alive() {
        let (health, clock) = health();
        health.looked(well());
        clock.advance(HANGS_AFTER);
        assert!(!health.readiness().ready && !health.liveness().live, "nobody has looked since");
        assert!(!health.readiness().checks["threads"].good);
        health.looked(well());
        assert!(health.readiness().ready && health.liveness().live);
        second(&clock);
        assert!(!health.liveness().live, "the look is new, and no thread has turned");
        health.turned();
        assert!(health.liveness().live);
    }

    #[test]
    fn the_answer_names_every_check() {
        let (health, _) = health();
        health.looked(without_store("away"));
        let json = serde_json::to_value(health.readiness()).expect("JSON");
        assert_eq!(json["ready"], false);
        assert_eq!(json["phase"], "starting");
        assert_eq!(json["partitions"], serde_json::json!({"assigned": 2, "at_work": 2}));
        for check in Check::ALL {
            let told = &json["checks"][check.as_str()];
            assert_eq!(told["good"], check != Check::Store, "{json}");
            assert_eq!(told["reason"].is_null(), check != Check::Store, "{json}");
        }
    }
}
