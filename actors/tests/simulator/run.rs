//! One run: a seed, the rules, a hostile while, then a quiet end; and what is wrong afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use actors::partition::protocol::End;
use actors::partition::settings::Rules;
use schemas::ids::OutreachId;

use crate::dispatch::{DispatchRules, Dispatcher};
use crate::process::{Process, Stepped};
use crate::row::{Kind, Row, RowRules, Shelf};
use crate::world::{Odds, STEP, Shared, State, TAIL, locked, trace};

/// Steps of the hostile part.
const STEPS: usize = 900;
/// Steps of the quiet end, at most.
const CALM_STEPS: usize = 20_000;

/// Every rule of a run.
#[derive(Clone, Copy, Debug)]
pub struct AllRules {
    pub owner: Rules,
    pub row: RowRules,
    pub dispatch: DispatchRules,
}

/// A run under way.
pub struct Run {
    shared: Shared,
    rules: AllRules,
    owners: Vec<Process>,
    dispatchers: Vec<Dispatcher>,
}

/// How a run ended.
pub struct Verdict {
    /// What is wrong; empty when nothing is.
    pub faults: Vec<String>,
    /// The trace, when it was asked for.
    pub trace: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, rules: AllRules, odds: Odds, traced: bool) -> Verdict {
    let shared = Arc::new(Mutex::new(State::new(seed, odds, traced)));
    let mut run = Run { shared, rules, owners: Vec::new(), dispatchers: Vec::new() };
    run.assign(false);
    run.start_dispatcher();
    run.be_hostile();
    run.come_to_rest();
    let faults = run.check();
    let trace = locked(&run.shared).trace.take().unwrap_or_default();
    Verdict { faults, trace }
}

impl Run {
    /// The group gives the partition to a new process; those that had it learn of it later.
    fn assign(&mut self, calm: bool) {
        let id = self.owners.len();
        let now = {
            let mut state = locked(&self.shared);
            state.group_owner = id;
            trace!(state, "group: the partition goes to owner {id}");
            state.now
        };
        for owner in &mut self.owners {
            owner.lost_since.get_or_insert(now);
        }
        self.owners.push(Process::new(id, &self.shared, self.rules.owner, self.rules.row, calm));
    }

    fn start_dispatcher(&mut self) {
        let dispatcher = Dispatcher::new(&mut locked(&self.shared), self.rules.dispatch);
        self.dispatchers.push(dispatcher);
    }

    fn die(&mut self, id: usize, why: &str) {
        if !std::mem::replace(&mut self.owners[id].alive, false) {
            return;
        }
        let group_owner = {
            let mut state = locked(&self.shared);
            trace!(state, "owner {id} is gone: {why}");
            state.died(id);
            state.group_owner
        };
        if group_owner == id {
            self.assign(false);
        }
    }

    fn be_hostile(&mut self) {
        let mut nobody_until = 0;
        for _ in 0..STEPS {
            let (dice, odds, small) = {
                let mut state = locked(&self.shared);
                state.now += STEP;
                let (dice, small) = (state.chance.below(100), state.chance.below(10_000));
                (dice, state.odds, small)
            };
            match dice {
                0..=5 => locked(&self.shared).shop(),
                6 if small < odds.moves => self.assign(false),
                7..=25 => self.deliver(odds.delivery),
                26..=37 => self.step_dispatcher(),
                38 if small < 600 => nobody_until = locked(&self.shared).now + 40 * STEP,
                39 if odds.tail_loss && small < 800 => locked(&self.shared).lose_tail(),
                40 if small < 2_000 => self.start_dispatcher(),
                _ if locked(&self.shared).now > nobody_until => self.step_owner(),
                _ => {}
            }
        }
    }

    fn deliver(&mut self, percent: usize) {
        let mut state = locked(&self.shared);
        for _ in 0..3 {
            if state.chance.percent(percent) {
                state.deliver_any();
            }
        }
    }

