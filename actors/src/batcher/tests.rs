//! Tests of the batcher: the contract of the port, its bounds, and whatever a model may do to it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use schemas::ids::Position;
use schemas::score::AskId;
use schemas::time::Timestamp;

use super::*;
use crate::kit::contract::predictor;
use crate::kit::memory::ManualClock;
use crate::metrics::Queue;

/// Says the first feature.
struct Echo;

impl Model for Echo {
    fn score(&mut self, _head: Head, rows: &[&[f32]]) -> Result<Scored, Error> {
        Ok(Scored { model: "echo".into(), values: rows.iter().map(|row| row[0]).collect() })
    }
}

/// A model that runs a batch when the test says so, and tells what it saw.
struct Gated {
    entered: SyncSender<()>,
    gate: Receiver<()>,
    seen: Arc<Mutex<Vec<(Head, usize)>>>,
}

/// The test's end of a gated model.
struct Gate {
    entered: Receiver<()>,
    gate: SyncSender<()>,
    seen: Arc<Mutex<Vec<(Head, usize)>>>,
}

fn gated() -> (Gated, Gate) {
    let ((entered, is_in), (open, gate)) = (sync_channel(1_000), sync_channel(1_000));
    let seen = Arc::<Mutex<_>>::default();
    let model = Gated { entered, gate, seen: Arc::clone(&seen) };
    (model, Gate { entered: is_in, gate: open, seen })
}

impl Gate {
    /// Waits until the model has a batch.
    fn wait_until_busy(&self) {
        self.entered.recv().expect("the model lives");
    }

    /// Lets so many batches through.
    fn open(&self, batches: usize) {
        (0..batches).for_each(|_| self.gate.send(()).expect("the model lives"));
    }

    fn seen(&self) -> Vec<(Head, usize)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Model for Gated {
    fn score(&mut self, head: Head, rows: &[&[f32]]) -> Result<Scored, Error> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push((head, rows.len()));
        self.entered.send(()).map_err(|_| Error::Failed("the test is over".to_owned()))?;
        self.gate.recv().map_err(|_| Error::Failed("the test is over".to_owned()))?;
        Echo.score(head, rows)
    }
}

/// Does what a closure does.
struct Does<F>(F);

impl<F: FnMut(&[&[f32]]) -> Result<Scored, Error> + Send + 'static> Model for Does<F> {
    fn score(&mut self, _head: Head, rows: &[&[f32]]) -> Result<Scored, Error> {
        (self.0)(rows)
    }
}

const SETTINGS: Settings =
    Settings { queue_max: 100, batch_max: 64, patience: Patience::Bounded(Duration::from_millis(100)) };

fn start(model: impl Model, settings: Settings) -> (Batcher, Metrics) {
    start_at(model, settings, &Arc::new(ManualClock::at(Timestamp(0))))
}

fn start_at(model: impl Model, settings: Settings, clock: &Arc<ManualClock>) -> (Batcher, Metrics) {
    let (metrics, clock) = (Metrics::new(), Arc::clone(clock));
    let priors = Arc::new(Priors::new(|_| 0.5));
    (Batcher::start(model, priors, settings, (&metrics, clock)).expect("a thread"), metrics)
}

fn ask(head: Head, attempt: u32, value: f32) -> Ask {
    let id = AskId { position: Position(1), attempt };
    Ask { id, head, at: Timestamp(9), features: vec![value; 3].into() }
}

fn counted(metrics: &Metrics, fate: Fate) -> f64 {
    let label = [fate.as_str().to_owned()];
    let samples = metrics.samples();
    let of = samples.iter().find(|one| one.name == crate::metrics::QUESTIONS && one.labels == label);
    of.map_or(0.0, |sample| sample.value)
}

/// Returns a value without labels, or that of the predictor's queue.
fn sample(metrics: &Metrics, name: &str) -> f64 {
    let is_ours = |labels: &[String]| labels.iter().all(|label| label == Queue::Predictor.as_str());
    let samples = metrics.samples();
    let of = samples.iter().find(|one| one.name == name && is_ours(&one.labels));
    of.map_or(0.0, |sample| sample.value)
}

#[tokio::test]
async fn batcher_keeps_the_contract_of_the_port() {
    predictor::suite(|| {
        let said = |rows: &[&[f32]]| {
            let values = rows.iter().map(|row| row[0].clamp(0.0, 1.0)).collect();
            Ok(Scored { model: "clamped".into(), values })
        };
        Arc::new(start(Does(said), SETTINGS).0)
    })
    .await;
}

