//! Version 4 of the row: version 3, and behind it a checksum, so that damaged bytes are never taken for a row.

use xxhash_rust::xxh3::xxh3_64;

use super::Error;

const VERSION: u8 = 4;

/// Bytes of the checksum.
const CHECKSUM: usize = 8;

/// Appends the checksum of what `out` holds from `start` on.
pub(super) fn seal(start: usize, out: &mut Vec<u8>) {
    let sum = xxh3_64(&out[start..]);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// Returns what stands before the checksum.
///
/// Errors: `Truncated` → there is no checksum · `Corrupt` → it is of other bytes.
pub(super) fn open(body: &[u8]) -> Result<&[u8], Error> {
    let (row, sum) = body
        .split_last_chunk::<CHECKSUM>()
        .ok_or(Error::Truncated { version: VERSION, len: body.len() + 1 })?;
    match xxh3_64(row) == u64::from_le_bytes(*sum) {
        true => Ok(row),
        false => Err(Error::Corrupt { version: VERSION, what: "its checksum is of other bytes".to_owned() }),
    }
}
