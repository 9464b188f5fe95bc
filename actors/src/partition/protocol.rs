//! The vocabulary of a partition's core: what wakes it ([`Input`]) and what it asks for ([`Action`]).
//!
//! One core is one assignment. Replies that a shell receives for an earlier core are dropped with it, so no reply needs an
//! assignment token; replies about a customer carry the incarnation ([`CellId`]).

use std::time::Duration;

use schemas::conversation::{Question, Turn as ThreadTurn};
use schemas::ids::{CustomerId, Epoch, Position};
use schemas::score::{Answer, Ask};
use schemas::time::Timestamp;

use super::turn::{CellId, Refused, Turn, Turned};
use crate::port::log::{self, Commit, Fetched, NewRecord, Topic};
use crate::port::store::{self, Cas, DecisionRow, Lease, Links, Row, WakeUp};
use crate::port::{self};

/// The time at which an input is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock.
    pub wall: Timestamp,
    /// Time since boot, suspended time included.
    pub boot: Duration,
}

/// Everything that wakes the core.
#[derive(Debug)]
pub enum Input {
    /// The partition was assigned; the first input of a core.
    Start {
        /// A random value that no other assignment has.
        nonce: u128,
    },
    /// Time passed; due by `Core::deadline` at the latest.
    Tick,
    /// Somebody waits until everything is durable and confirmed: write and confirm now what would wait for its time.
    Settle,
    /// The partition is to be given up: drain, then release.
    Revoke,
    /// Something asked for was done.
    Done(Done),
    /// Something asked for failed, or nobody knows.
    Failed(Box<Io>, Failure),
    /// A customer answered a turn.
    Turned(Box<Turned>),
    /// A customer could not take a turn; its cell is gone.
    Refused(CellId, Refused),
}

/// What the core asks for.
#[derive(Debug)]
pub enum Action {
    /// Do this through the ports and come back with the reply: [`super::perform::perform`].
    Do(Io),
    /// Give a customer its turn; the first turn of a cell makes it.
    Turn(Turn),
    /// Drop a customer.
    Close(CellId),
    /// Have a question of a customer's thread answered, in place of the one before. The answer comes as a record.
    Ask(Box<Question>),
    /// Give up the customer's question that is being answered, if one is.
    Hush(CustomerId),
    /// The core is at its end: drop it and its cells. Its unfinished writes are fenced.
    End(End),
}

/// How a core ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything is confirmed, as was asked: tell the log that the partition is free.
    Released,
    /// Another owner has the lease: drop everything, prove membership, assign anew.
    LeaseLost,
    /// The lease could not be confirmed in time: assign anew.
    LeaseExpired,
    /// The store may have lost acknowledged writes: assign anew at once.
    StoreLostTail,
    /// The log refused what this assignment does, or may have lost what it had under way: prove membership, assign anew.
    Interrupted(String),
    /// Too many records are invalid; a person must look.
    TooManyInvalid,
    /// A port failed for good, or holds what cannot be read; a person must look.
    Failed(String),
}