#[tokio::test]
async fn what_queued_while_a_batch_ran_is_answered_together_by_head_and_at_most_a_batch() {
    let (model, gate) = gated();
    let (batcher, metrics) = start(model, Settings { batch_max: 6, ..SETTINGS });
    let first = batcher.score(ask(Head::Churn, 0, 0.0));
    gate.wait_until_busy();
    let heads = [Head::Return, Head::Churn, Head::Return];
    let asks = (1..10).map(|n| ask(heads[n as usize % 3], n, n as f32 / 10.0));
    let rest: Vec<_> = asks.map(|ask| batcher.score(ask)).collect();
    gate.open(10);
    assert!(first.await.is_ok());
    for (n, answer) in join_all(rest).await.into_iter().enumerate() {
        assert_eq!(answer.expect("answered").score.value, (n + 1) as f32 / 10.0, "each its own answer");
    }
    let seen = gate.seen();
    assert_eq!(seen[0], (Head::Churn, 1), "a lone question waits for nobody");
    assert_eq!(seen[1..], [(Head::Return, 4), (Head::Churn, 2), (Head::Return, 2), (Head::Churn, 1)]);
    assert_eq!(counted(&metrics, Fate::Answered), 10.0);
    assert_eq!(sample(&metrics, "care_predictor_batch_rows"), 5.0);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_counts_it() {
    let (model, gate) = gated();
    let (batcher, metrics) = start(model, Settings { queue_max: 3, ..SETTINGS });
    let running = batcher.score(ask(Head::Churn, 0, 0.1));
    gate.wait_until_busy();
    let queued: Vec<_> = (1..4).map(|n| batcher.score(ask(Head::Churn, n, 0.1))).collect();
    assert!(matches!(batcher.score(ask(Head::Churn, 4, 0.1)).await, Err(Error::Full)));
    assert_eq!((counted(&metrics, Fate::Full), sample(&metrics, "care_engine_queue_len")), (1.0, 3.0));
    assert_eq!(sample(&metrics, "care_engine_queue_refused_total"), 1.0);
    gate.open(2);
    assert!(running.await.is_ok() && join_all(queued).await.iter().all(Result::is_ok));
    gate.open(1);
    assert!(batcher.score(ask(Head::Churn, 5, 0.1)).await.is_ok(), "there is room again");
    assert_eq!(sample(&metrics, "care_engine_queue_len"), 0.0);
}

#[tokio::test]
async fn a_question_that_waited_too_long_is_told_so_at_once() {
    let (clock, (model, gate)) = (Arc::new(ManualClock::at(Timestamp(0))), gated());
    let (batcher, metrics) = start_at(model, SETTINGS, &clock);
    let running = batcher.score(ask(Head::Churn, 0, 0.1));
    gate.wait_until_busy();
    let old = batcher.score(ask(Head::Churn, 1, 0.1));
    clock.advance(Duration::from_millis(51));
    let young = batcher.score(ask(Head::Churn, 2, 0.2));
    gate.open(2);
    assert!(running.await.is_ok(), "what runs is answered");
    assert!(matches!(old.await, Err(Error::Late)));
    assert!(young.await.is_ok());
    assert_eq!((counted(&metrics, Fate::Late), counted(&metrics, Fate::Answered)), (1.0, 2.0));
}

#[tokio::test]
async fn a_slow_model_gets_batches_that_it_answers_in_time() {
    let (clock, seen) = (Arc::new(ManualClock::at(Timestamp(0))), Arc::new(Mutex::new(Vec::new())));
    let (slow, sizes) = (Arc::clone(&clock), Arc::clone(&seen));
    // Each row takes 10 ms, and half of the patience is 50.
    let model = Does(move |rows: &[&[f32]]| {
        slow.advance(Duration::from_millis(10) * rows.len() as u32);
        sizes.lock().unwrap_or_else(PoisonError::into_inner).push(rows.len());
        Echo.score(Head::Churn, rows)
    });
    let (batcher, _) = start_at(model, SETTINGS, &clock);
    for round in 0..20 {
        let asks: Vec<_> = (0..20).map(|n| batcher.score(ask(Head::Churn, round * 20 + n, 0.1))).collect();
        join_all(asks).await;
    }
    let sizes = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // It takes a batch or two to know the model.
    assert!(sizes.iter().skip(20).all(|size| *size <= 6), "{sizes:?}");
}

#[tokio::test]
async fn a_replay_waits_for_room_and_loses_no_question() {
    let settings = Settings { queue_max: 2, patience: Patience::Endless, ..SETTINGS };
    let (batcher, metrics) = start(Echo, settings);
    let asks: Vec<_> = (0..500).map(|n| batcher.score(ask(Head::Churn, n, 0.25))).collect();
    let answers = join_all(asks).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok_and(|answer| answer.score.value == 0.25)));
    assert_eq!((counted(&metrics, Fate::Answered), counted(&metrics, Fate::Full)), (500.0, 0.0));
}

