//! Section `observability` of the settings.

use serde::Deserialize;

use crate::settings::Secret;
use crate::settings::legal::Legal;

/// How the program logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Section `observability`; `default.toml` says more of each key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Filter directives.
    pub log: String,
    /// Text or JSON.
    pub log_format: LogFormat,
    /// Where traces are sent; empty = there are none.
    pub traces_endpoint: String,
    /// Share of the traces that are kept.
    pub traces_ratio: f64,
    /// The header `Authorization` of what is sent there; empty = none.
    pub traces_authorization: Secret,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("observability.log", Legal::Directives),
    ("observability.log_format", Legal::OneOf(&["text", "json"])),
    ("observability.traces_endpoint", Legal::OptionalUrl),
    ("observability.traces_ratio", Legal::Share(0.0, 1.0)),
    ("observability.traces_authorization", Legal::Secret),
];
