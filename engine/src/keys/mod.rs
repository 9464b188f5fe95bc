//! API keys: who may do what at the front doors.
//!
//! A key is a random secret behind readable words, shown once. The file ([`KeyFile`]) holds its hash alone; a running server looks at the
//! file again and again ([`Keys`]), so that a key that is revoked opens nothing within seconds. What each role may do stands with the
//! routes, not here.

mod file;
mod role;
mod secret;
mod watch;

pub use file::{Error, Key, KeyFile, KeyName};
pub use role::Role;
pub use secret::Secret;
pub use watch::{Holder, Keys};

/// The file of the keys within the data folder, where the settings name no other.
pub const KEYS_FILE: &str = "keys.json";
