//! The predictor room: one file per kind of predictor. A new one is a file, and an arm in [`Kind`], [`KEYS`] and [`build`].

pub mod rules;
pub mod torch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actors::batcher::{self, BATCH_MAX, Patience};
use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::predictor::Predictor;
use anyhow::Result;
use schemas::score::Head;
use serde::Deserialize;

use crate::model::Registry;
use crate::settings::legal::Legal;

/// What answers questions about risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Trained models, and the rule score for heads without one.
    Torch,
    /// A transparent rule score.
    Rules,
}

/// How long a customer waits for the answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Not at all: what comes next is applied meanwhile, and after the deadline the head's prior stands in.
    Deadline,
    /// Until it is there, however long that takes: the same events give the same decisions whatever the speed of the machine.
    Answer,
}

/// Section `predictor` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What answers.
    pub kind: Kind,
    /// Whether a live customer waits for a score; in a replay every customer does.
    pub wait: Wait,
    /// Wait for a score before the head's prior stands in.
    pub deadline_ms: u64,
    /// What is asked of every customer whom it concerns, whether or not a trigger reads it.
    pub heads: Vec<Head>,
    /// Questions that wait for the models.
    pub queue_max: usize,
    /// Questions answered together.
    pub batch_max: usize,
    /// The shop's models; empty = `models` in the data folder.
    pub models_dir: PathBuf,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("predictor.kind", Legal::OneOf(&["torch", "rules"])),
    ("predictor.wait", Legal::OneOf(&["deadline", "answer"])),
    ("predictor.deadline_ms", Legal::Count(1, 60_000, "ms")),
    ("predictor.heads", Legal::SomeOf(&Head::NAMES)),
    ("predictor.queue_max", Legal::Count(1, 1_000_000, "questions")),
    ("predictor.batch_max", Legal::Count(1, BATCH_MAX as i64, "questions")),
    ("predictor.models_dir", Legal::OptionalPath),
];

/// No deadline: longer than any run.
pub const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

impl Settings {
    /// Returns how long a live customer's question may take before the prior stands in.
    pub fn deadline(&self) -> Duration {
        match self.wait {
            Wait::Deadline => Duration::from_millis(self.deadline_ms),
            Wait::Answer => NEVER,
        }
    }

    /// Returns the models that can be chosen from.
    pub fn registry(&self, data_dir: &Path) -> Registry {
        match self.models_dir.as_os_str().is_empty() {
            true => Registry::new(&data_dir.join(MODELS_FOLDER)),
            false => Registry::new(&self.models_dir),
        }
    }
}

/// Folder of the shop's models within the data folder, where the settings name no other.
pub const MODELS_FOLDER: &str = "models";

/// What a predictor works with.
pub struct Around<'a> {
    /// The data folder.
    pub data_dir: &'a Path,
    /// What it counts in.
    pub metrics: &'a Metrics,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// How long a question may take.
    pub patience: Patience,
}

/// Returns the predictor that the settings name.
///
/// Errors: an active model is missing or refused; the system gives no thread.
pub fn build(settings: &Settings, around: Around<'_>) -> Result<Arc<dyn Predictor>> {
    let Around { data_dir, metrics, clock, patience } = around;
    let bounds = batcher::Settings { queue_max: settings.queue_max, batch_max: settings.batch_max, patience };
    Ok(match settings.kind {
        Kind::Rules => Arc::new(rules::Rules::new()),
        Kind::Torch => Arc::new(torch::Torch::start(settings.registry(data_dir), bounds, (metrics, clock))?),
    })
}
