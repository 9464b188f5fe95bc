//! Bounds of the pool.

use std::time::Duration;

use smol_str::SmolStr;

use super::Rung;

/// A back end as the pool sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name in settings, answers and metrics.
    pub name: SmolStr,
    /// The rungs that it serves.
    pub rungs: Vec<Rung>,
    /// Answers that it writes at one time.
    pub permits: usize,
}

/// What is left of a request on the rung [`Rung::Short`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Tokens of the answer.
    pub tokens_max: u32,
    /// Last messages; what the system says stays whole.
    pub messages_max: usize,
    /// First passages.
    pub passages_max: usize,
}

/// Bounds of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Answers that wait for a permit.
    pub queue_max: usize,
    /// Pieces of an answer that wait for their reader.
    pub deltas_max: usize,
    /// How long a reader may take nothing while pieces wait.
    pub reader_patience: Duration,
    /// Share of an answer's time by which the rung `full` has to have spoken.
    pub full_share: f64,
    /// Share of an answer's time by which the rung `short` has to have spoken.
    pub short_share: f64,
    /// What the rung `short` leaves of a request.
    pub short: Short,
    /// Tries of one back end for one answer.
    pub tries_max: u32,
    /// Wait before the second try; doubled for each further one, and spread by chance between half of that and all of it.
    pub backoff: Duration,
    /// Longest wait between two tries.
    pub backoff_max: Duration,
    /// Failures in a row that open the breaker of a back end.
    pub breaker_failures: u32,
    /// How long an open breaker lets nothing through.
    pub breaker_rest: Duration,
    /// Tokens, read and written, that one customer may cost back ends within an hour.
    pub budget_tokens: u32,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_max: 256,
            deltas_max: 64,
            reader_patience: Duration::from_secs(10),
            full_share: 0.5,
            short_share: 0.75,
            short: Short { tokens_max: 120, messages_max: 2, passages_max: 2 },
            tries_max: 3,
            backoff: Duration::from_millis(200),
            backoff_max: Duration::from_secs(5),
            breaker_failures: 5,
            breaker_rest: Duration::from_secs(15),
            budget_tokens: 40_000,
            seed: 0,
        }
    }
}
