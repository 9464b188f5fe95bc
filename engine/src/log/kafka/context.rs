//! What the client library tells of a consumer: its words, and what the group changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use schemas::ids::PartitionId;

use super::client::Voice;

/// What the group changed.
#[derive(Debug)]
pub(super) enum Change {
    /// These partitions come.
    Assign(Vec<PartitionId>),
    /// These partitions go; true: they are gone already.
    Revoke(Vec<PartitionId>, bool),
}

/// What the client library tells, on the poll thread.
#[derive(Default)]
pub(super) struct Context {
    pub(super) voice: Voice,
    changes: Mutex<Vec<Change>>,
    /// The consumer is being closed: revoked partitions go at once.
    closing: AtomicBool,
}

impl Context {
    /// The consumer is being closed from now on.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Returns what the group changed since it was asked last.
    pub(super) fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        Voice::line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.error(&error, reason);
    }
}

impl ConsumerContext for Context {
    /// Notes the change; the poll thread follows it when this returns. The library waits for that without standing still.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions =
            list.elements().iter().map(|element| PartitionId(element.partition() as u32)).collect();
        let change = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assign(partitions),
            _ => Change::Revoke(partitions, consumer.assignment_lost()),
        };
        if self.closing.load(Ordering::Acquire) {
            let done = match change {
                Change::Assign(_) => consumer.incremental_assign(list),
                Change::Revoke(..) => consumer.incremental_unassign(list),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "a partition was not given back at the end");
            }
            return;
        }
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}
