//! Tests of the predictor of trained models: the contract of the port, and models exchanged while questions are under way.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actors::batcher::Patience;
use actors::kit::contract::predictor;
use actors::kit::memory::ManualClock;
use futures_util::future::join_all;
use schemas::feature::TABLE;
use schemas::ids::Position;
use schemas::score::{AskId, Score};
use schemas::time::Timestamp;

use super::*;
use crate::model::artefact::WEIGHTS_FILE;
use crate::model::tests::{model, random_rows};
use crate::model::{Artefact, Choice};
use crate::predict::rules;

const SETTINGS: batcher::Settings = batcher::Settings {
    queue_max: 4_096,
    batch_max: 64,
    patience: Patience::Bounded(Duration::from_secs(600)),
};

/// The parts of the predictor, with the watcher in the hand of the test.
struct Rig {
    folder: tempfile::TempDir,
    registry: Registry,
    watch: Watch,
    torch: Answers,
}

fn metrics_and_clock() -> (Metrics, Arc<dyn Clock>) {
    (Metrics::new(), Arc::new(ManualClock::at(Timestamp(0))))
}

impl Rig {
    /// Returns a rig with two models of churn, of which `a` is active.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let registry = Registry::with_shipped(folder.path(), &[]);
        for version in ["a", "b"] {
            of(version).save(&registry.folder(Head::Churn).join(version)).expect("saved");
        }
        choose(&registry, "a");
        let (metrics, clock) = metrics_and_clock();
        let (watch, torch) = Torch::load(registry.clone(), SETTINGS, (&metrics, clock)).expect("loaded");
        Self { folder, registry, watch, torch }
    }

    fn choose(&mut self, version: &str) {
        choose(&self.registry, version);
        self.watch.look();
    }

    /// Asks about churn and returns the score.
    fn score(&self, row: &[f32]) -> Score {
        wait(self.torch.score(ask(0, row))).expect("answered").score
    }
}

fn of(version: &str) -> Artefact {
    model(Head::Churn, version, u64::from(version.as_bytes()[0]))
}

fn choose(registry: &Registry, version: &str) {
    registry.activate(Head::Churn, &Choice::of(version), Timestamp(1)).expect("activated");
}

fn ask(attempt: u32, row: &[f32]) -> Ask {
    let id = AskId { position: Position(1), attempt };
    Ask { id, head: Head::Churn, at: Timestamp(i64::from(attempt)), features: row.into() }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[test]
fn trained_models_keep_the_contract_of_the_port() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let registry = Registry::with_shipped(folder.path(), &[]);
    of("a").save(&registry.folder(Head::Churn).join("a")).expect("saved");
    choose(&registry, "a");
    wait(predictor::suite(|| {
        let (metrics, clock) = metrics_and_clock();
        Arc::new(Torch::start(registry.clone(), SETTINGS, (&metrics, clock)).expect("started"))
    }));
}

#[test]
fn a_score_is_that_of_the_model_whatever_else_is_asked_and_says_so() {
    let rig = Rig::new();
    let (rows, model) = (random_rows(500, 3), of("a"));
    let asks = rows.iter().enumerate().map(|(n, row)| rig.torch.score(ask(n as u32, row)));
    let answers = wait(join_all(asks));
    for (n, (row, answer)) in rows.iter().zip(answers).enumerate() {
        let answer = answer.expect("answered");
        assert_eq!((answer.id.attempt, answer.score.model.as_str()), (n as u32, "a"));
        assert_eq!(answer.score.value.to_bits(), model.score(&[row])[0].to_bits());
    }
    let refused = wait(rig.torch.score(ask(0, &[f32::NAN; TABLE.len()]))).expect_err("no number");
    assert!(matches!(refused, Error::Failed(_)), "{refused}");
}

