//! Keeps a node to what the engines on its store agreed on: read before anything else is, then every other second.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::partition::plan::Plan;
use crate::port::Kind;

/// How often the agreement is read: what was agreed on is followed everywhere some seconds later.
pub const AGREEMENT_LOOK: Duration = Duration::from_secs(2);

/// Reads the agreement, and says when this engine may not work on the store.
pub(super) struct Keeper {
    refused: OnceLock<String>,
    /// Told when it is refused.
    changed: Arc<Notify>,
}

impl Keeper {
    /// Returns a keeper that has read nothing yet.
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self { refused: OnceLock::new(), changed }
    }

    /// Returns why this engine may not work on the store, if so.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.get().cloned()
    }

    /// Reads the agreement for the first time; returns false when this engine may not begin.
    pub(super) async fn begin(&self, plan: &Plan) -> bool {
        while !self.look(plan).await {
            if self.refused.get().is_some() {
                return false;
            }
            plan.ports.clock.sleep(plan.settings.retry).await;
        }
        true
    }

    /// Reads it again and again, until this engine may not go on.
    pub(super) async fn go_on(&self, plan: &Plan) {
        while self.refused.get().is_none() {
            plan.ports.clock.sleep(AGREEMENT_LOOK).await;
            self.look(plan).await;
        }
    }

    /// Reads the agreement; returns true when it was read and is kept.
    async fn look(&self, plan: &Plan) -> bool {
        let reason = match plan.ports.store.read_agreement().await {
            Ok(agreement) => match plan.agreed.follow(&agreement) {
                Ok(()) => return true,
                Err(refused) => refused.to_string(),
            },
            // What was read last still holds: engines may be some seconds behind.
            Err(error) if error.kind() == Kind::Retry => return false,
            Err(error) => error.to_string(),
        };
        tracing::error!(reason, "this engine may not work on the store");
        if self.refused.set(reason).is_ok() {
            self.changed.notify_waiters();
        }
        false
    }
}
