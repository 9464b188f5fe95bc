//! Decisions, scores and outreach as they are told.

use actors::port::store::LedgerEntry;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use schemas::decision::{Decision, Evaluated};
use schemas::ids::OutreachId;
use schemas::score::{Head, Score, ScoreSource};
use serde::Serialize;
use serde_json::Value;

use super::answers::Time;
use crate::known::{Because, state_of};
use crate::words::{feature_in_words, meaning};

/// Returns the schema of a head's name.
pub(super) fn head_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": Head::NAMES})
}

/// A decision.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Decided {
    id: String,
    customer: String,
    trigger: String,
    version: u32,
    /// Key of the instance, a cart or an order; empty without key.
    key: String,
    at: Time,
    /// When the instance was due.
    due: Time,
    /// How it ended: sent, withheld, deferred, suppressed, expired or failed.
    verdict: String,
    /// Why, by its short name.
    reason: String,
    /// Why, in words.
    meaning: String,
    /// Every condition with the value that it saw.
    conditions: Vec<Condition>,
    /// Scores that conditions read.
    scores: Vec<ScoreRead>,
    /// Probability with which the policy chose what was chosen.
    propensity: f32,
    /// Message id of the event that opened the instance; empty where none did.
    opened_by: String,
    /// Id of its outreach, the same for each decision of an instance.
    outreach: String,
    /// What became of its outreach, in words; none where none was sent, or where nobody asked the ledger.
    outcome: Option<String>,
}

/// A condition as it was evaluated.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Condition {
    /// In the words of the trigger.
    condition: String,
    /// What it saw.
    value: Value,
    held: bool,
    /// The value is known to be incomplete.
    partial: bool,
}

/// A score as a decision read it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ScoreRead {
    #[schemars(schema_with = "head_name")]
    head: String,
    #[serde(flatten)]
    score: Said,
}

/// What was said of a risk.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Said {
    /// Probability.
    value: f32,
    /// Version of the model.
    model: String,
    /// `model`, or `fallback` where no answer came in time.
    source: String,
    /// When it was asked.
    at: Time,
}

/// What moves a score.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reason {
    /// Name of the feature.
    feature: String,
    unit: String,
    value: f32,
    /// What it adds to the log-odds.
    adds: f32,
    /// Feature and value in words.
    words: String,
}

/// An outreach in the ledger.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sent {
    id: String,
    trigger: String,
    channel: String,
    template: String,
    category: String,
    attempt: u32,
    /// When it was decided.
    decided: Time,
    /// When its state changed last.
    at: Time,
    /// Where it stands, in words.
    state: String,
}

impl Decided {
    /// Returns a decision with what became of its outreach.
    pub(super) fn of(decision: &Decision, entry: Option<&LedgerEntry>) -> Self {
        Self {
            id: decision.id.to_string(),
            customer: decision.customer.to_string(),
            trigger: decision.trigger.to_string(),
            version: decision.version,
            key: decision.key.to_string(),
            at: decision.at.into(),
            due: decision.due.into(),
            verdict: decision.verdict.as_str().to_owned(),
            reason: decision.reason.as_str().to_owned(),
            meaning: meaning(decision.reason).to_owned(),
            conditions: decision.conditions.iter().map(Condition::of).collect(),
            scores: decision.scores.iter().map(|(head, score)| ScoreRead::of(*head, score)).collect(),
            propensity: decision.propensity,
            opened_by: decision.opened_by.to_string(),
            outreach: OutreachId::of(&decision.trigger, &decision.slot).to_string(),
            outcome: entry.map(state_of),
        }
    }
}

impl Condition {
    /// Returns a condition as it is told.
    pub(super) fn of(evaluated: &Evaluated) -> Self {
        Self {
            condition: evaluated.condition.to_string(),
            value: serde_json::to_value(&evaluated.value).unwrap_or_default(),
            held: evaluated.held,
            partial: evaluated.partial,
        }
    }
}

impl ScoreRead {
    fn of(head: Head, score: &Score) -> Self {
        Self { head: head.as_str().to_owned(), score: Said::of(score) }
    }
}

impl Said {
    /// Returns a score as it is told.
    pub(super) fn of(score: &Score) -> Self {
        let source = match score.source {
            ScoreSource::Model => "model",
            ScoreSource::Fallback => "fallback",
        };
        let (value, model) = (score.value, score.model.to_string());
        Self { value, model, source: source.to_owned(), at: score.at.into() }
    }
}

impl From<Because> for Reason {
    fn from(because: Because) -> Self {
        let Because { feature, unit, value, adds } = because;
        let words = feature_in_words(&feature, value);
        Self { feature, unit, value, adds, words }
    }
}

impl Sent {
    /// Returns an outreach as it is told.
    pub(super) fn of(entry: &LedgerEntry) -> Self {
        let outreach = &entry.outreach;
        Self {
            id: outreach.id.to_string(),
            trigger: outreach.trigger.to_string(),
            channel: outreach.channel.to_string(),
            template: outreach.template.to_string(),
            category: outreach.category.as_str().to_owned(),
            attempt: outreach.attempt,
            decided: outreach.at.into(),
            at: entry.at.into(),
            state: state_of(entry),
        }
    }
}
