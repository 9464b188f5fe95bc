//! The keys as a running server sees them.

use std::sync::{PoisonError, RwLock};

use openssl::memcmp;
use smol_str::SmolStr;

use super::Role;
use super::file::{Error, Key, KeyFile};
use super::secret::{hash_of, id_of};

/// Who shows a key that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Id of the key.
    pub id: SmolStr,
    /// What the holder is.
    pub role: Role,
}

/// The keys that are in force, as the file said when it was looked at last.
#[derive(Debug)]
pub struct Keys {
    file: KeyFile,
    seen: RwLock<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What the file said; `None` where it was missing.
    stated: Option<Vec<u8>>,
    keys: Vec<Key>,
    /// The last complaint, so that each is told once.
    complaint: Option<String>,
}

impl Keys {
    /// Returns the keys of a file.
    ///
    /// Errors: the file cannot be read, or holds something else. One that is missing holds none.
    pub fn open(file: KeyFile) -> Result<Self, Error> {
        let stated = file.stated()?;
        let keys = stated.as_ref().map_or(Ok(Vec::new()), |bytes| file.parse(bytes))?;
        if keys.is_empty() {
            tracing::warn!(file = %file.path().display(), "there are no keys: nobody can send events before `care keys create`");
        }
        Ok(Self { file, seen: RwLock::new(Seen { stated, keys, complaint: None }) })
    }

    /// Looks at the file. One that cannot be read or understood changes nothing; one that is gone leaves no key in force.
    pub fn look(&self) {
        let read = self.file.stated().and_then(|stated| {
            if self.seen.read().unwrap_or_else(PoisonError::into_inner).stated == stated {
                return Ok(None);
            }
            let keys = stated.as_ref().map_or(Ok(Vec::new()), |bytes| self.file.parse(bytes))?;
            Ok(Some((stated, keys)))
        });
        let mut seen = match &read {
            Ok(None) => return,
            Ok(Some(_)) | Err(_) => self.seen.write().unwrap_or_else(PoisonError::into_inner),
        };
        match read {
            Ok(None) => {}
            Ok(Some((stated, keys))) => {
                tracing::info!(keys = keys.len(), "keys read again");
                *seen = Seen { stated, keys, complaint: None };
            }
            Err(error) => {
                let reason = format!("{:#}", anyhow::Error::from(error));
                if seen.complaint.as_ref() != Some(&reason) {
                    tracing::error!(reason, "the file of keys is refused, those known before go on");
                    seen.complaint = Some(reason);
                }
            }
        }
    }

    /// Returns who shows this key; `None` when it is none that is in force. Compares in a time that tells nothing of the kept hash.
    pub fn holder(&self, text: &str) -> Option<Holder> {
        let id = id_of(text)?;
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let key = seen.keys.iter().find(|key| key.id == id)?;
        let (shown, kept) = (hash_of(text), &key.sha256);
        let is_it = shown.len() == kept.len() && memcmp::eq(shown.as_bytes(), kept.as_bytes());
        is_it.then(|| Holder { id: SmolStr::new(id), role: key.role })
    }
}

#[cfg(test)]
mod tests {
    use schemas::time::Timestamp;

    use super::*;

    #[test]
    fn a_key_opens_while_it_is_in_the_file_and_no_other_text_does() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = KeyFile::new(dir.path().join("keys.json"));
        let keys = Keys::open(file.clone()).expect("no file is no keys");
        let (key, secret) =
            file.create(Role::Analyst, &"report".parse().expect("a name"), Timestamp(7)).expect("made");
        let text = secret.reveal();
        assert_eq!(keys.holder(text), None, "not looked at yet");
        keys.look();
        assert_eq!(keys.holder(text), Some(Holder { id: key.id.as_str().into(), role: Role::Analyst }));
        let other_end = format!("{}x", &text[..text.len() - 1]);
        let other_role = text.replace("analyst", "admin");
        for wrong in ["", "care", "care_analyst", &key.id, &other_end, &other_role, &format!("{text}0")] {
            assert_eq!(keys.holder(wrong), None, "{wrong}");
        }
        std::fs::write(file.path(), "half a fi").expect("written");
        keys.look();
        assert!(keys.holder(text).is_some(), "what cannot be read revokes nothing");
        std::fs::remove_file(file.path()).expect("there");
        keys.look();
        assert_eq!(keys.holder(text), None, "without a file there is no key");
    }
}
