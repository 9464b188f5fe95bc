//! Conversations: the shopper's side, for pages, and the agent's, for people of the shop.
//!
//! A page opens a session once and shows it from then on. What it says is a record of the customer under whose name the session speaks, and is
//! answered when that is durable; what is said to it comes back over `listen`. Nobody here writes a thread or knows who owns it: the
//! customer's row alone does, behind the log.

mod agent;
mod listen;
mod page;
mod told;

mod pages;
#[cfg(test)]
mod tests;

pub(super) use agent::{Hand, Speech, Threads, Whole};
pub(super) use listen::{Forgotten, PieceShown, Ready, Shown};
pub(super) use page::{Message, Opened, Opening, Shown as TurnsShown};

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use actors::metrics::Collector;
use actors::port::clock::Clock;
use actors::port::log::{LogSink, LogSource, NewRecord};
use actors::port::store::Store;
use bytes::Bytes;
use futures_util::future::{self, Either};
use schemars::JsonSchema;
use schemas::conversation::Talk;
use schemas::ids::{CustomerId, PartitionId};
use schemas::record::{RecordKind, encode_talk};
use schemas::time::Span;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;

use super::collect::durable;
use super::problem::Refusal;
use super::room::Room;
use super::route::{Place, Route};
use super::{access, body};
use crate::chat::settings::DemoPage;
use crate::chat::{Hub, Once, Pace, Recent, Session, Sessions, Settings, Tail, Tokens};
use crate::keys::Keys;

/// Largest body of a conversation's routes: a text of 4,000 characters, each of which may be written as `\uXXXX\uXXXX`.
const BODY_MAX: usize = 64 << 10;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talks {
    /// A page opens a session.
    Open,
    /// A customer says something.
    Say,
    /// A page has shown turns.
    See,
    /// A page listens.
    Listen,
    /// An agent looks at open threads.
    Threads,
    /// An agent reads one.
    Thread,
    /// An agent takes one over.
    TakeOver,
    /// An agent hands one back.
    HandBack,
    /// An agent says something.
    Speak,
    /// The script of the widget.
    Widget,
    /// A page to try it on.
    Demo,
}

impl Talks {
    /// Returns true for what pages of other origins ask.
    pub(super) fn is_for_pages(self) -> bool {
        match self {
            Talks::Open | Talks::Say | Talks::See | Talks::Listen | Talks::Widget => true,
            Talks::Threads
            | Talks::Thread
            | Talks::TakeOver
            | Talks::HandBack
            | Talks::Speak
            | Talks::Demo => false,
        }
    }
}

/// A message that is durable.
#[derive(Serialize, JsonSchema)]
pub(super) struct Taken {
    /// Id that its sender gave it.
    #[schemars(with = "String")]
    id: SmolStr,
}

/// What conversations are held with, as the service knows it.
pub struct Talking {
    /// Section of the settings.
    pub settings: Settings,
    /// What reads the shop's tokens.
    pub tokens: Tokens,
    /// What signs sessions.
    pub sessions: Sessions,
    /// Where turns are told.
    pub source: Arc<dyn LogSource>,
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// Wall clock: what the shop signs bears its dates, whatever time events bear.
    pub wall: Arc<dyn Clock>,
}

/// What conversations share with the other front doors.
pub(super) struct Around {
    pub(super) keys: Arc<Keys>,
    pub(super) sink: Arc<dyn LogSink>,
    pub(super) partitions: u32,
    pub(super) room: Room,
}

/// Both sides of conversations.
pub(super) struct Chat {
    tokens: Tokens,
    sessions: Sessions,
    once: Once,
    pace: Pace,
    hub: Arc<Hub>,
    recent: Arc<Recent>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    around: Around,
    /// Bound of a request.
    request: Duration,
    demo_page: DemoPage,
}

impl Talking {
    /// Returns what reads the turns that are told, for all pages of this process.
    pub(super) fn tail(&self, clock: &Arc<dyn Clock>, metrics: &Collector) -> Arc<Tail> {
        let hub = Hub::new(self.settings.streams_max, metrics.clone());
        let recent = Arc::new(Recent::new(Span::hours(self.settings.open_hours)));
        Arc::new(Tail { source: self.source.clone(), clock: clock.clone(), hub, recent })
    }
}

impl Chat {
    /// Returns what answers requests.
    pub(super) fn new(talking: Talking, around: Around, request: Duration, tail: &Tail) -> Self {
        let Talking { settings, tokens, sessions, store, wall: clock, source: _ } = talking;
        let (once, pace) = (Once::since(clock.now()), Pace::new(settings.messages_per_minute));
        let (hub, recent) = (tail.hub.clone(), tail.recent.clone());
        let demo_page = settings.demo_page;
        Self { tokens, sessions, once, pace, hub, recent, store, clock, around, request, demo_page }
    }

