//! The thread of the driver: sockets and requests live here, whoever asks and however many runtimes the process has.
//!
//! What is begun here ends here: a caller that drops its future, or a store that is dropped, leaves what was sent to be answered or to
//! time out. The thread ends when the store and the last of its requests are gone.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Name of the thread.
const NAME: &str = "cql";

/// A running thread.
pub(super) struct Worker {
    handle: Handle,
    /// Nothing is ever sent: the thread runs while a clone of it exists.
    alive: mpsc::Sender<()>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// Errors: the system gives none.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, mut gone) = mpsc::channel(1);
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            runtime.block_on(async { gone.recv().await });
        })?;
        Ok(Self { handle, alive })
    }

    /// Begins something at once; it ends whether or not anybody waits for it.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let alive = self.alive.clone();
        self.handle.spawn(async move {
            let done = work.await;
            drop(alive);
            done
        })
    }
}
