//! A topic as this process reads it: a buffer per partition, shared by the poll thread that fills it, the fetches that empty it and the
//! watcher that knows where partitions end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::log::{Error, Fetched, Topic};
use futures_util::future::{self, Either};
use schemas::ids::{PartitionId, Position};
use tokio::sync::Notify;

use super::buffer::{Bounds, Buffer, Extent, Look};
use super::failure::Failure;
use super::watch::Questions;

/// A topic as it is read.
pub(super) struct Reading {
    /// Which topic.
    pub(super) topic: Topic,
    /// Its name on the brokers.
    pub(super) name: String,
    slots: Box<[Slot]>,
    stop: AtomicBool,
    failure: Arc<Failure>,
}

struct Slot {
    buffer: Mutex<Buffer>,
    changed: Notify,
}

/// One fetch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) partition: PartitionId,
    pub(super) from: Position,
    pub(super) max: usize,
    /// How long it waits for news.
    pub(super) wait: Duration,
}

impl Reading {
    /// Returns a topic of which nothing is held.
    pub(super) fn new(
        topic: Topic,
        name: String,
        partitions: u32,
        bounds: Bounds,
        failure: Arc<Failure>,
    ) -> Self {
        let slot = |_| Slot { buffer: Mutex::new(Buffer::new(bounds)), changed: Notify::new() };
        Self {
            topic,
            name,
            slots: (0..partitions).map(slot).collect(),
            stop: AtomicBool::new(false),
            failure,
        }
    }

    /// Returns the partitions' numbers.
    pub(super) fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        (0..self.slots.len() as u32).map(PartitionId)
    }

    /// Returns a partition's buffer; `None` for a number that the topic does not have.
    pub(super) fn buffer(&self, partition: PartitionId) -> Option<MutexGuard<'_, Buffer>> {
        let slot = self.slots.get(partition.0 as usize)?;
        Some(slot.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes who waits for news of a partition.
    pub(super) fn tell(&self, partition: PartitionId) {
        if let Some(slot) = self.slots.get(partition.0 as usize) {
            slot.changed.notify_waiters();
        }
    }

    /// Wakes everybody.
    pub(super) fn tell_all(&self) {
        self.slots.iter().for_each(|slot| slot.changed.notify_waiters());
    }

    /// Ends the poll thread.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Returns true once the poll thread is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Reads a partition: at once what is there, else what comes within the wait.
    pub(super) async fn fetch(
        self: Arc<Self>,
        asked: Asked,
        questions: Arc<Questions>,
        clock: Arc<dyn Clock>,
    ) -> Result<Fetched, Error> {
        let Asked { partition, from, max, wait } = asked;
        let Some(slot) = self.slots.get(partition.0 as usize) else {
            let nothing = Extent { start: Position(0), end: Position(0) };
            return Err(self.outside(partition, from, nothing));
        };
        let mut waited = clock.sleep(wait);
        loop {
            let changed = slot.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            self.failure.check()?;
            let look = self.buffer(partition).map_or(Look::NotHeld, |mut buffer| buffer.look(from, max));
            match look {
                Look::Here(fetched) => return Ok(fetched),
                Look::Outside(extent) => return Err(self.outside(partition, from, extent)),
                Look::Ask => questions.wake(),
                Look::Wait | Look::NotHeld => {}
            }
            match future::select(changed, waited).await {
                Either::Left(((), rest)) => waited = rest,
                Either::Right(_) => return self.answer_anyway(partition, from, max),
            }
        }
    }

    /// Returns what is known when the wait is over.
    fn answer_anyway(&self, partition: PartitionId, from: Position, max: usize) -> Result<Fetched, Error> {
        self.failure.check()?;
        let not_held = || {
            Error::Unavailable(format!(
                "{} partition {} is not assigned to this process",
                self.name, partition.0
            ))
        };
        let mut buffer = self.buffer(partition).ok_or_else(not_held)?;
        match buffer.look(from, max) {
            Look::Here(fetched) => Ok(fetched),
            Look::Outside(extent) => Err(self.outside(partition, from, extent)),
            Look::Ask | Look::Wait => Ok(buffer.nothing()),
            Look::NotHeld => Err(not_held()),
        }
    }

    fn outside(&self, partition: PartitionId, asked: Position, extent: Extent) -> Error {
        Error::OutOfRange { topic: self.topic, partition, asked, start: extent.start, end: extent.end }
    }
}
