//! Dispatchers of the simulated partitions: the real core and the real `perform`, driven by chance. One per partition is the group's.

use std::sync::Arc;
use std::time::Duration;

use actors::dispatcher::core::{Core, Params};
use actors::dispatcher::perform::perform;
use actors::dispatcher::protocol::{Action, End, Input, Now};
use actors::dispatcher::settings::{Recheck, Settings, promises};
use actors::port::{BoxFuture, Ports};
use schemas::ids::PartitionId;
use schemas::time::{Span, Timestamp};

use crate::chance::Chance;
use crate::flight::reply;
use crate::outbound::DISPATCHERS;
use crate::ports::ports;
use crate::run::Plan;
use crate::world::{STEP, Shared, locked, trace};

/// One dispatcher.
pub struct Dispatcher {
    pub alive: bool,
    pub partition: PartitionId,
    /// Its number among the processes.
    id: usize,
    core: Core,
    calls: Vec<BoxFuture<'static, Input>>,
    ports: Ports,
    shared: Shared,
    chance: Chance,
}

/// Returns bounds and intervals in the world's time; the seed varies them.
fn settings(chance: &mut Chance, recheck: Recheck) -> Settings {
    let steps = |n: usize| Duration::from_millis(n as u64 * STEP as u64);
    Settings {
        window: 1 + chance.below(6),
        fetch_max: 1 + chance.below(4),
        call_deadline: steps(20 + chance.below(80)),
        retry_after: Span(STEP),
        retry: steps(1 + chance.below(5)),
        commit: steps(1 + chance.below(8)),
        commit_again: steps(20 + chance.below(80)),
        drain: steps(40),
        recheck,
    }
}

impl Dispatcher {
    /// The group gives a partition's outreach to a new dispatcher; those that had it go on until they are gone.
    pub fn new(partition: PartitionId, shared: &Shared, plan: &Plan) -> Self {
        let (id, mut chance) = {
            let mut state = locked(shared);
            state.outbound.dispatchers += 1;
            let number = state.outbound.dispatchers;
            state.lane(partition).dispatcher = number;
            (DISPATCHERS + number, Chance::new(state.chance.next()))
        };
        let ports = ports(shared, id);
        let core = Core::new(Params {
            partition,
            partitions: plan.partitions,
            settings: settings(&mut chance, plan.recheck),
            rules: plan.dispatch,
            promises: promises(&ports.channels),
            book: plan.customers.book(),
            restored: None,
        });
        let shared = Arc::clone(shared);
        let mut dispatcher =
            Self { alive: true, partition, id, core, calls: Vec::new(), ports, shared, chance };
        let nonce = u128::from(dispatcher.chance.next()) << 16;
        dispatcher.handle(Input::Start { nonce });
        dispatcher
    }

    /// The process is gone; what it had in flight comes all the same, or not.
    pub fn crash(&mut self) {
        self.alive = false;
        let mut state = locked(&self.shared);
        trace!(state, "dispatcher {} is gone", self.id - DISPATCHERS);
        state.died(self.id);
    }

    /// Asks it to finish and end.
    pub fn stop(&mut self) {
        self.handle(Input::Stop);
    }

    /// Returns true when everything on the topic is at its end and committed.
    pub fn is_at_rest(&self, end: usize) -> bool {
        let levels = self.core.levels();
        levels.committed.position.0 as usize == end && levels.open == 0
    }

    /// Does one thing: a tick, or a reply that is there.
    pub fn step(&mut self) {
        let boot = Duration::from_millis(locked(&self.shared).now as u64);
        if self.core.deadline().is_some_and(|deadline| deadline <= boot) && self.chance.percent(50) {
            return self.handle(Input::Tick);
        }
        if let Some(input) = reply(&mut self.calls, &mut self.chance) {
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        let now = locked(&self.shared).now;
        let now = Now { wall: Timestamp(now), boot: Duration::from_millis(now as u64) };
        self.tell("<-", &input);
        let mut actions = Vec::new();
        self.core.handle(now, input, &mut actions);
        for action in actions {
            self.tell("->", &action);
            match action {
                Action::Do(io) => self.calls.push(perform(io, self.partition, &self.ports)),
                Action::Count(_) => {}
                Action::End(End::Stopped) => self.alive = false,
                Action::End(End::Failed(why)) => {
                    self.alive = false;
                    locked(&self.shared).outbound.failed.push(why);
                }
            }
        }
    }

    fn tell(&self, arrow: &str, what: &impl std::fmt::Debug) {
        let mut state = locked(&self.shared);
        if state.trace.is_some() {
            let words: String = format!("{what:?}").chars().take(300).collect();
            trace!(state, "    dispatcher {} {arrow} {words}", self.id - DISPATCHERS);
        }
    }
}
