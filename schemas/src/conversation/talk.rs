//! What a row is told that concerns its thread.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::turn::{Made, Rung, Source};
use super::{NAME_MAX, SAID_CHARS_MAX, SOURCES_MAX, TEXT_MAX};
use crate::event::{RejectReason, Rejection};
use crate::ids::OutreachId;
use crate::value::Properties;

/// Everything that enters a thread, as a record of `care.events` under the customer's key: `{"said": {…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    /// The customer said something.
    Said(Said),
    /// A person of the shop said something.
    Spoken(Spoken),
    /// The thread changes hands.
    Ownership(Ownership),
    /// An outreach opens in the thread.
    Opened(Opened),
    /// The customer has seen turns.
    Seen(Seen),
    /// The pool's answer to a question of the row.
    Answered(Answered),
}

/// A customer's message. A message of an id that was heard within 24 hours is the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Id that the sender gave it. Bounds: 1 to 128 bytes.
    pub message: SmolStr,
    /// What was said. Bounds: 1 to 4,000 characters, not only white space.
    pub text: String,
    /// Language of the page, as a tag; empty where it did not say.
    #[serde(default)]
    pub lang: SmolStr,
    /// Whether the shop has proved who the customer is.
    #[serde(default)]
    pub proved: bool,
}

/// An agent's message. A message of an id that was heard within 24 hours is the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Id that the sender gave it. Bounds: 1 to 128 bytes.
    pub message: SmolStr,
    /// The agent's name, as the customer sees it. Bounds: 1 to 128 bytes.
    pub agent: SmolStr,
    /// What is said. Bounds: 1 to 4,000 characters, not only white space.
    pub text: String,
}

/// The thread changes hands. What changes nothing is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// What happens.
    pub change: Change,
    /// The agent's name, as the customer sees it. Bounds: 1 to 128 bytes.
    pub agent: SmolStr,
}

/// How a thread changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A person takes it over; the bot is silent.
    TakeOver,
    /// The bot answers again.
    HandBack,
}

/// An in-app outreach opens in the thread; once, by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Which outreach.
    pub outreach: OutreachId,
    /// The trigger that sent it.
    pub trigger: SmolStr,
    /// What is said, rendered.
    pub text: String,
    /// Language of the text; empty where it is not known.
    #[serde(default)]
    pub lang: SmolStr,
    /// Values that it was rendered with.
    #[serde(default)]
    pub facts: Properties,
    /// Who wrote the words.
    pub made: Made,
}

/// The customer's page has shown turns up to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Number of the last of them.
    pub number: u32,
}

/// The pool's answer to a question of the row, appended by the process that asked. It is taken only for the question that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Number of the question.
    pub attempt: u32,
    /// Ownership epoch in which it was asked.
    pub epoch: u32,
    /// What is said; empty where a person has to answer.
    pub text: String,
    /// What it rests on.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// How it was made.
    pub rung: Rung,
    /// The back end that made it; empty where none did.
    #[serde(default)]
    pub backend: SmolStr,
}

impl Talk {
    /// Returns the name of the kind, as in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Talk::Said(_) => "said",
            Talk::Spoken(_) => "spoken",
            Talk::Ownership(_) => "ownership",
            Talk::Opened(_) => "opened",
            Talk::Seen(_) => "seen",
            Talk::Answered(_) => "answered",
        }
    }

    /// Checks the bounds of every part.
    ///
    /// Errors: `WrongType` → a text or name says nothing · `TooLarge` → it is too long, or there are too many sources; the field is named.
    pub fn check(&self) -> Result<(), Rejection> {
        match self {
            Talk::Said(said) => {
                name("said.message", &said.message)?;
                words("said.text", &said.text)?;
                at_most("said.lang", said.lang.len(), NAME_MAX)
            }
            Talk::Spoken(spoken) => {
                name("spoken.message", &spoken.message)?;
                name("spoken.agent", &spoken.agent)?;
                words("spoken.text", &spoken.text)
            }
            Talk::Ownership(ownership) => name("ownership.agent", &ownership.agent),
            Talk::Opened(opened) => {
                at_most("opened.trigger", opened.trigger.len(), NAME_MAX)?;
                at_most("opened.lang", opened.lang.len(), NAME_MAX)?;
                at_most("opened.text", opened.text.len(), TEXT_MAX)
            }
            Talk::Seen(_) => Ok(()),
            Talk::Answered(answered) => {
                at_most("answered.text", answered.text.len(), TEXT_MAX)?;
                at_most("answered.backend", answered.backend.len(), NAME_MAX)?;
                match answered.sources.len() {
                    0..=SOURCES_MAX => Ok(()),
                    many => {
                        let message = format!("are {many}; legal are at most {SOURCES_MAX}");
                        Err(Rejection::new(RejectReason::TooLarge, "answered.sources", message))
                    }
                }
            }
        }
    }
}

fn name(field: &'static str, name: &str) -> Result<(), Rejection> {
    if name.is_empty() {
        let message = format!("is empty; legal are 1 to {NAME_MAX} bytes");
        return Err(Rejection::new(RejectReason::WrongType, field, message));
    }
    at_most(field, name.len(), NAME_MAX)
}

fn words(field: &'static str, text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        let message = format!("says nothing; legal are 1 to {SAID_CHARS_MAX} characters");
        return Err(Rejection::new(RejectReason::WrongType, field, message));
    }
    match text.chars().count() {
        0..=SAID_CHARS_MAX => Ok(()),
        many => {
            let message = format!("has {many} characters; legal are at most {SAID_CHARS_MAX}");
            Err(Rejection::new(RejectReason::TooLarge, field, message))
        }
    }
}

fn at_most(field: &'static str, len: usize, max: usize) -> Result<(), Rejection> {
    if len <= max {
        return Ok(());
    }
    let message = format!("has {len} bytes; legal are at most {max}");
    Err(Rejection::new(RejectReason::TooLarge, field, message))
}
