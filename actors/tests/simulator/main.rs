//! The seeded simulator of the durability protocol: the real core and the real `perform` in a faulty world in memory.
//!
//! One random thing happens at a time: a record is appended, a process takes a step, a call in flight arrives or is lost, the
//! partition moves, a process dies. At the end everything in flight arrives or is lost, one clean owner finishes, and state, timers
//! and what was sent are compared with the log. With all rules in force nothing may be wrong in any run. Then every rule is taken
//! away by itself, in a world in which that shows, and the damage has to be caught.
//!
//! | file | holds |
//! |---|---|
//! | `world`, `odds`, `ports` | the faulty outside: log, store, lease, index, group; how hostile; its ports |
//! | `flight` | calls on their way: late, twice, never, or without a reply |
//! | `outbound` | what lies behind the owners: the topic of outreach, ledger, channels |
//! | `process`, `customers`, `row`, `dispatch` | the inside: one owner, its customers, a dispatcher |
//! | `run` | one run: a hostile while, then a quiet end |
//! | `shop`, `check`, `ablations` | the owner's world: events, what is wrong at the end, every rule taken away |
//! | `merge` | the world of merges: real customers in two partitions, erased and claimed by several users |
//! | `moved` | the world of moved instances: merges while triggers run, and dispatchers in both partitions |
//! | `triggers` | the world of triggers: real customers with real triggers, against a plain run of the log |
//! | `strays` | the world of strays: records without a key, or in another partition than their customer's |
//! | `talk` | the world of talk: threads, agents who take over, and a pool whose answers come late, twice or never |
//! | `plain` | what one thread makes of the log, where customers are the product's |
//! | `campaign` | many seeds on all cores, the table, the traces |

mod ablations;
mod campaign;
mod chance;
mod check;
mod customers;
mod dispatch;
mod flight;
mod merge;
mod moved;
mod odds;
mod outbound;
mod plain;
mod ports;
mod process;
mod row;
mod run;
mod shop;
mod strays;
mod talk;
mod triggers;
mod world;

use campaign::{Case, ablate, sweep, table, write_file, write_trace};

/// Runs with all rules in force.
const SEEDS: u64 = 20_000;

/// With all rules in force no run may end with a fault. A run that does writes its trace.
fn holds(case: &Case) {
    let found = sweep(case);
    println!("{}: {} runs, {} with faults", case.name, found.runs, found.caught);
    if let Some(seed) = found.first_seed {
        let trace = write_trace(case, seed);
        panic!("{}: seed {seed} ends with faults {:?}; read {}", case.name, found.classes, trace.display());
    }
}

#[test]
fn all_rules_lose_and_double_nothing() {
    holds(&ablations::nothing_taken_away(SEEDS));
}

#[test]
fn merges_lose_and_double_nothing_and_what_is_erased_stays_erased() {
    holds(&merge::nothing_taken_away(SEEDS / 2));
}

#[test]
fn instances_that_move_are_decided_once_and_nothing_is_sent_twice_or_after_an_exit() {
    holds(&moved::nothing_taken_away(SEEDS / 4));
}

#[test]
fn triggers_come_to_what_a_plain_run_of_the_log_comes_to() {
    for case in triggers::nothing_taken_away(SEEDS / 4) {
        holds(&case);
    }
}

#[test]
fn strays_are_counted_once_in_the_partition_of_their_customer() {
    holds(&strays::nothing_taken_away(SEEDS / 4));
}

#[test]
fn threads_hold_every_message_once_and_no_word_of_the_bot_behind_a_take_over() {
    holds(&talk::nothing_taken_away(SEEDS / 4));
}

#[test]
fn every_switch_has_an_ablation() {
    let never = ablations::never_taken_away();
    assert!(never.is_empty(), "rules with a switch that no ablation takes away: {never:?}");
}

#[test]
fn every_rule_is_needed() {
    let mut cases = ablations::cases();
    cases.extend(merge::cases());
    cases.extend(moved::cases());
    cases.extend(triggers::cases());
    cases.extend(strays::cases());
    cases.extend(talk::cases());
    let found = ablate(&cases);
    let table = table(&cases, &found);
    println!("{table}");
    let mut not_caught = Vec::new();
    for (case, found) in cases.iter().zip(&found) {
        match found.first_seed {
            Some(seed) => drop(write_trace(case, seed)),
            None => not_caught.push(format!("{} ({} runs)", case.name, found.runs)),
        }
    }
    let path = write_file("rules.txt", &table);
    assert!(not_caught.is_empty(), "taken away and not caught: {not_caught:?}; table in {}", path.display());
}
