//! Triggers in force, in plain words, with what they decided.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemas::trigger::spec::Mode;
use schemas::trigger::{Trigger, describe};
use serde::Serialize;

use super::Known;
use super::asked::Asked;
use crate::http::problem::Refusal;

/// The triggers in force, by name.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Triggers {
    triggers: Vec<InForce>,
}

/// A trigger in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct InForce {
    name: String,
    version: u32,
    /// `live`, `shadow` or `paused`.
    mode: String,
    /// One sentence by whoever wrote it.
    description: String,
    /// `service` or `marketing`.
    category: String,
    channel: String,
    template: String,
    /// What it does, in plain words.
    words: String,
    /// What it decided, by verdict: the decisions of this process since its start. Of a trigger beyond the 200 that metrics name, nothing.
    decided: BTreeMap<String, u64>,
}

/// Returns every trigger in force.
///
/// Errors: there is a parameter.
pub(super) fn all(known: &Known, asked: &Asked<'_>) -> Result<Triggers, Refusal> {
    asked.query(&[])?;
    Ok(Triggers { triggers: known.book.triggers.iter().map(|one| InForce::of(one, known)).collect() })
}

/// Returns the trigger of the path.
///
/// Errors: there is none of that name.
pub(super) fn one(known: &Known, asked: &Asked<'_>) -> Result<InForce, Refusal> {
    asked.query(&[])?;
    let name = asked.part("trigger")?;
    known.book.triggers.get(&name).map(|one| InForce::of(one, known)).ok_or_else(unknown)
}

/// Returns that no trigger is of the name in the path.
pub(super) fn unknown() -> Refusal {
    Refusal::Unknown {
        field: "trigger",
        message: "names no trigger in force; /api/v1/triggers lists them".to_owned(),
    }
}

impl InForce {
    fn of(trigger: &Trigger, known: &Known) -> Self {
        let mode = match trigger.mode {
            Mode::Live => "live",
            Mode::Shadow => "shadow",
            Mode::Paused => "paused",
        };
        Self {
            name: trigger.name.to_string(),
            version: trigger.version,
            mode: mode.to_owned(),
            description: trigger.description.to_string(),
            category: trigger.policy.category.as_str().to_owned(),
            channel: trigger.action.channel.to_string(),
            template: trigger.action.template.to_string(),
            words: describe(trigger),
            decided: known.metrics.decisions_of(&trigger.name),
        }
    }
}
