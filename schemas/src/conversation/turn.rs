//! Turns: what a thread consists of.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_128;

use crate::ids::{CustomerId, OutreachId, Position};
use crate::time::Timestamp;
use crate::value::Properties;

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The customer.
    Customer,
    /// The engine, asked by the customer.
    Bot,
    /// A person of the shop.
    Agent,
    /// The engine, unasked: what a trigger sent.
    Outreach,
}

impl Speaker {
    /// Every speaker, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Bot, Self::Agent, Self::Outreach];

    /// Returns the name used in JSON and as label.
    pub fn as_str(self) -> &'static str {
        match self {
            Speaker::Customer => "customer",
            Speaker::Bot => "bot",
            Speaker::Agent => "agent",
            Speaker::Outreach => "outreach",
        }
    }
}

/// Who answers the customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The engine.
    #[default]
    Bot,
    /// A person of the shop; the engine is silent.
    Human,
}

impl Owner {
    /// Returns the owner in an ownership epoch: it begins with the bot, and each change raises it by one, an erase of a thread that a person owns
    /// among them.
    pub fn in_epoch(epoch: u32) -> Self {
        if epoch.is_multiple_of(2) { Owner::Bot } else { Owner::Human }
    }

    /// Returns the name used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Owner::Bot => "bot",
            Owner::Human => "human",
        }
    }
}

/// What a turn does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Its text is said.
    #[default]
    Said,
    /// A person took the thread over: the bot is silent from here on. The text says so to the customer.
    TookOver,
    /// The thread was handed back to the bot. The text says so to the customer.
    HandedBack,
}

/// Who wrote the words of a turn. What is not of a person is to be labelled wherever it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// A person.
    Person,
    /// The shop, as a template that was filled in.
    Template,
    /// The engine: an AI system.
    Ai,
}

impl Made {
    /// Returns the name used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Made::Person => "person",
            Made::Template => "template",
            Made::Ai => "ai",
        }
    }
}

/// How an answer is made, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Written from all that is known.
    Full,
    /// Written from less, and shorter.
    Short,
    /// Quoted from the knowledge base.
    Extractive,
    /// The text that came with the work.
    Template,
    /// A person has to answer.
    HandOff,
}

impl Rung {
    /// Every rung, from the top.
    pub const ALL: [Rung; 5] = [Rung::Full, Rung::Short, Rung::Extractive, Rung::Template, Rung::HandOff];

    /// Returns the name used in settings and as label.
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Full => "full",
            Rung::Short => "short",
            Rung::Extractive => "extractive",
            Rung::Template => "template",
            Rung::HandOff => "hand_off",
        }
    }

    /// Returns the next rung, `None` below the last that back ends serve.
    pub fn below(self) -> Option<Rung> {
        match self {
            Rung::Full => Some(Rung::Short),
            Rung::Short => Some(Rung::Extractive),
            Rung::Extractive | Rung::Template | Rung::HandOff => None,
        }
    }

    /// Returns true for rungs whose tokens are charged to the customer's budget.
    pub fn is_charged(self) -> bool {
        match self {
            Rung::Full | Rung::Short => true,
            Rung::Extractive | Rung::Template | Rung::HandOff => false,
        }
    }
}

/// What `[number]` in a text refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The number, from 1.
    pub number: u32,
    /// Id of the passage.
    pub passage: SmolStr,
    /// Title of its article.
    pub title: String,
    /// File it stands in.
    pub source: String,
}

/// Names one turn for ever: a hash of whose record made it, where that record stands, and which of its turns it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TurnId(pub u128);

impl TurnId {
    /// Returns the id of the turn that the record at `position` makes as its `nth`.
    pub fn of(customer: &CustomerId, position: Position, nth: u32) -> Self {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend(b"turn");
        bytes.extend(customer.as_str().as_bytes());
        bytes.extend(position.0.to_le_bytes());
        bytes.extend(nth.to_le_bytes());
        Self(xxh3_128(&bytes))
    }
}

/// In JSON the id is its 32 hexadecimal digits; in the row codec it is the number.
impl Serialize for TurnId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        OutreachId(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TurnId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OutreachId::deserialize(deserializer).map(|OutreachId(id)| Self(id))
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One turn of a thread. The same turn is told again after a crash, with the same id and number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Names it for ever.
    pub id: TurnId,
    /// Whose thread.
    pub customer: CustomerId,
    /// Its place in the thread, from 0; never used twice.
    pub number: u32,
    /// Log time.
    pub at: Timestamp,
    /// Who speaks.
    pub speaker: Speaker,
    /// What it does.
    pub act: Act,
    /// Who wrote its words.
    pub made: Made,
    /// Name of the agent or back end, or of the trigger that sent it; empty where there is none.
    pub by: SmolStr,
    /// What is said.
    pub text: String,
    /// Language of the text, as a tag; empty where nobody said or saw it.
    pub lang: SmolStr,
    /// What it rests on.
    pub sources: Vec<Source>,
    /// How an answer of the bot was made.
    pub rung: Option<Rung>,
    /// Ownership epoch in which it was said; rises with every take-over and every hand-back, and says who owns the thread
    /// ([`Owner::in_epoch`]).
    pub epoch: u32,
    /// Number of the question that it answers; of another turn the last question asked before it. Pieces of this or an earlier
    /// question are over.
    pub attempt: u32,
    /// Id that the sender of the message gave it; empty where nobody did.
    pub message: SmolStr,
    /// What was sent, for a turn of an outreach.
    pub outreach: Option<OutreachId>,
    /// Values that the text of an outreach was made with.
    pub facts: Properties,
}
