//! One process that owns the partition, or thinks so: the real core and the real `perform`, driven by chance.

use std::sync::Arc;
use std::time::Duration;

use actors::partition::core::{Core, Params};
use actors::partition::perform::perform;
use actors::partition::protocol::{Action, End, Input, Now};
use actors::partition::settings::Settings;
use actors::partition::turn::{Refused, Step, Turn};
use actors::port::{BoxFuture, Ports};
use schemas::conversation::Question;
use schemas::event::Border;
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;

use crate::chance::Chance;
use crate::customers::{Cell, Customers};
use crate::flight::reply;
use crate::ports::ports;
use crate::run::{Plan, Scores};
use crate::talk;
use crate::world::{STEP, Shared, State, TAIL, locked, trace};

/// One process and its assignment.
pub struct Process {
    pub id: usize,
    pub partition: PartitionId,
    pub alive: bool,
    /// When the group took the partition away. It may hear of it late.
    pub lost_since: Option<i64>,
    /// It does nothing before that, and does not know.
    pub asleep_until: i64,
    core: Core,
    customers: Customers,
    cells: Vec<Option<Cell>>,
    turns: Vec<Turn>,
    calls: Vec<BoxFuture<'static, Input>>,
    /// Questions of threads that the pool has.
    asked: Vec<Question>,
    panicked_without_record: bool,
    ports: Ports,
    shared: Shared,
    chance: Chance,
}

/// How a step of a process ended.
#[derive(Debug, PartialEq)]
pub enum Stepped {
    /// It goes on.
    On,
    /// Its core came to an end.
    Ended(End),
}

/// Returns bounds and intervals in the world's time; the seed varies them.
fn settings(chance: &mut Chance, margin: bool) -> Settings {
    let steps = |n: usize| Duration::from_millis(n as u64 * STEP as u64);
    Settings {
        fetch_max: 1 + chance.below(4),
        waiting_max: 1 + chance.below(6),
        loading_max: 1 + chance.below(3),
        dirty_max: 3,
        live_max: 1 + chance.below(3),
        idle: steps(3 + chance.below(40)),
        flush_quiet: steps(1 + chance.below(30)),
        flush_quiet_max: steps(60),
        flush_urgent: steps(chance.below(3)),
        group_rows_max: 1 + chance.below(3),
        groups_max: 1 + chance.below(4),
        relay_max: 1 + chance.below(3),
        lease: steps(80 + chance.below(400)),
        lease_renew: steps(10 + chance.below(70)),
        confirm: steps(1 + chance.below(10)),
        replay_margin: if margin { Duration::from_millis(TAIL as u64) } else { Duration::ZERO },
        retry: steps(1 + chance.below(5)),
        score_deadline: steps(2 + chance.below(60)),
        timer_grid: steps(1 + chance.below(4)),
        drain: steps(60),
        ..Settings::default()
    }
}

impl Process {
    pub fn new(id: usize, partition: PartitionId, shared: &Shared, plan: &Plan, calm: bool) -> Self {
        let (mut chance, margin) = {
            let mut state = locked(shared);
            (Chance::new(state.chance.next()), state.odds.tail_loss)
        };
        let mut settings = settings(&mut chance, margin);
        if plan.scores != Scores::Differ {
            settings.score_deadline = Duration::from_secs(1 << 40);
            settings.hold_for_score = plan.scores == Scores::Held;
        }
        if calm {
            settings.lease = Duration::from_secs(1 << 40);
            settings.replay_margin = Duration::ZERO;
        }
        let core = Core::new(Params {
            partition,
            partitions: plan.partitions,
            settings,
            rules: plan.owner,
            decode: plan.customers.decode(),
            border: Border::default(),
            agreed: Default::default(),
        });
        let mut process = Self {
            id,
            partition,
            alive: true,
            lost_since: None,
            asleep_until: 0,
            core,
            customers: plan.customers.of_owner(id),
            cells: Vec::new(),
            turns: Vec::new(),
            calls: Vec::new(),
            asked: Vec::new(),
            panicked_without_record: false,
            ports: ports(shared, id),
            shared: Arc::clone(shared),
            chance,
        };
        let nonce = u128::from(process.chance.next()) << 16;
        process.handle(Input::Start { nonce });
        process
    }

    /// Stands still for so many steps.
    pub fn stall(&mut self, steps: i64) {
        let mut state = locked(&self.shared);
        trace!(state, "owner {} stands still for {steps}", self.id);
        self.asleep_until = state.now + steps * STEP;
    }

    /// Asks the core to drain and release.
    pub fn revoke(&mut self) -> Stepped {
        self.handle(Input::Revoke)
    }

