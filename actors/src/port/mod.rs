//! Ports: what the actors need from the outside, as traits without a vendor in sight.
//!
//! Every method returns at once with a future that owns what it needs: a caller may drop it, but a write that was begun may still
//! happen. Each port has one contract suite in `kit::contract` that all its adapters pass.

pub mod agreement;
pub mod answers;
pub mod channel;
pub mod clock;
pub mod generator;
pub mod log;
pub mod predictor;
pub mod store;

use std::sync::Arc;

pub use futures_util::future::BoxFuture;

/// What a port's future resolves to.
pub type Reply<T, E> = BoxFuture<'static, Result<T, E>>;

/// How a caller goes on after a port's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same call may succeed later; whether it happened is unknown.
    Retry,
    /// What the assignment has under way is settled by nobody any more: drop it, prove membership, assign anew.
    Anew,
    /// This call is wrong and stays wrong; it did not happen.
    Reject,
    /// The adapter is of no use any more: stop.
    Fatal,
}

/// Every port of a running engine.
#[derive(Clone)]
pub struct Ports {
    /// Reads topics.
    pub source: Arc<dyn log::LogSource>,
    /// Appends to topics.
    pub sink: Arc<dyn log::LogSink>,
    /// Rows, leases, timers, ledger, decisions, links.
    pub store: Arc<dyn store::Store>,
    /// Scores.
    pub predictor: Arc<dyn predictor::Predictor>,
    /// Answers to what customers say.
    pub answers: Arc<dyn answers::Answers>,
    /// Channels by name.
    pub channels: Arc<channel::Channels>,
    /// Wall clock, boot-time clock, sleep.
    pub clock: Arc<dyn clock::Clock>,
}
