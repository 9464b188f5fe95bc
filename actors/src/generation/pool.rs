//! The shell of the pool: tasks for calls, channels for readers, one timer. It decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::AbortHandle;

use super::attempt::{self, Call, Outcome};
use super::core::{Action, Attempt, Close, Core, Cost, Failure, JobId, Ticket};
use super::short::shorten;
use super::{Answer, Backend, Delta, End, Reply, Rung, Settings, Why, Work};
use crate::metrics::{Generation, Metrics};
use crate::port::clock::Clock;
use crate::port::generator::{Error, Finish, Generator, Request, Usage, estimate};

/// The pool of all answers of a process. Dropping it ends them.
pub struct Pool {
    shared: Arc<Shared>,
    timer: AbortHandle,
}

/// What tasks, readers and the pool share.
pub(super) struct Shared {
    state: Mutex<State>,
    backends: Vec<(Backend, Arc<dyn Generator>)>,
    counts: Generation,
    runtime: Handle,
    /// Told whenever something may be due earlier than the timer knows.
    alarm: Notify,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
}

struct State {
    core: Core,
    entries: BTreeMap<JobId, Entry>,
}

/// What the shell knows of a piece of work.
struct Entry {
    work: Work,
    deltas: mpsc::Sender<Delta>,
    end: oneshot::Sender<Answer>,
    since: Duration,
    calls: u32,
    call: Option<Running>,
    first_token: Option<Duration>,
    /// Tokens said so far, estimated.
    said: u32,
    /// What the back end said at its end.
    finished: Option<(Finish, Usage)>,
}

/// The last call of a piece of work.
struct Running {
    backend: usize,
    rung: Rung,
    began: Duration,
    prompt: u32,
    task: AbortHandle,
}

impl Pool {
    /// Starts a pool of these back ends on the runtime of the caller; of two that serve a rung the first is preferred.
    pub fn start(
        backends: Vec<(Backend, Arc<dyn Generator>)>,
        settings: Settings,
        around: (&Metrics, Arc<dyn Clock>),
    ) -> Self {
        let seats: Vec<Backend> = backends.iter().map(|(backend, _)| backend.clone()).collect();
        let names: Vec<&str> = seats.iter().map(|seat| seat.name.as_str()).collect();
        let shared = Arc::new(Shared {
            state: Mutex::new(State { core: Core::new(settings.clone(), &seats), entries: BTreeMap::new() }),
            counts: around.0.generation(&names),
            backends,
            runtime: Handle::current(),
            alarm: Notify::new(),
            settings,
            clock: around.1,
        });
        let timer = shared.runtime.spawn(keep_time(Arc::clone(&shared))).abort_handle();
        Self { shared, timer }
    }

    /// Takes work in. The reply ends by the deadline of the request whatever happens; dropping it gives the work up.
    pub fn ask(&self, work: Work) -> Reply {
        self.shared.ask(work)
    }

    /// Ends everything that is open, as does dropping the pool.
    pub fn stop(&self) {
        self.shared.change(|core, now| core.shut(now));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
        self.timer.abort();
    }
}

