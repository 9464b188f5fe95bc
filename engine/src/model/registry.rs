//! Where models live, and which one is active: one per head, chosen by a file that a running engine looks at each second.
//!
//! The shop's models lie in a folder, `HEAD/VERSION/` each; those that came with the engine lie in the program. `HEAD/active.json` lists
//! what was chosen, the last in force; without it the shipped model is active, and where there is none the rule score answers.
//! Nothing is chosen that does not load whole and reproduce its golden pair.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use schemas::score::Head;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::artefact::Artefact;
use super::manifest::{Manifest, is_version};
use super::shipped::{SHIPPED, Shipped};
use crate::files::replace;

/// Name of the file that says which model of a head is active.
pub const ACTIVE_FILE: &str = "active.json";

/// Format of that file.
const ACTIVE_FORMAT: u32 = 1;

/// Choices of a head that are remembered, the newest.
const HISTORY_MAX: usize = 100;

/// The word that stands for the rule score where a version is expected.
pub const RULES: &str = "rules";

/// What answers for a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The rule score.
    Rules,
    /// The model of this version.
    Model(SmolStr),
}

impl Choice {
    /// Returns the choice that a version, or the word for the rule score, stands for.
    pub fn of(version: &str) -> Self {
        if version == RULES { Choice::Rules } else { Choice::Model(version.into()) }
    }

    /// Returns the version, or the word for the rule score.
    pub fn as_str(&self) -> &str {
        match self {
            Choice::Rules => RULES,
            Choice::Model(version) => version,
        }
    }
}

/// Where a model lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It came with the engine.
    Shipped,
    /// In the folder of models.
    Folder,
}

/// A model that is there.
#[derive(Debug)]
pub struct Known {
    /// Its version.
    pub version: SmolStr,
    /// Where it lies.
    pub place: Place,
    /// The model, or why it is refused.
    pub loaded: Result<Artefact, Error>,
}

/// What was chosen for a head, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// A version, or the word for the rule score.
    pub version: SmolStr,
    /// When it was chosen.
    pub at_ms: Timestamp,
}

/// The content of the file that says what is active.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Active {
    format: u32,
    /// Oldest first; the last is in force.
    history: Vec<Entry>,
}

