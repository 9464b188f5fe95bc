//! Watches which models are active, and hands new ones over when they are loaded and checked.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use schemas::score::Head;

use super::hand::Hand;
use crate::model::Registry;
use crate::model::registry::Error;

/// How often the files are looked at: what is activated answers within a second.
const LOOK: Duration = Duration::from_secs(1);

/// What is watched, and how it was last.
pub(super) struct Watch {
    registry: Registry,
    hand: Arc<Hand>,
    /// What each head's file said when its model was loaded or refused.
    seen: [Option<Vec<u8>>; Head::ALL.len()],
}

/// The thread that watches; it ends when this is dropped.
pub(super) struct Watcher {
    /// Dropped first: that is the sign.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn new(registry: Registry, hand: Arc<Hand>) -> Self {
        Self { registry, hand, seen: Default::default() }
    }

    /// Loads what is active for a head and hands it over.
    ///
    /// Errors: it is missing or refused; nothing is handed over then.
    pub(super) fn load(&mut self, head: Head) -> Result<(), Error> {
        // Read first: a file that changes in between is loaded once more.
        self.seen[head as usize] = self.registry.stated(head);
        let model = self.registry.active(head)?;
        self.hand.change(head, model.map(Box::new));
        Ok(())
    }

    /// Loads what was chosen since the last look.
    pub(super) fn look(&mut self) {
        for head in Head::ALL {
            if self.registry.stated(head) == self.seen[head as usize] {
                continue;
            }
            let name = head.as_str();
            match self.load(head) {
                Ok(()) => {
                    let version = self.registry.choice(head).map(|choice| choice.as_str().to_owned());
                    tracing::info!(head = name, version = version.unwrap_or_default(), "model activated");
                }
                Err(error) => {
                    let reason = format!("{:#}", anyhow::Error::from(error));
                    tracing::error!(head = name, reason, "new model refused, the one before goes on");
                }
            }
        }
    }

    pub(super) fn start(mut self) -> io::Result<Watcher> {
        let (stop, stopped): (_, Receiver<()>) = sync_channel(1);
        let watching = move || {
            tch::set_num_threads(1);
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                self.look();
            }
        };
        let thread = thread::Builder::new().name("models".to_owned()).spawn(watching)?;
        Ok(Watcher { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}
