//! Signatures: HMAC-SHA256 over id, timestamp and body, with every secret that is in force.

use openssl::base64::{decode_block, encode_block};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use crate::settings::Secret;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Secrets in force at once, at most: more would make a header that servers refuse.
const SECRETS_MAX: usize = 8;

/// The secrets that sign.
pub(super) struct Secrets(Vec<PKey<Private>>);

impl Secrets {
    /// Returns the secrets of a setting: `whsec_` and base64, several with spaces or commas between them.
    ///
    /// Errors: what is wrong, in words that hold nothing of a secret.
    pub(super) fn parse(text: &Secret) -> Result<Self, String> {
        let words = text.reveal().split([' ', ',', '\n', '\t']).filter(|word| !word.is_empty());
        let keys: Vec<Option<PKey<Private>>> = words.map(key).collect();
        if keys.is_empty() || keys.len() > SECRETS_MAX {
            return Err(format!("holds {} secrets; legal: 1 to {SECRETS_MAX}", keys.len()));
        }
        let bad = keys.iter().position(Option::is_none);
        match bad {
            Some(place) => Err(format!(
                "secret {} is not {PREFIX} and base64 of {} to {} bytes",
                place + 1,
                BYTES.start(),
                BYTES.end()
            )),
            None => Ok(Self(keys.into_iter().flatten().collect())),
        }
    }

    /// Returns the header `webhook-signature`: one signature per secret, in their order.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Result<String, ErrorStack> {
        let signatures = self.0.iter().map(|key| {
            let mut signer = Signer::new(MessageDigest::sha256(), key)?;
            signer.update(format!("{id}.{timestamp}.").as_bytes())?;
            signer.update(body)?;
            Ok(format!("v1,{}", encode_block(&signer.sign_to_vec()?)))
        });
        Ok(signatures.collect::<Result<Vec<_>, ErrorStack>>()?.join(" "))
    }
}

fn key(word: &str) -> Option<PKey<Private>> {
    let bytes = decode_block(word.strip_prefix(PREFIX)?).ok()?;
    BYTES.contains(&bytes.len()).then(|| PKey::hmac(&bytes).ok())?
}
