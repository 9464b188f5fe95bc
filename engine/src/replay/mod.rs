//! Replays: from files on disk to durable records of care.events, exactly resumable.
//!
//! In the order of the way of a row: [`format`](mod@format) says what a row of each format is; [`tally`] counts; [`run`](mod@run) appends the rows to
//! the log, in step with the engine. What becomes of the events is the engine's business: nothing here folds, decides or waits for a score.

pub mod format;

pub mod error;
pub mod tally;

pub mod run;

pub use error::Error;
pub use format::Format;
pub use run::{Gate, Replay, Report, Speed, run};
pub use tally::{Example, Refused, Tally};
