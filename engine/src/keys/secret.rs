//! The secret of a key, and the hash that is kept of it.
//!
//! The hash is one SHA-256. A slow hash with salt is for passwords, which people choose and others can guess; 256 random bits are guessed
//! by nobody, however fast a guess is, and a fast hash costs a request nothing.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use openssl::sha::sha256;

use super::Role;

/// What every key begins with, so that one is recognised where it should not be.
const PREFIX: &str = "care";

/// Random bytes of an id: enough to tell the keys of a shop apart.
const ID_BYTES: usize = 4;

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// The text of a key: `care_ROLE_ID_SECRET`. Never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns a new key for a role, and its id.
    ///
    /// Errors: the system has no randomness.
    pub(super) fn generate(role: Role) -> Result<(String, Self), ErrorStack> {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        rand_bytes(&mut id)?;
        rand_bytes(&mut secret)?;
        let id = hex(&id);
        let text = format!("{PREFIX}_{}_{id}_{}", role.as_str(), hex(&secret));
        Ok((id, Self(text)))
    }

    /// Returns the text, to be handed to whoever asked for it and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
}

/// Returns the id that a text names, when it is written as a key is.
pub(super) fn id_of(text: &str) -> Option<&str> {
    let mut parts = text.split('_');
    let (prefix, _role, id) = (parts.next()?, parts.next()?, parts.next()?);
    (prefix == PREFIX && id.len() == 2 * ID_BYTES).then_some(id)
}

/// Returns what is kept of a key.
pub(super) fn hash_of(text: &str) -> String {
    hex(&sha256(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