/// Ticks whenever something is due.
async fn keep_time(shared: Arc<Shared>) {
    loop {
        let wake = shared.lock().core.wake();
        let alarm = Box::pin(shared.alarm.notified());
        match wake {
            None => alarm.await,
            Some(at) => {
                let due = shared.clock.sleep(at.saturating_sub(shared.clock.boot()));
                if let Either::Right(_) = select(alarm, due).await {
                    shared.change(|core, now| core.tick(now));
                }
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, work: Work) -> Reply {
        let (deltas, taken) = mpsc::channel(self.settings.deltas_max.max(1));
        let (end, answer) = oneshot::channel();
        let now = self.clock.boot();
        let ticket = ticket(&work, &self.settings);
        let mut state = self.lock();
        let (job, actions) = state.core.submit(ticket, now);
        let entry = Entry {
            work,
            deltas,
            end,
            since: now,
            calls: 0,
            call: None,
            first_token: None,
            said: 0,
            finished: None,
        };
        state.entries.insert(job, entry);
        self.perform(&mut state, actions, now);
        drop(state);
        self.alarm.notify_one();
        Reply { job, shared: Arc::clone(self), deltas: taken, end: Some(answer) }
    }

    /// Changes the core and does what follows.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Core, Duration) -> Vec<Action>) {
        let now = self.clock.boot();
        let mut state = self.lock();
        let actions = change(&mut state.core, now);
        self.perform(&mut state, actions, now);
        drop(state);
        self.alarm.notify_one();
    }

    /// Gives work up whose reader is gone.
    pub(super) fn cancel(self: &Arc<Self>, job: JobId) {
        let mut was_open = false;
        self.change(|core, now| {
            let before = core.open();
            let actions = core.cancel(job, now);
            was_open = core.open() < before;
            actions
        });
        // What the entry holds is dropped outside the lock.
        let entry = self.lock().entries.remove(&job);
        if was_open {
            self.counts.cancelled();
        }
        drop(entry);
    }

    /// Hands a piece to the reader; false when its call is none any more.
    pub(super) fn hand(&self, call: &Call, delta: Delta, room: mpsc::Permit<'_, Delta>) -> bool {
        let tokens = match &delta {
            Delta::Text(text) => estimate(text),
            Delta::Citation(_) => 0,
        };
        let now = self.clock.boot();
        let mut state = self.lock();
        if !state.core.said(call.job, call.attempt, tokens) {
            return false;
        }
        let Some(entry) = state.entries.get_mut(&call.job) else { return false };
        entry.said = entry.said.saturating_add(tokens);
        if let (None, Some(running)) = (entry.first_token, &entry.call) {
            entry.first_token = Some(now.saturating_sub(entry.since));
            self.counts.first_token(running.backend, now.saturating_sub(running.began));
        }
        room.send(delta);
        true
    }

    /// Takes in how a call ended.
    pub(super) fn ended(self: &Arc<Self>, job: JobId, attempt: Attempt, outcome: Outcome) {
        match outcome {
            Outcome::Answered(finish, usage) => {
                let mut state = self.lock();
                if state.core.runs(job, attempt)
                    && let Some(entry) = state.entries.get_mut(&job)
                {
                    entry.finished = Some((finish, usage));
                }
                drop(state);
                self.change(|core, now| core.ended((job, attempt), Ok(usage), now));
            }
            Outcome::Failed(error) => {
                self.tell(job, attempt, &error);
                let failure = Failure { kind: error.kind(), retry_after: error.retry_after() };
                self.change(|core, now| core.ended((job, attempt), Err(failure), now));
            }
            Outcome::SlowReader => self.change(|core, now| core.reader_is_slow(job, attempt, now)),
            Outcome::Stopped => {}
        }
    }

    /// Counts and logs a failure; what the back end says stays out of the log, since it may quote what it was asked.
    fn tell(&self, job: JobId, attempt: Attempt, error: &Error) {
        let state = self.lock();
        let entry = state.entries.get(&job).filter(|_| state.core.runs(job, attempt));
        let backend = entry.and_then(|entry| entry.call.as_ref()).map(|call| call.backend);
        drop(state);
        if let Some(backend) = backend {
            self.counts.failed(backend, error);
            let name = self.backends[backend].0.name.as_str();
            tracing::debug!(backend = name, error = error.as_str(), "a back end failed");
        }
    }

    fn perform(self: &Arc<Self>, state: &mut State, actions: Vec<Action>, now: Duration) {
        for action in actions {
            match action {
                Action::Start { job, attempt, backend, rung, retried } => {
                    if retried > 0 {
                        self.counts.retried(backend.0);
                    }
                    if let Some(entry) = state.entries.get_mut(&job) {
                        self.start(entry, (job, attempt), (backend.0, rung), now);
                    }
                }
                Action::Stop(job) => {
                    if let Some(running) = state.entries.get(&job).and_then(|entry| entry.call.as_ref()) {
                        running.task.abort();
                    }
                }
                Action::Close { job, close, lowered } => {
                    if let Some(entry) = state.entries.remove(&job) {
                        self.close(entry, close, (lowered, now));
                    }
                }
            }
        }
        self.counts.waiting(state.core.waiting());
        self.counts.seats(state.core.seats());
    }

    fn start(
        self: &Arc<Self>,
        entry: &mut Entry,
        (job, attempt): (JobId, Attempt),
        (backend, rung): (usize, Rung),
        now: Duration,
    ) {
        let request = Arc::new(asked(&entry.work.request, rung, &self.settings));
        let prompt = request.prompt_tokens();
        let (seat, generator) = &self.backends[backend];
        let (backend_name, generator) = (seat.name.clone(), Arc::clone(generator));
        let deltas = entry.deltas.clone();
        let call = Call { job, attempt, backend: backend_name, rung, generator, request, deltas };
        let task = self.runtime.spawn(attempt::run(Arc::clone(self), call)).abort_handle();
        entry.calls = attempt.0;
        entry.call = Some(Running { backend, rung, began: now, prompt, task });
    }

    fn close(&self, entry: Entry, close: Close, (lowered, now): (Option<Why>, Duration)) {
        let usage = entry.usage();
        let last = if entry.work.template.is_some() { Rung::Template } else { Rung::HandOff };
        let made = entry.call.as_ref().map(|call| (call.rung, Some(call.backend)));
        let (end, (rung, backend)) = match (close, entry.finished) {
            (Close::Finished, Some((finish, _))) => (End::Finished(finish), made.unwrap_or((last, None))),
            (Close::Finished, None) => (End::Broken(Why::Failed), made.unwrap_or((last, None))),
            (Close::Broken(why), _) => (End::Broken(why), made.unwrap_or((last, None))),
            (Close::Fallen(why), _) => (End::Fallen(why), (last, None)),
        };
        if let (End::Fallen(_), Some(text)) = (&end, entry.work.template) {
            // Nothing was said, so that the channel has room; refused only when the reader is gone.
            drop(entry.deltas.try_send(Delta::Text(text)));
        }
        let answer = Answer {
            rung,
            backend: backend.map(|backend| self.backends[backend].0.name.clone()),
            end,
            lowered,
            usage,
            attempts: entry.calls,
            waited: entry.call.as_ref().map_or(now, |call| call.began).saturating_sub(entry.since),
            first_token: entry.first_token,
            took: now.saturating_sub(entry.since),
        };
        self.counts.ended(&answer, backend);
        // Refused only when the reader is gone.
        drop(entry.end.send(answer));
    }
}

impl Entry {
    /// Returns what the answer cost: what the back end says, else what was read and said, estimated.
    fn usage(&self) -> Usage {
        match (&self.finished, &self.call) {
            (Some((_, usage)), _) => *usage,
            (None, Some(call)) if self.said > 0 => {
                Usage { prompt: call.prompt, completion: self.said, ..Usage::NONE }
            }
            (None, _) => Usage::NONE,
        }
    }
}

/// Returns what a rung asks a back end for.
fn asked(request: &Request, rung: Rung, settings: &Settings) -> Request {
    match rung {
        Rung::Short => shorten(request, settings.short),
        Rung::Full | Rung::Extractive | Rung::Template | Rung::HandOff => request.clone(),
    }
}

fn ticket(work: &Work, settings: &Settings) -> Ticket {
    let cost = |rung| {
        let asked = asked(&work.request, rung, settings);
        Cost { prompt: asked.prompt_tokens(), completion_max: asked.tokens_max }
    };
    Ticket {
        priority: work.priority,
        customer: work.customer.clone(),
        deadline: work.request.deadline,
        full: cost(Rung::Full),
        short: cost(Rung::Short),
    }
}
