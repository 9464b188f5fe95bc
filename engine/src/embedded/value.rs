//! Values of the embedded database: a version byte and what follows it.

use actors::port::store::Row;
use bytes::{BufMut, Bytes, BytesMut};
use schemas::ids::{CustomerId, Epoch};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the encoding of everything but rows and blocks, which have their own.
const VERSION: u8 = 1;

/// Bytes before the state of a row: write timestamp and epoch.
const ROW_HEADER: usize = 16;

/// What is stored cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Returns the bytes of a value.
pub fn encode(value: &impl Serialize) -> Bytes {
    let bytes = postcard::to_extend(value, vec![VERSION]);
    bytes.expect("a vector takes every byte, and the types that are stored have known lengths").into()
}

/// Returns the value of its bytes.
pub fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Unreadable> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => {
            postcard::from_bytes(rest).map_err(|error| Unreadable(format!("{what}: {error}")))
        }
        Some((version, _)) => Err(Unreadable(format!("{what} of version {version}"))),
        None => Err(Unreadable(format!("{what} without bytes"))),
    }
}

/// Returns the bytes of a row, without its customer, who stands in the key.
pub fn encode_row(row: &Row) -> Bytes {
    let mut bytes = BytesMut::with_capacity(ROW_HEADER + row.state.len());
    bytes.put_i64_le(row.written_at);
    bytes.put_u64_le(row.epoch.0);
    bytes.put_slice(&row.state);
    bytes.freeze()
}

/// Returns the row of its bytes; the state shares their memory.
pub fn decode_row(customer: CustomerId, bytes: &Bytes) -> Result<Row, Unreadable> {
    let damaged = || Unreadable(format!("row of {} bytes", bytes.len()));
    let written_at = row_written_at(bytes).ok_or_else(damaged)?;
    let epoch: [u8; 8] = *bytes.get(8..ROW_HEADER).and_then(<[u8]>::first_chunk).ok_or_else(damaged)?;
    Ok(Row {
        customer,
        written_at,
        epoch: Epoch(u64::from_le_bytes(epoch)),
        state: bytes.slice(ROW_HEADER..),
    })
}

/// Returns the write timestamp of a row.
pub fn row_written_at(bytes: &[u8]) -> Option<i64> {
    bytes.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
}
