//! Section `generation` of the settings; `default.toml` says what each key means.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::generation::{self, Rung, Short};
use serde::Deserialize;

use super::openai::{Server, Waits};
use crate::settings::Secret;
use crate::settings::legal::Legal;

/// What writes answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A server that speaks OpenAI's chat completions.
    Openai,
    /// Quotes of the knowledge base.
    Extractive,
}

/// Section `generation`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "default.toml documents every key; a second text would drift from it")]
pub struct Settings {
    pub queue_max: usize,
    pub deltas_max: usize,
    pub reader_patience_ms: u64,
    pub deadline_ms: u64,
    pub tokens_max: u32,
    pub temperature: f32,
    pub full_share: f64,
    pub short_share: f64,
    pub short_tokens_max: u32,
    pub short_messages_max: usize,
    pub short_passages_max: usize,
    pub passages_max: usize,
    pub tries_max: u32,
    pub backoff_ms: u64,
    pub backoff_max_ms: u64,
    pub breaker_failures: u32,
    pub breaker_rest_ms: u64,
    pub budget_tokens: u32,
    pub backends: BTreeMap<String, BackendSettings>,
}

/// Section `generation.backends.NAME`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "default.toml documents every key; a second text would drift from it")]
pub struct BackendSettings {
    #[serde(default = "openai")]
    pub kind: Kind,
    #[serde(default = "permits")]
    pub permits: usize,
    #[serde(default)]
    pub base_url: String,
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub key: Secret,
    #[serde(default = "connect_ms")]
    pub connect_ms: u64,
    #[serde(default = "first_token_ms")]
    pub first_token_ms: u64,
    #[serde(default = "next_token_ms")]
    pub next_token_ms: u64,
    #[serde(default = "total_ms")]
    pub total_ms: u64,
    #[serde(default = "score_min")]
    pub score_min: f32,
    #[serde(default = "coverage_min")]
    pub coverage_min: f32,
}

fn openai() -> Kind {
    Kind::Openai
}

fn permits() -> usize {
    4
}

fn connect_ms() -> u64 {
    2_000
}

fn first_token_ms() -> u64 {
    10_000
}

fn next_token_ms() -> u64 {
    5_000
}

fn total_ms() -> u64 {
    60_000
}

fn score_min() -> f32 {
    2.0
}

fn coverage_min() -> f32 {
    0.6
}

/// The keys of the section; a `*` stands for the back end's name.
pub const KEYS: &[(&str, Legal)] = &[
    ("generation.queue_max", Legal::Count(1, 10_000, "answers")),
    ("generation.deltas_max", Legal::Count(1, 10_000, "pieces")),
    ("generation.reader_patience_ms", Legal::Count(100, 600_000, "ms")),
    ("generation.deadline_ms", Legal::Count(100, 600_000, "ms")),
    ("generation.tokens_max", Legal::Count(1, 32_768, "tokens")),
    ("generation.temperature", Legal::Share(0.0, 2.0)),
    ("generation.full_share", Legal::Share(0.0, 1.0)),
    ("generation.short_share", Legal::Share(0.0, 1.0)),
    ("generation.short_tokens_max", Legal::Count(1, 32_768, "tokens")),
    ("generation.short_messages_max", Legal::Count(1, 1_000, "messages")),
    ("generation.short_passages_max", Legal::Count(0, 100, "passages")),
    ("generation.passages_max", Legal::Count(0, 100, "passages")),
    ("generation.tries_max", Legal::Count(1, 10, "tries")),
    ("generation.backoff_ms", Legal::Count(1, 60_000, "ms")),
    ("generation.backoff_max_ms", Legal::Count(1, 600_000, "ms")),
    ("generation.breaker_failures", Legal::Count(1, 1_000, "failures")),
    ("generation.breaker_rest_ms", Legal::Count(100, 600_000, "ms")),
    ("generation.budget_tokens", Legal::Count(0, 1_000_000_000, "tokens")),
    ("generation.backends.*.kind", Legal::OneOf(&["openai", "extractive"])),
    ("generation.backends.*.permits", Legal::Count(1, 1_024, "answers")),
    ("generation.backends.*.base_url", Legal::OptionalUrl),
    ("generation.backends.*.model", Legal::OptionalText),
    ("generation.backends.*.key", Legal::Secret),
    ("generation.backends.*.connect_ms", Legal::Count(1, 600_000, "ms")),
    ("generation.backends.*.first_token_ms", Legal::Count(1, 600_000, "ms")),
    ("generation.backends.*.next_token_ms", Legal::Count(1, 600_000, "ms")),
    ("generation.backends.*.total_ms", Legal::Count(1, 3_600_000, "ms")),
    ("generation.backends.*.score_min", Legal::Share(0.0, 1_000.0)),
    ("generation.backends.*.coverage_min", Legal::Share(0.0, 1.0)),
];

impl Settings {
    /// Returns the bounds of the pool.
    pub fn pool(&self) -> generation::Settings {
        generation::Settings {
            queue_max: self.queue_max,
            deltas_max: self.deltas_max,
            reader_patience: Duration::from_millis(self.reader_patience_ms),
            full_share: self.full_share,
            short_share: self.short_share,
            short: Short {
                tokens_max: self.short_tokens_max,
                messages_max: self.short_messages_max,
                passages_max: self.short_passages_max,
            },
            tries_max: self.tries_max,
            backoff: Duration::from_millis(self.backoff_ms),
            backoff_max: Duration::from_millis(self.backoff_max_ms),
            breaker_failures: self.breaker_failures,
            breaker_rest: Duration::from_millis(self.breaker_rest_ms),
            budget_tokens: self.budget_tokens,
            seed: generation::Settings::default().seed,
        }
    }

    /// Returns what is missing or contradicts itself, each with what is wrong.
    pub fn contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.full_share > self.short_share {
            let max = self.short_share;
            found.push((
                "generation.full_share",
                format!("has to be at most generation.short_share ({max}): the ladder goes down"),
            ));
        }
        for (name, of) in self.backends.iter().filter(|(_, of)| of.kind == Kind::Openai) {
            for (key, text) in [("base_url", &of.base_url), ("model", &of.model)] {
                if text.trim().is_empty() {
                    let path = format!("generation.backends.{name}");
                    let needed = format!("{path}.{key} is needed where {path}.kind is openai");
                    found.push(("generation.backends", needed));
                }
            }
        }
        found
    }
}

impl BackendSettings {
    /// Returns the rungs that a back end of its kind serves.
    pub(super) fn rungs(&self) -> Vec<Rung> {
        match self.kind {
            Kind::Openai => vec![Rung::Full, Rung::Short],
            Kind::Extractive => vec![Rung::Extractive],
        }
    }

    pub(super) fn server(&self) -> Server {
        Server {
            base_url: self.base_url.clone(),
            model: self.model.clone(),
            key: self.key.clone(),
            waits: Waits {
                connect: Duration::from_millis(self.connect_ms),
                first_token: Duration::from_millis(self.first_token_ms),
                next_token: Duration::from_millis(self.next_token_ms),
                total: Duration::from_millis(self.total_ms),
            },
        }
    }
}
