//! One request, and what its answer means.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::{Context, Result, anyhow};
use futures_util::future::{Either, select};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use schemas::decision::Outreach;
use tokio::sync::Semaphore;

use super::guard::{Guard, Refused, Scheme};
use super::payload;
use super::settings::{Settings, host_address};
use super::sign::Secrets;
use crate::clock::SystemClock;
use crate::retry_after::retry_after;

/// Bytes of an answer's body that are read: enough to use the connection again after a short one, and for nothing else.
const BODY_BYTES_MAX: usize = 16 * 1_024;
/// How long they are waited for.
const BODY_WAIT: Duration = Duration::from_millis(500);

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server took it.
    Taken,
    /// The server wants no more.
    Gone,
    /// Not this time.
    Failed {
        /// What failed.
        failure: Failure,
        /// The same in words, without the server's own.
        why: String,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
}

/// What failed about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server has too much to do: 429, 502, 503, 504.
    Busy,
    /// The server sends elsewhere, which is not followed.
    Redirect,
    /// Any other status.
    Status,
    /// The server did not answer in time, or there was no room for a call.
    Late,
    /// There was no connection, or it broke.
    Unreachable,
    /// The name leads into a network that may not be called.
    Forbidden,
}

impl Answer {
    /// Returns the name used as label.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Answer::Taken => "taken",
            Answer::Gone => "gone",
            Answer::Failed { failure, .. } => match failure {
                Failure::Busy => "busy",
                Failure::Redirect => "redirect",
                Failure::Status => "status",
                Failure::Late => "late",
                Failure::Unreachable => "unreachable",
                Failure::Forbidden => "forbidden",
            },
        }
    }

    fn failed(failure: Failure, why: impl Into<String>) -> Self {
        Answer::Failed { failure, why: why.into(), retry_after: None }
    }
}

/// Calls one address.
pub(super) struct Caller {
    client: Client,
    url: Url,
    /// The address that the URL names itself: no name is looked up then.
    literal: Option<IpAddr>,
    guard: Guard,
    secrets: Secrets,
    total: Duration,
    /// Calls at once.
    room: Semaphore,
    clock: Arc<dyn Clock>,
}

impl Caller {
    /// Errors: a setting is not legal · the system's certificates cannot be read.
    pub(super) fn new(settings: &Settings<'_>, clock: Arc<dyn Clock>) -> Result<Self> {
        let url = Url::parse(settings.url).context("the url is none")?;
        let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        let guard = Guard::new(scheme, settings.networks().map_err(|text| anyhow!("networks: {text}"))?);
        let secrets = Secrets::parse(settings.secrets).map_err(|problem| anyhow!("secrets: {problem}"))?;
        // No redirect is followed: it would carry what is sent to where nobody sent it. No proxy is taken from the environment: it would
        // look names up where nobody guards them.
        let client = Client::builder()
            .user_agent(concat!("care/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(guard.clone()))
            .tcp_nodelay(true)
            .build()?;
        let literal = host_address(&url);
        let room = Semaphore::new(settings.in_flight_max);
        Ok(Self { client, url, literal, guard, secrets, total: settings.total, room, clock })
    }

    /// Makes one call. Bounds: the time of the settings, the wait for room included.
    pub(super) async fn call(&self, outreach: &Outreach) -> Answer {
        if let Some(Err(refused)) = self.literal.map(|address| self.guard.check(address)) {
            return Answer::failed(Failure::Forbidden, refused.to_string());
        }
        let request = match self.request(outreach) {
            Ok(request) => request,
            Err(error) => return Answer::failed(Failure::Unreachable, format!("no signature: {error}")),
        };
        match self.within(self.total, self.send(request)).await {
            Some(answer) => answer,
            None => Answer::failed(Failure::Late, format!("no answer within {} ms", self.total.as_millis())),
        }
    }

    fn request(&self, outreach: &Outreach) -> Result<RequestBuilder, openssl::error::ErrorStack> {
        let (id, body) = (outreach.id.to_string(), payload::body(outreach));
        // A receiver compares with its own clock, also in a replay.
        let timestamp = SystemClock.now().0.div_euclid(1_000);
        let signature = self.secrets.sign(&id, timestamp, &body)?;
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp);
        Ok(request.header("webhook-signature", signature).body(body))
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let Ok(_room) = self.room.acquire().await else {
            return Answer::failed(Failure::Late, "the channel is closed");
        };
        match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => unsent(error),
        }
    }

    /// The status says it all; of the body a little is read, so that the connection can be used again.
    async fn read(&self, response: Response) -> Answer {
        let status = response.status();
        let retry_after = retry_after(response.headers(), self.clock.now());
        self.within(BODY_WAIT, some_of(response)).await;
        let failure = match status {
            _ if status.is_success() => return Answer::Taken,
            StatusCode::GONE => return Answer::Gone,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Failure::Busy,
            _ if status.is_redirection() => Failure::Redirect,
            _ => Failure::Status,
        };
        Answer::Failed { failure, why: format!("status {}", status.as_u16()), retry_after }
    }

    async fn within<T>(&self, span: Duration, of: impl Future<Output = T>) -> Option<T> {
        match select(pin!(of), self.clock.sleep(span)).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }
}

fn unsent(error: reqwest::Error) -> Answer {
    let error = error.without_url();
    let causes = || std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let why = causes().last().map_or_else(|| error.to_string(), ToString::to_string);
    let is_refused = causes().any(|cause| cause.is::<Refused>());
    let failure = match (is_refused, error.is_timeout()) {
        (true, _) => Failure::Forbidden,
        (false, true) => Failure::Late,
        (false, false) => Failure::Unreachable,
    };
    Answer::failed(failure, why)
}

/// Reads the beginning of a body; a longer one costs its connection.
async fn some_of(mut response: Response) {
    let mut read = 0;
    while read < BODY_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
}
