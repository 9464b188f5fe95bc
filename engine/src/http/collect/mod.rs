//! The collector: requests become events, and are answered when those are durable.
//!
//! A [`Dialect`] knows how its clients say events and how they want to be answered; all else is the same for all, and stands here in the
//! order in which it is done. An accepted event is the record that a producer would put on the topic. A new dialect is a file, and its
//! rows in the table of routes.

pub(super) mod durable;
mod members;

pub(super) mod cloud;
pub(super) mod google;
pub(super) mod mixpanel;
pub(super) mod segment;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use actors::metrics;
use actors::port::clock::Clock;
use actors::port::log::{LogSink, NewRecord};
use bytes::Bytes;
use openssl::rand::rand_bytes;
use schemas::event::{self, Border, Rejection};
use schemas::ids::PartitionId;
use schemas::record::RecordKind;
use schemas::time::Timestamp;
use serde_json::value::RawValue;
use tracing::Instrument;

use super::document::Good;
use super::problem::Refusal;
use super::room::Room;
use super::route::Route;
use super::{access, body};
use crate::clock::within;
use crate::keys::Keys;

/// Events of one request, at most. The Segment specification's bound.
const EVENTS_MAX: usize = 2_500;

/// What a dialect does with the events of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are for the engine.
    Keep,
    /// They are looked at only.
    Check,
}

/// How clients of a kind say events, and how they want to be answered.
pub(super) trait Dialect: Sync {
    /// Returns the name used as label.
    fn as_str(&self) -> &'static str;

    /// Returns what becomes of the events.
    fn purpose(&self) -> Purpose {
        Purpose::Keep
    }

    /// Returns what is wrong with the type of a body, if anything is; in words what would be legal.
    fn refuses(&self, asked: &Asked<'_>) -> Option<&'static str>;

    /// Returns the key that a request shows in a way of the dialect's own, beside its body.
    fn key(&self, _asked: &Asked<'_>) -> Option<String> {
        None
    }

    /// Returns true when the key may stand in the body: it is asked for when that is there.
    fn has_key_in_body(&self) -> bool {
        false
    }

    /// Reads a body.
    ///
    /// Errors: it is not what it should be as a whole; what is wrong with one event is told with that.
    fn read(&self, asked: &Asked<'_>, body: &Bytes) -> Result<Sent, Refusal>;

    /// Returns what the dialect calls a field that the engine calls so.
    fn field<'a>(&self, ours: &'a str) -> &'a str {
        ours
    }

    /// Returns how a request is answered that is done, for the document of the API.
    fn good(&self) -> Good {
        Good::JSON
    }

    /// Answers a request whose events were looked at one by one.
    fn done(&self, asked: &Asked<'_>, done: &Done) -> HttpResponse;

    /// Answers a request that was refused as a whole.
    fn refused(&self, _asked: &Asked<'_>, refusal: &Refusal) -> HttpResponse {
        refusal.problem()
    }
}

/// What a dialect sees of a request beside its body.
pub(super) struct Asked<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    query: &'a str,
    received: Timestamp,
}

impl Asked<'_> {
    /// Returns a value of the query.
    fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the media type of the body in small letters, without parameters; empty where none is named.
    fn media(&self) -> String {
        let named = self.headers.get(CONTENT_TYPE).and_then(|named| named.to_str().ok()).unwrap_or("");
        named.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    }
}

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// A key, where the dialect puts it into the body.
    key: Option<String>,
    events: Vec<Candidate>,
}

/// One event as it was sent.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The message id, for dialects that answer by it.
    id: Option<String>,
    read: Result<Body, Fault>,
}

/// An event in a form that the log holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// Segment JSON.
    Segment(Bytes),
    /// A CloudEvent in its JSON format.
    Cloud(Bytes),
}

/// What is wrong with one event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// Short name, for counting.
    code: &'static str,
    /// Which field.
    field: String,
    /// What is wrong with it, and what would be legal.
    message: String,
}

impl Fault {
    fn new(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { code, field: field.to_owned(), message: message.into() }
    }

    fn of(rejection: &Rejection, dialect: &dyn Dialect) -> Self {
        let field = dialect.field(&rejection.field);
        Self::new(rejection.reason.as_str(), field, rejection.message.clone())
    }

    /// Returns that a part of a batch is no object.
    fn no_object(error: &serde_json::Error) -> Self {
        Self::new("malformed_json", "body", format!("is not one JSON object: {error}"))
    }
}

/// An event that was refused.
#[derive(Debug)]
pub(super) struct Rejected {
    /// Its place in the request.
    index: usize,
    id: Option<String>,
    fault: Fault,
}

/// What became of the events of a request.
#[derive(Debug, Default)]
pub(super) struct Done {
    accepted: usize,
    rejected: Vec<Rejected>,
}

/// What the collector works with.
pub(super) struct Collector {
    pub(super) sink: Arc<dyn LogSink>,
    pub(super) partitions: u32,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) border: Border,
    pub(super) keys: Arc<Keys>,
    pub(super) room: Room,
    pub(super) metrics: metrics::Collector,
    /// Longest body.
    pub(super) body_max: usize,
    /// Bound of a request.
    pub(super) request: Duration,
}

impl Collector {
    /// Answers a request of a route.
    pub(super) async fn answer(
        &self,
        request: &HttpRequest,
        payload: Payload,
        (route, dialect): (&'static Route, &'static dyn Dialect),
    ) -> HttpResponse {
        let asked = Asked {
            method: request.method(),
            headers: request.headers(),
            query: request.query_string(),
            received: self.clock.now(),
        };
        match self.take(&asked, payload, (route, dialect)).await {
            Ok(done) => dialect.done(&asked, &done),
            Err(refusal) => {
                self.metrics.refused(refusal.as_str());
                if let Refusal::Malformed { .. } = refusal {
                    // Some dialects do not tell it their clients.
                    self.metrics.rejected(dialect.as_str(), refusal.as_str());
                }
                dialect.refused(&asked, &refusal)
            }
        }
    }

