//! Segment calls, one per line: a line is the body of its event as it is. What the engine would not take is rejected here, by the same
//! judgement, so that it is counted with its line.

use schemas::event::{Border, body_message_id, customer_of, decode};
use schemas::time::Timestamp;

use super::{Convert, Converted, Draft, Head, Refusal, RowId};

/// Bytes that a message id adds to a body.
const MESSAGE_ID_BYTES: usize = r#","messageId":"""#.len() + 22;

/// Converts calls.
pub struct Calls {
    border: Border,
}

impl Calls {
    /// Returns the converter of calls that pass the border.
    pub fn new(border: &Border) -> Self {
        Self { border: *border }
    }

    /// Judges a call as the engine will. Its time is read as if the log were at the end of time: so it is never clamped, and a call
    /// without a time says so by one that lies ahead of every clock.
    fn call(&self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Result<Draft, Refusal> {
        let customer = customer_of(row, &self.border)?;
        let event = decode(customer.as_str(), row, Timestamp(i64::MAX), &self.border)?;
        let nameless = event.message_text.starts_with("body-") && event.message_text == body_message_id(row);
        if nameless && row.len() + MESSAGE_ID_BYTES <= self.border.item_bytes_max {
            // Of a name that occurs twice the last counts, so it goes behind what the call may say instead of an id.
            let end = row.iter().rposition(|byte| *byte == b'}').unwrap_or(row.len());
            body.extend_from_slice(&row[..end]);
            body.extend_from_slice(br#","messageId":""#);
            body.extend_from_slice(id.as_bytes());
            body.extend_from_slice(b"\"}");
        } else {
            body.extend_from_slice(row);
        }
        Ok(Draft { customer, at: event.at, anonymous: event.anonymous })
    }
}

impl Convert for Calls {
    fn head(&self, lines: &[&[u8]]) -> Result<Head, String> {
        let is_object = |line: &&[u8]| line.trim_ascii_start().starts_with(b"{");
        if lines.is_empty() || lines.iter().any(is_object) {
            return Ok(Head::Row);
        }
        Err(r#"none of its first lines is a JSON object, e.g. {"userId": "42", "event": "Product Added"}"#
            .to_owned())
    }

    fn convert(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Converted {
        match self.call(row, id, body) {
            Ok(draft) => Converted::Event(draft),
            Err(refusal) => refusal.into(),
        }
    }
}
