//! Any server that speaks OpenAI's `POST /chat/completions`, streamed.
//!
//! [`link`] makes the call and reads what its status means; [`answer`] turns the parts of the body into pieces, [`wire`] holds their
//! forms. Nothing is trusted: every wait ends, every buffer has a bound, and what is left out or does not fit is borne. Nothing is tried
//! again here: that is the pool's affair. The key never reaches a log, an error or an address.

mod answer;
mod link;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::generator::{Generator, Pieces, Request, Writer};
use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};

use crate::settings::Secret;

use answer::Writing;
use link::Link;

/// Where a server is and how long it may take.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address without `/chat/completions`.
    pub base_url: String,
    /// The model to ask for.
    pub model: String,
    /// Sent as bearer; empty = none.
    pub key: Secret,
    /// Its waits.
    pub waits: Waits,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// For a connection.
    pub connect: Duration,
    /// From the call to the first token.
    pub first_token: Duration,
    /// From a token to the next.
    pub next_token: Duration,
    /// For the whole answer; the deadline of a request bounds it, too.
    pub total: Duration,
}

/// A back end on a server.
pub struct OpenAi {
    link: Arc<Link>,
}

impl OpenAi {
    /// Returns a back end; no connection is made before the first request.
    ///
    /// Errors: the key holds what no header may; the system's certificates cannot be read.
    pub fn new(server: Server, clock: Arc<dyn Clock>) -> Result<Self> {
        let link = Link::new(server, clock).context("failed to set up a back end of kind openai")?;
        Ok(Self { link: Arc::new(link) })
    }
}

impl Generator for OpenAi {
    fn writer(&self) -> Writer {
        Writer { provider: "openai", model: Some(self.link.model().into()) }
    }

    fn generate(&self, request: Arc<Request>) -> Pieces {
        let writing = Writing::new(Arc::clone(&self.link), request);
        stream::unfold(writing, |mut writing| async move { Some((writing.next().await?, writing)) }).boxed()
    }
}
