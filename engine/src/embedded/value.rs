//! Values of the embedded database: a version byte and what follows it.

use actors::port::agreement::Agreement;
use actors::port::store::{Lease, Row};
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

/// Returns the lease of its bytes. One that was written before leases said what their owner reads lacks the last byte.
pub fn decode_lease(bytes: &[u8]) -> Result<Lease, Unreadable> {
    decode("lease", &[bytes, &[0]].concat())
}

/// Returns the bytes of the agreement: JSON, which grows by fields that have a default.
pub fn encode_agreement(agreement: &Agreement) -> Bytes {
    serde_json::to_vec(agreement).expect("texts and numbers are JSON").into()
}

/// Returns the agreement of its bytes.
pub fn decode_agreement(bytes: &[u8]) -> Result<Agreement, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| Unreadable(format!("agreement: {error}")))
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

#[cfg(test)]
mod tests {
    use schemas::ids::Position;

    use super::*;

    #[test]
    fn a_lease_of_before_it_said_what_its_owner_reads_says_nothing_of_it() {
        let lease =
            Lease { epoch: Epoch(7), owner: 9, position: Position(300), reads: 3, ..Lease::default() };
        let bytes = encode(&lease);
        assert_eq!(decode_lease(&bytes), Ok(lease));
        assert_eq!(decode_lease(&bytes[..bytes.len() - 1]), Ok(Lease { reads: 0, ..lease }));
        assert!(decode_lease(&bytes[..bytes.len() - 2]).is_err(), "damaged");
    }
}
