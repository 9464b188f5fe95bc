//! What a request is known by: its id, in log, answer and trace, and the span that follows it.
//!
//! A span holds the route and never the path or query that was asked for: a query may bear a key, a path what a customer typed.
//!
//! Source: W3C Trace Context; OpenTelemetry semantic conventions for HTTP servers.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use openssl::rand::rand_bytes;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::route::Place;
use crate::observe::HTTP;

/// The header with the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that names a caller's span. Its companion `tracestate` is left alone: nothing here reads it.
const TRACEPARENT: &str = "traceparent";

/// Letters of an id that a client may choose.
const ID_MAX: usize = 64;

/// The id of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// Returns the id that the client gave, so that it finds its request again, or else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        match given.filter(|given| is_id(given)) {
            Some(given) => Self(given.to_owned()),
            None => {
                let mut once = [0; 8];
                rand_bytes(&mut once).expect("a system that has made keys has randomness");
                Self(format!("{:016x}", u64::from_le_bytes(once)))
            }
        }
    }

    /// Puts the id into an answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, HeaderValue::from_str(&self.0).expect("letters, digits, - . and _"));
    }
}

fn is_id(text: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"-._".contains(&letter);
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(is_letter)
}

/// Returns the span of a request, within the caller's where it names one.
pub(super) fn span(request: &HttpRequest, place: Option<&Place>, id: &RequestId) -> Span {
    let route = place.map_or("other", |place| place.path);
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "_OTHER",
    };
    let span = info_span!(
        target: HTTP,
        parent: None,
        "request",
        request = id.0,
        http.route = route,
        http.request.method = method,
        http.response.status_code = Empty,
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
    );
    if request.headers().contains_key(TRACEPARENT) {
        let caller = TraceContextPropagator::new().extract(&Headers(request.headers()));
        // Refused only where nobody traces.
        drop(span.set_parent(caller));
    }
    span
}

/// Notes how a request was answered.
pub(super) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "error");
    }
}

/// Headers as a propagator reads them: the one that it needs.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let wanted = key.eq_ignore_ascii_case(TRACEPARENT);
        wanted.then(|| self.0.get(TRACEPARENT)).flatten()?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, taken: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(given.as_bytes()).expect("a header"));
        let id = RequestId::of(&headers);
        assert_eq!(id.0 == given, taken, "{given:?} {id:?}");
        assert!(is_id(&id.0), "{id:?}");
        let mut answer = HeaderMap::new();
        id.mark(&mut answer);
        assert_eq!(answer.get(REQUEST_ID).map(HeaderValue::as_bytes), Some(id.0.as_bytes()));
    }

    #[test]
    fn a_request_bears_the_id_of_its_client_if_it_is_short_and_plain() {
        check("7f3c-b_1.A", true);
        check(&"x".repeat(ID_MAX), true);
        for bad in ["", "two words", "<script>", "ключ", &"x".repeat(ID_MAX + 1)] {
            check(bad, false);
        }
        let none = HeaderMap::new();
        assert_ne!(RequestId::of(&none), RequestId::of(&none), "each its own");
    }
}
