//! The pool as pure transitions: what happened and when goes in, what is to be done comes out.
//!
//! Every call ends with [`Core::settle`]: what is over its time is ended, then whoever may start is started, first by priority, then by age.
//! A piece of work leaves with exactly one [`Action::Close`], or by [`Core::cancel`] with none. Permits, breakers and budgets change here
//! and nowhere else.

mod breaker;
mod budget;
mod place;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::ids::CustomerId;

use super::{Backend, Priority, Rung, Settings, Why};
use crate::port::generator::{Kind, Usage};

pub use breaker::State as BreakerState;

use breaker::Breaker;
use budget::Budgets;

/// How long a back end is left alone at most, whatever it asks for.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Time that a piece of work may have at most; a later deadline counts as that.
const TIME_MAX: Duration = Duration::from_secs(3_600);

/// Names a piece of work; a lower one is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// Names a call of a back end for a piece of work, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt(pub u32);

/// A back end by its place in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendId(pub usize);

/// What a rung may cost. Units: tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Read.
    pub prompt: u32,
    /// Written, at most.
    pub completion_max: u32,
}

impl Cost {
    fn total(self) -> u32 {
        self.prompt.saturating_add(self.completion_max)
    }
}

/// What is known of a piece of work.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Whose turn it is.
    pub priority: Priority,
    /// Who is charged.
    pub customer: Option<CustomerId>,
    /// When it has to have ended, in time since boot.
    pub deadline: Duration,
    /// What the rung `full` may cost.
    pub full: Cost,
    /// What the rung `short` may cost.
    pub short: Cost,
}

/// How a call of a back end failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How to go on.
    pub kind: Kind,
    /// How long the back end wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The running call finished.
    Finished,
    /// The running call broke off behind its first token.
    Broken(Why),
    /// Nothing was said; the last rung is left.
    Fallen(Why),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Call a back end.
    Start {
        /// For this work.
        job: JobId,
        /// The call.
        attempt: Attempt,
        /// Whom to call.
        backend: BackendId,
        /// What to ask for.
        rung: Rung,
        /// Tries before this one that this back end's failures made necessary.
        retried: u32,
    },
    /// Drop the running call of this work: nothing of it is delivered any more.
    Stop(JobId),
    /// The work is over.
    Close {
        /// The work.
        job: JobId,
        /// How it ended.
        close: Close,
        /// Why it did not end on its first rung.
        lowered: Option<Why>,
    },
}

/// A back end at work.
#[derive(Debug)]
struct Seat {
    rungs: Vec<Rung>,
    permits: usize,
    /// Calls that run.
    used: usize,
    breaker: Breaker,
    /// It asked to be left alone until then.
    paused_until: Duration,
}

/// A piece of work between [`Core::submit`] and its end.
#[derive(Debug)]
struct Job {
    ticket: Ticket,
    since: Duration,
    rung: Rung,
    lowered: Option<Why>,
    /// Back ends that are of no use to it any more.
    given_up: Vec<BackendId>,
    /// Back ends that reject what this rung asks.
    rejected: Vec<BackendId>,
    attempts: u32,
    /// Failed tries since it came to this rung.
    tries: u32,
    /// Waits at least so long.
    not_before: Duration,
    call: Option<Call>,
}

/// A running call.
#[derive(Clone, Copy, Debug)]
struct Call {
    backend: BackendId,
    attempt: Attempt,
    reserved: u32,
    prompt: u32,
    /// Tokens said so far; `None` before the first.
    said: Option<u32>,
}

/// The pool's state.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    seats: Vec<Seat>,
    jobs: BTreeMap<JobId, Job>,
    /// Work without a running call, in the order of its turns.
    waiting: BTreeSet<(Priority, JobId)>,
    budgets: Budgets,
    now: Duration,
    next: u64,
    actions: Vec<Action>,
}

impl Core {
    /// Returns an idle pool of these back ends; of two that serve a rung the first is preferred.
    pub fn new(settings: Settings, backends: &[Backend]) -> Self {
        let seats = backends.iter().map(|backend| Seat {
            rungs: backend.rungs.clone(),
            permits: backend.permits,
            used: 0,
            breaker: Breaker::new(settings.breaker_failures, settings.breaker_rest),
            paused_until: Duration::ZERO,
        });
        Self {
            seats: seats.collect(),
            jobs: BTreeMap::new(),
            waiting: BTreeSet::new(),
            budgets: Budgets::new(settings.budget_tokens),
            now: Duration::ZERO,
            next: 0,
            actions: Vec::new(),
            settings,
        }
    }

    /// Takes work in. Where the queue is full, the last in it goes: the newcomer, or whom it outranks.
    ///
    /// Bounds: work has an hour; a later deadline counts as that.
    pub fn submit(&mut self, mut ticket: Ticket, now: Duration) -> (JobId, Vec<Action>) {
        self.reach(now);
        ticket.deadline = ticket.deadline.min(self.now + TIME_MAX);
        let id = JobId(self.next);
        self.next += 1;
        self.waiting.insert((ticket.priority, id));
        self.jobs.insert(id, Job::new(ticket, self.now));
        self.settle();
        if self.waiting.len() > self.settings.queue_max
            && let Some((_, last)) = self.waiting.last().copied()
        {
            self.close(last, Close::Fallen(if last == id { Why::QueueFull } else { Why::Displaced }));
        }
        (id, self.done())
    }

