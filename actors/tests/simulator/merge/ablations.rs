//! Every rule of the merge, taken away one at a time.

use std::sync::Arc;

use actors::dispatcher::settings::Recheck;
use actors::partition::settings::Rules;
use schemas::customer::rules::{MarkRule, RowRules};
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

/// A rule that is taken away, and the world in which that shows.
struct Ablation {
    name: &'static str,
    without: fn(&mut Rules, &mut Rulebook),
    world: fn(&mut Odds, &mut Rulebook),
}

fn as_it_is(_: &mut Odds, _: &mut Rulebook) {}

/// Nobody is erased.
fn no_erases(odds: &mut Odds, _: &mut Rulebook) {
    odds.erases = 0;
}

/// Users are erased often, while what they asked for is on its way.
fn many_erases(odds: &mut Odds, _: &mut Rulebook) {
    odds.erases = 25;
}

/// The ring of message ids holds one: it covers for no mark.
fn short_ring(odds: &mut Odds, book: &mut Rulebook) {
    odds.repeats = 0;
    book.policy.profile.message_ring = 1;
}

/// Appends take some of their records and fail; the ring covers for no mark.
fn torn_appends(odds: &mut Odds, book: &mut Rulebook) {
    short_ring(odds, book);
    (odds.slow, odds.torn_appends) = (Some(What::Append), 40);
}

fn plan(owner: Rules, book: Rulebook) -> Plan {
    Plan {
        owner,
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

fn odds_of(seed: u64) -> Odds {
    Odds { repeats: 10, erases: 8, ..Odds::of(seed) }
}

/// Returns the case in which nothing is taken away: the moods of the owner's world, some with a store that loses its tail, with and
/// without erases, with a ring of message ids and as good as without.
pub fn nothing_taken_away(seeds: u64) -> Case {
    let run = |seed, traced: Traced| {
        let (mut odds, mut book) = (odds_of(seed), Rulebook::default());
        let worlds = [as_it_is, no_erases, many_erases, short_ring, torn_appends];
        worlds[(seed / 5 % 5) as usize](&mut odds, &mut book);
        odds.tail_loss = seed / 25 % 4 == 0;
        run(seed, plan(Rules::default(), book), odds, traced)
    };
    Case { name: "merges, all rules", seeds, run: Box::new(run) }
}

/// Returns the case of every ablation.
pub fn cases() -> Vec<Case> {
    let case = |ablation: &'static Ablation| {
        let run = move |seed, traced: Traced| {
            let (owner, mut book) = rules(ablation);
            let mut odds = odds_of(seed);
            (ablation.world)(&mut odds, &mut book);
            run(seed, plan(owner, book), odds, traced)
        };
        Case { name: ablation.name, seeds: SEEDS_MAX, run: Box::new(run) as Box<_> }
    };
    ABLATIONS.iter().map(case).collect()
}

const ABLATIONS: &[Ablation] = &[
    Ablation {
        name: "merge: high-water mark",
        without: |_, b| b.rules.high_water_mark = false,
        world: short_ring,
    },
    Ablation {
        name: "merge: mark per partition",
        without: |_, b| b.rules.marks = MarkRule::PerPartition { partitions: PARTITIONS },
        world: no_erases,
    },
    Ablation { name: "merge: no marks", without: |_, b| b.rules.marks = MarkRule::Absent, world: short_ring },
    Ablation {
        name: "merge: commands marked",
        without: |_, b| b.rules.commands_marked = false,
        world: many_erases,
    },
    Ablation {
        name: "merge: snapshot names its request",
        without: |_, b| b.rules.snapshot_names_request = false,
        world: many_erases,
    },
    Ablation {
        name: "merge: unlisted forward dropped",
        without: |_, b| b.rules.unlisted_forward_dropped = false,
        world: as_it_is,
    },
    Ablation {
        name: "merge: erased row kept",
        without: |_, b| b.rules.erased_row_kept = false,
        world: many_erases,
    },
    Ablation {
        name: "merge: erase reaches aliases",
        without: |_, b| b.rules.erase_reaches_aliases = false,
        world: as_it_is,
    },
    Ablation {
        name: "merge: erase includes pending",
        without: |_, b| b.rules.erase_includes_pending = false,
        world: as_it_is,
    },
    Ablation {
        name: "merge: messages of a pair apart",
        without: |o, _| o.messages_of_a_pair_apart = false,
        world: torn_appends,
    },
];

fn rules(ablation: &Ablation) -> (Rules, Rulebook) {
    let (mut owner, mut book) = (Rules::default(), Rulebook::default());
    (ablation.without)(&mut owner, &mut book);
    (owner, book)
}

/// Returns the rules of the owner as each ablation leaves them.
pub fn owner_rules() -> Vec<Rules> {
    ABLATIONS.iter().map(|ablation| rules(ablation).0).collect()
}

/// Returns the rules of the row as each ablation leaves them.
pub fn row_rules() -> Vec<RowRules> {
    ABLATIONS.iter().map(|ablation| rules(ablation).1.rules).collect()
}
