//! Blocks: the records of one partition that one commit appended, as one value of the database. A key per record would cost more
//! than the record.

use bytes::{Buf, BufMut, Bytes};
use schemas::ids::{Epoch, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;
use smol_str::SmolStr;

/// Version of the encoding, the first byte of a block.
const VERSION: u8 = 1;

/// Bytes before a record's key: stamp, epoch, kind, two lengths.
const RECORD_HEADER: usize = 8 + 8 + 1 + 4 + 4;

/// Stands for "written by no owner".
const NO_EPOCH: u64 = u64::MAX;

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another version wrote it.
    #[error("log block of version {0}")]
    Version(u8),
    /// It ends too early or holds what no version wrote.
    #[error("log block is damaged")]
    Damaged,
}

/// Returns the bytes of records with successive positions.
pub fn encode(records: &[LogRecord]) -> Vec<u8> {
    let len =
        records.iter().map(|record| RECORD_HEADER + record.key.len() + record.body.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(1 + 4 + len);
    bytes.put_u8(VERSION);
    bytes.put_u32_le(records.len() as u32);
    for record in records {
        bytes.put_i64_le(record.stamp.0);
        bytes.put_u64_le(record.epoch.map_or(NO_EPOCH, |epoch| epoch.0));
        bytes.put_u8(kind_number(record.kind));
        bytes.put_u32_le(record.key.len() as u32);
        bytes.put_u32_le(record.body.len() as u32);
        bytes.put_slice(record.key.as_bytes());
        bytes.put_slice(&record.body);
    }
    bytes
}

/// Returns the records of a block that begins at `first`; their bodies share its memory.
pub fn decode(first: Position, mut bytes: Bytes) -> Result<Vec<LogRecord>, Error> {
    let version = bytes.try_get_u8().map_err(|_| Error::Damaged)?;
    if version != VERSION {
        return Err(Error::Version(version));
    }
    let count = bytes.try_get_u32_le().map_err(|_| Error::Damaged)? as usize;
    let mut records = Vec::with_capacity(count.min(bytes.len() / RECORD_HEADER));
    for nth in 0..count as u64 {
        records.push(decode_record(Position(first.0 + nth), &mut bytes)?);
    }
    if bytes.has_remaining() { Err(Error::Damaged) } else { Ok(records) }
}

fn decode_record(position: Position, bytes: &mut Bytes) -> Result<LogRecord, Error> {
    if bytes.remaining() < RECORD_HEADER {
        return Err(Error::Damaged);
    }
    let stamp = Timestamp(bytes.get_i64_le());
    let epoch = Some(bytes.get_u64_le()).filter(|epoch| *epoch != NO_EPOCH).map(Epoch);
    let kind = kind_of(bytes.get_u8()).ok_or(Error::Damaged)?;
    let (key_len, body_len) = (bytes.get_u32_le() as usize, bytes.get_u32_le() as usize);
    if bytes.remaining() < key_len.saturating_add(body_len) {
        return Err(Error::Damaged);
    }
    let key = SmolStr::new(std::str::from_utf8(&bytes.split_to(key_len)).map_err(|_| Error::Damaged)?);
    Ok(LogRecord { position, stamp, key, kind, epoch, body: bytes.split_to(body_len) })
}

fn kind_number(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Event => 0,
        RecordKind::Relay => 1,
        RecordKind::Outcome => 2,
        RecordKind::Command => 3,
        RecordKind::Outreach => 4,
        RecordKind::Decision => 5,
        RecordKind::DeadLetter => 6,
        RecordKind::Epoch => 7,
        RecordKind::CloudEvent => 8,
        RecordKind::Stray => 9,
        RecordKind::Unknown => 10,
        RecordKind::Talk => 11,
        RecordKind::Reply => 12,
    }
}

fn kind_of(number: u8) -> Option<RecordKind> {
    Some(match number {
        0 => RecordKind::Event,
        1 => RecordKind::Relay,
        2 => RecordKind::Outcome,
        3 => RecordKind::Command,
        4 => RecordKind::Outreach,
        5 => RecordKind::Decision,
        6 => RecordKind::DeadLetter,
        7 => RecordKind::Epoch,
        8 => RecordKind::CloudEvent,
        9 => RecordKind::Stray,
        10 => RecordKind::Unknown,
        11 => RecordKind::Talk,
        12 => RecordKind::Reply,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Vec<LogRecord>> {
        let record = (any::<i64>(), ".{0,12}", 0_u8..11, proptest::option::of(0_u64..9), any::<Vec<u8>>());
        proptest::collection::vec(record, 0..20).prop_map(|all| {
            let made = all.into_iter().enumerate().map(|(nth, (stamp, key, kind, epoch, body))| LogRecord {
                position: Position(40 + nth as u64),
                stamp: Timestamp(stamp),
                key: key.into(),
                kind: kind_of(kind).expect("so many kinds"),
                epoch: epoch.map(Epoch),
                body: body.into(),
            });
            made.collect()
        })
    }

    proptest! {
        #[test]
        fn blocks_come_back_as_they_were(records in records()) {
            prop_assert_eq!(decode(Position(40), encode(&records).into()), Ok(records));
        }

        #[test]
        fn a_shortened_block_is_damaged(records in records(), cut in 1_usize..40) {
            let mut bytes = encode(&records);
            bytes.truncate(bytes.len().saturating_sub(cut));
            prop_assert_eq!(decode(Position(40), bytes.into()), Err(Error::Damaged));
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes: Vec<u8>) {
            drop(decode(Position(0), bytes.into()));
        }
    }

    #[test]
    fn every_kind_has_its_number() {
        assert!((0..11).all(|number| kind_of(number).map(kind_number) == Some(number)));
        assert!(RecordKind::ALL.into_iter().all(|kind| kind_of(kind_number(kind)) == Some(kind)));
    }
}