/// One call through the ports.
#[derive(Clone, Debug, PartialEq)]
pub enum Io {
    /// Read the lease row.
    ReadLease,
    /// Replace the lease row.
    CasLease {
        /// What must be there, as a whole.
        expect: Lease,
        /// What is there afterwards.
        new: Lease,
    },
    /// Ask the store whether it may have lost acknowledged writes.
    ReadGeneration,
    /// Append the owner's first record to the topics of what leaves.
    AppendEpochRecords(Epoch),
    /// Read records of care.events.
    Fetch {
        /// From here on.
        from: Position,
        /// At most so many.
        max: usize,
    },
    /// Read a customer's row.
    LoadRow {
        /// For this cell.
        cell: CellId,
        /// Whose.
        customer: CustomerId,
    },
    /// Add to the timer index and the link index what the rows of a group need there.
    Index {
        /// Which group of rows.
        group: u64,
        /// Entries of the timer index.
        wake_ups: Vec<WakeUp>,
        /// Entries of the link index.
        links: Vec<Links>,
    },
    /// Write rows.
    WriteRows {
        /// Which group.
        group: u64,
        /// The rows; a repeated call repeats the same bytes.
        rows: Vec<Row>,
    },
    /// Read the timer index.
    ScanWakeUps {
        /// First slot.
        from: i64,
        /// Slot behind the last.
        to: i64,
    },
    /// Append to a topic of what leaves; decisions go to their table as well.
    Relay {
        /// Which topic.
        topic: Topic,
        /// The records, in order.
        records: Vec<NewRecord>,
        /// The decisions among them.
        decisions: Vec<DecisionRow>,
        /// Since when each decision is on its way, since boot: its record was read, or its timer fired.
        since: Vec<Duration>,
    },
    /// Tell turns on care.replies; they go to their table as well, and those of the erased out of it.
    Tell {
        /// The records, in order.
        records: Vec<NewRecord>,
        /// The turns among them.
        turns: Vec<ThreadTurn>,
        /// Whose turns are gone.
        forgotten: Vec<Forgotten>,
    },
    /// Append records that stand in the wrong partition to the right ones.
    RelayStrays {
        /// The records, in the order in which they stand.
        records: Vec<NewRecord>,
    },
    /// Ask the predictor.
    Score {
        /// For this cell.
        cell: CellId,
        /// The question.
        ask: Ask,
        /// The head's prior stands in after this long.
        deadline: Duration,
    },
    /// Append a record that could not be handled to the dead-letter topic.
    DeadLetter {
        /// Where it stood.
        position: Position,
        /// Short name of the reason, for counting.
        reason: &'static str,
        /// The letter.
        record: NewRecord,
    },
    /// Read what was committed for displays: only where the rule that forbids to start from it was taken away.
    ReadCommit,
    /// Commit the position for displays.
    Commit(Position),
}

/// Turns that an erase took away.
#[derive(Clone, Debug, PartialEq)]
pub struct Forgotten {
    /// Whose.
    pub customer: CustomerId,
    /// Those below this number.
    pub below: u32,
    /// Log time of the erase.
    pub at: Timestamp,
}

/// The reply to an [`Io`] that was done.
#[derive(Debug)]
pub enum Done {
    /// The lease row.
    Lease(Lease),
    /// How the compare-and-set ended.
    LeaseCas {
        /// What was to be there afterwards.
        new: Lease,
        /// Applied, or what is there.
        cas: Cas<Lease>,
    },
    /// The store's generation.
    Generation(u64),
    /// What was committed for displays.
    Commit(Commit),
    /// The epoch records are durable.
    EpochRecords,
    /// Records.
    Fetched {
        /// Where the fetch started.
        from: Position,
        /// What it found.
        fetched: Fetched,
    },
    /// A row.
    Row {
        /// For this cell.
        cell: CellId,
        /// Whose.
        customer: CustomerId,
        /// The row, if there is one.
        row: Option<Row>,
    },
    /// A group's index entries are durable.
    Indexed {
        /// Which group.
        group: u64,
        /// The store's generation, where something was written.
        generation: Option<u64>,
    },
    /// A group's rows are durable.
    RowsWritten {
        /// Which group.
        group: u64,
        /// The store's generation.
        generation: u64,
    },
    /// Entries of the timer index.
    WakeUps {
        /// Slot behind the last.
        to: i64,
        /// The entries.
        wake_ups: Vec<WakeUp>,
    },
    /// A relay is durable.
    Relayed {
        /// Which topic.
        topic: Topic,
        /// The store's generation, where decisions were written.
        generation: Option<u64>,
    },
    /// Strays are durable where they belong.
    StraysRelayed,
    /// A score.
    Scored {
        /// For this cell.
        cell: CellId,
        /// The answer: the predictor's, or the prior.
        answer: Answer,
    },
    /// A dead letter is durable.
    DeadLettered(Position),
    /// The position is committed.
    Committed,
}

/// Why an [`Io`] was not done, as far as one knows.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The log.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Failure {
    /// Returns how the core goes on.
    pub fn kind(&self) -> port::Kind {
        match self {
            Failure::Log(error) => error.kind(),
            Failure::Store(error) => error.kind(),
        }
    }
}
