//! How a client of the library ends: in a thread of its own, since it has been seen never to come to an end.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, ConsumerContext};

/// A client that is closed is waited for so long.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// Whoever else has the client is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A client that comes to its end.
pub(super) struct Closing {
    /// What the thread says when it is done; `None` where the system gave no thread, and the client was dropped at once.
    closed: Option<mpsc::Receiver<()>>,
}

/// Closes a client in a thread of its own: the library has been seen never to come to an end with one whose fetches had been refused.
pub(super) fn close<C: ConsumerContext + 'static>(mut client: Arc<BaseConsumer<C>>) -> Closing {
    let (closed, heard) = mpsc::sync_channel::<()>(1);
    let closing = std::thread::Builder::new().name("kafka-close".into()).spawn(move || {
        // Whoever else has it, the thread that commits, lets go of it first: it may be in the middle of a commit.
        while let Err(shared) = Arc::try_unwrap(client) {
            client = shared;
            std::thread::park_timeout(LOOK_EVERY);
        }
        drop(closed);
    });
    Closing { closed: closing.is_ok().then_some(heard) }
}

impl Closing {
    /// Waits a little for the end.
    pub(super) fn wait(self) {
        let waited = self.closed.map(|closed| closed.recv_timeout(CLOSE_WAIT));
        if waited == Some(Err(mpsc::RecvTimeoutError::Timeout)) {
            tracing::warn!("a client does not come to its end; it is left to itself");
        }
    }
}
