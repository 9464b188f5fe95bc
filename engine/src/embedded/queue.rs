//! A bounded queue between async callers and one OS thread, which takes everything that waits at once: what makes group commit.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

/// A bounded queue. Callers that find it full wait in order; the thread sleeps while it is empty.
pub struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    filled: Condvar,
    room: Semaphore,
}

struct Waiting<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// The queue is closed: its thread ends, nothing is taken any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed;

impl<T> Queue<T> {
    /// Returns an empty queue for at most `len_max` items.
    pub fn new(len_max: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::new(Waiting { items: VecDeque::new(), closed: false }),
            filled: Condvar::new(),
            room: Semaphore::new(len_max),
        })
    }

    /// Adds an item if there is room now; else hands it back, to be given to [`Queue::push`].
    pub fn try_push(&self, item: T) -> Result<(), T> {
        let Ok(permit) = self.room.try_acquire() else { return Err(item) };
        permit.forget();
        self.put(item)
    }

    /// Adds an item as soon as there is room.
    pub async fn push(&self, item: T) -> Result<(), Closed> {
        self.room.acquire().await.map_err(|_| Closed)?.forget();
        self.put(item).map_err(|_| Closed)
    }

    /// Takes everything that waits, into `items`; sleeps while there is nothing. Returns false when the queue is closed and empty.
    pub fn take_all(&self, items: &mut VecDeque<T>) -> bool {
        let mut waiting = self.lock();
        while waiting.items.is_empty() && !waiting.closed {
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut waiting.items, items);
        drop(waiting);
        self.room.add_permits(items.len());
        !items.is_empty()
    }

    /// Waits for `span`, less when an item arrives: for a thread that waits for something nobody announces.
    pub fn pause(&self, span: Duration) {
        drop(self.filled.wait_timeout(self.lock(), span).unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns how many items wait.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Lets the thread end once it has taken what waits; every later or waiting push fails.
    pub fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.filled.notify_all();
    }

    fn put(&self, item: T) -> Result<(), T> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(item);
        }
        waiting.items.push_back(item);
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
