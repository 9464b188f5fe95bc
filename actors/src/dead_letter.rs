//! Dead letters: records that could not be handled, kept with where they came from and why.

use bytes::Bytes;
use schemas::ids::{PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::port::log::{NewRecord, Topic};

/// The body of a record of the dead-letter topic, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Topic it was read from.
    pub topic: String,
    /// Partition it was read from.
    pub partition: PartitionId,
    /// Its place there.
    pub position: Position,
    /// Log time of the record.
    pub stamp: Timestamp,
    /// Record key.
    pub key: String,
    /// Kind of the record.
    pub kind: RecordKind,
    /// Short name of the reason, for counting.
    pub reason: String,
    /// The reason in words: the field, what is wrong with it, what would be legal.
    pub message: String,
    /// Version of the engine that refused it.
    pub build: String,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl DeadLetter {
    /// Returns the letter of a record of `topic` that could not be handled.
    pub fn of(topic: Topic, partition: PartitionId, record: &LogRecord, reason: &str, message: &str) -> Self {
        Self {
            topic: topic.as_str().to_owned(),
            partition,
            position: record.position,
            stamp: record.stamp,
            key: record.key.to_string(),
            kind: record.kind,
            reason: reason.to_owned(),
            message: message.to_owned(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            body: String::from_utf8_lossy(&record.body).into_owned(),
        }
    }

    /// Returns the record to append to the dead-letter topic; it stays in its partition and keeps its key.
    pub fn record(&self) -> NewRecord {
        NewRecord {
            partition: self.partition,
            key: self.key.as_str().into(),
            kind: RecordKind::DeadLetter,
            epoch: None,
            stamp: None,
            body: Bytes::from(
                serde_json::to_vec(self).expect("a struct of strings and numbers is always JSON"),
            ),
        }
    }
}

/// A note in the dead-letter topic beside a letter that is tried again, as a record of kind [`RecordKind::Command`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The letter's record is about to be appended to care.events.
    Begun {
        /// Place of the letter in this partition.
        letter: Position,
        /// End of the customer's partition of care.events at that time: the record stands there or behind it, if it stands anywhere.
        from: Position,
    },
    /// The letter's record is in care.events.
    Done {
        /// Place of the letter in this partition.
        letter: Position,
    },
}

impl Retry {
    /// Returns the record to append to a partition of the dead-letter topic.
    pub fn record(&self, partition: PartitionId, key: &str) -> NewRecord {
        NewRecord {
            partition,
            key: key.into(),
            kind: RecordKind::Command,
            epoch: None,
            stamp: None,
            body: Bytes::from(serde_json::to_vec(self).expect("an enum of numbers is always JSON")),
        }
    }
}
