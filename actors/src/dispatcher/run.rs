//! Drives a dispatcher: one task that gives its core what happens and does what it asks, until the core ends.

use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

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
}

/// A dispatcher from outside. Dropped, it stops the dispatcher as [`Handle::stop`] does.
#[derive(Debug)]
pub struct Handle {
    stop: watch::Sender<bool>,
    levels: watch::Receiver<Levels>,
}

impl Handle {
    /// Asks the dispatcher to finish what is in flight, to commit and to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns how far the dispatcher is.
    pub fn levels(&self) -> Levels {
        *self.levels.borrow()
    }
}

/// Returns a dispatcher and the future that is its work: to be spawned on the arbiter of its partition. It resolves with how the
/// dispatcher ended; dropped, the dispatcher is gone in the middle of its work, as after a crash.
pub fn start(start: Start) -> (Handle, impl Future<Output = End>) {
    let (stop, stopped) = watch::channel(false);
    let (tell, levels) = watch::channel(Levels::default());
    (Handle { stop, levels }, work(start, stopped, tell))
}

/// What is under way.
struct Working {
    core: Core,
    start: Start,
    calls: FuturesUnordered<BoxFuture<'static, Input>>,
    /// Kept to be used again.
    actions: Vec<Action>,
}

async fn work(start: Start, mut stopped: watch::Receiver<bool>, tell: watch::Sender<Levels>) -> End {
    let core = Core::new(start.params.clone());
    let mut input = Input::Start { nonce: start.nonce };
    let mut working = Working { core, start, calls: FuturesUnordered::new(), actions: Vec::new() };
    let mut stopping = false;
    loop {
        if let Some(end) = working.handle(input) {
            return end;
        }
        tell.send_if_modified(|levels| {
            let now = working.core.levels();
            std::mem::replace(levels, now) != now
        });
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
        self.start.metrics.dispatching(self.start.params.partition, self.core.levels().open);
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
