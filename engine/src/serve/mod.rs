//! The engine as a service.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::settings::legal::Legal;

/// Section `serve` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where metrics and health are answered.
    pub listen: SocketAddr,
    /// Bound of a graceful stop.
    pub stop_ms: u64,
    /// Time between two looks at the engine.
    pub look_ms: u64,
    /// Wait for the answer of log or store to a look.
    pub answer_ms: u64,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("serve.listen", Legal::Listen),
    ("serve.stop_ms", Legal::Count(1_000, 600_000, "ms")),
    ("serve.look_ms", Legal::Count(100, 60_000, "ms")),
    ("serve.answer_ms", Legal::Count(100, 60_000, "ms")),
];
