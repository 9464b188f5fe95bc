//! What is counted of answers in words. Back ends are named by the settings, so their number is bounded.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use smol_str::SmolStr;

use super::{Load, Make, Queue};
use crate::generation::core::BreakerState;
use crate::generation::{Answer, End, Why};
use crate::port::generator::Error;

/// Gauges and counters of the generation pool, without the names of its back ends.
#[derive(Clone)]
pub(super) struct Generations {
    queue_len: IntGauge,
    queue_refused: IntCounter,
    permits: IntGaugeVec,
    breaker: IntGaugeVec,
    first_token: HistogramVec,
    answer: HistogramVec,
    tokens: IntCounterVec,
    answers: IntCounterVec,
    failed: IntCounterVec,
    retried: IntCounterVec,
    cancelled: IntCounter,
}

impl Generations {
    pub(super) fn new(make: &Make<'_>, load: &Load) -> Self {
        Self {
            queue_len: load.queue_len.with_label_values(&[Queue::Generation.as_str()]),
            queue_refused: load.queue_refused.with_label_values(&[Queue::Generation.as_str()]),
            permits: make.gauges("care_generation_permits_in_use", "Answers being written", "backend"),
            breaker: make.gauges(
                "care_generation_breaker_state",
                "Breaker of a back end: 0 closed, 1 half open, 2 open",
                "backend",
            ),
            first_token: make.histograms(
                "care_generation_first_token_seconds",
                "Time from the call of a back end to its first token",
                "backend",
            ),
            answer: make.histograms(
                "care_generation_answer_seconds",
                "Time from the coming of work to its end",
                "rung",
            ),
            tokens: make.counters(
                "care_generation_tokens_total",
                "Tokens of answers, read and written, counted by the back end or estimated",
                &["backend", "direction", "counted"],
            ),
            answers: make.counters(
                "care_generation_answers_total",
                "Answers by the rung on which they were made and how they ended",
                &["rung", "end"],
            ),
            failed: make.counters(
                "care_generation_calls_failed_total",
                "Calls of back ends that failed",
                &["backend", "error"],
            ),
            retried: make.counters(
                "care_generation_calls_retried_total",
                "Calls of back ends made again, before a first token",
                &["backend"],
            ),
            cancelled: make.counter("care_generation_cancelled_total", "Work given up before its end"),
        }
    }

    /// Returns the same with the names of back ends, in their order.
    pub(super) fn of(&self, names: &[&str]) -> Generation {
        Generation { all: self.clone(), names: names.iter().map(SmolStr::new).collect() }
    }
}

/// Gauges and counters of a generation pool; back ends by their place.
#[derive(Clone)]
pub struct Generation {
    all: Generations,
    names: Vec<SmolStr>,
}

impl Generation {
    /// Shows how much work waits.
    pub fn waiting(&self, len: usize) {
        self.all.queue_len.set(i64::try_from(len).unwrap_or(i64::MAX));
    }

    /// Shows permits and breakers, in the order of the back ends.
    pub fn seats(&self, seats: impl Iterator<Item = (usize, BreakerState)>) {
        for (name, (used, breaker)) in self.names.iter().zip(seats) {
            let shown = match breaker {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            self.all.permits.with_label_values(&[name]).set(i64::try_from(used).unwrap_or(i64::MAX));
            self.all.breaker.with_label_values(&[name]).set(shown);
        }
    }

    /// Notes how long a back end took to its first token.
    pub fn first_token(&self, backend: usize, took: Duration) {
        self.all.first_token.with_label_values(&[&self.names[backend]]).observe(took.as_secs_f64());
    }

    /// Counts a call that failed.
    pub fn failed(&self, backend: usize, error: &Error) {
        self.all.failed.with_label_values(&[self.names[backend].as_str(), error.as_str()]).inc();
    }

    /// Counts a call that is made again.
    pub fn retried(&self, backend: usize) {
        self.all.retried.with_label_values(&[&self.names[backend]]).inc();
    }

    /// Counts work that was given up.
    pub fn cancelled(&self) {
        self.all.cancelled.inc();
    }

    /// Counts an answer, made by this back end.
    pub fn ended(&self, answer: &Answer, backend: Option<usize>) {
        let (rung, usage) = (answer.rung.as_str(), answer.usage);
        self.all.answers.with_label_values(&[rung, answer.end.as_str()]).inc();
        self.all.answer.with_label_values(&[rung]).observe(answer.took.as_secs_f64());
        if let End::Fallen(Why::QueueFull | Why::Displaced) = answer.end {
            self.all.queue_refused.inc();
        }
        let Some(backend) = backend else { return };
        for (direction, tokens) in [("prompt", usage.prompt), ("completion", usage.completion)] {
            let labels = [self.names[backend].as_str(), direction, usage.counted.as_str()];
            self.all.tokens.with_label_values(&labels).inc_by(u64::from(tokens));
        }
    }
}
