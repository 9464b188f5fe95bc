//! A clock that moves when a test says so.

use std::sync::Arc;
use std::time::Duration;

use schemas::time::{Span, Timestamp};
use tokio::sync::watch;

use crate::port::BoxFuture;
use crate::port::clock::Clock;

/// A clock that moves when a test says so; sleepers wake when it passes their time.
#[derive(Clone)]
pub struct ManualClock {
    hands: Arc<watch::Sender<Hands>>,
}

#[derive(Clone, Copy)]
struct Hands {
    now: Timestamp,
    boot: Duration,
}

impl ManualClock {
    /// Returns a clock that shows `now`, a second after boot.
    pub fn at(now: Timestamp) -> Self {
        Self { hands: Arc::new(watch::Sender::new(Hands { now, boot: Duration::from_secs(1) })) }
    }

    /// Moves both hands forward.
    pub fn advance(&self, by: Duration) {
        self.hands.send_modify(|hands| {
            hands.now = hands.now + Span(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
            hands.boot += by;
        });
    }

    /// Sets the wall clock alone, backwards too: what an administrator may do to a machine.
    pub fn set(&self, now: Timestamp) {
        self.hands.send_modify(|hands| hands.now = now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands.borrow().now
    }

    fn boot(&self) -> Duration {
        self.hands.borrow().boot
    }

    /// Returns zero: no time passes here but what a test says.
    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let mut hands = self.hands.subscribe();
        let wake_at = self.boot() + span;
        // The sender is held, so that a sleeper waits for ever rather than waking when the last handle goes.
        let held = self.hands.clone();
        Box::pin(async move {
            if hands.wait_for(|hands| hands.boot >= wake_at).await.is_err() {
                std::future::pending::<()>().await;
            }
            drop(held);
        })
    }
}
