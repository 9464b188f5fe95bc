//! What a page hears: its thread, as server-sent events.
//!
//! The page takes its seat in the hub first and reads the store then, so that nothing falls between. A turn that comes with a gap before it
//! is preceded by what the store has of that. Every turn bears its number as id: a page that comes again says the last it has
//! (`Last-Event-ID`) and hears what follows. Source: WHATWG HTML, server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse};
use actors::port::BoxFuture;
use actors::port::clock::Clock;
use actors::port::store::{self, Store};
use bytes::Bytes;
use futures_util::stream;
use schemars::JsonSchema;
use schemas::conversation::{Act, Owner, Piece, Reply, Speaker, Turn};
use schemas::ids::CustomerId;
use serde::Serialize;

use super::{Chat, Refusal, told};
use crate::chat::{Seat, Session, Who};

/// A page hears at least so often that the line is alive: below what proxies wait, a minute for most.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Turns of one read of the store.
const READ_MAX: usize = 200;

/// Turns that a page which has none hears at first: the last of its thread.
const FIRST_MAX: usize = 100;

/// When a page whose line was cut comes again. Units: ms.
const RETRY_MS: u32 = 1_000;

/// A page that listens.
struct Listener {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    customer: CustomerId,
    seat: Seat,
    /// The newest turn it has heard.
    newest: Option<Newest>,
    /// What is written and not sent.
    waiting: VecDeque<Bytes>,
    /// Resolves when the session ends.
    end: BoxFuture<'static, ()>,
}

#[derive(Clone, Copy)]
struct Newest {
    number: u32,
    epoch: u32,
    attempt: u32,
}

/// A turn as pages read it. What triggers and back ends are called is the shop's own affair.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TurnShown")]
pub(in crate::http) struct Shown<'a> {
    number: u32,
    /// Milliseconds since 1970.
    at: i64,
    #[schemars(schema_with = "told::speakers")]
    speaker: &'static str,
    /// Who wrote the words: a person, a template, an AI.
    #[schemars(schema_with = "told::makers")]
    made: &'static str,
    /// Name of the agent.
    by: &'a str,
    text: &'a str,
    lang: &'a str,
    sources: Vec<Source<'a>>,
    /// Id of the message that it is.
    message: &'a str,
    epoch: u32,
    attempt: u32,
    #[schemars(schema_with = "told::acts")]
    act: Act,
}

/// What `[number]` in a text refers to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SourceShown")]
struct Source<'a> {
    number: u32,
    title: &'a str,
}

/// Part of an answer that is being written.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct PieceShown<'a> {
    /// Number of the question.
    attempt: u32,
    epoch: u32,
    /// Counts the pieces of an attempt, from 0; after a gap the rest is of no use.
    nth: u32,
    /// Text to be appended to the pieces before.
    text: &'a str,
}

/// What the page lacked is told: from here on it hears what is said.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Ready {
    /// Whether the shop has proved who reads the page.
    known: bool,
    #[schemars(schema_with = "told::owners")]
    owner: &'static str,
}

/// Turns that are no more.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Forgotten {
    /// Those with lower numbers.
    below: u32,
}

impl Chat {
    /// Lets a page listen.
    ///
    /// Errors: there is no seat · what it says it heard last is no number · the store does not answer.
    pub(super) async fn listen(
        &self,
        session: Session,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Refusal> {
        let heard = heard(request)?;
        let Session { customer, who, ends } = session;
        let seat = self.hub.sit(&customer).ok_or(Refusal::NoSeat)?;
        let left = (ends - self.clock.now()).0.max(0).unsigned_abs();
        let mut listener = Listener {
            store: self.store.clone(),
            clock: self.clock.clone(),
            customer,
            seat,
            newest: heard.map(|number| Newest { number, epoch: 0, attempt: 0 }),
            waiting: VecDeque::from([Bytes::from(format!("retry: {RETRY_MS}\n\n"))]),
            end: self.clock.sleep(Duration::from_millis(left)),
        };
        let known = self.recent.one(&listener.customer).map(|thread| thread.owner);
        let owner = listener.catch_up(known).await.map_err(|error| {
            tracing::debug!(%error, "a thread cannot be read");
            Refusal::Unavailable
        })?;
        let ready = Ready { known: who == Who::Known, owner: owner.as_str() };
        listener.waiting.push_back(event("ready", None, &ready));
        let body = stream::unfold(listener, Listener::next);
        Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header(("X-Accel-Buffering", "no"))
            .streaming(body))
    }
}

