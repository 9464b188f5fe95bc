//! Replays: from files on disk to durable records of care.events, exactly resumable.
//!
//! In the order of the way of a row: [`input`] opens a file, packed or not, and reads its lines; [`sort`] orders by time what has to be;
//! [`row`] gives every row an id; [`format`](mod@format) makes events of rows; [`read`] makes batches of them; [`run`](mod@run) appends
//! these to the log, a [`target`], in step with the engine as [`gate`] shows it; [`tally`] is what they count. [`ordered`] puts files in order for who looks back from a date. What becomes of the events is the engine's business: nothing
//! here folds, decides or waits for a score.

pub mod error;
pub mod tally;

pub mod input;
pub mod sort;

pub mod format;
pub mod row;

pub mod gate;
pub mod target;

pub mod read;
pub mod run;

pub mod ordered;

pub use error::Error;
pub use format::Format;
pub use run::{Gate, Pace, Replay, Report, Speed, check, run};
pub use tally::{Example, Refused, Tally};
pub use target::{Held, Passage, Target};

#[cfg(test)]
mod tests;
