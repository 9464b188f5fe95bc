//! The rules of the merge that show with running triggers.

use std::sync::Arc;

use actors::dispatcher::settings::Recheck;
use actors::partition::settings::Rules;
use schemas::customer::rules::{MarkRule, RowRules};
use schemas::rulebook::Rulebook;

use super::oracle::check;
use super::shop::{book, shop};
use crate::ablations;
use crate::campaign::{Case, Traced};
use crate::customers::Customers;
use crate::merge::shop::PARTITIONS;
use crate::odds::Odds;
use crate::run::{Plan, Scores, Sends, run};

/// Runs after which a rule that is missing has to be caught.
const SEEDS_MAX: u64 = 10_000;

/// A rule that is taken away.
struct Ablation {
    name: &'static str,
    without: fn(&mut RowRules),
}

fn plan(book: Rulebook) -> Plan {
    Plan {
        owner: Rules::default(),
        dispatch: Default::default(),
        customers: Customers::Real(Arc::new(book)),
        scores: Scores::Held,
        partitions: PARTITIONS,
        sends: Sends::Something,
        recheck: Recheck::Live,
        shop,
        check,
    }
}

fn odds_of(seed: u64) -> Odds {
    let erases = [0, 6, 20][(seed / 5 % 3) as usize];
    Odds { repeats: 5, erases, ..Odds::of(seed) }
}

/// Returns the case in which nothing is taken away: every second run in a world that is hostile in its own way, also one whose store
/// loses its tail; with no erase, some, and many.
pub fn nothing_taken_away(seeds: u64) -> Case {
    let run = |seed, traced: Traced| {
        let mut odds = odds_of(seed);
        if seed % 2 == 1 {
            ablations::be_hostile(seed / 2, &mut odds);
        }
        run(seed, plan(book()), odds, traced)
    };
    Case { name: "moved instances, all rules", seeds, run: Box::new(run) }
}

/// Returns the case of every ablation.
pub fn cases() -> Vec<Case> {
    let case = |ablation: &'static Ablation| {
        let run = move |seed, traced: Traced| {
            let mut book = book();
            (ablation.without)(&mut book.rules);
            run(seed, plan(book), odds_of(seed), traced)
        };
        Case { name: ablation.name, seeds: SEEDS_MAX, run: Box::new(run) as Box<_> }
    };
    ABLATIONS.iter().map(case).collect()
}

const ABLATIONS: &[Ablation] = &[
    Ablation { name: "moved: exits since entry", without: |rules| rules.exits_since_entry = false },
    Ablation { name: "moved: no marks", without: |rules| rules.marks = MarkRule::Absent },
];

/// Returns the rules of the row as each ablation leaves them.
pub fn row_rules() -> Vec<RowRules> {
    let rules = |ablation: &Ablation| {
        let mut rules = RowRules::default();
        (ablation.without)(&mut rules);
        rules
    };
    ABLATIONS.iter().map(rules).collect()
}
