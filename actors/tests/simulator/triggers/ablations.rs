//! Rules of the row and of the owner that show with triggers.

use std::sync::Arc;

use actors::dispatcher::settings::Recheck;
use actors::partition::settings::Rules;
use schemas::customer::rules::{RowRules, SlotRule};
use schemas::rulebook::Rulebook;

use super::oracle::{check, check_doubled, check_scores};
use super::shop::{book, shop};
use crate::ablations;
use crate::campaign::{Case, Traced};
use crate::customers::Customers;
use crate::flight::What;
use crate::odds::Odds;
use crate::run::{Plan, Scores, Sends, run};

/// Runs after which a rule that is missing has to be caught.
const SEEDS_MAX: u64 = 10_000;

/// Returns the world with all rules in force.
fn plan() -> Plan {
    Plan {
        owner: Rules::default(),
        dispatch: Default::default(),
        customers: Customers::Real(Arc::new(book())),
        scores: Scores::Held,
        partitions: 1,
        sends: Sends::Something,
        recheck: Recheck::AsOfDecision,
        shop,
        check,
    }
}

/// Returns the cases in which nothing is taken away: scores waited for, and not.
pub fn nothing_taken_away(seeds: u64) -> [Case; 2] {
    let held = |seed, traced: Traced| {
        let mut odds = Odds::of(seed);
        // Every second run in a world that is hostile in its own way, also one whose store loses its tail.
        if seed % 2 == 1 {
            ablations::be_hostile(seed / 2, &mut odds);
        }
        run(seed, plan(), odds, traced)
    };
    let live = |seed, traced: Traced| run(seed, live(), slow_scores(seed), traced);
    [
        Case { name: "triggers, all rules", seeds, run: Box::new(held) },
        Case { name: "triggers, scores not waited for, all rules", seeds: seeds / 5, run: Box::new(live) },
    ]
}

fn live() -> Plan {
    Plan { scores: Scores::Live, check: check_scores, ..plan() }
}

fn slow_scores(seed: u64) -> Odds {
    Odds { slow: Some(What::Score), customers: 2, ..Odds::of(seed) }
}

fn no_high_water_mark(rules: &mut RowRules) {
    rules.high_water_mark = false;
}

fn any_answer(rules: &mut RowRules) {
    rules.answers_awaited = false;
}

fn heads_that_do_not_apply(rules: &mut RowRules) {
    rules.heads_apply = false;
}

fn no_timer_of_heads(rules: &mut RowRules) {
    rules.heads_timed = false;
}

fn salted_slots(rules: &mut RowRules) {
    rules.slots = SlotRule::Salted(0);
}

fn without(take: fn(&mut RowRules)) -> Rulebook {
    let mut book = book();
    take(&mut book.rules);
    book
}

/// Returns the rules of the row as each ablation leaves them.
pub fn row_rules() -> Vec<RowRules> {
    let taken = [no_high_water_mark, any_answer, heads_that_do_not_apply, no_timer_of_heads, salted_slots];
    taken.map(|take| without(take).rules).to_vec()
}

/// Returns the case of every ablation.
pub fn cases() -> Vec<Case> {
    let case = |name, run: fn(u64, Traced) -> crate::campaign::Verdict| Case {
        name,
        seeds: SEEDS_MAX,
        run: Box::new(run) as Box<_>,
    };
    vec![
        case("triggers: high-water mark", |seed, traced| {
            let mut book = without(no_high_water_mark);
            book.policy.profile.message_ring = 1;
            run(seed, Plan { customers: Customers::Real(Arc::new(book)), ..plan() }, Odds::of(seed), traced)
        }),
        case("triggers: answers awaited", |seed, traced| {
            let customers = Customers::Real(Arc::new(without(any_answer)));
            run(seed, Plan { customers, ..live() }, slow_scores(seed), traced)
        }),
        case("triggers: heads apply", |seed, traced| {
            let customers = Customers::Real(Arc::new(without(heads_that_do_not_apply)));
            run(seed, Plan { customers, ..live() }, slow_scores(seed), traced)
        }),
        case("triggers: heads have timers", |seed, traced| {
            let customers = Customers::Real(Arc::new(without(no_timer_of_heads)));
            run(seed, Plan { customers, ..plan() }, Odds::of(seed), traced)
        }),
        case("triggers: slots (epoch records off)", |seed, traced| {
            let customers = Customers::Real(Arc::new(without(salted_slots)));
            let mut plan = Plan { customers, check: check_doubled, ..plan() };
            (plan.owner.epoch_record, plan.dispatch.lower_epochs_ignored) = (false, false);
            run(seed, plan, Odds::of(seed), traced)
        }),
        case("triggers: position waits for the row", |seed, traced| {
            let owner = Rules { position_waits_for_row: false, ..Rules::default() };
            run(seed, Plan { owner, ..plan() }, Odds::of(seed), traced)
        }),
        case("triggers: wake-up re-arms", |seed, traced| {
            let owner = Rules { wake_up_rearms: false, ..Rules::default() };
            run(seed, Plan { owner, ..plan() }, Odds { customers: 8, ..Odds::of(seed) }, traced)
        }),
    ]
}
