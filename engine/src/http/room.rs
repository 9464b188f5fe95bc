//! Room for bodies under way: the bound on what requests take in memory between their first byte and the durability of their events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actors::metrics::Collector;

use super::problem::Refusal;

/// The room of a server. Clones share it.
#[derive(Clone)]
pub(super) struct Room {
    taken: Arc<AtomicUsize>,
    max: usize,
    metrics: Collector,
}

/// What one request takes of it; given back when this is dropped.
pub(super) struct Taken {
    room: Room,
    bytes: usize,
}

impl Room {
    /// Returns empty room for so many bytes.
    pub(super) fn new(max: usize, metrics: Collector) -> Self {
        Self { taken: Arc::default(), max, metrics }
    }

    /// Returns a place without a byte in it, for a request that says it will need `bytes`. They are taken as they come: a client that sends
    /// slowly holds what it has sent, not what it announced.
    ///
    /// Errors: there is no room for so much now.
    pub(super) fn enter(&self, bytes: usize) -> Result<Taken, Refusal> {
        let taken = self.taken.load(Ordering::Relaxed);
        if taken.saturating_add(bytes) > self.max {
            return Err(Refusal::Full);
        }
        Ok(Taken { room: self.clone(), bytes: 0 })
    }
}

impl Taken {
    /// Takes more.
    ///
    /// Errors: there is no room for it now.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Room { taken, max, metrics } = &self.room;
        let fits = |now: usize| now.checked_add(bytes).filter(|sum| sum <= max);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|_| Refusal::Full)?;
        self.bytes += bytes;
        metrics.under_way(bytes as i64);
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        self.room.metrics.under_way(-(self.bytes as i64));
    }
}

#[cfg(test)]
mod tests {
    use actors::metrics::Metrics;

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_what_ends_gives_its_room_back() {
        let room = Room::new(100, Metrics::new().collector().clone());
        assert!(room.enter(101).is_err());
        let mut first = room.enter(60).expect("it is empty");
        first.grow(60).expect("it fits");
        assert!(room.enter(41).is_err(), "it says it will not fit");
        let mut second = room.enter(0).expect("it does not say how much it needs");
        second.grow(40).expect("it fits");
        assert!(second.grow(1).is_err());
        drop(first);
        second.grow(60).expect("there is room again");
        drop(second);
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }
}
