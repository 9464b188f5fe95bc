//! The seeded simulator of the durability protocol: the real core and the real `perform` in a faulty world in memory.

mod ablations;
mod chance;
mod dispatch;
mod ports;
mod process;
mod row;
mod run;
mod world;

use std::collections::BTreeMap;

use ablations::{ABLATIONS, all};
use run::run;
use world::Odds;

#[test]
fn all_rules_lose_and_double_nothing() {
    let mut bad = 0;
    for seed in 0..10_000 {
        let odds = Odds { tail_loss: seed % 5 == 4, ..Odds::of(seed) };
        let verdict = run(seed, all(), odds, false);
        if !verdict.faults.is_empty() {
            bad += 1;
            println!("seed {seed} tail {}: {:?}", odds.tail_loss, verdict.faults);
            let again = run(seed, all(), odds, true);
            let path = format!("{}/simulator-{seed}.txt", env!("CARGO_TARGET_TMPDIR"));
            std::fs::write(&path, again.trace.join("\n")).unwrap();
        }
    }
    assert_eq!(bad, 0);
}

#[test]
fn every_rule_is_needed() {
    for ablation in ABLATIONS {
        let mut rules = all();
        (ablation.without)(&mut rules);
        let mut classes: BTreeMap<String, (u32, u64)> = BTreeMap::new();
        let (mut bad, mut runs) = (0, 0);
        for seed in 0..3000 {
            let mut odds = Odds::of(seed);
            (ablation.world)(&mut odds);
            let faults = run(seed, rules, odds, false).faults;
            runs += 1;
            bad += u32::from(!faults.is_empty());
            for fault in faults {
                let class = fault.split(':').next().unwrap_or_default().to_owned();
                classes.entry(class).or_insert((0, seed)).0 += 1;
            }
            if bad >= 20 {
                break;
            }
        }
        println!("{:40} {bad:5} of {runs:6} {classes:?}", ablation.name);
    }
}
