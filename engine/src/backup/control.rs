//! Asks the engine that holds a data folder for a backup, by a socket in that folder.
//!
//! The folder belongs to one process, so only that process can look into it. Whoever may write into the folder may ask. One request at a
//! time is answered, line by line, in JSON; an asker that goes away stops what it asked for.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actors::port::clock::Clock as _;
use serde::{Deserialize, Serialize};

use super::manifest::{Kind, Manifest};
use super::take::{self, take};
use super::{Error, Step, Watch};
use crate::clock::SystemClock;
use crate::embedded::tables::Tables;

/// Name of the socket in the data folder.
pub const SOCKET: &str = "care.sock";

/// How often askers are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// An asker that says nothing, or takes nothing, for so long is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    /// Take a backup into this folder.
    Backup(PathBuf),
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// It goes on.
    Step(Step),
    /// It is done.
    Done(Box<Manifest>),
    /// It failed.
    Failed(String),
}

/// Why the engine that holds a data folder gave no backup.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("the process that holds the data folder does not answer at {}", path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It stopped answering.
    #[error("the process that holds the data folder ended, or was stopped, before the backup was done")]
    Broken,
    /// It says why not.
    #[error("{0}")]
    Refused(String),
}

/// Answers at the socket of an open data folder, until it is dropped.
pub struct Control {
    path: PathBuf,
    /// Breaks off a backup under way.
    ended: Arc<AtomicBool>,
    /// Dropped, it ends the thread.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What answers need.
struct Desk {
    tables: Arc<Tables>,
    data: PathBuf,
    ended: Arc<AtomicBool>,
}

impl Control {
    /// Begins to answer in a data folder that this process has locked: a socket that lies there is of a process that is gone.
    pub fn start(data: &Path, tables: Arc<Tables>) -> io::Result<Self> {
        let path = data.join(SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = at_socket(data, |near| UnixListener::bind(near))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let (ended, (stop, stopped)) = (Arc::new(AtomicBool::new(false)), sync_channel(1));
        let desk = Desk { tables, data: data.to_owned(), ended: Arc::clone(&ended) };
        let thread = thread::Builder::new().name("care-control".to_owned());
        let thread = Some(thread.spawn(move || desk.run(&listener, &stopped))?);
        Ok(Self { path, ended, stop: Some(stop), thread })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the control thread panicked");
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket is gone already");
        }
    }
}

impl Desk {
    /// Looks for askers until it is stopped: a look costs nothing, and needs nobody to be woken by.
    fn run(&self, listener: &UnixListener, stopped: &Receiver<()>) {
        while matches!(stopped.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
            match listener.accept().and_then(|(stream, _)| stream.set_nonblocking(false).map(|()| stream)) {
                Ok(stream) => self.answer(&stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => tracing::debug!(%error, "an asker went away"),
            }
        }
    }

    fn answer(&self, stream: &UnixStream) {
        let told = match ask_of(stream) {
            Ok(Ask::Backup(to)) => self.back_up(&to, stream),
            Err(error) => Told::Failed(format!("the request cannot be read: {error}")),
        };
        // Whoever asked may be gone.
        drop(tell(stream, &told));
    }

    fn back_up(&self, to: &Path, stream: &UnixStream) -> Told {
        tracing::info!(to = %to.display(), "a backup was asked for");
        let request = take::Request {
            tables: &self.tables,
            data: &self.data,
            to,
            kind: Kind::Backup,
            now: SystemClock.now(),
        };
        let mut watch = |step| match self.ended.load(Ordering::Acquire) {
            true => Err(Error::Stopped),
            false => tell(stream, &Told::Step(step)).map_err(|_| Error::Stopped),
        };
        match take(&request, &mut watch) {
            Ok(manifest) => {
                tracing::info!(to = %to.display(), bytes = manifest.bytes(), "the backup is done");
                Told::Done(Box::new(manifest))
            }
            Err(error) => {
                tracing::warn!(to = %to.display(), %error, "the backup failed");
                Told::Failed(format!("{:#}", anyhow::Error::from(error)))
            }
        }
    }
}

/// Asks the process that holds a data folder for a backup into `to`, an absolute path that this process may write to.
///
/// Errors: see [`AskError`].
pub fn ask(data: &Path, to: &Path, watch: Watch<'_>) -> Result<Manifest, AskError> {
    let no_answer = |source| AskError::NoAnswer { path: data.join(SOCKET), source };
    let mut stream = at_socket(data, |near| UnixStream::connect(near)).map_err(no_answer)?;
    let ask = serde_json::to_string(&Ask::Backup(to.to_owned()))
        .map_err(|error| AskError::Refused(error.to_string()))?;
    writeln!(stream, "{ask}").map_err(no_answer)?;
    for line in BufReader::new(stream).lines() {
        let told = line.ok().and_then(|line| serde_json::from_str(&line).ok()).ok_or(AskError::Broken)?;
        match told {
            Told::Step(step) => watch(step).map_err(|error| AskError::Refused(error.to_string()))?,
            Told::Done(manifest) => return Ok(*manifest),
            Told::Failed(reason) => return Err(AskError::Refused(reason)),
        }
    }
    Err(AskError::Broken)
}

fn ask_of(stream: &UnixStream) -> io::Result<Ask> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(io::Read::take(stream, 64 << 10)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn tell(mut stream: &UnixStream, told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Does something with the socket of a data folder by a short name: a socket's own may have a hundred bytes only.
fn at_socket<T>(data: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let folder = File::open(data)?;
    act(&PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd())))
}
