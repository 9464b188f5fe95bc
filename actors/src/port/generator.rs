//! The generator port: messages in, a stream of text out.
//!
//! A back end writes one answer per call and keeps nothing of it. It bounds its own waits by the deadline of the request. Whoever drops the
//! stream stops the work: nothing of it goes on behind the caller's back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use smol_str::SmolStr;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The shop, telling the writer what to do.
    System,
    /// The customer.
    Customer,
    /// The engine, or a person of the shop.
    Shop,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// A piece of the knowledge base that an answer may rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Stable id.
    pub id: SmolStr,
    /// Title of its article.
    pub title: String,
    /// File it stands in, relative to the folder.
    pub source: String,
    /// Its text.
    pub text: String,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// What the answer may rest on; cited as `[1]` for the first.
    pub passages: Vec<Passage>,
    /// Tokens of the answer at most.
    pub tokens_max: u32,
    /// How freely words are chosen. Units: 0 = always the likeliest, 2 at most.
    pub temperature: f32,
    /// The same seed with the same request gives the same answer where a back end can do that.
    pub seed: u64,
    /// When an answer is of no use any more, in time since boot.
    pub deadline: Duration,
}

impl Request {
    /// Returns what the customer said last; empty where he said nothing.
    pub fn question(&self) -> &str {
        let said = self.messages.iter().rev().find(|message| message.role == Role::Customer);
        said.map_or("", |message| message.text.as_str())
    }

    /// Returns about how many tokens a back end reads. Units: tokens.
    ///
    /// Source: [`estimate`], over messages and passages.
    pub fn prompt_tokens(&self) -> u32 {
        let messages = self.messages.iter().map(|message| estimate(&message.text));
        messages
            .chain(self.passages.iter().map(|passage| estimate(&passage.text)))
            .fold(0, u32::saturating_add)
    }
}

/// Returns about how many tokens a text has: a quarter of its letters below U+2E80, and every one above.
///
/// Source: English has about four letters per token in the usual vocabularies, Chinese about one character.
pub fn estimate(text: &str) -> u32 {
    let (narrow, wide) = text.chars().fold((0_u32, 0_u32), |(narrow, wide), letter| match letter {
        '\u{2e80}'.. => (narrow, wide.saturating_add(1)),
        _ => (narrow.saturating_add(1), wide),
    });
    narrow.div_ceil(4).saturating_add(wide)
}

/// Part of an answer, in order. [`Piece::End`] is the last, and comes once.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text to be appended; never empty.
    Text(String),
    /// What `[number]` in the text refers to.
    Citation(Citation),
    /// The answer is complete.
    End(Finish, Usage),
}

/// What a number in square brackets refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The number, from 1.
    pub number: u32,
    /// Id of the passage.
    pub passage: SmolStr,
    /// Title of its article.
    pub title: String,
    /// File it stands in.
    pub source: String,
}

/// How an answer ended that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Said all.
    Stop,
    /// Cut off at its number of tokens.
    Length,
    /// The back end withheld the rest for what it says.
    Filtered,
    /// Tools are to be called, in this order.
    Tools(Vec<ToolCall>),
    /// Nothing known answers it: the text asks what is meant.
    AsksBack,
    /// Nothing known is even near: the text offers a human.
    OffersHuman,
}

impl Finish {
    /// Returns the name used as label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::Filtered => "filtered",
            Finish::Tools(_) => "tools",
            Finish::AsksBack => "asks_back",
            Finish::OffersHuman => "offers_human",
        }
    }
}

/// A call of a tool, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The back end's id of the call.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// Arguments as the back end wrote them: meant to be JSON.
    pub arguments: String,
}

/// What an answer cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub prompt: u32,
    /// Tokens written.
    pub completion: u32,
    /// Who says so.
    pub counted: Counted,
}

impl Usage {
    /// Nothing read and nothing written.
    pub const NONE: Usage = Usage { prompt: 0, completion: 0, counted: Counted::Estimated };

    /// Returns the tokens read and written.
    pub fn total(self) -> u32 {
        self.prompt.saturating_add(self.completion)
    }
}

