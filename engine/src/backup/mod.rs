//! Backups of the embedded database, and what is done with them: taken while the engine runs, restored, moved into another store.
//!
//! A backup is a folder of plain files: one per table, keys and values one after the other as one snapshot of the database has them, and
//! a manifest, written last. A snapshot lies between two group commits, so log, rows, ledger, leases and committed positions agree.
//!
//! Read in this order: [`manifest`] is what a backup says of itself; [`file`] is one file of it; [`take`] writes one; [`control`] asks the
//! engine that holds the data folder for one; [`restore`] makes a data folder of it; [`import`] moves it through the ports into any store
//! and log.

pub mod manifest;

pub mod file;

pub mod take;

pub mod control;

pub mod restore;

pub mod import;

use std::io;
use std::path::{Path, PathBuf};

use actors::port::{log, store};

use crate::embedded::{Failure, directory};

/// Why a backup cannot be taken, restored or imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused an operation.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something is there already.
    #[error("folder {} is not empty: name one that does not exist yet", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// There is no manifest.
    #[error("folder {} holds no backup: it has no manifest.json, which is written last", path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest cannot be used.
    #[error("the backup in {} cannot be used: {what}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file is not what the manifest says.
    #[error("file {file} of the backup is damaged: {what}; use another backup")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The new data folder cannot be made.
    #[error(transparent)]
    Folder(#[from] directory::Error),
    /// The database failed.
    #[error("the embedded database failed: {0}")]
    Data(Failure),
    /// The store that a shop is moved into failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The log that a shop is moved into failed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The store or log cannot take the shop.
    #[error("{0}")]
    Target(String),
    /// Whoever asked for it is gone.
    #[error("nobody waits for it any more")]
    Stopped,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::Data(failure)
    }
}

impl From<fjall::Error> for Error {
    fn from(error: fjall::Error) -> Self {
        Error::Data(error.into())
    }
}

/// How far it is. Units: bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// Done.
    pub done: u64,
    /// Of about so many.
    pub of: u64,
}

/// Is told how far it is.
///
/// Errors: nobody waits for it any more; it is broken off.
pub type Watch<'a> = &'a mut dyn FnMut(Step) -> Result<(), Error>;

/// Returns the error of an operation on a path.
fn failed<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::Io { what, path: path.to_owned(), source }
}
