//! What goes wrong in a round, by seed: who is hurt, how, when, and for how long.

use std::ops::Range;

use care_tests::shop::Random;

use super::proxy::{Cut, Heal};
use super::story::Crowd;

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
    /// Machines are lost, each after a moment in which its line to the broker or to the store, in turn, was slow: what was begun and not
    /// ended shows.
    Harsh,
    /// Each engine in turn is not heard for longer than the group waits for it; what it said arrives when its partitions have another
    /// owner.
    Severed,
    /// What one engine says to the store takes its time, what the other says to the broker; the other leaves and comes back, and takes over
    /// while the first has not heard yet what it had written.
    Uneven,
}

impl Weather {
    /// Returns what the round of a seed is like: of eight three are changing, two harsh, two severed, one uneven.
    pub fn of(seed: u64) -> Self {
        match seed % 8 {
            1 | 5 => Weather::Harsh,
            3 | 7 => Weather::Severed,
            4 => Weather::Uneven,
            _ => Weather::Changing,
        }
    }

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Weather::Changing => "changing",
            Weather::Harsh => "harsh",
            Weather::Severed => "severed",
            Weather::Uneven => "uneven",
        }
    }

    /// Returns who comes in it. Where owners follow each other nobody may come again and have what was left lying found.
    pub fn crowd(self) -> Crowd {
        match self {
            Weather::Changing => Crowd::Regulars,
            Weather::Harsh | Weather::Severed | Weather::Uneven => Crowd::Passers,
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
/// What stands still or is cut is so for so long.
const LASTS_MS: Range<u64> = 300..LONGEST_MS + 300;
/// What was killed is started again after so long.
const GONE_MS: Range<u64> = 0..1_500;
/// Faults of one round of changing weather, at most.
const FAULTS_MAX: u64 = 4;
/// A line that is slow, how long what goes over it is under way, and how long before its machine is lost that begins. To the broker it is
/// longer than a row takes to be durable.
const SLOW: [(Line, u64, u64); 2] = [(Line::Broker, 1_200, 1_600), (Line::Store, 500, 1_000)];

/// How long what is said is under way where lines are slow all the while: to the store, and to the broker.
const UNEVEN_MS: (u64, u64) = (2_500, 400);

/// Whoever asks the store waits for its answer for so long.
pub const ANSWERED_MS: u64 = 5_500;
/// What an engine says for so long before it stands still is under way while it does.
const LAST_WORDS_MS: u64 = 500;

/// Returns what goes wrong in the round of a seed, within `span_ms`, in order. What is severed last is so for a while longer.
pub fn plan(seed: u64, span_ms: u64) -> Vec<Planned> {
    let mut random = Random::new(seed ^ 0xfa17);
    let mut planned = match Weather::of(seed) {
        Weather::Changing => changing(&mut random, span_ms),
        Weather::Harsh => harsh(&mut random, SLOW[(seed / 4 % 2) as usize], span_ms),
        Weather::Severed => severed(&mut random, seed / 4 % 2 == 1, span_ms),
        Weather::Uneven => uneven(&mut random, span_ms),
    };
    planned.sort_by_key(|one| one.at_ms);
    planned
}

/// Each engine's machine is lost twice, after a moment in which a line was slow, and a line to the store is cut for a moment.
fn harsh(random: &mut Random, (line, delay_ms, before_ms): (Line, u64, u64), span_ms: u64) -> Vec<Planned> {
    let (mut planned, quarter) = (Vec::new(), span_ms / 4);
    for (nth, from_ms) in [0, quarter * 3 / 2, quarter / 2, quarter * 5 / 2].into_iter().enumerate() {
        let (which, at_ms) = (nth / 2, before_ms + from_ms + random.below(quarter));
        let slow = Fault::SlowLine(which, line, delay_ms);
        planned.push(Planned { fault: slow, at_ms: at_ms - before_ms, for_ms: before_ms });
        let lost_ms = 200 + random.below(600);
        planned.push(Planned { fault: Fault::LoseMachine(which), at_ms, for_ms: lost_ms });
    }
    let which = random.below(2) as Which;
    let cut = Fault::Cut(which, Line::Store, *random.pick(&Cut::ALL), Heal::Reset);
    let (at_ms, for_ms) = (random.below(span_ms), 300 + random.below(1_200));
    planned.push(Planned { fault: cut, at_ms, for_ms });
    planned
}

/// Nobody hears of one engine, and when it is back, of the other; what it had said comes late. Either it hears everybody all the while, or it
/// stands still, and what it had last said to the store is under way until shortly before it wakes.
fn severed(random: &mut Random, is_asleep: bool, span_ms: u64) -> Vec<Planned> {
    let (mut planned, mut at_ms) = (Vec::new(), 500 + random.below(1_000));
    let first = random.below(2) as Which;
    for which in [first, 1 - first] {
        let longest_ms = if is_asleep { ANSWERED_MS - 2 * LAST_WORDS_MS } else { LONGEST_MS };
        let for_ms = span_ms / 2 + random.below(longest_ms - span_ms / 2);
        if is_asleep {
            planned.extend(asleep(which, at_ms, for_ms));
        } else {
            let fault = Fault::Cut(which, Line::All, Cut::ToServer, Heal::Late);
            planned.push(Planned { fault, at_ms, for_ms });
        }
        at_ms += for_ms + LAST_WORDS_MS + 1_000;
    }
    planned
}

/// An engine stands still, with its last words to the store under way until shortly before it wakes.
fn asleep(which: Which, at_ms: u64, for_ms: u64) -> [Planned; 2] {
    let slow = Fault::SlowLine(which, Line::Store, for_ms + LAST_WORDS_MS / 2);
    let (from_ms, still_ms) = (at_ms + LAST_WORDS_MS, for_ms + LAST_WORDS_MS);
    [
        Planned { fault: slow, at_ms, for_ms: LAST_WORDS_MS },
        Planned { fault: Fault::StallEngine(which), at_ms: from_ms, for_ms: still_ms },
    ]
}

/// One engine's line to the store is slow, the other's to the broker, and the other leaves and comes back.
fn uneven(random: &mut Random, span_ms: u64) -> Vec<Planned> {
    let which = random.below(2) as Which;
    let stays = Fault::SlowLine(which, Line::Store, UNEVEN_MS.0);
    let leaves = Fault::SlowLine(1 - which, Line::Broker, UNEVEN_MS.1);
    let mut planned = vec![
        Planned { fault: stays, at_ms: 0, for_ms: span_ms },
        Planned { fault: leaves, at_ms: 0, for_ms: span_ms },
    ];
    for from_ms in [0, span_ms / 2] {
        let (at_ms, for_ms) = (from_ms + 200 + random.below(500), 100 + random.below(400));
        planned.push(Planned { fault: Fault::StopEngine(1 - which), at_ms, for_ms });
    }
    planned
}

/// Some faults, at most one at a time of the same thing.
fn changing(random: &mut Random, span_ms: u64) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::new();
    for _ in 0..1 + random.below(FAULTS_MAX) {
        let (fault, lasts_ms) = fault(random);
        let at_ms = random.below(span_ms * 3 / 4);
        let for_ms = lasts_ms.start + random.below(lasts_ms.end - lasts_ms.start);
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

/// Returns what goes wrong, and for how long.
fn fault(random: &mut Random) -> (Fault, Range<u64>) {
    let which = random.below(2) as Which;
    match random.below(100) {
        0..16 => (Fault::KillEngine(which), GONE_MS),
        16..22 => (Fault::StopEngine(which), GONE_MS),
        22..42 => (Fault::StallEngine(which), LASTS_MS),
        42..50 => (Fault::KillBroker, GONE_MS),
        50..58 => (Fault::StallBroker, LASTS_MS),
        // It takes the longest to come back.
        58..63 => (Fault::KillStore, GONE_MS),
        63..73 => (Fault::StallStore, LASTS_MS),
        _ => {
            let line = *random.pick(&[Line::Broker, Line::Store, Line::All]);
            let cut = *random.pick(&Cut::ALL);
            (Fault::Cut(which, line, cut, *random.pick(&[Heal::Late, Heal::Reset])), LASTS_MS)
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
