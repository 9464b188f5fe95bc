//! What a service manager is told, where one listens: ready, status, stopping, alive. Elsewhere nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells that the service does what it is there for.
pub(super) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells where the service stands, in words.
pub(super) fn status(status: &str) {
    notify(&[NotifyState::Status(status)]);
}

/// Tells that the service stops, and how long it may take.
pub(super) fn stopping(at_most: Duration) {
    let usec = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
    notify(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(usec),
        NotifyState::Status("draining the partitions"),
    ]);
}

/// Tells that the process turns.
pub(super) fn alive() {
    if watched().is_some() {
        notify(&[NotifyState::Watchdog]);
    }
}

/// Returns how often a service manager wants to hear that the process turns, if it does.
pub(super) fn watched() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn notify(states: &[NotifyState<'_>]) {
    // A service manager that does not listen is no reason to stop.
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