    /// Notes that a running call said something. Returns false when the call is none any more: what it said is not to be delivered.
    pub fn said(&mut self, job: JobId, attempt: Attempt, tokens: u32) -> bool {
        let call = self.jobs.get_mut(&job).and_then(|job| job.call.as_mut());
        let Some(call) = call.filter(|call| call.attempt == attempt) else { return false };
        call.said = Some(call.said.unwrap_or(0).saturating_add(tokens));
        true
    }

    /// Notes how a call ended; a call that was stopped before has no say.
    pub fn ended(
        &mut self,
        (job, attempt): (JobId, Attempt),
        result: Result<Usage, Failure>,
        now: Duration,
    ) -> Vec<Action> {
        self.reach(now);
        if let Some(call) = self.running(job, attempt) {
            match result {
                Ok(usage) => {
                    self.release(job, Some(usage.total()));
                    self.seats[call.backend.0].breaker.passed();
                    self.close(job, Close::Finished);
                }
                Err(failure) => self.failed(job, call, failure),
            }
        }
        self.settle();
        self.done()
    }

    /// Ends work whose reader takes nothing.
    pub fn reader_is_slow(&mut self, job: JobId, attempt: Attempt, now: Duration) -> Vec<Action> {
        self.reach(now);
        if self.running(job, attempt).is_some() {
            self.stop(job);
            self.close(job, Close::Broken(Why::SlowReader));
        }
        self.settle();
        self.done()
    }

    /// Forgets work that nobody wants any more; its permit is free at once. What has ended already stays as it is.
    pub fn cancel(&mut self, job: JobId, now: Duration) -> Vec<Action> {
        self.reach(now);
        if self.jobs.contains_key(&job) {
            self.stop(job);
            self.forget(job);
        }
        self.settle();
        self.done()
    }

    /// Does what is due; to be called at [`Core::wake`].
    pub fn tick(&mut self, now: Duration) -> Vec<Action> {
        self.reach(now);
        self.settle();
        self.done()
    }

    /// Ends everything.
    pub fn shut(&mut self, now: Duration) -> Vec<Action> {
        self.reach(now);
        let all: Vec<JobId> = self.jobs.keys().copied().collect();
        all.into_iter().for_each(|job| self.end(job, Why::Stopped));
        self.done()
    }

    /// Returns true when this call of a piece of work runs.
    pub fn runs(&self, job: JobId, attempt: Attempt) -> bool {
        self.running(job, attempt).is_some()
    }

    /// Returns how much work waits.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns how much work is between its coming and its end.
    pub fn open(&self) -> usize {
        self.jobs.len()
    }

    /// Returns the permits in use and what the breaker shows, per back end.
    pub fn seats(&self) -> impl Iterator<Item = (usize, BreakerState)> {
        self.seats.iter().map(|seat| (seat.used, seat.breaker.state(self.now)))
    }

    /// Takes the time in. A clock that goes back is none: the latest time counts.
    fn reach(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    fn done(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    fn running(&self, job: JobId, attempt: Attempt) -> Option<Call> {
        self.jobs.get(&job).and_then(|job| job.call).filter(|call| call.attempt == attempt)
    }

    /// Goes on after a failed call: again, elsewhere or further down, as long as nothing was said.
    fn failed(&mut self, id: JobId, call: Call, failure: Failure) {
        self.release(id, None);
        let (now, seat) = (self.now, &mut self.seats[call.backend.0]);
        match (failure.kind, failure.retry_after) {
            (Kind::Reject, _) => seat.breaker.passed(),
            (Kind::Retry, Some(after)) => {
                // It is well enough to say when it has room: nobody asks it earlier.
                seat.breaker.dropped(now);
                seat.paused_until = seat.paused_until.max(now.saturating_add(after.min(PAUSE_MAX)));
            }
            (Kind::Retry | Kind::Elsewhere, _) => seat.breaker.failed(now),
        }
        if call.said.is_some() {
            return self.close(id, Close::Broken(Why::Failed));
        }
        let Some(job) = self.jobs.get_mut(&id) else { return };
        match failure.kind {
            Kind::Reject => job.rejected.push(call.backend),
            Kind::Elsewhere => job.given_up.push(call.backend),
            Kind::Retry => {
                job.tries += 1;
                if job.tries >= self.settings.tries_max {
                    job.given_up.push(call.backend);
                    job.tries = 0;
                } else {
                    job.not_before = now + backoff(&self.settings, id, job.tries);
                }
            }
        }
        self.waiting.insert((job.ticket.priority, id));
    }
}

/// Returns the wait before the next try, spread by chance between half of it and all of it.
fn backoff(settings: &Settings, job: JobId, tries: u32) -> Duration {
    let doubled = settings.backoff.saturating_mul(1 << (tries - 1).min(16)).min(settings.backoff_max);
    let chance = xxhash_rust::xxh3::xxh3_64_with_seed(
        &[job.0.to_le_bytes(), u64::from(tries).to_le_bytes()].concat(),
        settings.seed,
    );
    doubled.mul_f64(0.5 + 0.5 * (chance as f64 / u64::MAX as f64))
}

impl Job {
    fn new(ticket: Ticket, since: Duration) -> Self {
        Self {
            ticket,
            since,
            rung: Rung::Full,
            lowered: None,
            given_up: Vec::new(),
            rejected: Vec::new(),
            attempts: 0,
            tries: 0,
            not_before: since,
            call: None,
        }
    }
}