    /// Returns true when everything in the log is read and safe.
    pub fn is_at_rest(&self, end: usize) -> bool {
        let levels = self.core.levels();
        levels.confirmed.0 as usize == end && levels.dirty == 0 && levels.unsent == 0
    }

    /// Does one thing: a tick, a turn, an answer of the pool, or a reply that is there.
    pub fn step(&mut self) -> Stepped {
        if !self.asked.is_empty() && self.chance.percent(10) {
            self.be_answered();
        }
        let boot = Duration::from_millis(locked(&self.shared).now as u64);
        if self.core.deadline().is_some_and(|deadline| deadline <= boot) && self.chance.percent(30) {
            return self.handle(Input::Tick);
        }
        if !self.turns.is_empty() && self.chance.percent(60) {
            let at = self.chance.below(self.turns.len());
            return self.turn(at);
        }
        match reply(&mut self.calls, &mut self.chance) {
            Some(input) => self.handle(input),
            None if !self.turns.is_empty() => self.turn(0),
            None => Stepped::On,
        }
    }

    /// The pool answers a question, and now and then again.
    fn be_answered(&mut self) {
        let at = self.chance.below(self.asked.len());
        talk::answer(&mut locked(&self.shared), &self.asked[at]);
        if self.chance.percent(80) {
            self.asked.swap_remove(at);
        }
    }

    fn turn(&mut self, at: usize) -> Stepped {
        let turn = self.turns.swap_remove(at);
        let id = turn.cell;
        let index = id.index as usize;
        if self.cells.len() <= index {
            self.cells.resize_with(index + 1, || None);
        }
        let shared = Arc::clone(&self.shared);
        let mut state = locked(&shared);
        if self.panics(&turn, &mut state) {
            trace!(state, "owner {} panics in a customer", self.id);
            self.cells[index] = None;
            drop(state);
            return self.handle(Input::Refused(id, Refused::Panicked("by chance".into())));
        }
        let cell = self.cells[index].get_or_insert_with(|| self.customers.cell(id.incarnation));
        let turned = cell.turn(turn, &mut state, &mut self.chance);
        trace!(state, "owner {} turn of {}", self.id, cell.describe());
        drop(state);
        match turned {
            Ok(turned) => self.handle(Input::Turned(Box::new(turned))),
            Err(refused) => {
                self.cells[index] = None;
                self.handle(Input::Refused(id, refused))
            }
        }
    }

    /// Chooses whether a turn panics. A record does so at most once, a turn without one too: a second time would set it aside.
    fn panics(&mut self, turn: &Turn, state: &mut State) -> bool {
        let odds = state.odds.panics;
        if self.chance.below(1_000) >= odds {
            return false;
        }
        let positions = turn.steps.iter().filter_map(|step| match step {
            Step::Record(record) => Some(record.position),
            Step::Load { .. } | Step::Wake { .. } | Step::Answer(_) | Step::Clear(_) => None,
        });
        let partition = self.partition;
        let positions: Vec<(PartitionId, Position)> = positions.map(|at| (partition, at)).collect();
        if positions.is_empty() {
            return !std::mem::replace(&mut self.panicked_without_record, true);
        }
        let fresh = positions.iter().all(|position| !state.panicked.contains(position));
        state.panicked.extend(positions);
        fresh
    }

    fn handle(&mut self, input: Input) -> Stepped {
        let now = locked(&self.shared).now;
        let now = Now { wall: Timestamp(now), boot: Duration::from_millis(now as u64) };
        let mut actions = Vec::new();
        if locked(&self.shared).trace.is_some() {
            let mut state = locked(&self.shared);
            trace!(state, "  owner {} <- {}", self.id, short(&format!("{input:?}")));
        }
        self.core.handle(now, input, &mut actions);
        for action in actions {
            if locked(&self.shared).trace.is_some() {
                let mut state = locked(&self.shared);
                trace!(state, "  owner {} -> {}", self.id, short(&format!("{action:?}")));
            }
            match action {
                Action::Do(io) => self.calls.push(perform(io, self.partition, &self.ports)),
                Action::Turn(turn) => self.turns.push(turn),
                Action::Ask(question) => self.asked.push(*question),
                // What was given up may have been said already.
                Action::Hush(customer) if self.chance.percent(50) => {
                    self.asked.retain(|question| question.customer != customer);
                }
                Action::Hush(_) => {}
                Action::Close(cell) => self.cells[cell.index as usize] = None,
                Action::End(end) => return Stepped::Ended(end),
            }
        }
        Stepped::On
    }
}

fn short(text: &str) -> String {
    text.chars().take(230).collect()
}
