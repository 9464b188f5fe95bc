//! Why a request is not answered as it wished, and how that is told: problem details for HTTP.
//!
//! Source: RFC 9457.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use super::route::allowed;
use crate::keys::Role;

/// When a client that was refused for want of room should come again. Units: seconds.
const FULL_RETRY_S: u32 = 1;

/// When a client that was refused because the log does not take records should come again. Units: seconds.
const LOG_RETRY_S: u32 = 2;

/// Why a whole request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// There is nothing at the path.
    NoRoute,
    /// There is something at this template, but not for this method.
    Method(&'static str),
    /// The body is of a type that the route does not read.
    Media {
        /// What it reads.
        legal: &'static str,
    },
    /// The body is packed in a way that is not read.
    Encoding,
    /// The body, or a part of the address, cannot be read as what it should be.
    Malformed {
        /// What of it.
        field: &'static str,
        /// What is wrong, and what would be legal.
        message: String,
    },
    /// A part of the address is the name of nothing.
    Unknown {
        /// Which.
        field: &'static str,
        /// What of it, and what would be legal.
        message: String,
    },
    /// The body, or what it holds, is too large.
    TooLarge(String),
    /// No key is shown.
    NoKey,
    /// The key that is shown is none.
    UnknownKey,
    /// The key is of another role than these.
    Role(&'static [Role], Role),
    /// The page shows no session, or one that has ended.
    NoSession,
    /// What the shop signed proves nothing.
    Token(String),
    /// One customer sends too often; for so many seconds.
    TooOften(u32),
    /// Too many pages listen.
    NoSeat,
    /// A request with the same idempotency key is under way.
    UnderWay,
    /// Another request was sent with the same idempotency key.
    OtherRequest,
    /// The body was not there in time.
    Slow,
    /// Too many views are made.
    Busy,
    /// The answer was not there in time.
    Late,
    /// Log or store do not answer, or not with what can be read.
    Unavailable,
    /// Too much is under way.
    Full,
    /// The log does not take records.
    NotDurable,
    /// The server ends.
    Stopping,
}

impl Refusal {
    /// Returns the short name used in `type` and by metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Refusal::NoRoute => "not-found",
            Refusal::Method(_) => "method-not-allowed",
            Refusal::Media { .. } => "unsupported-media-type",
            Refusal::Encoding => "unsupported-content-encoding",
            Refusal::Malformed { .. } => "malformed",
            Refusal::Unknown { .. } => "unknown",
            Refusal::TooLarge(_) => "too-large",
            Refusal::NoKey => "no-key",
            Refusal::UnknownKey => "unknown-key",
            Refusal::Role(..) => "wrong-role",
            Refusal::NoSession => "no-session",
            Refusal::Token(_) => "token-refused",
            Refusal::TooOften(_) => "too-often",
            Refusal::NoSeat => "too-many-streams",
            Refusal::UnderWay => "under-way",
            Refusal::OtherRequest => "other-request",
            Refusal::Slow => "too-slow",
            Refusal::Busy => "too-many-views",
            Refusal::Late => "too-late",
            Refusal::Unavailable => "unavailable",
            Refusal::Full => "too-much-under-way",
            Refusal::NotDurable => "log-unavailable",
            Refusal::Stopping => "stopping",
        }
    }

    /// Returns the status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refusal::NoRoute | Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
            Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Media { .. } | Refusal::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Malformed { .. } => StatusCode::BAD_REQUEST,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::NoKey | Refusal::UnknownKey | Refusal::NoSession | Refusal::Token(_) => {
                StatusCode::UNAUTHORIZED
            }
            Refusal::Role(..) => StatusCode::FORBIDDEN,
            Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
            Refusal::UnderWay => StatusCode::CONFLICT,
            Refusal::OtherRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Full | Refusal::Busy | Refusal::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::NotDurable
            | Refusal::Stopping
            | Refusal::Late
            | Refusal::Unavailable
            | Refusal::NoSeat => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Refusal::NoRoute => "There is nothing here",
            Refusal::Method(_) => "This method is not for this path",
            Refusal::Media { .. } => "A body of this type is not read here",
            Refusal::Encoding => "A body packed like this is not read",
            Refusal::Malformed { .. } => "The request cannot be read",
            Refusal::Unknown { .. } => "There is nothing of this name",
            Refusal::TooLarge(_) => "The request is too large",
            Refusal::NoKey => "A key is needed",
            Refusal::UnknownKey => "The key is not in force",
            Refusal::Role(..) => "The key is not for this",
            Refusal::NoSession => "A session is needed",
            Refusal::Token(_) => "The token opens no session",
            Refusal::TooOften(_) => "Too much is sent",
            Refusal::NoSeat => "Too many pages listen",
            Refusal::UnderWay => "The same request is under way",
            Refusal::OtherRequest => "The idempotency key was used for another request",
            Refusal::Slow => "The request was not complete in time",
            Refusal::Busy => "Too many look at once",
            Refusal::Late => "The answer was not there in time",
            Refusal::Unavailable => "What was asked for cannot be read now",
            Refusal::Full => "Too much is under way",
            Refusal::NotDurable => "Events cannot be made durable now",
            Refusal::Stopping => "The server is stopping",
        }
    }

    /// Returns what is wrong, and what would be legal.
    pub(super) fn detail(&self) -> String {
        match self {
            Refusal::NoRoute => "there is no such path; the collector's are /v1/…, /events, /mp/collect, /debug/mp/collect, /track and /import, pages talk below /chat, the console is at /console/, all else is below /api/v1".to_owned(),
            Refusal::Method(path) => format!("legal: {}", allowed(path)),
            Refusal::Media { legal } => format!("legal: {legal}"),
            Refusal::Encoding => "legal: gzip, or no Content-Encoding".to_owned(),
            Refusal::Malformed { field, message } | Refusal::Unknown { field, message } => {
                format!("{field} {message}")
            }
            Refusal::TooLarge(message) => message.clone(),
            Refusal::NoKey => "no key is shown; legal: HTTP Basic with the key as user name, a bearer token, or where the dialect of the route puts it".to_owned(),
            Refusal::UnknownKey => "the key that is shown is not in force; `care keys list` shows which are".to_owned(),
            Refusal::Role(legal, role) => {
                let legal: Vec<&str> = legal.iter().map(|role| role.as_str()).collect();
                format!("the key is of role {}; legal here: {}", role.as_str(), legal.join(", "))
            }
            Refusal::NoSession => "no session is shown as bearer token, or it has ended; POST /chat/session opens one".to_owned(),
            Refusal::Token(message) => format!("token {message}"),
            Refusal::TooOften(seconds) => format!("nothing of this request was taken: send it again in {seconds} s"),
            Refusal::NoSeat => "as many pages listen as chat.streams_max lets; come again".to_owned(),
            Refusal::UnderWay => "a request with this Idempotency-Key has not come to its end; ask again".to_owned(),
            Refusal::OtherRequest => "the Idempotency-Key names a request with another body; legal: a key of its own for each request".to_owned(),
            Refusal::Busy => "as many views are made as may be, or others read the same at length; ask again".to_owned(),
            Refusal::Late => "the answer was not there within http.request_ms; what was begun may go on".to_owned(),
            Refusal::Unavailable => "log or store did not answer, or not with what can be understood; the log of the process says more".to_owned(),
            Refusal::Slow => "the body was not there within http.request_ms".to_owned(),
            Refusal::Full => "bodies under way fill http.under_way_max_mib; nothing of this request was taken: send it again".to_owned(),
            Refusal::NotDurable => "the log did not acknowledge the events in time; send them again with the same message ids: what was taken all the same counts once".to_owned(),
            Refusal::Stopping => "this process stops; send the request again, to another one or after the restart".to_owned(),
        }
    }

    fn retry_s(&self) -> Option<u32> {
        match self {
            Refusal::Full | Refusal::Busy => Some(FULL_RETRY_S),
            Refusal::NotDurable
            | Refusal::Stopping
            | Refusal::Late
            | Refusal::Unavailable
            | Refusal::NoSeat => Some(LOG_RETRY_S),
            Refusal::TooOften(seconds) => Some(*seconds),
            Refusal::NoRoute
            | Refusal::Method(_)
            | Refusal::Media { .. }
            | Refusal::Encoding
            | Refusal::Malformed { .. }
            | Refusal::Unknown { .. }
            | Refusal::TooLarge(_)
            | Refusal::NoKey
            | Refusal::UnknownKey
            | Refusal::Role(..)
            | Refusal::NoSession
            | Refusal::Token(_)
            | Refusal::UnderWay
            | Refusal::OtherRequest
            | Refusal::Slow => None,
        }
    }

    /// Returns the answer with this body and the headers that belong to the refusal.
    pub(super) fn with_body(&self, media: &str, body: String) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status());
        // It is true of now.
        answer.insert_header((CONTENT_TYPE, media)).insert_header((CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_s() {
            answer.insert_header((RETRY_AFTER, seconds));
        }
        if let Refusal::Method(path) = self {
            answer.insert_header((ALLOW, allowed(path)));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            answer.append_header((WWW_AUTHENTICATE, "Basic realm=\"care\", charset=\"UTF-8\""));
            answer.append_header((WWW_AUTHENTICATE, "Bearer realm=\"care\""));
        }
        if matches!(self, Refusal::Slow | Refusal::TooLarge(_) | Refusal::Stopping) {
            // What is left of the body is not waited for.
            answer.force_close();
        }
        answer.body(body)
    }

    /// Returns the answer in the form of RFC 9457.
    pub(super) fn problem(&self) -> HttpResponse {
        let mut members = Map::new();
        if let Refusal::Malformed { field, .. } | Refusal::Unknown { field, .. } = self {
            members.insert("field".to_owned(), json!(field));
        }
        if let Refusal::Token(_) = self {
            members.insert("field".to_owned(), json!("token"));
        }
        self.with_body(
            MEDIA_TYPE,
            details(self.as_str(), self.title(), (self.status(), &self.detail()), members),
        )
    }
}

/// The media type of problem details.
const MEDIA_TYPE: &str = "application/problem+json";

/// Returns the answer to a request of which every event is refused: a problem with members of its own.
pub(super) fn all_refused(detail: &str, members: Map<String, Value>) -> HttpResponse {
    let status = StatusCode::BAD_REQUEST;
    let body = details("events-refused", "No event was accepted", (status, detail), members);
    HttpResponse::build(status).insert_header((CONTENT_TYPE, MEDIA_TYPE)).body(body)
}

fn details(
    name: &str,
    title: &str,
    (status, detail): (StatusCode, &str),
    mut members: Map<String, Value>,
) -> String {
    members.insert("type".to_owned(), json!(format!("urn:care:problem:{name}")));
    members.insert("title".to_owned(), json!(title));
    members.insert("status".to_owned(), json!(status.as_u16()));
    members.insert("detail".to_owned(), json!(detail));
    Value::Object(members).to_string() + "\n"
}
