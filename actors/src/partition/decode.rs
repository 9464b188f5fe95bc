//! From bytes of care.events to what a customer row applies. The border: behind it nothing is malformed.

use schemas::record::{Input, LogRecord, Record, RecordKind};
use serde::de::DeserializeOwned;

/// A record that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Short name of the reason, for counting.
    pub reason: &'static str,
    /// The reason in words: the field, what is wrong with it, what would be legal.
    pub message: String,
}

/// How events of the shop are decoded; the other kinds have one form.
pub type DecodeEvent = fn(&LogRecord) -> Result<Input, Invalid>;

/// Returns what a record says.
///
/// Errors: the body is not what its kind promises, or the kind does not belong to care.events.
pub fn decode(record: &LogRecord, event: DecodeEvent) -> Result<Record, Invalid> {
    let input = match record.kind {
        RecordKind::Event => event(record)?,
        RecordKind::Relay => Input::Relay(Box::new(json(record)?)),
        RecordKind::Outcome => Input::Outcome(json(record)?),
        RecordKind::Command => Input::Command(json(record)?),
        RecordKind::Outreach | RecordKind::Decision | RecordKind::DeadLetter | RecordKind::Epoch => {
            let message = format!("kind {:?} does not belong to care.events", record.kind);
            return Err(Invalid { reason: "kind", message });
        }
    };
    Ok(Record { position: record.position, stamp: record.stamp, input })
}

fn json<T: DeserializeOwned>(record: &LogRecord) -> Result<T, Invalid> {
    serde_json::from_slice(&record.body)
        .map_err(|error| Invalid { reason: "body", message: format!("{:?}: {error}", record.kind) })
}
