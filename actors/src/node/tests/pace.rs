//! How time passes in a node's tests: with the turns of its threads, so that a thread without a processor misses nothing.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use actix::ArbiterHandle;
use futures_util::future::{self, Either};
use tokio::sync::oneshot;

use crate::kit::memory::ManualClock;
use crate::node::Node;

/// What passes while every thread takes a turn.
const STEP: Duration = Duration::from_millis(10);

/// A clock's hands and the threads that they wait for.
#[derive(Clone)]
pub struct Pace {
    clock: ManualClock,
    threads: Rc<RefCell<Vec<ArbiterHandle>>>,
}

impl Pace {
    /// Returns the pace of a clock that no thread looks at yet.
    pub fn of(clock: ManualClock) -> Self {
        Self { clock, threads: Rc::default() }
    }

    /// Lets time wait for the threads of `node` too, until they end.
    pub fn follow(&self, node: &Node) {
        self.threads.borrow_mut().extend(node.arbiters.iter().map(|thread| thread.arbiter.handle()));
    }

    /// Awaits while time passes.
    pub async fn passing<T>(&self, wait: impl Future<Output = T>) -> T {
        let time = async {
            loop {
                self.turn().await;
                self.clock.advance(STEP);
            }
        };
        match future::select(std::pin::pin!(wait), std::pin::pin!(time)).await {
            Either::Left((done, _)) => done,
            Either::Right((never, _)) => never,
        }
    }

    /// Returns when this thread and every thread of a node have taken a turn.
    async fn turn(&self) {
        tokio::task::yield_now().await;
        let asked: Vec<_> = self.threads.borrow().iter().cloned().map(asked).collect();
        let alive = future::join_all(asked).await;
        let mut alive = alive.into_iter();
        self.threads.borrow_mut().retain(|_| alive.next().unwrap_or(true));
    }
}

/// Returns whether the thread took a turn, rather than having ended.
async fn asked(thread: ArbiterHandle) -> bool {
    let (taken, turn) = oneshot::channel();
    // What is sent to a thread that has ended is dropped, and with it the sender.
    thread.spawn_fn(move || taken.send(()).unwrap_or_default()) && turn.await.is_ok()
}
