//! Turns as people of the shop read them, and the names that stand in answers.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use schemas::conversation::{Act, Made, Owner, Rung, Source, Speaker, Turn};
use schemas::value::Properties;
use serde::Serialize;

/// A turn, whole.
#[derive(Serialize, JsonSchema)]
pub(super) struct ThreadTurn<'a> {
    /// Names it for ever.
    id: String,
    /// Its place in the thread, from 0.
    number: u32,
    /// Milliseconds since 1970.
    at: i64,
    #[schemars(schema_with = "speakers")]
    speaker: &'static str,
    #[schemars(schema_with = "acts")]
    act: Act,
    #[schemars(schema_with = "makers")]
    made: &'static str,
    /// Name of the agent or back end, or of the trigger that sent it; empty where there is none.
    by: &'a str,
    text: &'a str,
    /// Language of the text; empty where nobody said or saw it.
    lang: &'a str,
    sources: Vec<ThreadSource<'a>>,
    /// How an answer of the bot was made.
    #[schemars(schema_with = "rungs")]
    rung: Option<&'static str>,
    /// Rises with every take-over and every hand-back.
    epoch: u32,
    /// Number of the question that it answers, or of the last one before it.
    attempt: u32,
    /// Id that the sender of the message gave it; empty where nobody did.
    message: &'a str,
    /// Id of the outreach that it is.
    outreach: Option<String>,
    /// Values that the text of an outreach was made with.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    facts: &'a Properties,
}

/// What `[number]` in a text refers to.
#[derive(Serialize, JsonSchema)]
struct ThreadSource<'a> {
    number: u32,
    /// Id of the passage.
    passage: &'a str,
    /// Title of its article.
    title: &'a str,
    /// File that it stands in.
    source: &'a str,
}

impl<'a> ThreadTurn<'a> {
    /// Returns a turn as it is told.
    pub(super) fn of(turn: &'a Turn) -> Self {
        Self {
            id: turn.id.to_string(),
            number: turn.number,
            at: turn.at.0,
            speaker: turn.speaker.as_str(),
            act: turn.act,
            made: turn.made.as_str(),
            by: &turn.by,
            text: &turn.text,
            lang: &turn.lang,
            sources: turn.sources.iter().map(ThreadSource::of).collect(),
            rung: turn.rung.map(Rung::as_str),
            epoch: turn.epoch,
            attempt: turn.attempt,
            message: &turn.message,
            outreach: turn.outreach.map(|id| id.to_string()),
            facts: &turn.facts,
        }
    }
}

impl<'a> ThreadSource<'a> {
    fn of(source: &'a Source) -> Self {
        let Source { number, passage, title, source } = source;
        Self { number: *number, passage, title, source }
    }
}

/// Returns the schema of an owner's name.
pub(super) fn owners(_: &mut SchemaGenerator) -> Schema {
    let names = [Owner::Bot, Owner::Human].map(Owner::as_str);
    json_schema!({"type": "string", "enum": names})
}

/// Returns the schema of a speaker's name.
pub(super) fn speakers(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": Speaker::ALL.map(Speaker::as_str)})
}

/// Returns the schema of the name of who wrote the words: a person, a template, an AI.
pub(super) fn makers(_: &mut SchemaGenerator) -> Schema {
    let names = [Made::Person, Made::Template, Made::Ai].map(Made::as_str);
    json_schema!({"type": "string", "enum": names})
}

/// Returns the schema of what a turn does.
pub(super) fn acts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": [Act::Said, Act::TookOver, Act::HandedBack]})
}

/// Returns the schema of a rung's name, or of none.
fn rungs(_: &mut SchemaGenerator) -> Schema {
    let names = Rung::ALL.iter().map(|rung| Some(rung.as_str())).chain([None]);
    json_schema!({"type": ["string", "null"], "enum": names.collect::<Vec<_>>()})
}