    /// Ends what is open without an end.
    pub(super) fn stop(&self) {
        self.hub.close();
    }

    /// Answers a request of a route.
    ///
    /// Errors: it is refused.
    pub(super) async fn answer(
        &self,
        (request, payload): (&HttpRequest, Payload),
        place: &Place,
        (route, talks): (&'static Route, Talks),
    ) -> Result<HttpResponse, Refusal> {
        access::admit(&self.around.keys, route, access::shown(request.headers()).as_deref())?;
        self.talk((request, payload), place, talks).await
    }

    async fn talk(
        &self,
        (request, payload): (&HttpRequest, Payload),
        place: &Place,
        talks: Talks,
    ) -> Result<HttpResponse, Refusal> {
        match talks {
            Talks::Open => self.open(self.read(request, payload).await?),
            Talks::Say => self.say(&self.session(request)?, self.read(request, payload).await?).await,
            Talks::See => self.see(&self.session(request)?, self.read(request, payload).await?).await,
            Talks::Listen => self.listen(self.session(request)?, request).await,
            Talks::Threads => self.threads(request),
            Talks::Thread => self.thread(place, request).await,
            Talks::TakeOver | Talks::HandBack => {
                self.change(talks, place, self.read(request, payload).await?).await
            }
            Talks::Speak => self.speak(place, self.read(request, payload).await?).await,
            Talks::Widget => Ok(pages::widget(request)),
            Talks::Demo if self.demo_page == DemoPage::On => Ok(pages::demo()),
            Talks::Demo => Err(Refusal::NoRoute),
        }
    }

    /// Returns the session that a request shows.
    ///
    /// Errors: none is shown, or it has ended, or this server did not sign it.
    fn session(&self, request: &HttpRequest) -> Result<Session, Refusal> {
        let shown = access::shown(request.headers());
        shown.and_then(|text| self.sessions.read(&text, self.clock.now())).ok_or(Refusal::NoSession)
    }

    /// Reads a body of JSON.
    ///
    /// Errors: it is too large, does not come in time, or is not what it should be.
    async fn read<T: DeserializeOwned>(&self, request: &HttpRequest, payload: Payload) -> Result<T, Refusal> {
        let mut taken = self.around.room.enter(body::announced(request.headers(), BODY_MAX)?)?;
        let reading = body::read(payload, &mut taken, BODY_MAX);
        let bytes = match future::select(std::pin::pin!(reading), self.clock.sleep(self.request)).await {
            Either::Left((read, _)) => read?,
            Either::Right(_) => return Err(Refusal::Slow),
        };
        serde_json::from_slice(&bytes).map_err(|error| Refusal::Malformed {
            field: "body",
            message: format!("is not the JSON that belongs here: {error}"),
        })
    }

    /// Returns the record of what concerns a thread.
    ///
    /// Errors: it is out of bounds.
    fn record(&self, customer: &CustomerId, talk: &Talk) -> Result<NewRecord, Refusal> {
        talk.check().map_err(|rejection| {
            let named = rejection.field.rsplit('.').next().unwrap_or_default();
            // The engine calls the sender's id of a message so.
            let fields = [("text", "text"), ("message", "id"), ("agent", "agent"), ("lang", "lang")];
            let field =
                fields.into_iter().find(|(ours, _)| *ours == named).map_or("body", |(_, theirs)| theirs);
            Refusal::Malformed { field, message: rejection.message }
        })?;
        Ok(self.new_record(customer, RecordKind::Talk, encode_talk(talk)))
    }

    fn new_record(&self, customer: &CustomerId, kind: RecordKind, body: Bytes) -> NewRecord {
        let key = customer.as_str();
        let partition = PartitionId::of(key, self.around.partitions);
        NewRecord { partition, key: key.into(), kind, epoch: None, stamp: None, body }
    }

    /// Appends records, and returns when they are durable.
    ///
    /// Errors: the log does not acknowledge them in time.
    async fn append(&self, records: Vec<NewRecord>) -> Result<(), Refusal> {
        let until = self.clock.boot() + self.request;
        let appending = durable::append(self.around.sink.clone(), self.clock.clone(), records, until);
        // Goes on when its client goes away, as everything that was begun.
        let appended = actix_web::rt::spawn(appending);
        match future::select(appended, self.clock.sleep(self.request)).await {
            Either::Left((Ok(appended), _)) => appended,
            Either::Left((Err(_), _)) | Either::Right(_) => Err(Refusal::NotDurable),
        }
    }
}
