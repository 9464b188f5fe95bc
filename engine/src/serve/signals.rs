//! Signals: the first asks the service to stop, the second ends the process at once.
//!
//! They are heard on a thread of their own, so that the second works whatever the engine is doing.

use std::io;
use std::thread;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: a service manager, or `kill`.
    Terminate,
}

impl Asked {
    /// Returns the signal's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Asked::Interrupt => "SIGINT",
            Asked::Terminate => "SIGTERM",
        }
    }

    /// Returns the exit status of a process that the signal ended.
    fn status(self) -> i32 {
        match self {
            Asked::Interrupt => 128 + 2,
            Asked::Terminate => 128 + 15,
        }
    }
}

/// Who is told of the first signal.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<Asked>>);

impl Stop {
    /// Begins to listen for signals.
    ///
    /// Errors: the system gives no thread, or does not tell of signals.
    pub fn listen() -> io::Result<Self> {
        let (tell, asked) = watch::channel(None);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupts, mut terminations) = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let listen = async move {
            loop {
                let heard = tokio::select! {
                    Some(()) = interrupts.recv() => Asked::Interrupt,
                    Some(()) = terminations.recv() => Asked::Terminate,
                    else => return,
                };
                if tell.borrow().is_some() {
                    eprintln!(
                        "care: {} again: ended at once; what was not safe is read again from the log",
                        heard.as_str()
                    );
                    std::process::exit(heard.status());
                }
                tell.send_replace(Some(heard));
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(listen))?;
        Ok(Self(asked))
    }

    /// Resolves with the first signal.
    pub async fn asked(&mut self) -> Asked {
        match self.0.wait_for(Option::is_some).await.map(|asked| *asked) {
            Ok(Some(asked)) => asked,
            // Nobody listens any more: then nobody asks.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}
