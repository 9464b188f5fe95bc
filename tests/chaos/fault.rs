//! What goes wrong in a round, by seed: who is hurt, how, when, and for how long.

use care_tests::shop::Random;

use super::proxy::{Cut, Heal};

/// One of the two engines.
pub type Which = usize;

/// Which line of an engine is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// To Kafka.
    Broker,
    /// To the store.
    Store,
    /// Both.
    All,
}

/// What goes wrong. What stalls or is cut does so for a while; what was killed is started again after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An engine is killed.
    KillEngine(Which),
    /// An engine is stopped in good order.
    StopEngine(Which),
    /// An engine stands still.
    StallEngine(Which),
    /// The broker is killed.
    KillBroker,
    /// The broker stands still.
    StallBroker,
    /// The store is killed.
    KillStore,
    /// The store stands still.
    StallStore,
    /// A line is cut.
    Cut(Which, Line, Cut, Heal),
    /// What goes over a line to its server is under way for so many ms.
    SlowLine(Which, Line, u64),
    /// The machine of an engine is lost: the engine, and whatever of it was under way.
    LoseMachine(Which),
}

/// What a round is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Anything may go wrong, once in a while.
    Changing,
    /// Machines are lost, each after a moment in which its line to the broker or to the store, in turn, was slow, among customers who do not
    /// come again: what was begun and not ended shows.
    Harsh,
}

impl Weather {
    /// Returns what the round of a seed is like: in turn.
    pub fn of(seed: u64) -> Self {
        match seed.is_multiple_of(2) {
            true => Weather::Changing,
            false => Weather::Harsh,
        }
    }

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Weather::Changing => "changing",
            Weather::Harsh => "harsh",
        }
    }
}

/// A fault, when it begins and how long it lasts. Units: ms since the round began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub fault: Fault,
    /// When.
    pub at_ms: u64,
    /// How long.
    pub for_ms: u64,
}

/// Longest that something stands still or is cut: well beyond a session of the group.
const LONGEST_MS: u64 = 6_000;
/// Faults of one round of changing weather, at most.
const FAULTS_MAX: u64 = 4;
/// How long what goes over a slow line is under way.
const DELAY_MS: u64 = 500;
/// So long before its machine is lost a line becomes slow.
const SLOW_MS: u64 = 1_000;

/// Returns what goes wrong in the round of a seed, within `span_ms`, in order.
pub fn plan(seed: u64, span_ms: u64) -> Vec<Planned> {
    let mut random = Random::new(seed ^ 0xfa17);
    let mut planned = match Weather::of(seed) {
        Weather::Changing => changing(&mut random, span_ms),
        Weather::Harsh => {
            let slow = if seed % 4 == 1 { Line::Broker } else { Line::Store };
            harsh(&mut random, slow, span_ms)
        }
    };
    planned.sort_by_key(|one| one.at_ms);
    planned
}

/// Each engine's machine is lost twice, after a moment in which a line was slow, and a line to the store is cut for a moment.
fn harsh(random: &mut Random, slow: Line, span_ms: u64) -> Vec<Planned> {
    let (mut planned, quarter) = (Vec::new(), span_ms / 4);
    for (nth, from_ms) in [0, quarter * 3 / 2, quarter / 2, quarter * 5 / 2].into_iter().enumerate() {
        let (which, at_ms) = (nth / 2, SLOW_MS + from_ms + random.below(quarter));
        let slow = Fault::SlowLine(which, slow, DELAY_MS);
        planned.push(Planned { fault: slow, at_ms: at_ms - SLOW_MS, for_ms: SLOW_MS });
        let lost_ms = 200 + random.below(600);
        planned.push(Planned { fault: Fault::LoseMachine(which), at_ms, for_ms: lost_ms });
    }
    let which = random.below(2) as Which;
    let cut = Fault::Cut(which, Line::Store, *random.pick(&Cut::ALL), Heal::Reset);
    let (at_ms, for_ms) = (random.below(span_ms), 300 + random.below(1_200));
    planned.push(Planned { fault: cut, at_ms, for_ms });
    planned
}

/// Some faults, at most one at a time of the same thing.
fn changing(random: &mut Random, span_ms: u64) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::new();
    for _ in 0..1 + random.below(FAULTS_MAX) {
        let fault = fault(random);
        let at_ms = random.below(span_ms * 3 / 4);
        let for_ms = match fault {
            Fault::KillEngine(_) | Fault::StopEngine(_) | Fault::KillBroker | Fault::KillStore => {
                random.below(1_500)
            }
            Fault::StallEngine(_)
            | Fault::StallBroker
            | Fault::StallStore
            | Fault::Cut(..)
            | Fault::SlowLine(..)
            | Fault::LoseMachine(_) => 300 + random.below(LONGEST_MS),
        };
        let one = Planned { fault, at_ms, for_ms };
        let apart = |other: &Planned| {
            target(other.fault) != target(fault) || other.at_ms.abs_diff(at_ms) > LONGEST_MS + 300
        };
        if planned.iter().all(apart) {
            planned.push(one);
        }
    }
    planned
}

fn fault(random: &mut Random) -> Fault {
    let which = random.below(2) as Which;
    match random.below(100) {
        0..16 => Fault::KillEngine(which),
        16..22 => Fault::StopEngine(which),
        22..42 => Fault::StallEngine(which),
        42..50 => Fault::KillBroker,
        50..58 => Fault::StallBroker,
        // It takes the longest to come back.
        58..63 => Fault::KillStore,
        63..73 => Fault::StallStore,
        _ => {
            let line = *random.pick(&[Line::Broker, Line::Store, Line::All]);
            let cut = *random.pick(&Cut::ALL);
            Fault::Cut(which, line, cut, *random.pick(&[Heal::Late, Heal::Reset]))
        }
    }
}

/// Tells apart what faults hit: two at once would undo each other.
fn target(fault: Fault) -> (u8, Which) {
    match fault {
        Fault::KillEngine(which)
        | Fault::StopEngine(which)
        | Fault::StallEngine(which)
        | Fault::LoseMachine(which) => (0, which),
        Fault::KillBroker | Fault::StallBroker => (1, 0),
        Fault::KillStore | Fault::StallStore => (2, 0),
        Fault::Cut(which, ..) | Fault::SlowLine(which, ..) => (3, which),
    }
}
