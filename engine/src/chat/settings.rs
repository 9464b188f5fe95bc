//! Section `chat` of the settings; `default.toml` says more of each key.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use openssl::rand::rand_bytes;
use serde::Deserialize;

use super::{Sessions, Tokens};
use crate::files;
use crate::settings::Secret;
use crate::settings::legal::Legal;

/// File of the secret that sessions are signed with, in the data folder.
const SECRET_FILE: &str = "chat-secret";

/// Bytes of a secret that the engine makes.
const SECRET_BYTES: usize = 32;

/// Shortest secret that people may choose: what RFC 7518 asks of a key of HS256. Units: bytes.
pub const SECRET_MIN: usize = 32;

/// How the shop signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// It does not: every page is anonymous.
    #[serde(rename = "none")]
    None,
    /// With a secret that the engine has too.
    HS256,
    /// With an RSA key.
    RS256,
    /// With a key on the curve P-256.
    ES256,
}

/// Whether there is a page to try the widget on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DemoPage {
    /// There is none.
    Off,
    /// There is one.
    On,
}

/// Section `chat`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "default.toml documents every key; a second text would drift from it")]
pub struct Settings {
    pub token_algorithm: Algorithm,
    pub token_secret: Secret,
    pub token_public_key: PathBuf,
    pub token_audience: String,
    pub session_secret: Secret,
    pub anonymous_days: i64,
    pub streams_max: usize,
    pub messages_per_minute: u32,
    pub open_hours: i64,
    pub demo_page: DemoPage,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("chat.token_algorithm", Legal::OneOf(&["none", "HS256", "RS256", "ES256"])),
    ("chat.token_secret", Legal::Secret),
    ("chat.token_public_key", Legal::OptionalPath),
    ("chat.token_audience", Legal::Text),
    ("chat.session_secret", Legal::Secret),
    ("chat.anonymous_days", Legal::Count(1, 365, "days")),
    ("chat.streams_max", Legal::Count(1, 1_000_000, "streams")),
    ("chat.messages_per_minute", Legal::Count(1, 10_000, "messages")),
    ("chat.open_hours", Legal::Count(1, 720, "hours")),
    ("chat.demo_page", Legal::OneOf(&["off", "on"])),
];

impl Settings {
    /// Returns what keys contradict others, each with what is wrong.
    pub fn contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut short = |key: &'static str, secret: &Secret| {
            let length = secret.reveal().len();
            if length < SECRET_MIN {
                found.push((key, format!("has {length} bytes; a secret needs at least {SECRET_MIN}")));
            }
        };
        if self.token_algorithm == Algorithm::HS256 {
            short("chat.token_secret", &self.token_secret);
        }
        if !self.session_secret.is_empty() {
            short("chat.session_secret", &self.session_secret);
        }
        let has_key = !self.token_public_key.as_os_str().is_empty();
        if matches!(self.token_algorithm, Algorithm::RS256 | Algorithm::ES256) && !has_key {
            let message = "is needed where chat.token_algorithm is RS256 or ES256";
            found.push(("chat.token_public_key", message.to_owned()));
        }
        found
    }

    /// Returns what reads the shop's tokens.
    ///
    /// Errors: the public key cannot be read, or is none for the algorithm.
    pub fn tokens(&self) -> Result<Tokens> {
        let audience = &self.token_audience;
        match self.token_algorithm {
            Algorithm::None => Ok(Tokens::none()),
            Algorithm::HS256 => Ok(Tokens::of_secret(self.token_secret.reveal().as_bytes(), audience)),
            Algorithm::RS256 | Algorithm::ES256 => {
                let path = &self.token_public_key;
                let told = || format!("failed to read {} (chat.token_public_key)", path.display());
                let pem = fs::read(path).with_context(told)?;
                Tokens::of_public_key(self.token_algorithm, &pem, audience).with_context(told)
            }
        }
    }

    /// Returns what signs sessions: by the secret of the settings, else by one in the data folder, which is made when there is none.
    ///
    /// Errors: the file cannot be read or written, or holds no secret.
    pub fn sessions(&self, data_dir: &Path) -> Result<Sessions> {
        if !self.session_secret.is_empty() {
            return Ok(Sessions::new(self.session_secret.reveal().as_bytes(), self.anonymous_days));
        }
        let path = data_dir.join(SECRET_FILE);
        let secret = match fs::read(&path) {
            Ok(secret) => secret,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => made(&path)?,
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", path.display())),
        };
        if secret.len() < SECRET_MIN {
            bail!("{} holds {} bytes, a secret has at least {SECRET_MIN}", path.display(), secret.len());
        }
        Ok(Sessions::new(&secret, self.anonymous_days))
    }
}

/// Makes a secret that lasts.
fn made(path: &Path) -> Result<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    rand_bytes(&mut secret).context("failed to make a secret: the system has no randomness")?;
    let folder = path.parent().expect("a file lies in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| files::replace(path, &secret));
    written.with_context(|| format!("failed to write {}", path.display()))?;
    Ok(secret)
}