/// Why there is no model, or a choice is not made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are told by the messages")]
pub enum Error {
    /// There is no such version.
    #[error("{head} has no model {version:?}; there are: {known}")]
    NoVersion { head: &'static str, version: String, known: String },
    /// The model is there and is refused.
    #[error("model {version} of {head} is refused")]
    Refused { head: &'static str, version: SmolStr, source: super::Error },
    /// Two models have one name.
    #[error("{head} has two models {version}, one in {} and another one that came with the engine: rename the folder and the version in its model.json", path.display())]
    Twice { head: &'static str, version: SmolStr, path: PathBuf },
    /// The file that says what is active cannot be understood.
    #[error("{} is damaged ({problem}): `care models activate` writes it anew, without it the shipped model is active", path.display())]
    Active { path: PathBuf, problem: String },
    /// Nothing was chosen before.
    #[error("{head} goes by {active}, which nobody chose: there is nothing to roll back")]
    NothingBefore { head: &'static str, active: String },
    /// The system refused.
    #[error("{}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The models of a shop.
#[derive(Clone, Debug)]
pub struct Registry {
    dir: PathBuf,
    shipped: Vec<Shipped>,
}

impl Registry {
    /// Returns the models in a folder, which need not exist, and those that came with the engine.
    pub fn new(dir: &Path) -> Self {
        Self::with_shipped(dir, SHIPPED)
    }

    pub(crate) fn with_shipped(dir: &Path, shipped: &[Shipped]) -> Self {
        Self { dir: dir.to_owned(), shipped: shipped.to_vec() }
    }

    /// Returns the folder of a head's models.
    pub fn folder(&self, head: Head) -> PathBuf {
        self.dir.join(head.as_str())
    }

    fn active_file(&self, head: Head) -> PathBuf {
        self.folder(head).join(ACTIVE_FILE)
    }

    /// Returns what the file of a head says, byte by byte, for whoever waits for a change; `None` where it is missing or unreadable.
    pub fn stated(&self, head: Head) -> Option<Vec<u8>> {
        fs::read(self.active_file(head)).ok()
    }

    /// Returns what was chosen for a head, oldest first.
    ///
    /// Errors: the file cannot be read or understood.
    pub fn history(&self, head: Head) -> Result<Vec<Entry>, Error> {
        let path = self.active_file(head);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::Io { path, source }),
        };
        let damaged = |problem: String| Error::Active { path: path.clone(), problem };
        let active: Active = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        match active.format {
            ACTIVE_FORMAT => Ok(active.history),
            format => {
                Err(damaged(format!("format is {format}; this version of the engine reads {ACTIVE_FORMAT}")))
            }
        }
    }

    /// Returns what answers for a head.
    ///
    /// Errors: as for the history.
    pub fn choice(&self, head: Head) -> Result<Choice, Error> {
        Ok(self.history(head)?.last().map_or_else(|| self.unchosen(head), |entry| Choice::of(&entry.version)))
    }

    /// Returns what answers for a head when nothing was chosen.
    fn unchosen(&self, head: Head) -> Choice {
        self.shipped_version(head).map_or(Choice::Rules, Choice::Model)
    }

    fn of_program(&self, head: Head) -> Option<&Shipped> {
        self.shipped.iter().find(|shipped| shipped.head == head)
    }

    fn shipped_version(&self, head: Head) -> Option<SmolStr> {
        let manifest = Manifest::from_json(self.of_program(head)?.manifest);
        Some(manifest.expect("a test loads every shipped model").version)
    }

    /// Returns the model that is active for a head, `None` where the rule score answers.
    ///
    /// Errors: what is active is unknown, missing or refused.
    pub fn active(&self, head: Head) -> Result<Option<Artefact>, Error> {
        self.load(head, &self.choice(head)?)
    }

    /// Returns the model of a choice, `None` for the rule score.
    ///
    /// Errors: there is no such model, it is refused, or it has the name of another one.
    pub fn load(&self, head: Head, choice: &Choice) -> Result<Option<Artefact>, Error> {
        let Choice::Model(version) = choice else { return Ok(None) };
        // A name that is no version would lead out of the folder.
        let path = self.folder(head).join(version);
        let in_folder = is_version(version) && path.is_dir();
        let shipped = self.of_program(head).filter(|_| self.shipped_version(head).as_ref() == Some(version));
        let refused = |source| Error::Refused { head: head.as_str(), version: version.clone(), source };
        let loaded = match (in_folder, shipped) {
            (false, None) => return Err(self.no_version(head, version)),
            (false, Some(shipped)) => {
                Artefact::from_bytes(shipped.manifest, shipped.weights).map_err(refused)?
            }
            (true, shipped) => {
                let loaded = Artefact::load(&path).map_err(refused)?;
                let other = |shipped: &Shipped| loaded.manifest().to_json().as_bytes() != shipped.manifest;
                if shipped.is_some_and(other) {
                    return Err(Error::Twice { head: head.as_str(), version: version.clone(), path });
                }
                loaded
            }
        };
        let manifest = loaded.manifest();
        if manifest.head != head {
            let (found, wanted) = (manifest.head.as_str(), head.as_str());
            return Err(refused(super::Error::Head { found, wanted }));
        }
        if manifest.version != *version {
            let (found, wanted) = (manifest.version.to_string(), version.to_string());
            return Err(refused(super::Error::OtherVersion { found, wanted }));
        }
        Ok(Some(loaded))
    }

    fn no_version(&self, head: Head, version: &str) -> Error {
        let known = self.versions(head).map(|mut known| {
            known.push((RULES.into(), Place::Shipped));
            known.iter().map(|(version, _)| version.as_str()).collect::<Vec<_>>().join(", ")
        });
        let known = known.unwrap_or_else(|_| RULES.to_owned());
        Error::NoVersion { head: head.as_str(), version: version.to_owned(), known }
    }

    /// Returns every version of a head by name.
    fn versions(&self, head: Head) -> Result<Vec<(SmolStr, Place)>, Error> {
        let folder = self.folder(head);
        let failed = |source| Error::Io { path: folder.clone(), source };
        let mut versions: Vec<_> = Vec::new();
        match fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(failed)?;
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if is_version(&name) && entry.path().is_dir() {
                        versions.push((SmolStr::from(name), Place::Folder));
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(failed(source)),
        }
        if let Some(version) = self.shipped_version(head)
            && versions.iter().all(|(known, _)| *known != version)
        {
            versions.push((version, Place::Shipped));
        }
        versions.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(versions)
    }

    /// Returns every model of a head, each loaded whole.
    ///
    /// Errors: the folder cannot be read.
    pub fn list(&self, head: Head) -> Result<Vec<Known>, Error> {
        let load = |version: &SmolStr| {
            let loaded = self.load(head, &Choice::Model(version.clone()));
            loaded.map(|model| model.expect("a version is a model"))
        };
        let versions = self.versions(head)?.into_iter();
        Ok(versions.map(|(version, place)| Known { loaded: load(&version), version, place }).collect())
    }

    /// Makes a model, or the rule score, the one that answers for a head; returns what did before.
    ///
    /// Errors: there is no such model, it is refused, or the file cannot be written; what was active then stays so.
    pub fn activate(&self, head: Head, choice: &Choice, at: Timestamp) -> Result<Choice, Error> {
        self.load(head, choice)?;
        let _alone = self.lock(head)?;
        let mut history = match self.history(head) {
            Ok(history) => history,
            // What cannot be understood cannot be rolled back to either.
            Err(Error::Active { .. }) => Vec::new(),
            Err(other) => return Err(other),
        };
        let before = history.last().map_or_else(|| self.unchosen(head), |entry| Choice::of(&entry.version));
        if before == *choice {
            return Ok(before);
        }
        history.push(Entry { version: choice.as_str().into(), at_ms: at });
        self.write(head, history)?;
        Ok(before)
    }

    /// Makes what answered before the one that answers for a head; returns what was given up and what answers now.
    ///
    /// Errors: nothing was chosen; what answered before is missing or refused now; the file cannot be written.
    pub fn rollback(&self, head: Head) -> Result<(Choice, Choice), Error> {
        let _alone = self.lock(head)?;
        let mut history = self.history(head)?;
        let Some(given_up) = history.pop() else {
            let active = self.unchosen(head).as_str().to_owned();
            return Err(Error::NothingBefore { head: head.as_str(), active });
        };
        let before = history.last().map_or_else(|| self.unchosen(head), |entry| Choice::of(&entry.version));
        self.load(head, &before)?;
        self.write(head, history)?;
        Ok((Choice::of(&given_up.version), before))
    }

    fn write(&self, head: Head, mut history: Vec<Entry>) -> Result<(), Error> {
        history.drain(..history.len().saturating_sub(HISTORY_MAX));
        let path = self.active_file(head);
        let active = Active { format: ACTIVE_FORMAT, history };
        let text = serde_json::to_string_pretty(&active).expect("text keys and numbers") + "\n";
        replace(&path, text.as_bytes()).map_err(|source| Error::Io { path, source })
    }

    /// Keeps other processes from choosing at the same time, until the file is dropped.
    fn lock(&self, head: Head) -> Result<File, Error> {
        let folder = self.folder(head);
        let path = folder.join("active.lock");
        let lock = || {
            fs::create_dir_all(&folder)?;
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| Error::Io { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests;
