//! The clock port: the one place where time enters.

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemas::time::Timestamp;

/// Wall clock, monotonic clock and sleep.
pub trait Clock: Send + Sync {
    /// Returns the time that records are stamped with and that time-outs of people's making (`max_age` at the dispatcher, quiet
    /// hours) refer to. In a replay it is the running maximum of the file's stamps.
    fn now(&self) -> Timestamp;

    /// Returns time since boot, suspended time included, for leases, margins and durations. Never goes back.
    fn boot(&self) -> Duration;

    /// Returns the processor time that the calling thread has used, for telling where it goes.
    fn thread_cpu(&self) -> Duration;

    /// Returns a future that resolves after `span`.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}