    fn step_dispatcher(&mut self) {
        let alive: Vec<usize> =
            (0..self.dispatchers.len()).filter(|at| self.dispatchers[*at].alive).collect();
        let mut state = locked(&self.shared);
        let Some(&at) = alive.get(state.chance.below(alive.len())) else { return };
        let crash = state.odds.dispatcher_crashes;
        if state.chance.percent(crash) {
            self.dispatchers[at].alive = false;
            drop(state);
            return self.start_dispatcher();
        }
        self.dispatchers[at].step(&mut state, self.rules.dispatch);
    }

    /// One of the owners does a few things: the group's more often than those that may have lost the partition.
    fn step_owner(&mut self) {
        let (id, things) = {
            let mut state = locked(&self.shared);
            let favoured = state.odds.group_owner;
            let alive: Vec<usize> =
                self.owners.iter().filter(|owner| owner.alive).map(|owner| owner.id).collect();
            let group = state.group_owner;
            let id = match state.chance.percent(favoured) && self.owners[group].alive {
                true => group,
                false => alive[state.chance.below(alive.len())],
            };
            (id, 1 + state.chance.below(5))
        };
        for _ in 0..things {
            let (crashes, learns, revoked) = {
                let mut state = locked(&self.shared);
                let odds = state.odds;
                let lost = self.owners[id].lost_since.is_some_and(|since| state.now > since + 25 * STEP);
                let crashes = state.chance.below(1_000) < odds.crashes;
                (crashes, lost && state.chance.percent(2), state.chance.below(1_000) < 1)
            };
            if crashes {
                return self.die(id, "crash");
            }
            if learns {
                return self.die(id, "learns that the partition is not its own");
            }
            let stepped = if revoked { self.owners[id].revoke() } else { self.owners[id].step() };
            if let Stepped::Ended(end) = stepped {
                return self.ended(id, end);
            }
        }
    }

    fn ended(&mut self, id: usize, end: End) {
        if matches!(end, End::Failed(_) | End::TooManyInvalid) {
            panic!("owner {id} stopped for a person: {end:?}");
        }
        self.die(id, &format!("{end:?}"));
    }

    /// Everything in flight comes or is lost, all processes die, one fresh owner and dispatcher finish.
    fn come_to_rest(&mut self) {
        for owner in &mut self.owners {
            owner.alive = false;
        }
        self.dispatchers.clear();
        {
            let mut state = locked(&self.shared);
            trace!(state, "everything in flight comes or is lost; one clean owner and dispatcher finish");
            state.settle();
            state.now += 200 * STEP;
            let tail_loss = state.odds.tail_loss;
            let scores_differ = state.odds.scores_differ;
            state.odds = Odds::calm();
            state.odds.tail_loss = tail_loss;
            state.odds.scores_differ = scores_differ;
        }
        self.assign(true);
        self.start_dispatcher();
        let (owner, dispatcher) = (self.owners.len() - 1, self.dispatchers.len() - 1);
        let mut quiet = 0;
        for _ in 0..CALM_STEPS {
            let before = locked(&self.shared).calls.len();
            {
                let mut state = locked(&self.shared);
                state.now += STEP;
                state.deliver_any();
                state.deliver_any();
            }
            if let Stepped::Ended(end) = self.owners[owner].step() {
                panic!("the last owner ended: {end:?}");
            }
            let mut state = locked(&self.shared);
            self.dispatchers[dispatcher].step(&mut state, self.rules.dispatch);
            let busy = state.calls.len() != before || !self.owners[owner].is_at_rest(state.log.len());
            quiet = if busy { 0 } else { quiet + 1 };
            if quiet > 400 {
                return;
            }
        }
    }

    fn check(&self) -> Vec<String> {
        let state = locked(&self.shared);
        let rows: BTreeMap<String, Arc<Row>> =
            state.rows.iter().map(|(who, row)| (who.to_string(), state.get(&row.state))).collect();
        let mut faults = Vec::new();
        check_events(&state, &rows, &mut faults);
        check_outreach(&state, &rows, &mut faults);
        faults
    }
}

