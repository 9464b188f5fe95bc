//! The outreach room: one file per kind of channel. A new one is a file, and an arm in [`Kind`], [`KEYS`] and [`build`].
//!
//! A channel delivers and remembers nothing of who gets what: that is the ledger's affair.

pub mod file;
pub mod log;

pub mod counted;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use actors::port::channel::{Channel, Channels};
use serde::Deserialize;
use smol_str::SmolStr;

use crate::settings::legal::Legal;

/// What delivers to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A line in the program's log.
    Log,
    /// A line in a file.
    File,
}

/// Section `channels.NAME` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What delivers.
    pub kind: Kind,
    /// The file of kind `File`.
    #[serde(default)]
    pub path: PathBuf,
    /// What becomes of calls of kind `File` that nobody answered.
    #[serde(default)]
    pub unanswered: file::Unanswered,
}

/// The keys of the section; a `*` stands for the channel's name.
pub const KEYS: &[(&str, Legal)] = &[
    ("channels.*.kind", Legal::OneOf(&["log", "file"])),
    ("channels.*.path", Legal::OptionalPath),
    ("channels.*.unanswered", Legal::OneOf(&["again", "never"])),
];

/// Returns what is missing in the settings, each with what is wrong.
pub fn contradictions(settings: &BTreeMap<String, Settings>) -> Vec<(&'static str, String)> {
    let lacks_path = |(_, of): &(&String, &Settings)| of.kind == Kind::File && of.path.as_os_str().is_empty();
    let said = |(name, _): (&String, &Settings)| {
        ("channels", format!("channels.{name}.path is needed where channels.{name}.kind is file"))
    };
    settings.iter().filter(lacks_path).map(said).collect()
}

/// Returns the channels that the settings name.
pub fn build(settings: &BTreeMap<String, Settings>) -> Channels {
    settings.iter().map(|(name, settings)| (SmolStr::new(name), channel(settings))).collect()
}

fn channel(settings: &Settings) -> Arc<dyn Channel> {
    match settings.kind {
        Kind::Log => Arc::new(log::LogChannel),
        Kind::File => Arc::new(file::FileChannel::new(&settings.path, settings.unanswered)),
    }
}
