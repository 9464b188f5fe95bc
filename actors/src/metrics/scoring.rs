//! What is counted of questions to the predictor: resolved once, since a question is counted on its way in and on its way out.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntGauge};

use super::{BATCH_ROWS, BATCH_SECONDS, Load, Make, QUESTIONS, Queue};

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The model answered.
    Answered,
    /// The queue was full.
    Full,
    /// It waited too long for an answer in time.
    Late,
    /// The caller gave up, at its deadline or for good, before the batch ran.
    Abandoned,
    /// No model serves the head.
    NoModel,
    /// The model failed, or said what is no probability.
    Failed,
}

impl Fate {
    /// Every fate, in the order of the enum.
    const ALL: [Fate; 6] =
        [Fate::Answered, Fate::Full, Fate::Late, Fate::Abandoned, Fate::NoModel, Fate::Failed];

    /// Returns the name used as label.
    pub fn as_str(self) -> &'static str {
        match self {
            Fate::Answered => "answered",
            Fate::Full => "full",
            Fate::Late => "late",
            Fate::Abandoned => "abandoned",
            Fate::NoModel => "no_model",
            Fate::Failed => "failed",
        }
    }
}

/// Gauges and counters of the predictor's queue and batches.
#[derive(Clone)]
pub struct Scoring {
    waiting: IntGauge,
    refused: IntCounter,
    /// In the order of [`Fate::ALL`].
    fates: [IntCounter; 6],
    batch_rows: Histogram,
    batch_seconds: Histogram,
}

impl Scoring {
    pub(super) fn new(make: &Make<'_>, load: &Load) -> Self {
        let questions =
            make.counters(QUESTIONS, "Questions to the predictor, by what became of them", &["fate"]);
        let rows = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
        Self {
            waiting: load.queue_len.with_label_values(&[Queue::Predictor.as_str()]),
            refused: load.queue_refused.with_label_values(&[Queue::Predictor.as_str()]),
            fates: Fate::ALL.map(|fate| questions.with_label_values(&[fate.as_str()])),
            batch_rows: make.histogram_of(BATCH_ROWS, "Questions of one head answered together", &rows),
            batch_seconds: make.histogram(BATCH_SECONDS, "Time that the model took for a batch"),
        }
    }

    /// Counts a question that joined the queue.
    pub fn queued(&self) {
        self.waiting.inc();
    }

    /// Counts questions taken out of the queue.
    pub fn taken(&self, questions: usize) {
        self.waiting.sub(i64::try_from(questions).unwrap_or(i64::MAX));
    }

    /// Counts what became of a question.
    pub fn ended(&self, fate: Fate) {
        self.fates[fate as usize].inc();
        if fate == Fate::Full {
            self.refused.inc();
        }
    }

    /// Counts a batch that the model has run.
    pub fn ran(&self, rows: usize, took: Duration) {
        self.batch_rows.observe(rows as f64);
        self.batch_seconds.observe(took.as_secs_f64());
    }
}
