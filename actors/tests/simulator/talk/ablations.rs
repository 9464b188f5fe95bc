//! Every rule about threads, taken away one at a time.

use std::sync::Arc;

use actors::dispatcher::settings::Recheck;
use schemas::customer::rules::RowRules;
use schemas::rulebook::Rulebook;
use schemas::time::Span;

use super::oracle::check;
use super::shop::{ANSWERED_WITHIN, PARTITIONS, shop};
use crate::campaign::{Case, Traced};
use crate::customers::Customers;
use crate::odds::Odds;
use crate::run::{Plan, Scores, Sends, run};

/// Runs after which a rule that is missing has to be caught.
const SEEDS_MAX: u64 = 10_000;

fn plan(row: RowRules) -> Plan {
    let mut book = Rulebook { rules: row, ..Rulebook::default() };
    book.policy.conversation.answered_within = Some(Span(ANSWERED_WITHIN));
    Plan {
        owner: Default::default(),
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

/// Returns the case in which nothing is taken away: the moods of the owner's world, and a store that loses its tail.
pub fn nothing_taken_away(seeds: u64) -> Case {
    let run = |seed, traced: Traced| {
        let odds = Odds { tail_loss: seed / 10 % 4 == 0, ..Odds::of(seed) };
        run(seed, plan(RowRules::default()), odds, traced)
    };
    Case { name: "talk, all rules", seeds, run: Box::new(run) }
}

/// Returns the case of every ablation.
pub fn cases() -> Vec<Case> {
    let run = |seed, traced: Traced| run(seed, plan(any_answer()), Odds::of(seed), traced);
    vec![Case { name: "talk: answers awaited", seeds: SEEDS_MAX, run: Box::new(run) }]
}

/// An answer is taken whether or not its question is open.
fn any_answer() -> RowRules {
    RowRules { talk_answers_awaited: false, ..RowRules::default() }
}

/// Returns the rules of the row as each ablation leaves them.
pub fn row_rules() -> Vec<RowRules> {
    vec![any_answer()]
}