#[tokio::test]
async fn who_gave_up_is_skipped_before_his_batch() {
    let (model, gate) = gated();
    let (batcher, metrics) = start(model, SETTINGS);
    let first = batcher.score(ask(Head::Churn, 0, 0.1));
    gate.wait_until_busy();
    let given_up = batcher.score(ask(Head::Churn, 1, 0.1));
    let patient = batcher.score(ask(Head::Churn, 2, 0.2));
    drop(batcher.score(ask(Head::Return, 3, 0.1)));
    drop(given_up);
    gate.open(2);
    assert!(first.await.is_ok());
    assert_eq!(patient.await.expect("answered").score.value, 0.2);
    assert_eq!(gate.seen(), [(Head::Churn, 1), (Head::Churn, 1)], "the model saw no row of those who left");
    assert_eq!(counted(&metrics, Fate::Abandoned), 2.0);
}

#[tokio::test]
async fn what_is_no_probability_never_leaves_and_spoils_no_other_answer() {
    let (batcher, metrics) = start(Echo, SETTINGS);
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.1, 1.1];
    for value in bad {
        let answers = [batcher.score(ask(Head::Churn, 0, value)), batcher.score(ask(Head::Churn, 1, 0.5))];
        let [refused, good] = <[_; 2]>::try_from(join_all(answers).await).expect("two");
        assert!(matches!(refused, Err(Error::Failed(_))), "{value}: {refused:?}");
        assert_eq!(good.expect("answered").score.value, 0.5);
    }
    assert_eq!(counted(&metrics, Fate::Failed), bad.len() as f64);
}

#[tokio::test]
async fn a_panic_of_the_model_is_a_failed_batch_and_not_the_end() {
    let mut calls = 0;
    let (batcher, metrics) = start(
        Does(move |rows: &[&[f32]]| {
            calls += 1;
            assert!(calls != 2, "a shape does not fit");
            Echo.score(Head::Churn, rows)
        }),
        SETTINGS,
    );
    assert!(batcher.score(ask(Head::Churn, 0, 0.1)).await.is_ok());
    let failed = batcher.score(ask(Head::Churn, 1, 0.1)).await.expect_err("failed").to_string();
    assert!(failed.contains("a shape does not fit"), "{failed}");
    assert!(batcher.score(ask(Head::Churn, 2, 0.1)).await.is_ok());
    assert_eq!((counted(&metrics, Fate::Answered), counted(&metrics, Fate::Failed)), (2.0, 1.0));
}

#[tokio::test]
async fn errors_of_the_model_and_a_wrong_number_of_answers_reach_every_caller() {
    let (batcher, metrics) = start(Does(|_: &[&[f32]]| Err(Error::NoModel("churn"))), SETTINGS);
    assert!(matches!(batcher.score(ask(Head::Churn, 0, 0.1)).await, Err(Error::NoModel("churn"))));
    assert_eq!(counted(&metrics, Fate::NoModel), 1.0);
    let short = |_: &[&[f32]]| Ok(Scored { model: "short".into(), values: Vec::new() });
    let (batcher, _) = start(Does(short), SETTINGS);
    let failed = batcher.score(ask(Head::Churn, 0, 0.1)).await.expect_err("failed").to_string();
    assert!(failed.contains("0 answers to 1 questions"), "{failed}");
}

#[tokio::test]
async fn a_stop_answers_what_is_queued_and_nothing_after() {
    let (model, gate) = gated();
    let (batcher, _) = start(model, Settings { batch_max: 2, ..SETTINGS });
    let queued: Vec<_> = (0..7).map(|n| batcher.score(ask(Head::Churn, n, 0.1))).collect();
    gate.open(7);
    drop(batcher);
    assert!(join_all(queued).await.iter().all(Result::is_ok));

    let settings = Settings { queue_max: 1, patience: Patience::Endless, ..SETTINGS };
    let (model, gate) = gated();
    let (batcher, _) = start(model, settings);
    let running = batcher.score(ask(Head::Churn, 0, 0.1));
    gate.wait_until_busy();
    let queued = batcher.score(ask(Head::Churn, 1, 0.1));
    let waiting = batcher.score(ask(Head::Churn, 2, 0.1));
    gate.open(2);
    drop(batcher);
    assert!(running.await.is_ok() && queued.await.is_ok());
    assert!(matches!(waiting.await, Err(Error::Failed(_))), "what had no room yet is told");
}

#[test]
fn priors_are_those_that_were_set_last() {
    let priors = Priors::new(|head| if head == Head::Churn { 0.3 } else { 0.1 });
    priors.set(Head::Return, 0.07);
    assert_eq!([Head::Churn, Head::Return, Head::Complaint].map(|head| priors.get(head)), [0.3, 0.07, 0.1]);
}
