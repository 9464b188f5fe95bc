//! Clocks: the machine's own, and that of a replay. The one place that asks the system for the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actors::port::BoxFuture;
use actors::port::clock::Clock;
use futures_util::future::{self, Either};
use rustix::time::{ClockId, Timespec, clock_gettime};
use schemas::time::Timestamp;

/// The machine's wall clock and its time since boot.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        wall()
    }

    fn boot(&self) -> Duration {
        since_boot()
    }

    fn thread_cpu(&self) -> Duration {
        thread_cpu()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// Returns what a future comes to, `None` when that takes longer.
pub async fn within<T>(clock: &dyn Clock, at_most: Duration, future: impl Future<Output = T>) -> Option<T> {
    match future::select(std::pin::pin!(future), clock.sleep(at_most)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// The clock of a replay: log time is the running maximum of what the source reported, never past the wall clock. Durations are
/// real, so that leases and time-outs mean what they say.
#[derive(Debug, Default)]
pub struct ReplayClock {
    now_ms: AtomicI64,
}

impl ReplayClock {
    /// Returns a clock at `start`: the last log time of an earlier run, or the beginning of time.
    pub fn at(start: Timestamp) -> Self {
        Self { now_ms: AtomicI64::new(start.0) }
    }

    /// Moves the clock to the stamp of a record that is durably in the log; never backwards, never past the wall clock.
    pub fn reached(&self, stamp: Timestamp) {
        self.now_ms.fetch_max(stamp.0.min(wall().0), Ordering::AcqRel);
    }
}

impl Clock for ReplayClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::Acquire))
    }

    fn boot(&self) -> Duration {
        since_boot()
    }

    fn thread_cpu(&self) -> Duration {
        thread_cpu()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// Returns the processor time that the calling thread has used.
pub fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Returns the processor time that the process has used, in user and system mode.
pub fn process_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

#[allow(clippy::disallowed_methods, reason = "this is the clock that others are to ask")]
fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    // Elsewhere the monotonic clock is the nearest: on macOS it stands still while the machine sleeps.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    duration(clock_gettime(clock))
}

fn duration(time: Timespec) -> Duration {
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_clock_is_a_running_maximum_that_never_passes_the_wall_clock() {
        let clock = ReplayClock::at(Timestamp(5));
        clock.reached(Timestamp(100));
        clock.reached(Timestamp(50));
        assert_eq!(clock.now(), Timestamp(100));
        clock.reached(Timestamp(i64::MAX));
        assert!(clock.now() <= SystemClock.now());
    }

    #[test]
    fn processor_time_grows_with_work() {
        let before = (thread_cpu(), process_cpu());
        std::hint::black_box((0..100_000_u64).fold(0, |sum: u64, n| sum.wrapping_mul(31).wrapping_add(n)));
        assert!(thread_cpu() >= before.0 && process_cpu() >= before.1);
    }
}
