//! The engine's HTTP server, asked until it answers.

use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::{Context, Result, bail};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::tally::Tally;
use crate::clock::SystemClock;
use crate::retry_after::retry_after;

/// How long the engine may be away.
const AWAY: Duration = Duration::from_secs(60);

/// The first wait for an engine that is away.
const WAIT: Duration = Duration::from_millis(250);

/// The longest wait that an answer is believed to ask for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Bound of one request.
const REQUEST: Duration = Duration::from_secs(30);

/// A way to the engine. Clones share connections.
#[derive(Clone)]
pub(super) struct Link {
    client: Client,
    url: String,
    pub(super) tally: Tally,
}

/// An answer that is no refusal for a while.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    /// Time of the request that was answered so.
    pub(super) took: Duration,
}

impl Link {
    /// Errors: the system has no certificates.
    pub(super) fn new(url: &str, tally: Tally) -> Result<Self> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .context("no HTTP client can be made")?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), tally })
    }

    /// Posts JSON until it is answered. What is refused for now is sent again when the answer says so; the engine may be away for a minute.
    ///
    /// Errors: it is away for longer.
    pub(super) async fn post(&self, path: &str, bearer: &str, body: &impl Serialize) -> Result<Answer> {
        let body = serde_json::to_string(body)?;
        let (began, mut wait) = (SystemClock.boot(), WAIT);
        loop {
            let asked = SystemClock.boot();
            let sent = self.client.post(format!("{}{path}", self.url)).bearer_auth(bearer).timeout(REQUEST);
            match sent.header(CONTENT_TYPE, "application/json").body(body.clone()).send().await {
                Ok(response) if comes_again(response.status()) => {
                    self.tally.refused();
                    let asked = retry_after(response.headers(), SystemClock.now());
                    wait = asked.map_or(wait, |asked| asked.clamp(WAIT, WAIT_MAX));
                }
                Ok(response) => {
                    let status = response.status();
                    let text = response.bytes().await.unwrap_or_default();
                    let took = SystemClock.boot().saturating_sub(asked);
                    return Ok(Answer {
                        status,
                        body: serde_json::from_slice(&text).unwrap_or_default(),
                        took,
                    });
                }
                Err(error) if SystemClock.boot().saturating_sub(began) < AWAY => {
                    tracing::debug!(%error, path, "the engine does not answer; again soon");
                    self.tally.unanswered_request();
                }
                Err(error) => return Err(error).with_context(|| away(&self.url)),
            }
            SystemClock.sleep(wait).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    /// Opens the stream of a page's thread, behind the last turn that was heard.
    ///
    /// Errors: no connection, or another answer than a stream.
    pub(super) async fn listen(&self, path: &str, session: &str, heard: Option<u64>) -> Result<Response> {
        let mut asked = self.client.get(format!("{}{path}", self.url));
        asked = asked.header(ACCEPT, "text/event-stream").header(AUTHORIZATION, format!("Bearer {session}"));
        if let Some(number) = heard {
            asked = asked.header("Last-Event-ID", number.to_string());
        }
        let response = asked.send().await?;
        if !response.status().is_success() {
            bail!("{path} was answered with {}", response.status());
        }
        Ok(response)
    }

    /// Returns a text at another address of the engine.
    ///
    /// Errors: it is not told.
    pub(super) async fn text(&self, url: &str) -> Result<String> {
        let response = self.client.get(url).timeout(REQUEST).send().await?.error_for_status()?;
        Ok(response.text().await?)
    }
}

fn away(url: &str) -> String {
    format!(
        "nobody answers at {url}; `care serve --http IP:PORT` starts an engine there, --url names another address"
    )
}

fn comes_again(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
