//! Drives a dispatcher: one task that gives its core what happens and does what it asks, until the core ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, watch};

use super::core::{Core, Levels, Params};
use super::perform::perform;
use super::protocol::{Action, End, Input, Noted, Now};
use crate::metrics::Metrics;
use crate::port::{BoxFuture, Ports};

/// What a dispatcher runs with.
pub struct Start {
    /// What its core is made of.
    pub params: Params,
    /// A random value that no other dispatcher has: its name in the ledger.
    pub nonce: u128,
    /// The outside.
    pub ports: Ports,
    /// Where it counts.
    pub metrics: Metrics,
    /// Told after every change of what the dispatcher shows.
    pub changed: Arc<Notify>,
}

/// What a dispatcher shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// How far it is.
    pub levels: Levels,
    /// How it ended, once it has.
    pub ended: Option<End>,
}

/// A dispatcher from outside. Dropped, it stops the dispatcher as [`Handle::stop`] does.
#[derive(Debug)]
pub struct Handle {
    stop: watch::Sender<bool>,
    shown: watch::Receiver<Shown>,
}

impl Handle {
    /// Asks the dispatcher to finish what is in flight, to commit and to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns what the dispatcher shows.
    pub fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Resolves when the dispatcher has ended.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut shown = self.shown.clone();
        async move {
            // A dispatcher that is gone has ended.
            drop(shown.wait_for(|shown| shown.ended.is_some()).await);
        }
    }
}

/// What a dispatcher shows, as it writes it.
struct Board {
    shown: watch::Sender<Shown>,
    changed: Arc<Notify>,
}

impl Board {
    fn show(&self, now: Shown) {
        let changed = self.shown.send_if_modified(|shown| {
            let changed = *shown != now;
            *shown = now;
            changed
        });
        if changed {
            self.changed.notify_waiters();
        }
    }
}

impl Drop for Board {
    /// A dispatcher that goes without an end has panicked, or its thread was stopped.
    fn drop(&mut self) {
        let Shown { levels, ended } = self.shown.borrow().clone();
        let ended = ended.unwrap_or_else(|| End::Failed("the dispatcher is gone".into()));
        self.show(Shown { levels, ended: Some(ended) });
    }
}

/// Returns a dispatcher and the future that is its work: to be spawned on the arbiter of its partition. It resolves with how the
/// dispatcher ended; dropped, the dispatcher is gone in the middle of its work, as after a crash.
pub fn start(start: Start) -> (Handle, impl Future<Output = End>) {
    let (stop, stopped) = watch::channel(false);
    let (tell, shown) = watch::channel(Shown::default());
    let board = Board { shown: tell, changed: Arc::clone(&start.changed) };
    (Handle { stop, shown }, work(start, stopped, board))
}

/// What is under way.
struct Working {
    core: Core,
    start: Start,
    calls: FuturesUnordered<BoxFuture<'static, Input>>,
    /// Kept to be used again.
    actions: Vec<Action>,
}

async fn work(start: Start, mut stopped: watch::Receiver<bool>, board: Board) -> End {
    let core = Core::new(start.params.clone());
    let mut input = Input::Start { nonce: start.nonce };
    let mut working = Working { core, start, calls: FuturesUnordered::new(), actions: Vec::new() };
    let mut stopping = false;
    loop {
        let ended = working.handle(input);
        board.show(Shown { levels: working.core.levels(), ended: ended.clone() });
        if let Some(end) = ended {
            return end;
        }
        let due = working.deadline();
        input = tokio::select! {
            // A handle that is gone is a stop as well.
            _ = stopped.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                Input::Stop
            }
            Some(done) = working.calls.next() => done,
            () = due => Input::Tick,
        };
    }
}

impl Working {
    /// Gives the core an input and begins what it asks; returns how the core ended, when it did.
    fn handle(&mut self, input: Input) -> Option<End> {
        let ports = &self.start.ports;
        let now = Now { wall: ports.clock.now(), boot: ports.clock.boot() };
        let mut actions = std::mem::take(&mut self.actions);
        self.core.handle(now, input, &mut actions);
        let mut end = None;
        for action in actions.drain(..) {
            match action {
                Action::Do(io) => self.calls.push(perform(io, self.start.params.partition, ports)),
                Action::Count(noted) => count(&self.start.metrics, &noted),
                Action::End(how) => end = Some(how),
            }
        }
        self.actions = actions;
        let Start { metrics, params, .. } = &self.start;
        match end {
            None => metrics.dispatching(params.partition, self.core.levels().open),
            Some(_) => metrics.dispatched(params.partition),
        }
        end
    }

    /// Returns a future that resolves when the core wants a tick.
    fn deadline(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = &self.start.ports.clock;
        match self.core.deadline() {
            Some(at) => clock.sleep(at.saturating_sub(clock.boot())),
            None => Box::pin(std::future::pending()),
        }
    }
}

fn count(metrics: &Metrics, noted: &Noted) {
    match noted {
        Noted::Ended(status) => metrics.outreach_ended(status),
        Noted::Ignored => metrics.outreach_ignored(),
        Noted::DeadLettered => metrics.dead_lettered(1),
    }
}
