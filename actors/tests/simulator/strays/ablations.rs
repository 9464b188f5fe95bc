//! Every rule about strays, taken away one at a time.

use std::sync::Arc;

use actors::dispatcher::settings::Recheck;
use actors::partition::settings::Rules;
use schemas::customer::rules::RowRules;
use schemas::rulebook::Rulebook;

use super::oracle::check;
use super::shop::{PARTITIONS, shop};
use crate::campaign::{Case, Traced};
use crate::customers::Customers;
use crate::flight::What;
use crate::odds::Odds;
use crate::run::{Plan, Scores, Sends, run};

/// Runs after which a rule that is missing has to be caught.
const SEEDS_MAX: u64 = 10_000;

/// Rules of the owner and of the row.
#[derive(Clone, Copy, Default)]
struct AllRules {
    owner: Rules,
    row: RowRules,
}

/// A rule that is taken away, and the world in which that shows.
struct Ablation {
    name: &'static str,
    without: fn(&mut AllRules),
    world: fn(&mut Odds),
}

fn as_it_is(_: &mut Odds) {}

/// Appends take some of their records and fail.
fn torn_appends(odds: &mut Odds) {
    slow_relays(odds);
    odds.torn_appends = 40;
}

/// What is relayed takes its time, and processes die meanwhile.
fn slow_relays(odds: &mut Odds) {
    (odds.slow, odds.crashes) = (Some(What::Append), 10);
}

fn plan(rules: AllRules) -> Plan {
    let mut book = Rulebook { rules: rules.row, ..Rulebook::default() };
    book.policy.profile.message_ring = 1;
    Plan {
        owner: rules.owner,
        dispatch: Default::default(),
        customers: Customers::Real(Arc::new(book)),
        scores: Scores::Differ,
        partitions: PARTITIONS,
        sends: Sends::Nothing,
        recheck: Recheck::AsOfDecision,
        shop,
        check,
    }
}

/// Returns the case in which nothing is taken away: the moods of the owner's world, slow relays, a store that loses its tail.
pub fn nothing_taken_away(seeds: u64) -> Case {
    let run = |seed, traced: Traced| {
        let mut odds = Odds { tail_loss: seed / 10 % 4 == 0, ..Odds::of(seed) };
        match seed / 5 % 3 {
            0 => slow_relays(&mut odds),
            1 => torn_appends(&mut odds),
            _ => {}
        }
        run(seed, plan(AllRules::default()), odds, traced)
    };
    Case { name: "strays, all rules", seeds, run: Box::new(run) }
}

/// Returns the case of every ablation.
pub fn cases() -> Vec<Case> {
    let case = |ablation: &'static Ablation| {
        let rules = rules(ablation);
        let run = move |seed, traced: Traced| {
            let mut odds = Odds::of(seed);
            (ablation.world)(&mut odds);
            run(seed, plan(rules), odds, traced)
        };
        Case { name: ablation.name, seeds: SEEDS_MAX, run: Box::new(run) as Box<_> }
    };
    ABLATIONS.iter().map(case).collect()
}

fn rules(ablation: &Ablation) -> AllRules {
    let mut rules = AllRules::default();
    (ablation.without)(&mut rules);
    rules
}

const ABLATIONS: &[Ablation] = &[
    Ablation {
        name: "strays: relayed, never folded",
        without: |r| r.owner.strays_relayed = false,
        world: as_it_is,
    },
    Ablation {
        name: "strays: position waits for them",
        without: |r| r.owner.position_waits_for_stray = false,
        world: slow_relays,
    },
    Ablation {
        name: "strays: of a customer apart",
        without: |r| r.owner.strays_of_a_customer_apart = false,
        world: torn_appends,
    },
    Ablation { name: "strays: marked", without: |r| r.row.strays_marked = false, world: slow_relays },
];

/// Returns the rules of the owner as each ablation leaves them.
pub fn owner_rules() -> Vec<Rules> {
    ABLATIONS.iter().map(|ablation| rules(ablation).owner).collect()
}

/// Returns the rules of the row as each ablation leaves them.
pub fn row_rules() -> Vec<RowRules> {
    ABLATIONS.iter().map(|ablation| rules(ablation).row).collect()
}