#[test]
fn a_head_without_a_model_goes_by_the_rule_score_which_says_so() {
    let mut rig = Rig::new();
    let row = vec![1.0; TABLE.len()];
    let other = wait(rig.torch.score(Ask { head: Head::Complaint, ..ask(0, &row) })).expect("answered");
    assert_eq!(other.score.model, rules::MODEL);
    assert_eq!(rig.torch.prior(Head::Churn), of("a").manifest().prior);
    rig.choose("rules");
    assert_eq!(rig.score(&row).model, rules::MODEL);
    assert_eq!(rig.torch.prior(Head::Churn), rules::table(Head::Churn).prior);
    rig.registry.rollback(Head::Churn).expect("rolled back");
    rig.watch.look();
    assert_eq!(rig.score(&row).model, "a");
}

#[test]
fn models_are_exchanged_under_load_and_no_question_is_lost_or_answered_by_two() {
    const ASKERS: usize = 3;
    const IN_FLIGHT: usize = 100;
    const SWAPS: usize = 40;
    let mut rig = Rig::new();
    let rows = random_rows(64, 5);
    let expected: BTreeMap<&str, Vec<f32>> = ["a", "b"]
        .map(|version| (version, of(version).score(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())))
        .into();
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let Rig { registry, watch, torch, .. } = &mut rig;
    let torch = &*torch;
    std::thread::scope(|scope| {
        let ask_on = || {
            while !done.load(Ordering::Acquire) {
                let asks = (0..IN_FLIGHT).map(|n| torch.score(ask(n as u32, &rows[n % rows.len()])));
                for (n, answer) in wait(join_all(asks)).into_iter().enumerate() {
                    let Answer { id, score, .. } = answer.expect("every question is answered");
                    assert_eq!(id.attempt, n as u32);
                    let said = &expected[score.model.as_str()][n % rows.len()];
                    assert_eq!(score.value.to_bits(), said.to_bits(), "said by {}", score.model);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let askers: Vec<_> = (0..ASKERS).map(|_| scope.spawn(ask_on)).collect();
        for swap in 0..SWAPS {
            let version = ["b", "a"][swap % 2];
            choose(registry, version);
            watch.look();
            let score = wait(torch.score(ask(0, &rows[0]))).expect("answered").score;
            assert_eq!(score.model, version, "what is asked after the exchange is answered by the new model");
            // Every asker comes round between two exchanges.
            let target = answered.load(Ordering::Relaxed) + ASKERS * IN_FLIGHT;
            while answered.load(Ordering::Relaxed) < target {
                assert!(askers.iter().all(|asker| !asker.is_finished()), "an asker has failed");
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Release);
    });
    assert!(answered.load(Ordering::Relaxed) >= SWAPS * ASKERS * IN_FLIGHT);
}

#[test]
fn a_new_model_that_is_refused_leaves_the_one_before_and_a_good_one_is_taken_after_it() {
    let mut rig = Rig::new();
    let row = vec![1.0; TABLE.len()];
    // Chosen while it was good, and damaged before the engine looked.
    choose(&rig.registry, "b");
    let weights = rig.registry.folder(Head::Churn).join("b").join(WEIGHTS_FILE);
    let whole = fs::read(&weights).expect("weights");
    fs::write(&weights, &whole[..whole.len() / 2]).expect("written");
    rig.watch.look();
    assert_eq!(rig.score(&row).model, "a");
    fs::write(rig.folder.path().join("churn").join("active.json"), "{").expect("written");
    rig.watch.look();
    assert_eq!(rig.score(&row).model, "a");
    fs::write(&weights, &whole).expect("written");
    rig.choose("b");
    assert_eq!(rig.score(&row).model, "b");
}

#[test]
fn an_engine_does_not_start_on_a_model_that_is_refused_and_says_what_helps() {
    let rig = Rig::new();
    fs::write(rig.registry.folder(Head::Churn).join("a").join(WEIGHTS_FILE), "half").expect("written");
    let (metrics, clock) = metrics_and_clock();
    let refused = Torch::start(rig.registry.clone(), SETTINGS, (&metrics, clock)).err().expect("refused");
    let refused = format!("{refused:#}");
    for expected in ["active model of churn", "care models rollback churn", "truncated, damaged"] {
        assert!(refused.contains(expected), "{refused}\n  lacks: {expected}");
    }
}
