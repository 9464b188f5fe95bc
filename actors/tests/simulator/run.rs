//! One run: a seed, the rules, a hostile while, then a quiet end; and what is wrong afterwards.

use std::sync::{Arc, Mutex};

use actors::dispatcher;
use actors::dispatcher::settings::Recheck;
use actors::partition::protocol::End;
use actors::partition::settings::Rules;
use schemas::ids::PartitionId;

use crate::campaign::{Traced, Verdict};
use crate::customers::Customers;
use crate::dispatch::Dispatcher;
use crate::flight::Side;
use crate::odds::Odds;
use crate::process::{Process, Stepped};
use crate::world::{STEP, Shared, State, locked, trace};

/// Steps of the hostile part.
const STEPS: usize = 900;
/// Steps of the quiet end, at most.
const CALM_STEPS: usize = 20_000;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rules of the owner.
    pub owner: Rules,
    /// Rules of the dispatcher.
    pub dispatch: dispatcher::settings::Rules,
    /// What its customers are, with their rules.
    pub customers: Customers,
    /// What its predictor says, and whether a customer's next record waits for it.
    pub scores: Scores,
    /// Partitions of the log.
    pub partitions: u32,
    /// Whether anything is sent: each partition has its dispatcher then.
    pub sends: Sends,
    /// What a dispatcher looks at before a call: where rows are none of the product's, nothing.
    pub recheck: Recheck,
    /// Appends something to the log.
    pub shop: fn(&mut State),
    /// Returns what is wrong at the end.
    pub check: fn(&State) -> Vec<String>,
}

/// What a predictor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// Something else whenever it is asked, or nothing in time.
    Differ,
    /// The same whenever it is asked, sooner or later; nobody waits for it.
    Live,
    /// The same whenever it is asked; a customer's next record waits for it.
    Held,
}

/// Whether customers of a world are ever sent anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    Something,
    Nothing,
}

/// A run under way.
pub struct Run {
    shared: Shared,
    plan: Plan,
    owners: Vec<Process>,
    dispatchers: Vec<Dispatcher>,
    faults: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, plan: Plan, odds: Odds, traced: Traced) -> Verdict {
    let shared = Arc::new(Mutex::new(State::new(seed, &plan, odds, traced)));
    let mut run = Run { shared, plan, owners: Vec::new(), dispatchers: Vec::new(), faults: Vec::new() };
    for partition in run.partitions() {
        run.assign(partition, false);
    }
    for partition in run.dispatched() {
        run.start_dispatcher(partition);
    }
    run.be_hostile();
    run.come_to_rest();
    let mut faults = std::mem::take(&mut run.faults);
    faults.extend((run.plan.check)(&locked(&run.shared)));
    let trace = locked(&run.shared).trace.take().unwrap_or_default();
    Verdict { faults, trace }
}

