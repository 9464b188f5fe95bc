//! What people of the shop ask: which threads are open, what stands in one, and to speak in it.

use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use schemas::conversation::{Change, Owner, Ownership, Speaker, Spoken, Talk};
use schemas::ids::CustomerId;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::told::{self, ThreadTurn};
use super::{Chat, Place, Refusal, Taken, Talks};
use crate::chat::Thread;

/// Threads of one answer, at most, and turns.
const LIST_MAX: usize = 200;

/// Who takes a thread over or hands it back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Hand {
    /// The name that the customer reads.
    #[schemars(with = "String")]
    agent: SmolStr,
}

/// What an agent says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Speech {
    /// Id that its sender gave it: what is sent again with the same id is the same message.
    #[schemars(with = "String")]
    id: SmolStr,
    /// The name that the customer reads.
    #[schemars(with = "String")]
    agent: SmolStr,
    text: String,
}

/// Open threads, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Conversations")]
pub(in crate::http) struct Threads {
    conversations: Vec<Open>,
}

/// An open thread, with its last turn.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Conversation")]
struct Open {
    #[schemars(with = "String")]
    customer: CustomerId,
    /// When something was said last: milliseconds since 1970.
    #[schemars(with = "i64")]
    at: Timestamp,
    #[schemars(schema_with = "told::owners")]
    owner: &'static str,
    /// Whether a person has to answer.
    waits: bool,
    #[schemars(schema_with = "told::speakers")]
    speaker: &'static str,
    text: String,
    /// How many turns there were.
    turns: u32,
}

/// A thread, the oldest turn first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Thread")]
pub(in crate::http) struct Whole<'a> {
    customer: &'a str,
    #[schemars(schema_with = "told::owners")]
    owner: &'static str,
    turns: Vec<ThreadTurn<'a>>,
    /// Where the next answer begins: `?from=`; nothing behind the last turn.
    next: Option<u32>,
}

impl Chat {
    /// Lists open threads, newest first.
    ///
    /// Errors: the bound is none.
    pub(super) fn threads(&self, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let max = number(request, "limit")?.map_or(LIST_MAX, |max| (max as usize).min(LIST_MAX));
        let open = self.recent.open(self.clock.now(), max);
        Ok(HttpResponse::Ok().json(Threads { conversations: open.into_iter().map(Open::of).collect() }))
    }

    /// Shows a thread.
    ///
    /// Errors: a number is none · the store does not answer.
    pub(super) async fn thread(&self, place: &Place, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let customer = customer(place)?;
        let from = number(request, "from")?.unwrap_or(0);
        let max = number(request, "limit")?.map_or(LIST_MAX, |max| (max as usize).clamp(1, LIST_MAX));
        let turns = self.store.read_turns(customer.clone(), from, max).await.map_err(|error| {
            tracing::debug!(%error, "a thread cannot be read");
            Refusal::Unavailable
        })?;
        let next = (turns.len() == max).then(|| turns.last().map(|turn| turn.number + 1)).flatten();
        let known = self.recent.one(&customer).map(|thread| thread.owner);
        let last = turns.last().map(|turn| Owner::in_epoch(turn.epoch));
        let owner = known.or(last).unwrap_or_default().as_str();
        let turns = turns.iter().map(ThreadTurn::of).collect();
        Ok(HttpResponse::Ok().json(Whole { customer: customer.as_str(), owner, turns, next }))
    }

    /// Gives a thread to a person, or back to the bot.
    ///
    /// Errors: the name is out of bounds · it is not durable in time.
    pub(super) async fn change(
        &self,
        talks: Talks,
        place: &Place,
        hand: Hand,
    ) -> Result<HttpResponse, Refusal> {
        let change = if talks == Talks::TakeOver { Change::TakeOver } else { Change::HandBack };
        let ownership = Ownership { change, agent: hand.agent };
        self.append(vec![self.record(&customer(place)?, &Talk::Ownership(ownership))?]).await?;
        Ok(HttpResponse::Accepted().finish())
    }

    /// Says something in a thread.
    ///
    /// Errors: it is out of bounds · it is not durable in time.
    pub(super) async fn speak(&self, place: &Place, speech: Speech) -> Result<HttpResponse, Refusal> {
        let Speech { id, agent, text } = speech;
        let spoken = Spoken { message: id.clone(), agent, text };
        self.append(vec![self.record(&customer(place)?, &Talk::Spoken(spoken))?]).await?;
        Ok(HttpResponse::Accepted().json(Taken { id }))
    }
}

impl Open {
    fn of(thread: Thread) -> Self {
        let Thread { customer, at, number, owner, waits, speaker, text, .. } = thread;
        let (owner, speaker) = (owner.as_str(), Speaker::as_str(speaker));
        Self { customer, at, owner, waits, speaker, text, turns: number + 1 }
    }
}

fn customer(place: &Place) -> Result<CustomerId, Refusal> {
    let id = place.parameter("customer")?;
    match schemas::event::names_nobody(&id) {
        true => Err(Refusal::Malformed { field: "customer", message: "names nobody".to_owned() }),
        false => Ok(CustomerId::of_key(id.into())),
    }
}

/// Returns a number of the query.
fn number(request: &HttpRequest, name: &'static str) -> Result<Option<u32>, Refusal> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let Some((_, text)) = pairs.find(|(known, _)| known == name) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| Refusal::Malformed { field: name, message: "is no whole number from 0 on".to_owned() })
}