/// Where a number of tokens comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The back end counted.
    Counted,
    /// Nobody did: [`estimate`].
    Estimated,
}

impl Counted {
    /// Returns the name used as label.
    pub fn as_str(self) -> &'static str {
        match self {
            Counted::Counted => "counted",
            Counted::Estimated => "estimated",
        }
    }
}

/// What a back end writes: pieces until [`Piece::End`] or an error, and nothing behind either.
pub type Pieces = BoxStream<'static, Result<Piece, Error>>;

/// Who writes, in the words of the semantic conventions of generative AI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The provider.
    pub provider: &'static str,
    /// The model that is asked for, where there is one.
    pub model: Option<SmolStr>,
}

/// Writes answers.
pub trait Generator: Send + Sync {
    /// Returns who writes, for traces: this program itself, unless a back end says otherwise.
    fn writer(&self) -> Writer {
        Writer { provider: "care", model: None }
    }

    /// Returns a stream that writes one answer as it is polled. Dropping it stops the work.
    fn generate(&self, request: Arc<Request>) -> Pieces;
}

/// How a caller goes on after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same call may succeed later.
    Retry,
    /// Not here: another back end may do it.
    Elsewhere,
    /// The request is at fault; the back end is well.
    Reject,
}

/// The waits of a back end that end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For a connection.
    Connect,
    /// For the first token.
    FirstToken,
    /// From a token to the next.
    NextToken,
    /// For the whole answer.
    Total,
}

impl Wait {
    /// Returns what is waited for, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Wait::Connect => "a connection",
            Wait::FirstToken => "the first token",
            Wait::NextToken => "the next token",
            Wait::Total => "the end of the answer",
        }
    }
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody listens there.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Too much to do; when to come again, where the back end says it.
    #[error("the back end is busy (status {status})")]
    Busy {
        /// Status of HTTP.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It failed before it wrote.
    #[error("the back end failed (status {status}): {text}")]
    Failed {
        /// Status of HTTP.
        status: u16,
        /// What it says, shortened.
        text: String,
    },
    /// It will not serve us: key, address or model is wrong.
    #[error("the back end does not serve us (status {status}): {text}")]
    Denied {
        /// Status of HTTP.
        status: u16,
        /// What it says, shortened.
        text: String,
    },
    /// The request is wrong: too long, or against its rules.
    #[error("the back end rejects the request (status {status}): {text}")]
    Rejected {
        /// Status of HTTP.
        status: u16,
        /// What it says, shortened.
        text: String,
    },
    /// It took too long.
    #[error("waited {} ms for {}", .1.as_millis(), .0.as_str())]
    Late(Wait, Duration),
    /// What came is no answer.
    #[error("what came is no answer: {0}")]
    Garbled(String),
    /// It said that it failed in the middle of an answer.
    #[error("the back end failed in the middle of an answer: {0}")]
    Broke(String),
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer did")]
    Cut,
}

impl Error {
    /// Returns how to go on.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Unreachable(_)
            | Error::Busy { .. }
            | Error::Failed { .. }
            | Error::Late(..)
            | Error::Broke(_)
            | Error::Cut => Kind::Retry,
            Error::Denied { .. } | Error::Garbled(_) => Kind::Elsewhere,
            Error::Rejected { .. } => Kind::Reject,
        }
    }

    /// Returns how long the back end wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Busy { retry_after, .. } => *retry_after,
            Error::Unreachable(_)
            | Error::Failed { .. }
            | Error::Denied { .. }
            | Error::Rejected { .. }
            | Error::Late(..)
            | Error::Garbled(_)
            | Error::Broke(_)
            | Error::Cut => None,
        }
    }

    /// Returns the name used as label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Error::Unreachable(_) => "unreachable",
            Error::Busy { .. } => "busy",
            Error::Failed { .. } => "failed",
            Error::Denied { .. } => "denied",
            Error::Rejected { .. } => "rejected",
            Error::Late(..) => "late",
            Error::Garbled(_) => "garbled",
            Error::Broke(_) => "broke",
            Error::Cut => "cut",
        }
    }
}
