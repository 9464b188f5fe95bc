//! Records of the log: what a topic holds, before and after decoding.
//!
//! `care.events` carries everything that concerns one customer under the customer's key: events of the shop, messages between
//! customers (identity merge), outcomes of outreach and commands of the engine. The kind stands in a header ([`headers`]), the body is
//! JSON. [`decode`] is the one table from kinds to decoders: a topic of another format is added by a kind and an arm.

pub mod headers;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::conversation::{Reply, Talk};
use crate::customer::identity::{Forward, Relay};
use crate::decision::Outcome;
use crate::event::{self, Border, Event, RejectReason, Rejection};
use crate::ids::{CustomerId, Epoch, PartitionId, Position};
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
    /// An event of the shop, as a CloudEvent in JSON.
    CloudEvent,
    /// What was appended to another partition than its customer's: [`Stray`].
    Stray,
    /// Something said in the customer's thread, or about it: [`Talk`].
    Talk,
    /// A turn of a thread, or part of one, on its way to pages: [`Reply`].
    Reply,
    /// Its headers name no kind that this engine knows.
    Unknown,
}

/// A record as a log returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// Its place in the partition.
    pub position: Position,
    /// Time of the log at its append; never smaller than that of the record before it.
    pub stamp: Timestamp,
    /// Record key: a customer id; empty for a record without one.
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
    /// What was appended to another customer's partition.
    Stray(Box<Stray>),
    /// Something said in the customer's thread, or about it.
    Talk(Box<Talk>),
}

/// Commands of the engine to one customer's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Forget the customer: the row stays as position and sender marks without personal data, and suppressed if it was.
    Erase,
    /// Send nothing proactive, whatever the consent.
    Suppress,
    /// Lift a suppression.
    Unsuppress,
}

/// Who sent a message from row to row, and from where: the receiver keeps one mark per sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// The row that sent it.
    pub customer: CustomerId,
    /// Position of the record (in the sender's partition) that caused it.
    pub position: Position,
    /// Tells apart messages that one record causes.
    pub nth: u16,
}

/// Names one record of the log for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Name of the topic.
    pub topic: SmolStr,
    /// Partition of the topic.
    pub partition: PartitionId,
    /// Where in the partition.
    pub position: Position,
}

/// What a record told that was appended to another partition than that of its customer (no key, another partitioner), on its way to
/// the right one. The receiver keeps one mark per topic and partition that strays come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stray {
    /// Where it stands.
    pub from: Place,
    /// What it told; an event as decoded there: its stamp is not judged again.
    pub told: Forward,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Event,
        Self::Relay,
        Self::Outcome,
        Self::Command,
        Self::Outreach,
        Self::Decision,
        Self::DeadLetter,
        Self::Epoch,
        Self::CloudEvent,
        Self::Stray,
        Self::Talk,
        Self::Reply,
        Self::Unknown,
    ];

    /// Returns true for what a shop tells, whatever the format.
    pub fn is_event(self) -> bool {
        matches!(self, RecordKind::Event | RecordKind::CloudEvent | RecordKind::Stray)
    }

    /// Returns the name used in headers, messages and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordKind::Event => "event",
            RecordKind::Relay => "relay",
            RecordKind::Outcome => "outcome",
            RecordKind::Command => "command",
            RecordKind::Outreach => "outreach",
            RecordKind::Decision => "decision",
            RecordKind::DeadLetter => "dead_letter",
            RecordKind::Epoch => "epoch",
            RecordKind::CloudEvent => "cloud_event",
            RecordKind::Stray => "stray",
            RecordKind::Talk => "talk",
            RecordKind::Reply => "reply",
            RecordKind::Unknown => "unknown",
        }
    }
}

impl Record {
    /// Returns whom the record concerns, given its key: an event without a key names its customer itself.
    pub fn customer(&self, key: SmolStr) -> CustomerId {
        match &self.input {
            Input::Event(event) if key.is_empty() => event.customer.clone(),
            Input::Event(_)
            | Input::Relay(_)
            | Input::Outcome(_)
            | Input::Command(_)
            | Input::Stray(_)
            | Input::Talk(_) => CustomerId::of_key(key),
        }
    }
}

/// Returns what a record of `care.events` says.
///
/// Errors: the body is not what its kind promises · `WrongKind` → a record of this kind belongs to another topic, or is of no kind ·
/// `NoCustomer` → neither key nor body names anybody.
pub fn decode(record: &LogRecord, border: &Border) -> Result<Record, Rejection> {
    let (key, body, stamp) = (&record.key, &record.body, record.stamp);
    let input = match record.kind {
        RecordKind::Event => Input::Event(Box::new(event::decode(key, body, stamp, border)?)),
        RecordKind::CloudEvent => {
            Input::Event(Box::new(event::decode_cloud_event(key, body, stamp, border)?))
        }
        RecordKind::Relay => Input::Relay(Box::new(internal(record)?)),
        RecordKind::Outcome => Input::Outcome(internal(record)?),
        RecordKind::Command => Input::Command(internal(record)?),
        RecordKind::Stray => Input::Stray(Box::new(stray(record)?)),
        RecordKind::Talk => Input::Talk(Box::new(talk(record)?)),
        RecordKind::Outreach
        | RecordKind::Decision
        | RecordKind::DeadLetter
        | RecordKind::Epoch
        | RecordKind::Reply => {
            let message = format!(
                "is {}; legal in care.events are event, cloud_event, relay, outcome, command, stray and talk",
                record.kind.as_str()
            );
            return Err(Rejection::new(RejectReason::WrongKind, "kind", message));
        }
        RecordKind::Unknown => {
            let message = "names no kind of record that this engine knows; what is no record of an engine comes without it";
            return Err(Rejection::new(RejectReason::WrongKind, headers::KIND, message));
        }
    };
    Ok(Record { position: record.position, stamp, input })
}

