//! What a shopper's page asks: a session, to say something, to have shown something.

use actix_web::HttpResponse;
use actors::port::log::NewRecord;
use schemars::JsonSchema;
use schemas::conversation::{NAME_MAX, Said, Seen, Speaker, Talk};
use schemas::ids::{ANONYMOUS_PREFIX, CustomerId, OutreachId};
use schemas::record::RecordKind;
use serde::{Deserialize, Serialize};
use serde_json::json;
use smol_str::SmolStr;

use super::{Chat, Refusal, Taken};
use crate::chat::{Refused, Session, Who};

/// Shortest random number of a page: 64 bits in hexadecimal digits. Units: bytes.
const PAGE_MIN: usize = 16;

/// Turns of one request that were shown, at most.
const SHOWN_MAX: usize = 100;

/// A page that opens a session.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Opening {
    /// A random number that the page makes when it is loaded.
    page: String,
    /// What the shop signed.
    token: Option<String>,
    /// The session of an anonymous shopper who was here before.
    session: Option<String>,
}

/// A session.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Opened<'a> {
    /// What the page shows from then on, as bearer token.
    session: &'a str,
    /// Whether the shop has proved who reads the page.
    known: bool,
    /// When the session ends: milliseconds since 1970.
    ends: i64,
}

/// A message.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Message {
    /// Id that its page gave it: what is sent again with the same id is the same message.
    #[schemars(with = "String")]
    id: SmolStr,
    text: String,
    /// Language of the page.
    #[serde(default)]
    #[schemars(with = "String")]
    lang: SmolStr,
}

/// How far a page has shown its thread.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TurnsShown")]
pub(in crate::http) struct Shown {
    /// Number of the last turn that was shown.
    number: u32,
    /// Number of the first one that was not told of before.
    from: Option<u32>,
    /// Number of a turn in which a link was followed.
    clicked: Option<u32>,
}

impl Chat {
    /// Opens a session.
    ///
    /// Errors: the token proves nothing, or was used.
    pub(super) fn open(&self, opening: Opening) -> Result<HttpResponse, Refusal> {
        let Opening { page, token, session } = opening;
        if !(PAGE_MIN..=NAME_MAX).contains(&page.len()) {
            let message =
                format!("has {} bytes; legal are {PAGE_MIN} to {NAME_MAX}, chosen by chance", page.len());
            return Err(Refusal::Malformed { field: "page", message });
        }
        let now = self.clock.now();
        let session = match token {
            None => self.sessions.anonymous(session.as_deref(), now),
            Some(token) => {
                let proof = self.tokens.read(&token, now).map_err(|why| Refusal::Token(why.to_string()))?;
                self.once.take(&proof, &page, now).map_err(|why| match why {
                    Refused::Replayed | Refused::TooOld => Refusal::Token(why.to_string()),
                    Refused::Full => Refusal::TooOften(60),
                })?;
                self.sessions.known(&proof)
            }
        };
        let text = self.sessions.write(&session);
        let Session { who, ends, .. } = session;
        Ok(HttpResponse::Ok().json(Opened { session: &text, known: who == Who::Known, ends: ends.0 }))
    }

    /// Takes a message.
    ///
    /// Errors: it is out of bounds, comes too often, or is not durable in time.
    pub(super) async fn say(&self, session: &Session, message: Message) -> Result<HttpResponse, Refusal> {
        self.pace.pass(&session.customer, self.clock.now()).map_err(Refusal::TooOften)?;
        let Message { id, text, lang } = message;
        let said = Said { message: id.clone(), text, lang, proved: session.who == Who::Known };
        self.append(vec![self.record(&session.customer, &Talk::Said(said))?]).await?;
        Ok(HttpResponse::Accepted().json(Taken { id }))
    }

    /// Takes note that turns were shown, and tells the engine what that means for outreach.
    ///
    /// Errors: the store does not answer · it is not durable in time.
    pub(super) async fn see(&self, session: &Session, shown: Shown) -> Result<HttpResponse, Refusal> {
        let Shown { number, from, clicked } = shown;
        let customer = &session.customer;
        let mut records = vec![self.record(customer, &Talk::Seen(Seen { number }))?];
        let from = from.unwrap_or(number).min(clicked.unwrap_or(number));
        let turns = self.store.read_turns(customer.clone(), from, SHOWN_MAX).await.map_err(|error| {
            tracing::debug!(%error, "a thread cannot be read");
            Refusal::Unavailable
        })?;
        for turn in turns.iter().filter(|turn| turn.speaker == Speaker::Outreach) {
            let was = [
                (turn.number <= number, "Outreach Seen"),
                (clicked == Some(turn.number), "Outreach Clicked"),
            ];
            for (_, event) in was.into_iter().filter(|(is_so, _)| *is_so) {
                records.extend(
                    turn.outreach.map(|outreach| self.event(customer, event, (outreach, turn.by.as_str()))),
                );
            }
        }
        self.append(records).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// Returns the event that says what became of an outreach; the same one however often it is told within a day.
    fn event(&self, customer: &CustomerId, name: &str, (outreach, trigger): (OutreachId, &str)) -> NewRecord {
        let mut event = json!({
            "type": "track",
            "event": name,
            "messageId": format!("{name} {outreach}"),
            "properties": {"outreach": outreach, "trigger": trigger},
        });
        match customer.as_str().strip_prefix(ANONYMOUS_PREFIX) {
            Some(id) => event["anonymousId"] = json!(id),
            None => event["userId"] = json!(customer),
        }
        self.new_record(customer, RecordKind::Event, event.to_string().into())
    }
}