fn check_events(state: &State, rows: &BTreeMap<String, Arc<Row>>, faults: &mut Vec<String>) {
    for (at, (customer, kind)) in state.kinds.iter().enumerate() {
        let position = at as u64;
        let row = rows.get(customer.as_str());
        let applied = row.map_or(0, |row| row.applied.iter().filter(|one| **one == position).count());
        match applied {
            0 => faults.push(format!("event lost: log[{at}] {kind:?} of {customer}")),
            1 => {}
            more => faults.push(format!("event doubled: log[{at}] {more} times")),
        }
        let Some(row) = row.filter(|_| applied > 0) else { continue };
        let named = |tag| row.decided.values().any(|(name, _)| *name == (tag, position));
        match kind {
            Kind::Fire if !named("fire") => faults.push(format!("decision lost: log[{at}]")),
            Kind::Score if !row.scored.contains(&position) => faults.push(format!("score lost: log[{at}]")),
            Kind::Wait(ms) => {
                let due = state.log[at].stamp.0 + ms;
                let exit = state.kinds.iter().enumerate().skip(at + 1).any(|(later, (who, kind))| {
                    who == customer && *kind == Kind::Exit && state.log[later].stamp.0 <= due
                });
                let fired = row.fired.contains(&position);
                if exit && fired {
                    faults.push(format!("timer fired after exit: log[{at}] due {}", due / STEP));
                }
                if !exit && !fired {
                    faults.push(format!("timer missed: log[{at}] due {}", due / STEP));
                }
            }
            Kind::Plain | Kind::Fire | Kind::Score | Kind::Exit => {}
        }
    }
}

fn check_outreach(state: &State, rows: &BTreeMap<String, Arc<Row>>, faults: &mut Vec<String>) {
    let mut sent: BTreeMap<OutreachId, BTreeSet<u64>> = BTreeMap::new();
    let mut by_name: BTreeMap<(String, u64), BTreeSet<OutreachId>> = BTreeMap::new();
    for call in &state.calls {
        sent.entry(call.id).or_default().insert(call.body);
        by_name.entry((call.trigger.clone(), call.position)).or_default().insert(call.id);
    }
    let decided: BTreeMap<OutreachId, u64> =
        rows.values().flat_map(|row| row.decided.iter().map(|(id, (_, body))| (*id, *body))).collect();
    // After a loss of the store's tail a decision may be made again, differently; it is still sent once.
    let exact = !state.odds.tail_loss;
    for row in rows.values() {
        for (id, (name, body)) in &row.decided {
            match sent.get(id) {
                None => faults.push(format!("outreach lost: {name:?}")),
                Some(bodies) if exact && (bodies.len() > 1 || !bodies.contains(body)) => {
                    faults.push(format!(
                        "outreach differs from record: {name:?} record {body} sent {bodies:?}"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    for (name, ids) in by_name {
        if ids.len() > 1 {
            faults.push(format!("outreach doubled: {name:?} {} times", ids.len()));
        }
        if exact && !ids.iter().any(|id| decided.contains_key(id)) {
            faults.push(format!("outreach without record: {name:?}"));
        }
    }
}

impl Odds {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self {
            tail_loss: false,
            lease_reply_lost: 0,
            reply_lost: 0,
            delivery: 100,
            group_owner: 100,
            moves: 0,
            panics: 0,
            crashes: 0,
            dispatcher_crashes: 0,
            scores_differ: true,
        }
    }

    /// Returns one of four moods of the world.
    pub fn of(seed: u64) -> Self {
        let wild = seed % 4;
        Self {
            tail_loss: false,
            lease_reply_lost: 30,
            reply_lost: 8,
            delivery: if wild == 3 { 40 } else { 95 },
            group_owner: if wild < 2 { 75 } else { 45 },
            moves: if wild == 0 { 3_500 } else { 9_000 },
            panics: 8,
            crashes: 4,
            dispatcher_crashes: 3,
            scores_differ: true,
        }
    }
}

const _: () = assert!(TAIL > 0);
