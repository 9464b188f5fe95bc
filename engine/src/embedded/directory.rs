//! The data directory: who may open it, and in which format it is. Nothing here looks into the database itself.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::keys::KEYS_FILE;
use crate::predict::MODELS_FOLDER;

/// Format of the data directory that this version writes. Raised with every change that an older version would misread.
pub const FORMAT: u32 = 1;

/// Oldest format that this version still reads.
const FORMAT_OLDEST: u32 = 1;

const LOCK_FILE: &str = "care.lock";
const FORMAT_FILE: &str = "care.format";
const FORMAT_WORDS: &str = "care data format ";

/// A data directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Holds the lock; the system releases it when the process ends, however it ends.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process works in it.
    #[error("data directory {} is in use by {holder}: stop that process, or choose another directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other process, as far as it is known.
        holder: String,
    },
    /// A newer version of the engine wrote it.
    #[error(
        "data directory {} has format {found}, this version of the engine reads up to {FORMAT}: use the version that wrote it, or a newer one",
        path.display()
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A version of the engine wrote it that is too old.
    #[error("data directory {} has format {found}, this version of the engine reads from {FORMAT_OLDEST} on", path.display())]
    Older {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It holds something else.
    #[error("directory {} is not empty and holds no data of the engine ({found} is in it): choose an empty one", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Something that is in it.
        found: String,
    },
    /// Its format marker cannot be understood.
    #[error("data directory {} has an unreadable format marker in file {FORMAT_FILE}: {text:?}", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What stands in the marker.
        text: String,
    },
    /// The system refused an operation.
    #[error("data directory {} cannot be used", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Directory {
    /// Makes the directory where it is missing, takes its lock and checks its format.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let lock = take_lock(path)?;
        match fs::read_to_string(path.join(FORMAT_FILE)) {
            Ok(text) => check_format(path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check_empty(path)?;
                write_format(path).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Makes the directory and takes its lock. Nobody takes it for a data directory before [`Directory::finish`].
    ///
    /// Errors: something is in it.
    pub fn begin(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let lock = take_lock(path)?;
        check_empty(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Makes the directory a data directory.
    pub fn finish(&self) -> Result<(), Error> {
        write_format(&self.path).map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// Returns where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns true when there is a data directory at `path`, of whatever version.
pub fn exists(path: &Path) -> bool {
    path.join(FORMAT_FILE).exists()
}

fn take_lock(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let file = path.join(LOCK_FILE);
    let mut lock =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = lock.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let holder = if known { format!("process {}", pid.trim()) } else { "another process".to_owned() };
            return Err(Error::InUse { path: path.to_owned(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    // For people who ask who holds it; the lock itself is the system's.
    lock.set_len(0).map_err(failed)?;
    lock.seek(SeekFrom::Start(0)).map_err(failed)?;
    write!(lock, "{}", std::process::id()).map_err(failed)?;
    Ok(lock)
}

fn check_format(path: &Path, text: &str) -> Result<(), Error> {
    let number = text.strip_prefix(FORMAT_WORDS).and_then(|rest| rest.trim().parse::<u32>().ok());
    let path = path.to_owned();
    match number {
        None => Err(Error::Unreadable { path, text: text.chars().take(80).collect() }),
        Some(found) if found > FORMAT => Err(Error::Newer { path, found }),
        Some(found) if found < FORMAT_OLDEST => Err(Error::Older { path, found }),
        Some(_) => Ok(()),
    }
}

fn check_empty(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        // A temporary marker is what a crash within `write_format` leaves; `lost+found` is what a fresh file system holds; models
        // and keys may be there before the first event is.
        let may_be_there = [LOCK_FILE, temporary_name(), MODELS_FOLDER, KEYS_FILE, "lost+found"];
        if !may_be_there.iter().any(|expected| name == *expected) {
            let found = name.to_string_lossy().into_owned();
            return Err(Error::Foreign { path: path.to_owned(), found });
        }
    }
    Ok(())
}

fn temporary_name() -> &'static str {
    "care.format.new"
}

/// Writes the marker so that it is there whole or not at all.
fn write_format(path: &Path) -> io::Result<()> {
    let temporary = path.join(temporary_name());
    let mut file = File::create(&temporary)?;
    writeln!(file, "{FORMAT_WORDS}{FORMAT}")?;
    file.sync_all()?;
    fs::rename(temporary, path.join(FORMAT_FILE))?;
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_in_use_names_the_process_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let held = Directory::open(dir.path()).unwrap();
        let error = Directory::open(dir.path()).unwrap_err().to_string();
        let pid = std::process::id().to_string();
        assert!(error.contains(&pid) && error.contains("stop that process"), "{error}");
        drop(held);
        Directory::open(dir.path()).unwrap();
    }

    #[test]
    fn newer_format_is_refused_with_both_numbers() {
        let dir = tempfile::tempdir().unwrap();
        drop(Directory::open(dir.path()).unwrap());
        fs::write(dir.path().join(FORMAT_FILE), format!("{FORMAT_WORDS}42\n")).unwrap();
        let error = Directory::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("format 42") && error.contains(&format!("up to {FORMAT}")), "{error}");
    }

    #[test]
    fn older_and_unreadable_formats_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Directory::open(dir.path()).unwrap());
        for (marker, words) in [("care data format 0\n", "reads from"), ("\u{1}\u{2}", "unreadable")] {
            fs::write(dir.path().join(FORMAT_FILE), marker).unwrap();
            let error = Directory::open(dir.path()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn foreign_directory_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "years of work").unwrap();
        let error = Directory::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("thesis.tex"), "{error}");
    }
}
