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
/// Faults of one round, at most.
const FAULTS_MAX: u64 = 4;

/// Returns what goes wrong in the round of a seed, within `span_ms`, in order. At most one fault at a time hits the same thing.
pub fn plan(seed: u64, span_ms: u64) -> Vec<Planned> {
    let mut random = Random::new(seed ^ 0xfa17);
    let mut planned: Vec<Planned> = Vec::new();
    for _ in 0..1 + random.below(FAULTS_MAX) {
        let fault = fault(&mut random);
        let at_ms = random.below(span_ms * 3 / 4);
        let for_ms = match fault {
            Fault::KillEngine(_) | Fault::StopEngine(_) | Fault::KillBroker | Fault::KillStore => {
                random.below(1_500)
            }
            Fault::StallEngine(_) | Fault::StallBroker | Fault::StallStore | Fault::Cut(..) => {
                300 + random.below(LONGEST_MS)
            }
        };
        let one = Planned { fault, at_ms, for_ms };
        let apart = |other: &Planned| {
            target(other.fault) != target(fault) || other.at_ms.abs_diff(at_ms) > LONGEST_MS + 300
        };
        if planned.iter().all(apart) {
            planned.push(one);
        }
    }
    planned.sort_by_key(|one| one.at_ms);
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
        Fault::KillEngine(which) | Fault::StopEngine(which) | Fault::StallEngine(which) => (0, which),
        Fault::KillBroker | Fault::StallBroker => (1, 0),
        Fault::KillStore | Fault::StallStore => (2, 0),
        Fault::Cut(which, ..) => (3, which),
    }
}
