//! The predictor room: one file per kind of predictor. A new one is a file, and an arm in [`Kind`], [`KEYS`] and [`build`].

pub mod rules;

use std::sync::Arc;

use actors::port::predictor::Predictor;
use schemas::score::Head;
use serde::Deserialize;

use crate::settings::legal::Legal;

/// What answers questions about risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A transparent rule score.
    Rules,
}

/// Section `predictor` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What answers.
    pub kind: Kind,
    /// Wait for a score before the head's prior stands in.
    pub deadline_ms: u64,
    /// What is asked of every customer whom it concerns, whether or not a trigger reads it.
    pub heads: Vec<Head>,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("predictor.kind", Legal::OneOf(&["rules"])),
    ("predictor.deadline_ms", Legal::Count(1, 60_000, "ms")),
    ("predictor.heads", Legal::SomeOf(&Head::NAMES)),
];

/// Returns the predictor that the settings name.
pub fn build(settings: &Settings) -> Arc<dyn Predictor> {
    match settings.kind {
        Kind::Rules => Arc::new(rules::Rules::new()),
    }
}
