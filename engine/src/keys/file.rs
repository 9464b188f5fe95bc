//! The file of the keys: made, read, and changed by one command at a time.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use openssl::error::ErrorStack;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Role;
use super::secret::{Secret, hash_of};
use crate::files::replace;

/// Format of the file that this version writes.
const FORMAT: u32 = 1;

/// Keys of a shop, at most.
const KEYS_MAX: usize = 1_000;

/// Longest name, in bytes.
const NAME_MAX: usize = 100;

/// The name that people know a key by: not blank, at most 100 bytes, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyName(String);

impl KeyName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim();
        let is_legal = !name.is_empty() && name.len() <= NAME_MAX && !name.chars().any(char::is_control);
        let legal = || format!("legal: 1 to {NAME_MAX} bytes without control characters");
        is_legal.then(|| Self(name.to_owned())).ok_or_else(legal)
    }
}

/// What is kept of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Names it for ever; stands in the key itself.
    pub id: String,
    /// What its holder is.
    pub role: Role,
    /// What people call it.
    pub name: KeyName,
    /// When it was made.
    pub created_ms: Timestamp,
    /// SHA-256 of the key's text, in hexadecimal digits.
    pub sha256: String,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    keys: Vec<Key>,
}

/// Why the file was not read or changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are told by the messages")]
pub enum Error {
    /// Somebody else's key has the name.
    #[error("there is a key named {0:?} already: choose another name, or revoke that one first")]
    NameTaken(String),
    /// There are too many.
    #[error("there are {KEYS_MAX} keys already: revoke some that nobody uses")]
    TooMany,
    /// There is no such key.
    #[error("there is no key with the name or id {asked:?}; there are: {known}")]
    Unknown { asked: String, known: String },
    /// The file holds something else.
    #[error("{} is damaged ({problem}): put a copy back, or move it away and make new keys", path.display())]
    Damaged { path: PathBuf, problem: String },
    /// The system has no randomness.
    #[error("the system gave no random numbers")]
    Random(#[from] ErrorStack),
    /// The system refused.
    #[error("{}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The file of the keys. It need not be there; then there are none.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// Returns the file at a path.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the keys, oldest first.
    ///
    /// Errors: the file cannot be read, or holds something else.
    pub fn list(&self) -> Result<Vec<Key>, Error> {
        match self.stated()? {
            Some(bytes) => self.parse(&bytes),
            None => Ok(Vec::new()),
        }
    }

    /// Makes a key. Its text is returned this once and kept nowhere.
    ///
    /// Errors: the name is taken · there are too many · the file cannot be read or written.
    pub fn create(&self, role: Role, name: &KeyName, now: Timestamp) -> Result<(Key, Secret), Error> {
        let _lock = self.lock()?;
        let mut keys = self.list()?;
        if keys.iter().any(|key| key.name == *name) {
            return Err(Error::NameTaken(name.as_str().to_owned()));
        }
        if keys.len() >= KEYS_MAX {
            return Err(Error::TooMany);
        }
        let (id, secret) = Secret::generate(role)?;
        let sha256 = hash_of(secret.reveal());
        let key = Key { id, role, name: name.clone(), created_ms: now, sha256 };
        keys.push(key.clone());
        self.write(keys)?;
        Ok((key, secret))
    }

    /// Takes a key out, by its name or id, and returns it. A name counts before an id.
    ///
    /// Errors: there is no such key · the file cannot be read or written.
    pub fn revoke(&self, asked: &str) -> Result<Key, Error> {
        let _lock = self.lock()?;
        let mut keys = self.list()?;
        let named = keys.iter().position(|key| key.name.as_str() == asked);
        let Some(place) = named.or_else(|| keys.iter().position(|key| key.id == asked)) else {
            let known: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::Unknown { asked: asked.to_owned(), known });
        };
        let key = keys.remove(place);
        self.write(keys)?;
        Ok(key)
    }

