//! Why a replay ends early. What was appended before stays, and the next run goes on behind it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use actors::port::log;

use super::Format;

/// Formats that a file may be of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookalikes(pub Vec<Format>);

impl fmt::Display for Lookalikes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|format| format.as_str()).collect();
        if names.is_empty() { Ok(()) } else { write!(f, ". It looks like --format {}", names.join(" or ")) }
    }
}

/// Why a replay ends early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be opened.
    #[error("{path} cannot be opened", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is something else; found before anything is appended.
    #[error("{path} is no {format} file: {found}{instead}", path = path.display())]
    NotOfFormat {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// What was found, and what was expected.
        found: String,
        /// What it may be instead.
        instead: Lookalikes,
    },
    /// Packed data ends in the middle.
    #[error(
        "{path} is cut off: its packed data ends in the middle, at byte {byte}, behind line {line}. What came before is in the log; \
         a whole copy of the file is another source, so replay it into a new data folder, or new topics and a new keyspace",
        path = path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Bytes of the file that were read.
        byte: u64,
        /// Whole lines that were read.
        line: u64,
    },
    /// A file cannot be read on, or its packed data is damaged.
    #[error("{path} cannot be read beyond byte {byte}, behind line {line}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Bytes of the file that were read.
        byte: u64,
        /// Whole lines that were read.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// The temporary files for ordering a file by time cannot be written or read.
    #[error("temporary files in {folder} for ordering by time failed", folder = folder.display())]
    Scratch {
        /// Where they are.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log took no more.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// Nobody wants the rest: the replay was dropped.
    #[error("the replay was stopped")]
    Stopped,
    /// The thread that reads the files is gone.
    #[error("the reader of the files died")]
    ReaderDied,
}

impl Error {
    /// Returns true when a file that is read is at fault, not what the events go into.
    pub fn is_of_a_file(&self) -> bool {
        match self {
            Error::Open { .. } | Error::NotOfFormat { .. } | Error::CutOff { .. } | Error::Read { .. } => {
                true
            }
            Error::Scratch { .. } | Error::Log(_) | Error::Stopped | Error::ReaderDied => false,
        }
    }
}