impl Run {
    fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        (0..self.plan.partitions).map(PartitionId)
    }

    fn dispatched(&self) -> impl Iterator<Item = PartitionId> + use<> {
        self.partitions().take(if self.plan.sends == Sends::Something { usize::MAX } else { 0 })
    }

    /// A partition moves. The process that gets it may hear of it late, when it has moved on already.
    fn move_on(&mut self) {
        let (partition, late) = {
            let mut state = locked(&self.shared);
            let partition = PartitionId(state.chance.below(self.plan.partitions as usize) as u32);
            let percent = state.odds.late_assigns;
            let late = percent > 0 && state.chance.percent(percent);
            (partition, late.then(|| 4 + state.chance.below(60) as i64))
        };
        self.assign(partition, false);
        if let Some(steps) = late {
            let first = self.owners.last_mut().expect("one was just assigned");
            first.stall(steps);
            self.assign(partition, false);
        }
    }

    /// The group gives the partition to a new process; those that had it learn of it later.
    fn assign(&mut self, partition: PartitionId, calm: bool) {
        let id = self.owners.len();
        let now = {
            let mut state = locked(&self.shared);
            state.partition(partition).group_owner = id;
            trace!(state, "group: partition {} goes to owner {id}", partition.0);
            state.now
        };
        for owner in self.owners.iter_mut().filter(|owner| owner.partition == partition) {
            owner.lost_since.get_or_insert(now);
        }
        self.owners.push(Process::new(id, partition, &self.shared, &self.plan, calm));
    }

    fn start_dispatcher(&mut self, partition: PartitionId) {
        self.dispatchers.push(Dispatcher::new(partition, &self.shared, &self.plan));
    }

    /// Returns a partition whose outreach is dispatched, chosen by chance.
    fn any_dispatched(&mut self) -> Option<PartitionId> {
        let count = self.dispatched().count();
        (count > 0).then(|| PartitionId(locked(&self.shared).chance.below(count) as u32))
    }

    fn die(&mut self, id: usize, why: &str) {
        if !std::mem::replace(&mut self.owners[id].alive, false) {
            return;
        }
        let partition = self.owners[id].partition;
        let group_owner = {
            let mut state = locked(&self.shared);
            trace!(state, "owner {id} is gone: {why}");
            state.died(id);
            state.partition(partition).group_owner
        };
        if group_owner == id {
            self.assign(partition, false);
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
                0..=5 => (self.plan.shop)(&mut locked(&self.shared)),
                6 if small < odds.moves => self.move_on(),
                7..=25 => self.deliver(odds.delivery),
                26..=37 => self.step_dispatcher(),
                38 if small < 600 => nobody_until = locked(&self.shared).now + 40 * STEP,
                39 if odds.tail_loss && small < 800 => locked(&self.shared).lose_tail(),
                40 if small < 2_000 => {
                    if let Some(partition) = self.any_dispatched() {
                        self.start_dispatcher(partition);
                    }
                }
                _ if locked(&self.shared).now > nobody_until => self.step_owner(),
                _ => {}
            }
        }
    }

    fn deliver(&mut self, percent: usize) {
        let mut state = locked(&self.shared);
        for _ in 0..3 {
            if state.chance.percent(percent) {
                state.deliver_any(Side::Owners);
            }
        }
    }

    /// One of the dispatchers does a few things, or dies, or is asked to end.
    fn step_dispatcher(&mut self) {
        let Some(partition) = self.any_dispatched() else { return };
        self.dispatchers.retain(|dispatcher| dispatcher.alive);
        let of = |one: &Dispatcher| one.partition == partition;
        let places: Vec<usize> =
            (0..self.dispatchers.len()).filter(|at| of(&self.dispatchers[*at])).collect();
        let (at, crashes, stops) = {
            let mut state = locked(&self.shared);
            let percent = state.odds.delivery;
            for _ in 0..4 {
                if state.chance.percent(percent) {
                    state.deliver_any(Side::Dispatchers);
                }
            }
            let crash = state.odds.dispatcher_crashes;
            let at = places.get(state.chance.below(places.len())).copied();
            (at, state.chance.percent(crash), state.chance.below(1_000) < 5)
        };
        let Some(at) = at else { return self.start_dispatcher(partition) };
        let dispatcher = &mut self.dispatchers[at];
        match (crashes, stops) {
            (true, _) => dispatcher.crash(),
            (false, true) => dispatcher.stop(),
            (false, false) => (0..4).for_each(|_| dispatcher.step()),
        }
        if crashes || stops {
            self.start_dispatcher(partition);
        }
    }

    /// One of the owners does a few things: the group's more often than those that may have lost the partition.
    fn step_owner(&mut self) {
        let (id, things) = {
            let mut state = locked(&self.shared);
            let favoured = state.odds.group_owner;
            let partition = PartitionId(state.chance.below(self.plan.partitions as usize) as u32);
            let awake = |owner: &&Process| {
                owner.partition == partition && owner.alive && owner.asleep_until <= state.now
            };
            let awake: Vec<usize> = self.owners.iter().filter(awake).map(|owner| owner.id).collect();
            if awake.is_empty() {
                return;
            }
            let group = state.partition(partition).group_owner;
            let id = match state.chance.percent(favoured) && awake.contains(&group) {
                true => group,
                false => awake[state.chance.below(awake.len())],
            };
            if state.odds.stalls > 0 && state.chance.below(1_000) < state.odds.stalls {
                let steps = 20 + state.chance.below(80) as i64;
                drop(state);
                return self.owners[id].stall(steps);
            }
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
            self.faults.push(format!("stopped for a person: owner {id} {end:?}"));
        }
        self.die(id, &format!("{end:?}"));
    }

    /// Everything in flight comes or is lost, all processes die, one fresh owner and dispatcher per partition finish.
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
            state.odds = state.odds.calm();
        }
        let first = self.owners.len();
        for partition in self.partitions() {
            self.assign(partition, true);
        }
        for partition in self.dispatched() {
            self.start_dispatcher(partition);
        }
        let mut quiet = 0;
        for _ in 0..CALM_STEPS {
            {
                let mut state = locked(&self.shared);
                state.now += STEP;
                for _ in 0..2 {
                    state.deliver_any(Side::Owners);
                    state.deliver_any(Side::Dispatchers);
                }
            }
            for owner in &mut self.owners[first..] {
                if let Stepped::Ended(end) = owner.step() {
                    return self.faults.push(format!("the last owner ended: {end:?}"));
                }
            }
            for dispatcher in &mut self.dispatchers {
                dispatcher.step();
                dispatcher.step();
            }
            let mut state = locked(&self.shared);
            let mut rested = self.owners[first..].iter().map(|owner| {
                let end = state.partitions[owner.partition.0 as usize].log.len();
                owner.is_at_rest(end)
            });
            let mut at_rest = rested.all(|at_rest| at_rest);
            for dispatcher in &self.dispatchers {
                at_rest &= dispatcher.is_at_rest(state.lane(dispatcher.partition).records.len());
            }
            quiet = if at_rest { quiet + 1 } else { 0 };
            if quiet > 400 {
                return;
            }
        }
    }
}
