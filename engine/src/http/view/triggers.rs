//! Triggers in force, in plain words.

use schemas::rulebook::Rulebook;
use schemas::trigger::spec::Mode;
use schemas::trigger::{Trigger, describe};
use serde::Serialize;
use smol_str::SmolStr;

use crate::http::problem::Refusal;

/// The triggers in force, by name.
#[derive(Debug, Serialize)]
pub(super) struct Triggers {
    triggers: Vec<InForce>,
}

/// A trigger in force.
#[derive(Debug, Serialize)]
pub(super) struct InForce {
    name: SmolStr,
    version: u32,
    mode: &'static str,
    /// One sentence by whoever wrote it.
    description: SmolStr,
    category: &'static str,
    channel: SmolStr,
    template: SmolStr,
    /// What it does, in plain words.
    words: String,
}

/// Returns every trigger in force.
pub(super) fn all(book: &Rulebook) -> Triggers {
    Triggers { triggers: book.triggers.iter().map(InForce::of).collect() }
}

/// Returns one trigger in force.
///
/// Errors: there is none of that name.
pub(super) fn one(book: &Rulebook, name: &str) -> Result<InForce, Refusal> {
    let found = book.triggers.get(name).map(InForce::of);
    found.ok_or_else(|| Refusal::Unknown {
        field: "trigger",
        message: "names no trigger in force; /api/v1/triggers lists them".to_owned(),
    })
}

impl InForce {
    fn of(trigger: &Trigger) -> Self {
        let mode = match trigger.mode {
            Mode::Live => "live",
            Mode::Shadow => "shadow",
            Mode::Paused => "paused",
        };
        Self {
            name: trigger.name.clone(),
            version: trigger.version,
            mode,
            description: trigger.description.clone(),
            category: trigger.policy.category.as_str(),
            channel: trigger.action.channel.clone(),
            template: trigger.action.template.clone(),
            words: describe(trigger),
        }
    }
}
