//! The outreach room: one file per kind of channel. A new one is a file, and an arm in [`Kind`], [`KEYS`] and [`build`].
//!
//! A channel delivers and remembers nothing of who gets what: that is the ledger's affair.

pub mod file;
pub mod in_app;
pub mod log;
pub mod webhook;

pub mod counted;

mod texts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::channel::{Channel, Channels};
use anyhow::{Context, Result};
use serde::Deserialize;
use smol_str::SmolStr;

use self::in_app::Voice;
use self::texts::Texts;
use crate::settings::Secret;
use crate::settings::legal::Legal;

/// What delivers to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A line in the program's log.
    Log,
    /// A line in a file.
    File,
    /// A signed request to a server.
    Webhook,
    /// The customer's thread, in the shop's own pages.
    InApp,
}

impl Kind {
    /// Returns the word used in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Log => "log",
            Kind::File => "file",
            Kind::Webhook => "webhook",
            Kind::InApp => "in_app",
        }
    }
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
    /// The address of kind `Webhook`.
    #[serde(default)]
    pub url: String,
    /// What signs for kind `Webhook`.
    #[serde(default)]
    pub secrets: Secret,
    /// Networks that kind `Webhook` may call though they are not public.
    #[serde(default)]
    pub networks: String,
    /// How long kind `Webhook` waits for a connection.
    #[serde(default = "connect_ms")]
    pub connect_ms: u64,
    /// How long kind `Webhook` waits for an answer.
    #[serde(default = "total_ms")]
    pub total_ms: u64,
    /// Calls of kind `Webhook` at once.
    #[serde(default = "in_flight_max")]
    pub in_flight_max: usize,
    /// Language of kind `InApp`.
    #[serde(default = "english")]
    pub lang: String,
    /// Folder of texts of kind `InApp`, beside those of the program.
    #[serde(default)]
    pub texts: PathBuf,
}

fn connect_ms() -> u64 {
    3_000
}

fn total_ms() -> u64 {
    8_000
}

fn in_flight_max() -> usize {
    32
}

fn english() -> String {
    "en".to_owned()
}

impl Settings {
    /// Returns what is set of a webhook.
    pub fn webhook(&self) -> webhook::Settings<'_> {
        webhook::Settings {
            url: &self.url,
            secrets: &self.secrets,
            networks: &self.networks,
            connect: Duration::from_millis(self.connect_ms),
            total: Duration::from_millis(self.total_ms),
            in_flight_max: self.in_flight_max,
        }
    }
}

/// What channels are built with.
pub struct Around<'a> {
    /// Where a channel keeps what it must not forget.
    pub data_dir: &'a Path,
    /// What everything counts in.
    pub metrics: &'a Metrics,
    /// Where threads are written to, and time.
    pub voice: Voice,
}

/// The keys of the section; a `*` stands for the channel's name.
pub const KEYS: &[(&str, Legal)] = &[
    ("channels.*.kind", Legal::OneOf(&["log", "file", "webhook", "in_app"])),
    ("channels.*.path", Legal::OptionalPath),
    ("channels.*.unanswered", Legal::OneOf(&["again", "never"])),
    ("channels.*.url", Legal::OptionalUrl),
    ("channels.*.secrets", Legal::Secret),
    ("channels.*.networks", Legal::Networks),
    ("channels.*.connect_ms", Legal::Count(1, 60_000, "ms")),
    ("channels.*.total_ms", Legal::Count(1, 120_000, "ms")),
    ("channels.*.in_flight_max", Legal::Count(1, 10_000, "calls")),
    ("channels.*.lang", Legal::OneOf(&["en", "zh"])),
    ("channels.*.texts", Legal::OptionalPath),
];

/// Returns what is missing in the settings or contradicts itself, each with what is wrong.
pub fn contradictions(
    settings: &BTreeMap<String, Settings>,
    call_deadline: Duration,
) -> Vec<(&'static str, String)> {
    let of = |(name, of): (&String, &Settings)| -> Vec<String> {
        let path = format!("channels.{name}");
        match of.kind {
            Kind::Log | Kind::InApp => Vec::new(),
            Kind::File if !of.path.as_os_str().is_empty() => Vec::new(),
            Kind::File => vec![format!("{path}.path is needed where {path}.kind is file")],
            Kind::Webhook => {
                let found = webhook::contradictions(name, &of.webhook(), call_deadline);
                found.into_iter().map(|problem| format!("{path}: {problem}")).collect()
            }
        }
    };
    settings.iter().flat_map(of).map(|problem| ("channels", problem)).collect()
}

/// Returns the channels that the settings name.
///
/// Errors: the system's certificates cannot be read · the texts of a channel cannot be read.
pub fn build(settings: &BTreeMap<String, Settings>, around: &Around<'_>) -> Result<Channels> {
    let named = |(name, settings): (&String, &Settings)| {
        let channel = channel(name, settings, around);
        Ok((SmolStr::new(name), channel.with_context(|| format!("failed to set up channel {name}"))?))
    };
    settings.iter().map(named).collect()
}

fn channel(name: &str, settings: &Settings, around: &Around<'_>) -> Result<Arc<dyn Channel>> {
    Ok(match settings.kind {
        Kind::Log => Arc::new(log::LogChannel),
        Kind::File => Arc::new(file::FileChannel::new(&settings.path, settings.unanswered)),
        Kind::Webhook => Arc::new(webhook::Webhook::new(name, &settings.webhook(), around)?),
        Kind::InApp => {
            let texts = Texts::open(&settings.lang, &settings.texts)?;
            Arc::new(in_app::InApp::new(around.voice.clone(), texts))
        }
    })
}