    /// Takes the events of a request, and returns when they are durable.
    async fn take(
        &self,
        asked: &Asked<'_>,
        payload: Payload,
        (route, dialect): (&'static Route, &'static dyn Dialect),
    ) -> Result<Done, Refusal> {
        let began = self.clock.boot();
        if let Some(legal) = dialect.refuses(asked) {
            return Err(Refusal::Media { legal });
        }
        let packing = body::packing(asked.headers)?;
        let key = access::shown(asked.headers).or_else(|| dialect.key(asked));
        if key.is_some() || !dialect.has_key_in_body() {
            access::admit(&self.keys, route, key.as_deref())?;
        }
        let mut taken = self.room.enter(body::announced(asked.headers, self.body_max)?)?;
        let reading = body::read(payload, &mut taken, self.body_max);
        let packed = within(&*self.clock, self.request, reading).await.ok_or(Refusal::Slow)??;
        let body = body::unpack(packed, packing, &mut taken, self.body_max)?;
        let sent = dialect.read(asked, &body)?;
        if key.is_none() && dialect.has_key_in_body() {
            access::admit(&self.keys, route, sent.key.as_deref())?;
        }
        let (records, rejected) = self.judge(dialect, sent.events, asked.received);
        let accepted = records.len();
        if accepted > 0 && dialect.purpose() == Purpose::Keep {
            let until = began + self.request;
            // Goes on when its client goes away: what the log was given takes room until the log has answered.
            let appending = durable::append(self.sink.clone(), self.clock.clone(), records, until);
            let appending = async move {
                let appended = appending.await;
                drop(taken);
                appended
            };
            let appended = actix_web::rt::spawn(appending.in_current_span());
            let left = until.saturating_sub(self.clock.boot());
            let appended = within(&*self.clock, left, appended).await.ok_or(Refusal::NotDurable)?;
            appended.unwrap_or(Err(Refusal::NotDurable))?;
            self.metrics.durable(self.clock.boot().saturating_sub(began));
            self.metrics.accepted(dialect.as_str(), accepted);
        }
        Ok(Done { accepted, rejected })
    }

    /// Makes records of good events, and says what is wrong with the others.
    fn judge(
        &self,
        dialect: &dyn Dialect,
        events: Vec<Candidate>,
        now: Timestamp,
    ) -> (Vec<NewRecord>, Vec<Rejected>) {
        let (mut records, mut rejected) = (Vec::with_capacity(events.len()), Vec::new());
        for (index, Candidate { id, read }) in events.into_iter().enumerate() {
            let record = |body| record(body, (self.partitions, &self.border), now);
            match read.and_then(|body| record(body).map_err(|rejection| Fault::of(&rejection, dialect))) {
                Ok(record) => records.push(record),
                Err(fault) => {
                    self.metrics.rejected(dialect.as_str(), fault.code);
                    rejected.push(Rejected { index, id, fault });
                }
            }
        }
        (records, rejected)
    }
}

/// Returns the record of an event, as whoever reads it will take it.
fn record(body: Body, (partitions, border): (u32, &Border), now: Timestamp) -> Result<NewRecord, Rejection> {
    let (kind, body, event) = match body {
        Body::Segment(json) => {
            let event = event::decode("", &json, now, border)?;
            (RecordKind::Event, json, event)
        }
        Body::Cloud(json) => {
            let event = event::decode_cloud_event("", &json, now, border)?;
            (RecordKind::CloudEvent, json, event)
        }
    };
    let key = event.customer.as_str();
    let partition = PartitionId::of(key, partitions);
    Ok(NewRecord { partition, key: key.into(), kind, epoch: None, stamp: None, body })
}

/// Returns the text of a body.
///
/// Errors: it is no text.
fn text(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|error| {
        malformed("body", format!("is not UTF-8 from byte {} on; JSON must be", error.valid_up_to()))
    })
}

/// Returns the parts of a list of events.
///
/// Errors: it is no list, or too long.
fn list<'a>(field: &'static str, json: &'a str) -> Result<Vec<&'a RawValue>, Refusal> {
    let parts: Vec<&RawValue> = serde_json::from_str(json)
        .map_err(|error| malformed(field, format!("is not a list of events: {error}")))?;
    at_most(parts.len())?;
    Ok(parts)
}

fn at_most(events: usize) -> Result<(), Refusal> {
    if events <= EVENTS_MAX {
        return Ok(());
    }
    Err(Refusal::TooLarge(format!("there are {events} events; at most {EVENTS_MAX} are legal")))
}

fn malformed(field: &'static str, message: String) -> Refusal {
    Refusal::Malformed { field, message }
}

/// Returns a message id for an event of a dialect whose clients need not give one. An event with a time is the same whenever it is sent; one
/// without is another each time, since two that were sent alike cannot be told from one that was sent twice.
fn message_id(event: &[u8], has_time: HasTime) -> String {
    match has_time {
        HasTime::Yes => event::body_message_id(event).to_string(),
        HasTime::No => {
            let mut once = [0; 16];
            rand_bytes(&mut once).expect("a system that has made keys has randomness");
            format!("once-{:032x}", u128::from_le_bytes(once))
        }
    }
}

/// Whether an event says when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HasTime {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
