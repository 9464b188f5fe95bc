//! What keeps a webhook closed: a file in the data folder, which is there from the answer 410 until somebody takes it away.
//!
//! It names the address that answered: another address in the settings is another webhook, and open. A process knows its own data folder
//! only; several that serve one shop find out by a call each.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::port::clock::Clock;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::SystemClock;
use crate::files::replace;

/// The folder of the files within the data folder.
const FOLDER: &str = "webhooks";

/// What a look showed holds for so long.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// How a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is called.
    Open,
    /// It answered 410 and is called no more.
    Disabled,
}

/// Why and since when a webhook is disabled: the content of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// The address that answered 410.
    pub url: String,
    /// When it did.
    pub since_ms: Timestamp,
}

/// Returns the file of a channel.
pub fn file(data_dir: &Path, channel: &str) -> PathBuf {
    data_dir.join(FOLDER).join(format!("{channel}.disabled.json"))
}

/// Returns why and since when a channel with this address is disabled, if it is.
///
/// Errors: the file is there and cannot be read.
pub fn read(path: &Path, url: &str) -> io::Result<Option<Disabled>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let disabled: Disabled = serde_json::from_slice(&bytes)?;
    Ok(Some(disabled).filter(|disabled| disabled.url == url))
}

/// Opens a channel again; returns whether it was closed.
///
/// Errors: the file cannot be taken away.
pub fn open(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The gate of one webhook in a running engine.
pub(super) struct Gate {
    path: PathBuf,
    url: String,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

/// What is known without a look.
#[derive(Default)]
struct Seen {
    /// How it stood at the last look, and when that was, since boot.
    last: Option<(Standing, Duration)>,
    /// It answered 410, and that could not be written down: it holds until the end of the process.
    unwritten: bool,
}

impl Gate {
    pub(super) fn new(path: PathBuf, url: &str, clock: Arc<dyn Clock>) -> Self {
        Self { path, url: url.to_owned(), clock, seen: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how the webhook stands, where a look shortly ago has shown it.
    pub(super) fn known(&self) -> Option<Standing> {
        let now = self.clock.boot();
        self.lock().last.filter(|(_, at)| now < *at + KNOWN_FOR).map(|(standing, _)| standing)
    }

    /// Looks at the file. One that cannot be read keeps the webhook closed: what it says would be no.
    pub(super) fn look(&self) -> Standing {
        let read = read(&self.path, &self.url);
        let mut seen = self.lock();
        let standing = match read {
            Ok(None) if !seen.unwritten => Standing::Open,
            Ok(None | Some(_)) => Standing::Disabled,
            Err(error) => {
                tracing::error!(file = %self.path.display(), %error, "whether a webhook is disabled cannot be read");
                Standing::Disabled
            }
        };
        seen.last = Some((standing, self.clock.boot()));
        standing
    }

    /// Closes the webhook.
    ///
    /// Errors: that cannot be kept beyond the end of the process.
    pub(super) fn close(&self) -> io::Result<()> {
        let disabled = Disabled { url: self.url.clone(), since_ms: SystemClock.now() };
        let text = serde_json::to_vec_pretty(&disabled)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = fs::create_dir_all(folder).and_then(|()| replace(&self.path, &text));
        let mut seen = self.lock();
        seen.unwritten = written.is_err();
        seen.last = Some((Standing::Disabled, self.clock.boot()));
        written
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
