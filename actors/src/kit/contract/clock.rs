//! What every clock does.

use std::time::Duration;

use crate::port::clock::Clock;

/// Readings of the boot-time clock in a row.
const READINGS: usize = 10_000;

/// Checks one clock.
pub async fn suite(clock: &dyn Clock) {
    let mut last = clock.boot();
    for _ in 0..READINGS {
        let boot = clock.boot();
        assert!(boot >= last, "boot time went back from {last:?} to {boot:?}");
        last = boot;
    }
    clock.sleep(Duration::ZERO).await;
    assert!(clock.boot() >= last, "boot time went back over a sleep");
}
