//! The call itself: address, key, time-outs, and what a status means.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::generator::{Error, Request, Wait};
use anyhow::Result;
use futures_util::future::{Either, select};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use schemas::time::Timestamp;

use super::wire::{Asked, Part};
use super::{Server, Waits};
use crate::retry_after::{retry_after, seconds};

/// Bytes of a failure's body that are read.
const FAILURE_BYTES_MAX: usize = 16 * 1_024;
/// How long they are waited for.
const FAILURE_WAIT: Duration = Duration::from_secs(1);
/// Characters of a server's own words that are kept.
const WORDS_MAX: usize = 200;

/// A way to one server.
pub(super) struct Link {
    client: Client,
    url: String,
    server: Server,
    pub clock: Arc<dyn Clock>,
}

impl Link {
    pub fn new(server: Server, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if !server.key.is_empty() {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", server.key.reveal()))
                .map_err(|_| anyhow::anyhow!("the key holds what no header may"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        // No redirect is followed: it would carry key and question to where nobody sent them. No proxy is taken from the environment.
        let client = Client::builder()
            .default_headers(headers)
            .connect_timeout(server.waits.connect)
            .redirect(Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()?;
        let url = format!("{}/chat/completions", server.base_url.trim_end_matches('/'));
        Ok(Self { client, url, server, clock })
    }

    pub fn model(&self) -> &str {
        &self.server.model
    }

    pub fn waits(&self) -> Waits {
        self.server.waits
    }

    /// Sends a request, and returns the answer once its headers are there and mean well.
    pub async fn call(&self, request: &Request, until: (Wait, Duration)) -> Result<Response, Error> {
        let body = serde_json::to_vec(&Asked::new(&self.server.model, request))
            .map_err(|error| Error::Rejected { status: 0, text: error.to_string() })?;
        let sent = self.client.post(&self.url).body(body).send();
        let response = self.within(until, sent).await?.map_err(|error| self.unsent(error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response).await) }
    }

    /// Waits for something until a time since boot.
    ///
    /// Errors: [`Error::Late`] with the wait that ended.
    pub async fn within<T>(
        &self,
        (wait, at): (Wait, Duration),
        of: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let span = at.saturating_sub(self.clock.boot());
        match select(pin!(of), self.clock.sleep(span)).await {
            Either::Left((value, _)) => Ok(value),
            Either::Right(_) => Err(Error::Late(wait, span)),
        }
    }

    fn unsent(&self, error: reqwest::Error) -> Error {
        if error.is_timeout() {
            return Error::Late(Wait::Connect, self.server.waits.connect);
        }
        if !error.is_connect() {
            return Error::Cut;
        }
        let error = error.without_url();
        let cause = std::iter::successors(std::error::Error::source(&error), |cause| cause.source()).last();
        Error::Unreachable(self.words(&cause.map_or_else(|| error.to_string(), ToString::to_string)))
    }

    /// Returns what a status means that is no success.
    async fn refusal(&self, response: Response) -> Error {
        let status = response.status().as_u16();
        let retry_after = left_alone(response.headers(), self.clock.now());
        let until = (Wait::Total, self.clock.boot() + FAILURE_WAIT);
        let text = self.within(until, some_of(response)).await.unwrap_or_default();
        let text = self.said(&text);
        match status {
            429 | 503 => Error::Busy { status, retry_after },
            408 | 409 | 425 | 500.. => Error::Failed { status, text },
            400 | 413 | 414 | 422 => Error::Rejected { status, text },
            _ => Error::Denied { status, text },
        }
    }

    /// Returns what a failed server says, in a line.
    fn said(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        if text.trim_start().starts_with('<') {
            return "a page of HTML".to_owned();
        }
        let told = serde_json::from_slice::<Part>(body).ok().and_then(|part| part.error());
        self.words(&told.unwrap_or_else(|| text.into_owned()))
    }

    /// Shortens what a server says to a line, without the key, which some servers repeat.
    pub fn words(&self, text: &str) -> String {
        let text = match self.server.key.is_empty() {
            true => text.to_owned(),
            false => text.replace(self.server.key.reveal(), crate::settings::legal::HIDDEN),
        };
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(WORDS_MAX) {
            Some((end, _)) => format!("{}…", &words[..end]),
            None => words,
        }
    }
}

/// Returns the beginning of a body, or what came of it.
async fn some_of(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < FAILURE_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(FAILURE_BYTES_MAX);
    body
}

/// Returns how long a server wants to be left alone. `retry-after-ms` goes before `Retry-After`, as OpenAI's clients read it.
fn left_alone(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let ms = headers.get("retry-after-ms").and_then(|value| seconds(value.to_str().ok()?.trim()));
    ms.map(|ms| ms / 1_000).or_else(|| retry_after(headers, now))
}
