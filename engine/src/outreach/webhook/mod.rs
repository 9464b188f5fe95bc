//! A channel that posts to a server of the shop, as Standard Webhooks 1.0 says: signed, tried again over days, to public addresses.
//!
//! Read in this order: [`payload`] is what is sent, [`sign`] how it is signed; [`call`] makes one request and reads what its answer
//! means, through [`guard`], which lets no connection into private networks; [`schedule`] says when the next attempt is, [`gate`] keeps
//! a webhook closed that answered 410. Nothing is tried again here: the row asks for every attempt, and the ledger holds what is sent,
//! so an id names one content for ever.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

mod call;
mod guard;
mod payload;
mod schedule;
mod settings;
mod sign;

pub mod gate;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actors::metrics;
use actors::port::BoxFuture;
use actors::port::channel::{Channel, Delivery, Repeat};
use actors::port::clock::Clock;
use anyhow::Result;
use schemas::decision::Outreach;

use super::Around;
use call::{Answer, Caller};
use gate::{Gate, Standing};

pub use schedule::ATTEMPTS;
pub use settings::{Settings, contradictions, networks};

/// Posts outreach to one address. Whoever receives takes an id once: a call that nobody answered is made again.
pub struct Webhook(Arc<Inner>);

struct Inner {
    name: String,
    caller: Caller,
    gate: Gate,
    clock: Arc<dyn Clock>,
    metrics: metrics::Webhook,
}

impl Webhook {
    /// Returns the webhook of a channel; no connection is made before the first outreach.
    ///
    /// Errors: a setting is not legal, which the settings' own check tells before · the system's certificates cannot be read.
    pub fn new(name: &str, settings: &Settings<'_>, around: &Around<'_>) -> Result<Self> {
        let (clock, metrics) = (Arc::clone(&around.voice.clock), around.metrics.webhook(name));
        let gate = Gate::new(gate::file(around.data_dir, name), settings.url, Arc::clone(&clock));
        let caller = Caller::new(settings, Arc::clone(&clock))?;
        let inner = Inner { name: name.to_owned(), caller, gate, clock, metrics };
        if inner.standing() == Standing::Disabled {
            tracing::warn!(
                channel = name,
                "the webhook is disabled since it answered 410; `care channels enable` opens it"
            );
        }
        Ok(Self(Arc::new(inner)))
    }
}

impl Channel for Webhook {
    fn repeat(&self) -> Repeat {
        Repeat::Idempotent
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.deliver(&outreach).await })
    }
}

impl Inner {
    async fn deliver(self: &Arc<Self>, outreach: &Outreach) -> Delivery {
        match self.look().await {
            Standing::Disabled => {
                self.metrics.gave_up();
                Delivery::Refused(format!(
                    "the webhook is disabled since it answered 410: `care channels enable {}` opens it",
                    self.name
                ))
            }
            Standing::Open => self.call(outreach).await,
        }
    }

    async fn call(self: &Arc<Self>, outreach: &Outreach) -> Delivery {
        let begun = self.clock.boot();
        let answer = self.caller.call(outreach).await;
        self.metrics.called(answer.as_str(), self.clock.boot().saturating_sub(begun));
        match answer {
            Answer::Taken => Delivery::Delivered(Some(outreach.id.to_string())),
            Answer::Gone => {
                tracing::error!(
                    channel = self.name,
                    "the webhook answered 410 and is disabled; `care channels enable` opens it"
                );
                self.close().await;
                self.metrics.gave_up();
                Delivery::Refused("410: the server wants no more".to_owned())
            }
            Answer::Failed { why, retry_after, .. } => self.later(outreach, &why, retry_after),
        }
    }

    fn later(&self, outreach: &Outreach, why: &str, retry_after: Option<Duration>) -> Delivery {
        let (id, attempt) = (outreach.id, outreach.attempt);
        match schedule::next(id, attempt, (self.clock.now(), retry_after)) {
            Some(at) => {
                tracing::debug!(%id, attempt, channel = self.name, why, "the webhook did not take an outreach yet");
                Delivery::RetryAt(at)
            }
            None => {
                self.metrics.gave_up();
                Delivery::Refused(format!("not taken by attempt {ATTEMPTS}, the last one: {why}"))
            }
        }
    }

    /// Returns how the webhook stands, and shows it.
    fn standing(&self) -> Standing {
        let standing = self.gate.look();
        match standing {
            Standing::Open => self.metrics.enabled(),
            Standing::Disabled => self.metrics.disabled(),
        }
        standing
    }

    /// A disk may take its time, and whoever calls must not wait.
    async fn look(self: &Arc<Self>) -> Standing {
        if let Some(known) = self.gate.known() {
            return known;
        }
        let inner = Arc::clone(self);
        // A look that panicked closes nothing.
        tokio::task::spawn_blocking(move || inner.standing()).await.unwrap_or(Standing::Open)
    }

    async fn close(self: &Arc<Self>) {
        self.metrics.disabled();
        let inner = Arc::clone(self);
        let closed = tokio::task::spawn_blocking(move || inner.gate.close()).await;
        if let Err(error) = closed.map_err(std::io::Error::other).flatten() {
            let (channel, file) = (&self.name, self.gate.path().display());
            tracing::error!(channel, %file, %error, "that the webhook is disabled cannot be kept: it holds until the next start");
        }
    }
}
