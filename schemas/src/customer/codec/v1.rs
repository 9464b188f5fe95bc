//! Version 1 of the row: before it kept triggers. Read only.
//!
//! Whatever stands here is written out as it was then; parts that are shared with today's row have not changed since.

use serde::Deserialize;

use crate::customer::identity::{Forward, Message, Relay, Snapshot};
use crate::customer::outbox::{Outbox, OutboxEntry, Outgoing};
use crate::customer::row::{Customer, Rare};
use crate::customer::scoring::{Asker, Asking};
use crate::decision::{Decision, Outreach};
use crate::ids::{CustomerId, Position};
use crate::profile::Profile;
use crate::record::Sender;
use crate::score::Ask;
use crate::time::Timestamp;
use crate::trigger::TriggerState;

/// The row.
#[derive(Deserialize)]
pub(super) struct Row {
    id: CustomerId,
    high_water: Option<Position>,
    clock: Timestamp,
    indexed: Option<Timestamp>,
    profile: Profile,
    outbox: OldOutbox,
    asking: OldAsking,
    rare: Option<Box<Rare>>,
}

#[derive(Deserialize)]
struct OldOutbox {
    entries: Vec<OldEntry>,
    made: u64,
}

#[derive(Deserialize)]
struct OldEntry {
    number: u64,
    cause: Option<Position>,
    body: OldBody,
}

#[derive(Deserialize)]
enum OldBody {
    Outreach(Box<Outreach>),
    Decision(Box<Decision>),
    Relay { to: CustomerId, message: Box<OldRelay> },
}

#[derive(Deserialize)]
struct OldRelay {
    sender: Sender,
    message: OldMessage,
}

#[derive(Deserialize)]
enum OldMessage {
    Request,
    Snapshot { request: Position, snapshot: Box<OldSnapshot> },
    Refused { request: Position },
    Forward(Box<Forward>),
    Erase,
}

#[derive(Deserialize)]
struct OldSnapshot {
    profile: Profile,
}

#[derive(Deserialize)]
struct OldAsking {
    asks: Vec<Ask>,
    causes: Vec<Option<Position>>,
    attempts: u32,
}

impl From<Row> for Customer {
    fn from(row: Row) -> Self {
        let heard = row.high_water.unwrap_or_default();
        let OldOutbox { entries, made } = row.outbox;
        let OldAsking { asks, causes, attempts } = row.asking;
        let askers = causes.into_iter().map(|cause| Asker { cause, heard }).collect();
        Customer {
            id: row.id,
            high_water: row.high_water,
            heard,
            clock: row.clock,
            indexed: row.indexed,
            profile: row.profile,
            outbox: Outbox::from_parts(entries.into_iter().map(OutboxEntry::from).collect(), made),
            asking: Asking::from_parts(asks, askers, attempts),
            rescore: None,
            rare: row.rare,
            triggers: TriggerState::default(),
            thread: None,
        }
    }
}

impl From<OldEntry> for OutboxEntry {
    fn from(entry: OldEntry) -> Self {
        let body = match entry.body {
            OldBody::Outreach(outreach) => Outgoing::Outreach(outreach),
            OldBody::Decision(decision) => Outgoing::Decision(decision),
            OldBody::Relay { to, message } => {
                Outgoing::Relay { to, message: Box::new(Relay::from(*message)) }
            }
        };
        OutboxEntry { number: entry.number, cause: entry.cause, body }
    }
}

impl From<OldRelay> for Relay {
    fn from(relay: OldRelay) -> Self {
        let message = match relay.message {
            OldMessage::Request => Message::Request,
            OldMessage::Snapshot { request, snapshot } => {
                let snapshot = Snapshot { profile: snapshot.profile, triggers: TriggerState::default() };
                Message::Snapshot { request, snapshot: Box::new(snapshot) }
            }
            OldMessage::Refused { request } => Message::Refused { request },
            OldMessage::Forward(forward) => Message::Forward(forward),
            OldMessage::Erase => Message::Erase,
        };
        Relay { sender: relay.sender, message }
    }
}
