//! The client that asks, and another in its place once it is deaf.
//!
//! A client that was made while a broker stood still has been seen to be answered nothing for as long as it was there, while others of
//! the same process were served. So one that had no answer for long is held against a new one, which is asked the same: if that is
//! answered, the brokers are there, and it takes the place. If it is not, they are away, and nothing changes.

use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, KafkaResult};

use super::client::Asking;
use super::closing::close;

/// A client is held against a new one after as long without an answer, and after twice as long each time that this was in vain.
const PATIENCE: Duration = Duration::from_secs(10);

/// But at most after as long.
const PATIENCE_MAX: Duration = Duration::from_secs(80);

/// A client that is never a member and reads nothing.
pub(super) struct Asker {
    config: ClientConfig,
    client: Arc<BaseConsumer<Asking>>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    /// When there was an answer last, or a new client was asked in vain.
    heard: Duration,
    patience: Duration,
}

impl Asker {
    /// Makes the client; nothing is asked yet.
    ///
    /// Errors: the library refuses the set-up.
    pub(super) fn new(config: ClientConfig, clock: Arc<dyn Clock>, metrics: Metrics) -> KafkaResult<Self> {
        let (client, heard) = (create(&config)?, clock.boot());
        Ok(Self { config, client, clock, metrics, heard, patience: PATIENCE })
    }

    /// Asks, and returns the answer, be it of a client that takes the place of this one.
    ///
    /// Errors: what `ask` says of the client that was there.
    /// Bounds: `ask` is called at most twice.
    pub(super) fn ask<T>(&mut self, ask: impl Fn(&BaseConsumer<Asking>) -> KafkaResult<T>) -> KafkaResult<T> {
        match ask(&self.client) {
            Ok(answer) => {
                self.heard();
                Ok(answer)
            }
            Err(error) if self.clock.boot() < self.heard + self.patience => Err(error),
            Err(error) => self.ask_another(ask, error),
        }
    }

    fn ask_another<T>(
        &mut self,
        ask: impl Fn(&BaseConsumer<Asking>) -> KafkaResult<T>,
        error: KafkaError,
    ) -> KafkaResult<T> {
        let other = create(&self.config)?;
        let Ok(answer) = ask(&other) else {
            close(other);
            (self.heard, self.patience) = (self.clock.boot(), (self.patience * 2).min(PATIENCE_MAX));
            return Err(error);
        };
        tracing::error!(
            %error,
            unheard_s = self.clock.boot().saturating_sub(self.heard).as_secs(),
            "the client that asks where partitions end had no answer, and a new one has: it is replaced"
        );
        self.metrics.log().consumer_replaced();
        close(std::mem::replace(&mut self.client, other));
        self.heard();
        Ok(answer)
    }

    fn heard(&mut self) {
        (self.heard, self.patience) = (self.clock.boot(), PATIENCE);
    }
}

fn create(config: &ClientConfig) -> KafkaResult<Arc<BaseConsumer<Asking>>> {
    config.create_with_context(Asking::default()).map(Arc::new)
}

#[cfg(test)]
mod tests;