impl Listener {
    /// Reads what the page lacks, and returns who owns the thread, where that is not known already.
    async fn catch_up(&mut self, known: Option<Owner>) -> Result<Owner, store::Error> {
        let is_first = self.newest.is_none();
        let (mut owner, mut missing) = (known, VecDeque::new());
        // From the last turn that was heard, not behind it: it says who owns the thread, also when nothing was said since.
        let mut from = self.newest.map_or(0, |newest| newest.number);
        loop {
            let turns = self.store.read_turns(self.customer.clone(), from, READ_MAX).await?;
            owner = known.or(turns.last().map(|turn| Owner::in_epoch(turn.epoch))).or(owner);
            let (read, last) = (turns.len(), turns.last().map(|turn| turn.number));
            let lacks = |turn: &Turn| self.newest.is_none_or(|newest| turn.number > newest.number);
            missing.extend(turns.into_iter().filter(lacks));
            while is_first && missing.len() > FIRST_MAX {
                missing.pop_front();
            }
            match last {
                Some(last) if read == READ_MAX => from = last + 1,
                Some(_) | None => break,
            }
        }
        missing.iter().for_each(|turn| self.push(turn));
        Ok(owner.unwrap_or_default())
    }

    /// Returns what goes over the line next.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some((Ok(bytes), self));
            }
            let heartbeat = self.clock.sleep(HEARTBEAT);
            tokio::select! {
                told = self.seat.next() => self.take(&*told?).await.ok()?,
                () = heartbeat => self.waiting.push_back(Bytes::from_static(b": alive\n\n")),
                () = &mut self.end => return None,
            }
        }
    }

    /// Takes what was told.
    ///
    /// Errors: a gap cannot be filled: the page comes again.
    async fn take(&mut self, told: &Reply) -> Result<(), store::Error> {
        match told {
            Reply::Turn(turn) => {
                let next = self.newest.map_or(0, |newest| newest.number + 1);
                if turn.number > next {
                    let missing = self.store.read_turns(self.customer.clone(), next, READ_MAX).await?;
                    missing
                        .iter()
                        .filter(|missing| missing.number < turn.number)
                        .for_each(|turn| self.push(turn));
                }
                self.push(turn);
            }
            Reply::Piece(piece) if self.newest.is_none_or(|newest| newest.is_before(piece)) => {
                self.waiting.push_back(event("piece", None, &PieceShown::of(piece)));
            }
            Reply::Piece(_) => {}
            Reply::Forgotten { below, .. } => {
                self.waiting.push_back(event("forgotten", None, &Forgotten { below: *below }));
            }
        }
        Ok(())
    }

    /// Writes a turn, if the page has not heard it.
    fn push(&mut self, turn: &Turn) {
        if self.newest.is_some_and(|newest| turn.number <= newest.number) {
            return;
        }
        let Turn { number, epoch, attempt, .. } = *turn;
        self.newest = Some(Newest { number, epoch, attempt });
        self.waiting.push_back(event("turn", Some(number), &Shown::of(turn)));
    }
}

impl Newest {
    /// Returns true when a piece is of an answer that may still come.
    fn is_before(self, piece: &Piece) -> bool {
        piece.epoch >= self.epoch && piece.attempt > self.attempt
    }
}

impl<'a> PieceShown<'a> {
    fn of(piece: &'a Piece) -> Self {
        let Piece { attempt, epoch, nth, text } = piece;
        Self { attempt: *attempt, epoch: *epoch, nth: *nth, text }
    }
}

impl<'a> Shown<'a> {
    fn of(turn: &'a Turn) -> Self {
        let source = |source: &'a schemas::conversation::Source| Source {
            number: source.number,
            title: &source.title,
        };
        Self {
            number: turn.number,
            at: turn.at.0,
            speaker: turn.speaker.as_str(),
            made: turn.made.as_str(),
            by: if turn.speaker == Speaker::Agent { turn.by.as_str() } else { "" },
            text: &turn.text,
            lang: &turn.lang,
            sources: turn.sources.iter().map(source).collect(),
            message: &turn.message,
            epoch: turn.epoch,
            attempt: turn.attempt,
            act: turn.act,
        }
    }
}

/// Returns the number of the last turn that a page has heard.
fn heard(request: &HttpRequest) -> Result<Option<u32>, Refusal> {
    let Some(value) = request.headers().get("Last-Event-ID") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| Refusal::Malformed {
        field: "Last-Event-ID",
        message: "is not the id of an event that was sent here: a whole number".to_owned(),
    })
}

/// Returns an event as it goes over the line. JSON has no line ends of its own.
fn event(name: &str, id: Option<u32>, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("what is sent is text and numbers");
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    Bytes::from(format!("event: {name}\n{id}data: {data}\n\n"))
}