/// Reads what was appended to another partition, and by an engine to this one.
fn stray(record: &LogRecord) -> Result<Stray, Rejection> {
    let stray: Stray = internal(record)?;
    match &stray.told {
        Forward::Event(event) if event.customer.as_str() != record.key => {
            let message = "is not the customer of the event in it";
            Err(Rejection::new(RejectReason::WrongKey, "key", message))
        }
        Forward::Event(_) | Forward::Outcome(_) | Forward::Command(_) => Ok(stray),
        Forward::Talk(talk) => talk.check().map(|()| stray),
    }
}

/// Reads what was said. Who may say it is the affair of the front door that appended it.
fn talk(record: &LogRecord) -> Result<Talk, Rejection> {
    let talk: Talk = internal(record)?;
    talk.check().map(|()| talk)
}

/// Reads a body that an engine wrote, under the key of a customer.
fn internal<T: DeserializeOwned>(record: &LogRecord) -> Result<T, Rejection> {
    if record.key.is_empty() {
        let message = format!("is missing; a {} must be keyed by a customer's id", record.kind.as_str());
        return Err(Rejection::new(RejectReason::NoCustomer, "key", message));
    }
    serde_json::from_slice(&record.body).map_err(|error| {
        let message = format!("is no {} as this engine writes it: {error}", record.kind.as_str());
        Rejection::new(RejectReason::MalformedJson, "body", message)
    })
}

/// Returns the body of a relay's record.
pub fn encode_relay(relay: &Relay) -> Bytes {
    encode(relay)
}

/// Returns the body of an outcome's record.
pub fn encode_outcome(outcome: &Outcome) -> Bytes {
    encode(outcome)
}

/// Returns the body of a stray's record.
pub fn encode_stray(stray: &Stray) -> Bytes {
    encode(stray)
}

/// Returns the body of a record of the customer's thread.
pub fn encode_talk(talk: &Talk) -> Bytes {
    encode(talk)
}

/// Returns the body of a record of `care.replies`.
pub fn encode_reply(reply: &Reply) -> Bytes {
    encode(reply)
}

/// Reads a record of `care.replies`; `None` for one that holds no reply, as the first of an owner.
///
/// Errors: the body is no reply.
pub fn decode_reply(record: &LogRecord) -> Result<Option<Reply>, Rejection> {
    match record.kind {
        RecordKind::Reply => internal(record).map(Some),
        RecordKind::Event
        | RecordKind::Relay
        | RecordKind::Outcome
        | RecordKind::Command
        | RecordKind::Outreach
        | RecordKind::Decision
        | RecordKind::DeadLetter
        | RecordKind::Epoch
        | RecordKind::CloudEvent
        | RecordKind::Stray
        | RecordKind::Talk
        | RecordKind::Unknown => Ok(None),
    }
}

/// Returns the body of a command's record.
pub fn encode_command(command: Command) -> Bytes {
    encode(&command)
}

fn encode<T: Serialize>(message: &T) -> Bytes {
    let json = serde_json::to_vec(message)
        .expect("messages hold texts, numbers and lists of them, all of which are JSON");
    #[cfg(feature = "next_codec")]
    let json = with_a_new_field(json);
    Bytes::from(json)
}