    /// Returns what the file says, byte by byte, for whoever waits for a change; `None` where it is missing.
    pub(super) fn stated(&self) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.io(source)),
        }
    }

    pub(super) fn parse(&self, bytes: &[u8]) -> Result<Vec<Key>, Error> {
        let damaged = |problem: String| Error::Damaged { path: self.path.clone(), problem };
        let content: Content = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if content.format != FORMAT {
            return Err(damaged(format!("format {}, this version reads {FORMAT}", content.format)));
        }
        Ok(content.keys)
    }

    /// Keeps other commands out until the lock is dropped. It lies on the folder, which every write leaves in place.
    fn lock(&self) -> Result<File, Error> {
        let folder = self.folder();
        fs::create_dir_all(folder).map_err(|source| self.io(source))?;
        let lock = File::open(folder).map_err(|source| self.io(source))?;
        lock.lock().map_err(|source| self.io(source))?;
        Ok(lock)
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn write(&self, keys: Vec<Key>) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(&Content { format: FORMAT, keys }).expect("keys are JSON");
        let name = self.path.file_name().unwrap_or_default();
        replace(&self.folder().join(name), (text + "\n").as_bytes()).map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file() -> (tempfile::TempDir, KeyFile) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = KeyFile::new(dir.path().join("new").join("keys.json"));
        (dir, file)
    }

    fn name(text: &str) -> KeyName {
        text.parse().expect("a legal name")
    }

    #[test]
    fn the_file_holds_no_secret_and_is_its_owners_alone() {
        let (_dir, file) = file();
        assert_eq!(file.list().expect("no file is no keys"), []);
        let (key, secret) = file.create(Role::Ingest, &name("web"), Timestamp(7)).expect("made");
        assert!(secret.reveal().starts_with(&format!("care_ingest_{}_", key.id)), "{}", secret.reveal());
        assert_eq!(format!("{secret:?}"), "a key");
        let text = fs::read_to_string(file.path()).expect("written");
        let random = secret.reveal().rsplit('_').next().expect("a last part");
        assert!(random.len() == 64 && !text.contains(random), "{text}");
        let mode = fs::metadata(file.path()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(file.list().expect("readable"), [key]);
    }

    #[test]
    fn a_key_is_revoked_by_its_name_or_id_and_the_others_stay() {
        let (_dir, file) = file();
        let made = |role, called| file.create(role, &name(called), Timestamp(7)).expect("made").0;
        let (web, desk) = (made(Role::Ingest, "web"), made(Role::Agent, "help desk"));
        let again = file.create(Role::Admin, &name("web"), Timestamp(8)).expect_err("taken");
        assert!(again.to_string().contains("\"web\""), "{again}");
        assert_eq!(file.revoke("help desk").expect("by name"), desk);
        assert_eq!(file.revoke(&web.id).expect("by id"), web);
        let nobody = file.revoke("web").expect_err("gone").to_string();
        assert!(nobody.contains("\"web\"") && nobody.contains("none"), "{nobody}");
    }

    #[test]
    fn two_commands_at_once_both_make_their_key() {
        let (_dir, file) = file();
        std::thread::scope(|scope| {
            for nth in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    file.create(Role::Ingest, &name(&format!("k{nth}")), Timestamp(7)).expect("made")
                });
            }
        });
        assert_eq!(file.list().expect("readable").len(), 8);
    }

    #[test]
    fn a_damaged_file_and_bad_names_are_refused_with_what_to_do() {
        let (dir, _) = file();
        let file = KeyFile::new(dir.path().join("keys.json"));
        for text in ["", "{", "{\"format\":2,\"keys\":[]}", "{\"format\":1,\"keys\":[],\"more\":1}"] {
            fs::write(file.path(), text).expect("written");
            let error = file.list().expect_err("damaged").to_string();
            assert!(error.contains("is damaged") && error.contains("put a copy back"), "{error}");
        }
        for bad in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad:?}");
        }
    }
}
