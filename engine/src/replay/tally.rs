//! What a replay counts. `rows_read` is the sum of all the rest: a row is appended, was already, is rejected, or is skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a replay read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows of all files, those of earlier runs included: every run reads its files from the start.
    pub rows_read: u64,
    /// Rows that this run appended as events.
    pub appended: u64,
    /// Rows that an earlier run had appended as events.
    pub already: u64,
    /// Rows that equal an earlier row of their file and count all the same; contained in the other figures.
    pub repeats: u64,
    /// Rows that are no events, by reason.
    pub rejected: BTreeMap<&'static str, Refused>,
    /// Rows that are good and no customer's event, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// Rows rejected for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub rows: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// One rejected row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

impl Tally {
    /// Returns how many rows were rejected, for whatever reason.
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().map(|refused| refused.rows).sum()
    }

    /// Returns how many rows were skipped, for whatever reason.
    pub fn skipped_rows(&self) -> u64 {
        self.skipped.values().sum()
    }
}
