//! The generation room: one file or folder per kind of back end. A new one is a file, and an arm in [`Kind`], [`KEYS`] and [`build`].
//!
//! A back end writes one answer; when, by whom and how often is the affair of `actors::generation`.

pub mod briefing;
pub mod extractive;
pub mod openai;

pub mod settings;

use std::sync::Arc;

use actors::generation::{Backend, Pool};
use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::generator::Generator;
use anyhow::Result;

use crate::knowledge::Knowledge;

pub use briefing::Brief;
use extractive::{Bar, Extractive};
use openai::OpenAi;
pub use settings::{KEYS, Kind, Settings};

/// What back ends work with.
pub struct Around<'a> {
    /// What the pool counts in.
    pub metrics: &'a Metrics,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// What extractive back ends quote, if there is a knowledge base.
    pub knowledge: Option<Arc<Knowledge>>,
}

/// Starts the pool of the back ends that the settings name, in the order of their names, on the runtime of the caller.
///
/// Errors: a back end cannot be set up.
pub fn build(settings: &Settings, around: Around<'_>) -> Result<Pool> {
    let mut backends: Vec<(Backend, Arc<dyn Generator>)> = Vec::new();
    for (name, of) in &settings.backends {
        let backend = Backend { name: name.into(), rungs: of.rungs(), permits: of.permits };
        let generator: Arc<dyn Generator> = match of.kind {
            Kind::Openai => Arc::new(OpenAi::new(of.server(), Arc::clone(&around.clock))?),
            Kind::Extractive => {
                let bar = Bar { score_min: of.score_min, coverage_min: of.coverage_min };
                Arc::new(Extractive::new(around.knowledge.clone(), bar))
            }
        };
        backends.push((backend, generator));
    }
    Ok(Pool::start(backends, settings.pool(), (around.metrics, around.clock)))
}
