//! What came of it: counts, and how long answers took as a shopper or a platform sees it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// Times that are kept of each kind, the newest.
const KEPT: usize = 100_000;

/// Counts of a shop at its engine. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    came: Came,
    accepting: Times,
    first_words: Times,
    answering: Times,
}

/// What has come so far. Times are milliseconds as they are seen from outside; `None` where nothing was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Came {
    /// Events that the collector accepted.
    pub events: u64,
    /// Events of accepted batches that it rejected.
    pub rejected: u64,
    /// Requests that were told to come again.
    pub refused: u64,
    /// Requests that nobody answered, and that were sent again.
    pub unanswered_requests: u64,
    /// Pages that were opened.
    pub pages: u64,
    /// Pages that failed.
    pub pages_failed: u64,
    /// Questions that shoppers asked.
    pub questions: u64,
    /// Questions that were answered, by the bot or by a person.
    pub answered: u64,
    /// Answers that cite articles.
    pub cited: u64,
    /// Outreach that pages showed.
    pub outreach_shown: u64,
    /// Outreach that shoppers read, and the engine knows it.
    pub outreach_seen: u64,
    /// How long the collector takes to accept a batch: durably.
    pub accept_ms: Quantiles,
    /// From a question to the first words of its answer, with the time in which the engine waits whether more is said.
    pub first_words_ms: Quantiles,
    /// From a question to its whole answer.
    pub answer_ms: Quantiles,
}

/// Median and the bound of all but one in a hundred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

#[derive(Debug, Default)]
struct Times(VecDeque<f64>);

impl Times {
    fn note(&mut self, took: Duration) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(took.as_secs_f64() * 1e3);
    }

    fn quantiles(&self) -> Quantiles {
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
            sorted.get(place).map(|took| (took * 100.0).round() / 100.0)
        };
        Quantiles { p50: at(0.5), p99: at(0.99) }
    }
}

impl Tally {
    /// Returns what was counted so far, without the times.
    pub fn counted(&self) -> Came {
        self.with(|counts| counts.came.clone())
    }

    /// Returns what has come so far. All times that are kept are sorted for it: at the end, not at each look.
    pub fn came(&self) -> Came {
        self.with(|counts| Came {
            accept_ms: counts.accepting.quantiles(),
            first_words_ms: counts.first_words.quantiles(),
            answer_ms: counts.answering.quantiles(),
            ..counts.came.clone()
        })
    }

    pub(super) fn accepted(&self, events: u64, rejected: u64, took: Duration) {
        self.with(|counts| {
            counts.came.events += events.saturating_sub(rejected);
            counts.came.rejected += rejected;
            counts.accepting.note(took);
        });
    }

    pub(super) fn refused(&self) {
        self.with(|counts| counts.came.refused += 1);
    }

    pub(super) fn unanswered_request(&self) {
        self.with(|counts| counts.came.unanswered_requests += 1);
    }

    pub(super) fn page(&self) {
        self.with(|counts| counts.came.pages += 1);
    }

    pub(super) fn page_failed(&self) {
        self.with(|counts| counts.came.pages_failed += 1);
    }

    pub(super) fn asked(&self) {
        self.with(|counts| counts.came.questions += 1);
    }

    pub(super) fn first_words(&self, took: Duration) {
        self.with(|counts| counts.first_words.note(took));
    }

    pub(super) fn answered(&self, cited: bool, took: Duration) {
        self.with(|counts| {
            counts.came.answered += 1;
            counts.came.cited += u64::from(cited);
            counts.answering.note(took);
        });
    }

    pub(super) fn shown(&self) {
        self.with(|counts| counts.came.outreach_shown += 1);
    }

    pub(super) fn seen(&self) {
        self.with(|counts| counts.came.outreach_seen += 1);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured_and_none_where_nothing_was() {
        let tally = Tally::default();
        assert_eq!(tally.came().accept_ms, Quantiles::default());
        for took in 1..=200 {
            tally.accepted(10, 1, Duration::from_millis(took));
        }
        let came = tally.came();
        assert_eq!((came.events, came.rejected), (1_800, 200));
        assert_eq!(came.accept_ms, Quantiles { p50: Some(100.0), p99: Some(198.0) });
    }
}
