//! The log port: topics of partitions of records, read by position and appended durably.

use bytes::Bytes;
use schemas::ids::{Epoch, PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{BoxFuture, Kind, Reply};

/// The topics of the engine. All have the same partition count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// In: everything that concerns a customer.
    Events,
    /// Out: outreach for the dispatcher.
    Outreach,
    /// Out: decisions for whoever wants them.
    Decisions,
    /// Out: turns of conversations for pages, and pieces of answers that are being written.
    Replies,
    /// Out: records that could not be handled.
    DeadLetter,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 5] =
        [Topic::Events, Topic::Outreach, Topic::Decisions, Topic::Replies, Topic::DeadLetter];

    /// Returns the topic's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Events => "care.events",
            Topic::Outreach => "care.outreach",
            Topic::Decisions => "care.decisions",
            Topic::Replies => "care.replies",
            Topic::DeadLetter => "care.dead-letter",
        }
    }
}

/// What a fetch found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// Records from the asked position on, in order; gaps in positions are normal.
    pub records: Vec<LogRecord>,
    /// Where the next fetch starts.
    pub next: Position,
    /// `Some(t)` when the log was read to its end at log time `t`: whatever is appended later is stamped `t` or later.
    pub end_at: Option<Timestamp>,
}

/// A position that a reader of a topic committed, with a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The first position not handled yet.
    pub position: Position,
    /// Highest epoch the reader has seen, kept with the position (invariant I7).
    pub epoch: Epoch,
}

/// A change of what this process may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// The partition is this process's now.
    Assigned(PartitionId),
    /// The partition is to be given up, or is gone already.
    Revoked {
        /// Which one.
        partition: PartitionId,
        /// True when it was lost without notice; false is hearsay, never proof.
        lost: bool,
    },
}

/// Reads topics.
pub trait LogSource: Send + Sync {
    /// Returns the number of partitions of every topic; fixed for the log's life.
    fn partitions(&self) -> u32;

    /// Resolves with the next change of assignment; a log of one process assigns every partition once and then stays pending.
    fn assignment(&self) -> BoxFuture<'static, Assignment>;

    /// Tells the log that nothing here works on a partition any more whose revocation was announced as one that leaves time; whatever
    /// became of it. Without such a revocation it means nothing.
    fn released(&self, partition: PartitionId);

    /// Resolves when the log has acknowledged, now and not from memory, that this process is a member that owns a partition of
    /// `Events`: in a group by a commit, which the log fences by membership.
    ///
    /// Errors: `Anew` when it is none, or none yet. Ask again: when it is none for good, a revocation is announced.
    fn prove(&self, partition: PartitionId) -> Reply<(), Error>;

    /// Reads at most `max` records of a partition from `from` on. Resolves at once when there are records, else when some arrive or
    /// after a short wait of the adapter's choice.
    ///
    /// Errors: `Reject` when `from` lies before the log's start or beyond its end.
    fn fetch(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Reply<Fetched, Error>;

    /// Returns the position behind the last record of a partition: how far a reader that is done has come.
    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, Error>;

    /// Commits a reader's position. For `Events` it serves displays only; for `Outreach` the dispatcher starts from it.
    ///
    /// Errors: `Anew` when the log knows that another member has the partition; a rebalance under way is a `Retry`.
    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), Error>;

    /// Returns what was committed last, the default before the first commit.
    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, Error>;
}

/// A record to append.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// Where to; the caller computes it by [`PartitionId::of`] or stays in its own partition.
    pub partition: PartitionId,
    /// Record key.
    pub key: SmolStr,
    /// What the body is.
    pub kind: RecordKind,
    /// Epoch of the owner that writes it, if one does.
    pub epoch: Option<Epoch>,
    /// Time to stamp it with; `None` = the log's clock. A stamp before the partition's last is raised to that. What rows relay bears
    /// their log time, so that no message between customers is older than what caused it, in a log that keeps the time of what it
    /// holds: an embedded one, and the topics of a replay. A log that stamps on append by its server's clock (Kafka's
    /// `LogAppendTime`) takes no notice of it: there cause and message bear times of one clock, append after append.
    pub stamp: Option<Timestamp>,
    /// The bytes.
    pub body: Bytes,
}

/// Appends to topics.
pub trait LogSink: Send + Sync {
    /// Appends records in order and resolves with their positions when all are durable. After an error of kind `Retry` or `Anew` some
    /// or all may be in the log all the same, also a later one without an earlier.
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error>;
}

/// Why a log operation failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The position is not in the log.
    #[error("{topic} partition {partition} holds positions {start} to {end}, not {asked}", topic = topic.as_str(), partition = partition.0)]
    OutOfRange {
        /// Topic.
        topic: Topic,
        /// Partition.
        partition: PartitionId,
        /// What was asked.
        asked: Position,
        /// First position in the log.
        start: Position,
        /// Position behind the last.
        end: Position,
    },
    /// The log did not answer in time or is not reachable.
    #[error("the log is not available: {0}")]
    Unavailable(String),
    /// The log says that this process is no member that owns the partition.
    #[error("partition {partition} is not this process's", partition = .0.0)]
    NotOwned(PartitionId),
    /// The producer failed for good and was replaced; what it had under way is in the log or not.
    #[error("the log's producer failed and was replaced: {0}")]
    ProducerReplaced(String),
    /// The log cannot go on, e.g. a failed fsync or a full disk.
    #[error("the log failed: {0}")]
    Failed(String),
}

impl Error {
    /// Returns how a caller goes on.
    pub fn kind(&self) -> Kind {
        match self {
            Error::OutOfRange { .. } => Kind::Reject,
            Error::Unavailable(_) => Kind::Retry,
            Error::NotOwned(_) | Error::ProducerReplaced(_) => Kind::Anew,
            Error::Failed(_) => Kind::Fatal,
        }
    }
}
