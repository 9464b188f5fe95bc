//! The replay itself: batches of converted rows go into the log with the progress of their file, in step with the engine.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actors::port::BoxFuture;
use actors::port::clock::Clock;
use actors::port::log::{self, LogSource, Topic};
use futures_util::future;
use schemas::event::Border;
use schemas::ids::{PartitionId, Position};
use schemas::time::{Span, Timestamp};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::input::Source;
use super::read::{Batch, Reader, Rules, Step, Then};
use super::{Error, Format, Passage, Tally, Target};
use crate::clock::ReplayClock;
use crate::settings;

/// Steps of the reader that wait to be taken.
const STEPS_MAX: usize = 4;

/// Wait between two looks whether the engine has caught up.
const AHEAD_WAIT: Duration = Duration::from_millis(1);

/// With a speed, records go together that are less than this apart in real time. Units: ms.
const GRAIN_MS: f64 = 50.0;

/// What is to be replayed, and into what.
pub struct Replay {
    /// The files, in order, checked.
    pub sources: Vec<Source>,
    /// What they hold.
    pub format: Format,
    /// How fast log time passes.
    pub speed: Speed,
    /// Where the events go.
    pub target: Arc<dyn Target>,
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
    /// Returns the position behind the last record of care.events that each partition has read; one that is missing has read none.
    fn read_to(&self) -> Vec<(PartitionId, Position)>;

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
/// Before a file goes on that an earlier run began, and after every event that asks for a merge or that an alias passes on, it waits until
/// the engine is settled: what customers tell each other is stamped as its cause, or as the last record of its partition where that is
/// later, so it must not depend on how far ahead the source is.
///
/// Errors: see [`Error`].
pub async fn run(replay: Replay, gate: &dyn Gate, report: &dyn Report) -> Result<Tally, Error> {
    let mut reader = Reader::new(replay.rules(), replay.clock.now());
    let mut pace = Pace::new(replay.speed);
    for source in replay.sources.clone() {
        report.begun(&source.path, source.bytes);
        let held = replay.target.held(source.fingerprint).await?;
        let fingerprint = source.fingerprint;
        let (sender, mut steps) = mpsc::channel(STEPS_MAX);
        let reading = spawn_blocking(move || {
            let read = reader
                .read(&source, held, &mut |step| sender.blocking_send(step).map_err(|_| Error::Stopped));
            read.map(|()| reader)
        });
        while let Some(step) = steps.recv().await {
            match step {
                Step::Batch(batch) => replay.append(batch, fingerprint, (&mut pace, gate)).await?,
                Step::Passed(stamp) => {
                    replay.clock.reached(stamp);
                    gate.settled().await;
                }
                Step::Reached { bytes, rows } => report.reached(bytes, rows),
            }
        }
        reader = reading.await.map_err(|_| Error::ReaderDied)??;
    }
    Ok(reader.into_tally())
}

/// Checks all files, before anything is made or appended.
///
/// Errors: the first file that cannot be read or is not of the format.
pub fn check(files: &[PathBuf], format: Format, border: &Border) -> Result<Vec<Source>, Error> {
    files.iter().map(|path| Source::check(path, format, border)).collect()
}

impl Replay {
    fn rules(&self) -> Rules {
        Rules {
            format: self.format,
            border: self.border,
            partitions: self.target.log().partitions(),
            batch_rows: self.settings.batch_rows,
            batch_span: match self.speed {
                Speed::Max => Span(i64::MAX),
                Speed::Times(times) => Span((GRAIN_MS * times) as i64),
            },
            sort_memory_bytes: self.settings.sort_memory_mib.saturating_mul(1 << 20),
            scratch: self.scratch.clone(),
            examples_max: self.settings.examples_max,
        }
    }

    /// Appends a batch when its time has come and the engine is not too far behind.
    async fn append(&self, batch: Batch, source: u64, step: (&mut Pace, &dyn Gate)) -> Result<(), Error> {
        let (pace, gate) = step;
        let Batch { records, rows, stamp, then } = batch;
        let wait = pace.wait(stamp, self.clock.boot());
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        while ahead(self.target.log(), gate).await? >= self.settings.ahead_max {
            self.clock.sleep(AHEAD_WAIT).await;
        }
        self.target.play(Passage { source, rows, reached: self.clock.now(), records }).await?;
        self.clock.reached(stamp);
        match then {
            Then::GoOn => {}
            Then::Settle => gate.settled().await,
        }
        Ok(())
    }
}

/// Returns how many records of care.events no partition has read.
pub(crate) async fn ahead(log: &dyn LogSource, gate: &dyn Gate) -> Result<u64, log::Error> {
    let read_to = gate.read_to();
    let mut ahead: u64 = 0;
    let partitions = || (0..log.partitions()).map(PartitionId);
    // All at once: a log on servers answers them together.
    let ends = partitions().map(|partition| log.end(Topic::Events, partition));
    let ends = future::try_join_all(ends).await?;
    for (partition, end) in partitions().zip(ends) {
        let read = read_to.iter().find(|(of, _)| *of == partition).map_or(0, |(_, position)| position.0);
        ahead = ahead.saturating_add(end.0.saturating_sub(read));
    }
    Ok(ahead)
}

/// Keeps log time in step with real time.
pub struct Pace {
    speed: Speed,
    /// When the first batch was appended, and its stamp.
    begun: Option<(Duration, Timestamp)>,
}

impl Pace {
    /// Returns the pace of a source that has not begun.
    pub fn new(speed: Speed) -> Self {
        Self { speed, begun: None }
    }

    /// Returns how long to wait before records with this stamp are appended.
    pub fn wait(&mut self, stamp: Timestamp, boot: Duration) -> Duration {
        let Speed::Times(times) = self.speed else { return Duration::ZERO };
        let (begun, first) = *self.begun.get_or_insert((boot, stamp));
        let passed = (stamp - first).0.max(0) as f64 / 1_000.0 / times;
        let due = begun + Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX / 2);
        due.saturating_sub(boot)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_max_or_a_number_above_nothing() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        for bad in ["", "0", "-1", "inf", "NaN", "fast"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn log_time_keeps_step_with_real_time() {
        let mut pace = Pace::new(Speed::Times(60.0));
        let (boot, minute) = (Duration::from_secs(1_000), 60_000);
        assert_eq!(pace.wait(Timestamp(7 * minute), boot), Duration::ZERO, "the first is appended at once");
        assert_eq!(pace.wait(Timestamp(9 * minute), boot), Duration::from_secs(2));
        let later = boot + Duration::from_millis(1_500);
        assert_eq!(pace.wait(Timestamp(9 * minute), later), Duration::from_millis(500));
        assert_eq!(pace.wait(Timestamp(8 * minute), later), Duration::ZERO, "what is overdue does not wait");
        let mut fast = Pace::new(Speed::Max);
        assert_eq!(fast.wait(Timestamp(i64::MAX), boot), Duration::ZERO);
    }
}
