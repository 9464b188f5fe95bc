//! Writing the body of an event: Segment JSON, straight into a buffer.

use std::io::Write as _;

use schemas::ids::{ANONYMOUS_PREFIX, CustomerId};
use schemas::time::Timestamp;

use super::RowId;

/// Which call is written.
#[derive(Clone, Copy)]
pub enum Call<'a> {
    /// A track call of this event.
    Track(&'a str),
    /// A page call of this page.
    Page(&'a str),
}

/// A body being written.
pub struct Body<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next property.
    comma: &'static str,
}

impl<'a> Body<'a> {
    /// Begins the body of an event.
    pub fn begin(out: &'a mut Vec<u8>, call: Call<'_>, id: &RowId, who: (&CustomerId, Timestamp)) -> Self {
        let (customer, at) = who;
        let (kind, name) = match call {
            Call::Track(name) => (r#"{"type":"track","event":"#, name),
            Call::Page(name) => (r#"{"type":"page","name":"#, name),
        };
        out.extend_from_slice(kind.as_bytes());
        write_text(out, name);
        out.extend_from_slice(br#","messageId":""#);
        out.extend_from_slice(id.as_bytes());
        let (field, text) = match customer.as_str().strip_prefix(ANONYMOUS_PREFIX) {
            Some(anonymous) => (r#"","anonymousId":"#, anonymous),
            None => (r#"","userId":"#, customer.as_str()),
        };
        out.extend_from_slice(field.as_bytes());
        write_text(out, text);
        out.extend_from_slice(br#","timestamp":"#);
        write_number(out, at.0);
        out.extend_from_slice(br#","properties":{"#);
        Self { out, comma: "" }
    }

    /// Adds a property that is a text, unless it is empty.
    pub fn text(mut self, name: &'static str, text: &str) -> Self {
        if !text.is_empty() {
            self.name(name);
            write_text(self.out, text);
        }
        self
    }

    /// Adds a property that is a number, by its digits as [`super::field::decimal`] let them pass.
    pub fn digits(mut self, name: &'static str, digits: &str) -> Self {
        self.name(name);
        self.out.extend_from_slice(digits.as_bytes());
        self
    }

    /// Adds a property that is a whole number.
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.name(name);
        write_number(self.out, number);
        self
    }

    /// Ends the body.
    pub fn end(self) {
        self.out.extend_from_slice(b"}}");
    }

    fn name(&mut self, name: &'static str) {
        self.out.extend_from_slice(self.comma.as_bytes());
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.comma = ",";
    }
}

fn write_number(out: &mut Vec<u8>, number: i64) {
    write!(out, "{number}").expect("a vector takes every byte");
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        serde_json::to_writer(out, text).expect("a text is JSON, and a vector takes every byte");
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}
