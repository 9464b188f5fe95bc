//! Records of the log: what a topic holds, before and after decoding.
//!
//! `care.events` carries everything that concerns one customer under the customer's key: events of the shop, messages between
//! customers (identity merge), outcomes of outreach and commands of the engine. The kind stands in a header, the body is JSON.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::customer::identity::Relay;
use crate::decision::Outcome;
use crate::event::Event;
use crate::ids::{CustomerId, Epoch, Position};
use crate::time::Timestamp;

/// What the body of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// An event of the shop, as Segment JSON.
    Event,
    /// A message from one customer's row to another's: [`Relay`].
    Relay,
    /// What became of an outreach: [`Outcome`].
    Outcome,
    /// A command of the engine: [`Command`].
    Command,
    /// An outreach on its way to the dispatcher: [`crate::decision::Outreach`].
    Outreach,
    /// A decision for the record: [`crate::decision::Decision`].
    Decision,
    /// A record that could not be handled, with where it came from.
    DeadLetter,
    /// The first record of an owner in a partition: readers ignore lower epochs behind it. No body.
    Epoch,
}

/// A record as a log returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// Its place in the partition.
    pub position: Position,
    /// Time of the log at its append; never smaller than that of the record before it.
    pub stamp: Timestamp,
    /// Record key: a customer id.
    pub key: SmolStr,
    /// What the body is.
    pub kind: RecordKind,
    /// Epoch of the owner that wrote it; `None` for records from outside.
    pub epoch: Option<Epoch>,
    /// The bytes as they were sent.
    pub body: Bytes,
}

/// A record of `care.events` after decoding: what a customer row applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its place in the partition.
    pub position: Position,
    /// Log time.
    pub stamp: Timestamp,
    /// What it says.
    pub input: Input,
}

/// Everything a customer row can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An event of the shop.
    Event(Box<Event>),
    /// A message of another customer's row.
    Relay(Box<Relay>),
    /// What became of an outreach.
    Outcome(Outcome),
    /// A command of the engine.
    Command(Command),
}

/// Commands of the engine to one customer's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Forget the customer: the row stays as position and sender marks without personal data.
    Erase,
    /// Send nothing proactive, whatever the consent.
    Suppress,
    /// Lift a suppression.
    Unsuppress,
}

/// Who sent a message from row to row, and from where: the receiver keeps one mark per sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The row that sent it.
    pub customer: CustomerId,
    /// Position of the record (in the sender's partition) that caused it.
    pub position: Position,
    /// Tells apart messages that one record causes.
    pub nth: u16,
}
