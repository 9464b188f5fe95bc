//! A turn: what one customer is asked at a time, and what it answers. Plain values, so that who holds the customer does not matter.

use bytes::Bytes;
use schemas::conversation::Question;
use schemas::customer::codec::Codec;
use schemas::customer::{Effects, OutboxEntry};
use schemas::ids::{CustomerId, Epoch, Position};
use schemas::record::Record;
use schemas::score::{Answer, Ask};
use schemas::time::Timestamp;

use crate::port::store::Row;

/// Names one incarnation of a live customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellId {
    /// Place in the partition's table of live customers; small, and used again after the cell was closed.
    pub index: u32,
    /// Counts every load of a row by this owner; never used twice.
    pub incarnation: u64,
}

/// A message to one customer. A cell has at most one turn at a time; its first turn begins with [`Step::Load`].
#[derive(Debug, PartialEq)]
pub struct Turn {
    /// Which cell.
    pub cell: CellId,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
    /// Whether the row is to be encoded after the steps.
    pub encode: Encode,
}

/// One thing that a customer is asked to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Come to life from the stored row; a customer without one is new.
    Load {
        /// Who.
        customer: CustomerId,
        /// The stored row.
        row: Option<Row>,
    },
    /// Apply a record of the log.
    Record(Record),
    /// Fire what is due strictly before `now`.
    Wake {
        /// Log time.
        now: Timestamp,
        /// When what woke the row was due, for metrics.
        due: Timestamp,
        /// The index entry that woke the row, to be cleared in it when it stands there.
        entry: Option<Timestamp>,
    },
    /// Take a score.
    Answer(Answer),
    /// Drop outbox entries, by number.
    Clear(Vec<u64>),
}

/// Whether a turn ends with the row's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encode {
    /// No: a write of the row is in flight, or it can wait.
    No,
    /// Only if a step was urgent.
    IfUrgent(Arm),
    /// In any case.
    Always(Arm),
}

/// How a row is encoded, and how it covers its timers in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// No index entry lies earlier.
    pub from: Timestamp,
    /// No index entry lies later.
    pub until: Timestamp,
    /// Write the entry again although the row names it: the store may have lost it.
    pub renew: bool,
    /// Version that the row is written in.
    pub codec: Codec,
}

/// A customer's answer to a turn.
#[derive(Debug)]
pub struct Turned {
    /// Which cell.
    pub cell: CellId,
    /// What the row held when it came to life, after a [`Step::Load`].
    pub loaded: Option<Loaded>,
    /// What the steps did.
    pub effects: Effects,
    /// Log time that the row has come to.
    pub clock: Timestamp,
    /// When the row's next timer is due.
    pub next_due: Option<Timestamp>,
    /// Approximate memory of the row. Units: bytes.
    pub weight: usize,
    /// What the thread asks now, if that is another question than before the turn.
    pub asking: Asking,
    /// The row's bytes, if they were made.
    pub encoded: Option<Encoded>,
    /// The vector of the turn, empty, to be used again.
    pub steps: Vec<Step>,
}

/// What a customer's thread asks, against what its cell told last.
#[derive(Debug, Default, PartialEq)]
pub enum Asking {
    /// The same question, or still none.
    #[default]
    Same,
    /// This question.
    Open(Box<Question>),
    /// None any more.
    Closed,
}

/// What a row held when it came to life.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Epoch of its writer; `None` for a new customer.
    pub epoch: Option<Epoch>,
    /// The last record applied.
    pub high_water: Option<Position>,
    /// What waits to be relayed or cleared.
    pub outbox: Vec<OutboxEntry>,
    /// Scores that it waits for.
    pub asks: Vec<Ask>,
    /// The index entry that covers it.
    pub indexed: Option<Timestamp>,
}

/// A row as bytes.
#[derive(Debug)]
pub struct Encoded {
    /// The row.
    pub state: Bytes,
    /// An entry that must be in the timer index before the row is written.
    pub wake_up: Option<Timestamp>,
    /// The index entry that the row names, old or new.
    pub indexed: Option<Timestamp>,
}

/// Why a cell could not take a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It panicked and is gone.
    Panicked(String),
    /// Its stored row cannot be read.
    Unreadable(String),
}
