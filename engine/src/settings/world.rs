//! The two worlds that the engine lives in, and what settings contradict each other there.

use std::time::Duration;

use super::Settings;
use crate::store::cql::Durability;
use crate::{log, store};

/// What log and store are together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// One database in the data folder, one process, no server.
    Embedded,
    /// Topics of Kafka and tables of a CQL store, shared by the processes of a group.
    Servers,
}

impl World {
    /// Returns the name shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            World::Embedded => "embedded",
            World::Servers => "kafka + cql",
        }
    }

    /// Returns the world of a log and a store.
    ///
    /// Errors: why they do not go together.
    fn of(log: log::Kind, store: store::Kind) -> Result<Self, &'static str> {
        match (log, store) {
            (log::Kind::Embedded, store::Kind::Embedded) => Ok(World::Embedded),
            (log::Kind::Kafka, store::Kind::Cql) => Ok(World::Servers),
            (log::Kind::Embedded, store::Kind::Cql) => Err(
                "cql goes with log.kind = kafka only: the embedded log belongs to one process and is made durable in one step with the embedded store; legal here: embedded",
            ),
            (log::Kind::Kafka, store::Kind::Embedded) => Err(
                "embedded goes with log.kind = embedded only: a partition of kafka moves between processes, and its next owner would not find the rows in this one's data folder; legal here: cql",
            ),
        }
    }
}

impl Settings {
    /// Returns the world of these settings.
    ///
    /// Errors: why log and store do not go together; settings that were loaded have been checked.
    pub fn world(&self) -> Result<World, &'static str> {
        World::of(self.log.kind, self.store.kind)
    }

    /// Returns how long ago what is confirmed was safe: nothing where an acknowledgement means that it is synced.
    pub(super) fn replay_margin(&self) -> Duration {
        match (self.store.kind, self.cql.durability) {
            (store::Kind::Embedded, _) | (store::Kind::Cql, Durability::Synced) => Duration::ZERO,
            (store::Kind::Cql, Durability::Periodic) => {
                Duration::from_millis(self.partition.replay_margin_ms)
            }
        }
    }

    /// Returns what contradicts the world, each with what is wrong.
    pub(super) fn contradictions_of_the_world(&self) -> Vec<(&'static str, String)> {
        let pair = self.world().err().map(|reason| ("store.kind", reason.to_owned()));
        let of_cql = match self.store.kind {
            store::Kind::Embedded => Vec::new(),
            store::Kind::Cql => self.cql.contradictions(&self.partition),
        };
        let of_kafka = match self.log.kind {
            log::Kind::Embedded => Vec::new(),
            log::Kind::Kafka => self.kafka.contradictions(self.partition.lease_ms, self.partition.drain_ms),
        };
        pair.into_iter()
            .chain(of_cql)
            .chain(of_kafka)
            .chain(self.lease_too_short())
            .chain(self.ledger_too_short())
            .collect()
    }

    /// Returns what is wrong where the log outlives the ledger: an outreach that is read again would be sent again.
    fn ledger_too_short(&self) -> Option<(&'static str, String)> {
        let kept_h = self.kafka.retention_h.max(self.kafka.outreach_retention_h);
        let needed = kept_h.div_ceil(24) + 1;
        let is_short = self.store.kind == store::Kind::Cql && u64::from(self.cql.ledger_days) < needed;
        is_short.then(|| {
            let problem = format!("has to be at least {needed}: longer than what the log keeps ({kept_h} h)");
            ("cql.ledger_days", problem)
        })
    }

    /// Returns what is wrong where a confirmation of the lease may take longer than the lease lasts: a slow store would end every
    /// assignment.
    fn lease_too_short(&self) -> Option<(&'static str, String)> {
        let (renew, request) = (self.partition.lease_renew_ms, self.cql.request_timeout_ms);
        let needed = renew.saturating_add(request);
        let is_short = self.store.kind == store::Kind::Cql && self.partition.lease_ms <= needed;
        is_short.then(|| {
            let problem = format!(
                "has to be above {needed}: partition.lease_renew_ms ({renew}) and cql.request_timeout_ms ({request}) together, or one slow answer ends the lease"
            );
            ("partition.lease_ms", problem)
        })
    }
}