/// Adds a field that the engine of today does not know, as the one after it may.
#[cfg(feature = "next_codec")]
fn with_a_new_field(mut json: Vec<u8>) -> Vec<u8> {
    if json.pop_if(|last| *last == b'}').is_some() {
        json.extend_from_slice(br#","since_the_next_engine":true}"#);
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::identity::{Message, Snapshot};
    use crate::decision::{OutcomeStatus, Reason};
    use crate::ids::OutreachId;
    use crate::profile::{Profile, ProfilePolicy};
    use crate::trigger::TriggerState;

    fn record(kind: RecordKind, body: Bytes) -> LogRecord {
        let key = SmolStr::new("u");
        LogRecord { position: Position(7), stamp: Timestamp(1_000), key, kind, epoch: Some(Epoch(1)), body }
    }

    fn decoded(kind: RecordKind, body: Bytes) -> Result<Record, Rejection> {
        decode(&record(kind, body), &Border::default())
    }

    #[test]
    fn what_an_engine_wrote_is_read_back() {
        let sender = Sender { customer: CustomerId::user("a"), position: Position(u64::MAX), nth: 3 };
        let relay = Relay { sender, message: Message::Request };
        let outcome = |status| Outcome { id: OutreachId(u128::MAX), attempt: 2, status, at: Timestamp(-5) };
        let same = |kind, body, input| {
            let expected = Record { position: Position(7), stamp: Timestamp(1_000), input };
            assert_eq!(decoded(kind, body), Ok(expected));
        };
        same(RecordKind::Relay, encode_relay(&relay), Input::Relay(Box::new(relay)));
        for status in [
            OutcomeStatus::Delivered,
            OutcomeStatus::Withheld(Reason::QuietHours),
            OutcomeStatus::Failed,
            OutcomeStatus::RetryAt(Timestamp(i64::MAX)),
        ] {
            let outcome = outcome(status);
            same(RecordKind::Outcome, encode_outcome(&outcome), Input::Outcome(outcome));
        }
        for command in [Command::Erase, Command::Suppress, Command::Unsuppress] {
            same(RecordKind::Command, encode_command(command), Input::Command(command));
        }
    }

    #[test]
    fn fields_of_a_later_engine_are_passed_over() {
        let sender = Sender { customer: CustomerId::user("a"), position: Position(4), nth: 3 };
        let relay = Relay { sender, message: Message::Request };
        let grown = |body: Bytes| {
            let text = String::from_utf8(body.to_vec()).expect("JSON");
            Bytes::from(text.replace('{', r#"{"moon":{"phase":["full"]},"#))
        };
        let read = decoded(RecordKind::Relay, grown(encode_relay(&relay))).expect("a relay").input;
        assert_eq!(read, Input::Relay(Box::new(relay)));
        let outcome =
            Outcome { id: OutreachId(7), attempt: 2, status: OutcomeStatus::Delivered, at: Timestamp(-5) };
        let read = decoded(RecordKind::Outcome, grown(encode_outcome(&outcome))).expect("an outcome").input;
        assert_eq!(read, Input::Outcome(outcome));
    }

    #[test]
    fn a_whole_profile_travels_in_a_relay() {
        let stamp = Timestamp(1_795_507_200_000);
        let policy = ProfilePolicy::default();
        let mut profile = Profile::default();
        for (n, name) in
            ["view_item", "add_to_cart", "begin_checkout", "purchase", "Case Opened"].iter().enumerate()
        {
            let body = format!(
                r#"{{"anonymousId":"a","event":"{name}","messageId":"{n}","properties":{{"product_id":"p","price":2.5,"order_id":"o"}}}}"#
            );
            let event =
                event::decode("anon:a", body.as_bytes(), stamp, &Border::default()).expect("a good call");
            profile.fold(&event, stamp, &policy);
        }
        let sender = Sender { customer: CustomerId::anonymous("a"), position: Position(9), nth: 0 };
        let snapshot = Box::new(Snapshot { profile, triggers: TriggerState::default() });
        let relay = Relay { sender, message: Message::Snapshot { request: Position(3), snapshot } };
        let Input::Relay(read) =
            decoded(RecordKind::Relay, encode_relay(&relay)).expect("its own bytes").input
        else {
            panic!("a relay")
        };
        assert_eq!(*read, relay);
    }

    #[test]
    fn an_event_is_decoded_under_its_key_and_stamp() {
        let body = Bytes::from_static(br#"{"userId":"u","event":"add_to_cart"}"#);
        let Input::Event(event) = decoded(RecordKind::Event, body).expect("a good call").input else {
            panic!("an event")
        };
        assert_eq!((event.name.as_str(), event.at), ("Product Added", Timestamp(1_000)));
        let other = Bytes::from_static(br#"{"userId":"v","event":"add_to_cart"}"#);
        assert_eq!(decoded(RecordKind::Event, other).expect_err("of v").reason, RejectReason::WrongKey);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let hostile =
            [&b""[..], b"{", b"null", b"[]", b"{\"sender\":1}", b"\"Erase\"", b"\xff", &[b'['; 9_000]];
        for kind in [RecordKind::Relay, RecordKind::Outcome, RecordKind::Command, RecordKind::Talk] {
            for body in hostile {
                let rejection = decoded(kind, Bytes::copy_from_slice(body)).expect_err("no message");
                assert_eq!(rejection.reason, RejectReason::MalformedJson, "{body:?}");
                assert!(rejection.message.contains(kind.as_str()), "{rejection}");
            }
        }
    }

    #[test]
    fn kinds_of_other_topics_are_refused() {
        for kind in [
            RecordKind::Outreach,
            RecordKind::Decision,
            RecordKind::DeadLetter,
            RecordKind::Epoch,
            RecordKind::Reply,
        ] {
            let rejection = decoded(kind, Bytes::new()).expect_err("of another topic");
            assert_eq!((rejection.reason, rejection.field.as_str()), (RejectReason::WrongKind, "kind"));
        }
    }
}
