//! The vocabulary of a dispatcher's core: what wakes it ([`Input`]) and what it asks for ([`Action`]).
//!
//! One core is one assignment; replies for an earlier one are dropped with it. Every outreach has one call under way at most, so the
//! position of its record is all that a reply needs to find it.

use std::time::Duration;

use schemas::decision::{OutcomeStatus, Outreach};
use schemas::ids::{CustomerId, OutreachId, PartitionId, Position};

pub use crate::partition::protocol::{Failure, Now};
use crate::port::channel::Delivery;
use crate::port::log::{Commit, Fetched, NewRecord};
use crate::port::store::{Cas, LedgerChange, LedgerEntry, Row};

/// Everything that wakes the core.
#[derive(Debug)]
pub enum Input {
    /// The partition was assigned; the first input of a core.
    Start {
        /// A random value that no other dispatcher has: its name in the ledger.
        nonce: u128,
    },
    /// Time passed; due by `Core::deadline` at the latest.
    Tick,
    /// The partition is to be given up: finish what is in flight, commit, end.
    Stop,
    /// Something asked for was done.
    Done(Done),
    /// Something asked for failed, or nobody knows.
    Failed(Box<Io>, Failure),
}

/// What the core asks for.
#[derive(Debug)]
pub enum Action {
    /// Do this through the ports and come back with the reply: [`super::perform::perform`].
    Do(Io),
    /// Count this.
    Count(Noted),
    /// The core is at its end: drop it.
    End(End),
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// An attempt was brought to this end.
    Ended(OutcomeStatus),
    /// A record of a lower epoch, or an attempt that the ledger says is done.
    Ignored,
    /// A record that is no outreach.
    DeadLettered,
}

/// How a core ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to; what is done is committed, as far as the log took it.
    Stopped,
    /// A port failed for good, or holds what cannot be read; a person must look.
    Failed(String),
}

/// One call through the ports.
#[derive(Clone, Debug, PartialEq)]
pub enum Io {
    /// Read where the last dispatcher came to.
    ReadCommit,
    /// Read records of care.outreach.
    Fetch {
        /// From here on.
        from: Position,
        /// At most so many.
        max: usize,
    },
    /// Commit how far this dispatcher came.
    Commit(Commit),
    /// Append a record that is no outreach to the dead-letter topic.
    DeadLetter {
        /// Where it stands.
        position: Position,
        /// The letter.
        letter: NewRecord,
    },
    /// Read what the ledger says of an outreach.
    ReadLedger {
        /// Of the record there.
        position: Position,
        /// Whose record opened the instance.
        origin: CustomerId,
        /// Which.
        id: OutreachId,
    },
    /// Change what the ledger says.
    Change {
        /// For the record there.
        position: Position,
        /// How.
        change: Box<LedgerChange>,
    },
    /// Read a customer's row as it is stored.
    ReadRow {
        /// For the record there.
        position: Position,
        /// Where the row is.
        partition: PartitionId,
        /// Whose.
        customer: CustomerId,
    },
    /// Make the channel call.
    Call {
        /// For the record there.
        position: Position,
        /// What is sent.
        outreach: Box<Outreach>,
        /// Nobody waits longer.
        deadline: Duration,
    },
    /// Append the outcome to care.events.
    Report {
        /// Of the record there.
        position: Position,
        /// The outcome.
        record: NewRecord,
    },
}

/// The reply to an [`Io`] that was done.
#[derive(Debug)]
pub enum Done {
    /// Where the last dispatcher came to.
    Commit(Commit),
    /// Records.
    Fetched {
        /// Where the fetch started.
        from: Position,
        /// What it found.
        fetched: Fetched,
    },
    /// The commit is durable.
    Committed(Commit),
    /// The letter is durable.
    DeadLettered(Position),
    /// What the ledger says.
    Ledger {
        /// Of the record there.
        position: Position,
        /// The entry, if there is one.
        entry: Option<Box<LedgerEntry>>,
    },
    /// How a change of the ledger ended.
    Changed {
        /// For the record there.
        position: Position,
        /// What was asked.
        change: Box<LedgerChange>,
        /// Applied, or what is there.
        cas: Cas<Option<Box<LedgerEntry>>>,
    },
    /// A row.
    Row {
        /// For the record there.
        position: Position,
        /// Whose.
        customer: CustomerId,
        /// The row, if there is one.
        row: Option<Row>,
    },
    /// The channel answered, or the deadline passed.
    Called {
        /// For the record there.
        position: Position,
        /// The answer; `None` = nobody knows whether the call arrived.
        answer: Option<Delivery>,
    },
    /// The outcome is durable.
    Reported(Position),
}
