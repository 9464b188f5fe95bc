//! Cuts a torn last group off the database's journal.
//!
//! The database drops a last group that ends too early by itself. But a disk may write the pages of a group in any order: where the
//! machine stops before the fsync returns, the group's end can be there while a page before it is not, and the database then refuses
//! to open. Nobody was told that this group is durable, so it goes. What stands before a later good group is never touched: that
//! would be a damaged disk, not a torn write.
//!
//! Source: fjall 3.1, `journal/entry.rs` (little-endian; start: tag 1, items u32, sequence u64; item: tag 2, type u8, compression u8,
//! keyspace u64, key length u16, value length u32, stored length u32, key, value; end: tag 3, xxh3 of the items u64, "FJL" 3; clear:
//! tag 4, keyspace u64).

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

const START_LEN: usize = 1 + 4 + 8;
const ITEM_HEADER_LEN: usize = 1 + 1 + 1 + 8 + 2 + 4 + 4;
const CLEAR_LEN: usize = 1 + 8;
const END_LEN: usize = 1 + 8 + MAGIC.len();
const MAGIC: &[u8] = &[b'F', b'J', b'L', 3];

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
enum Group {
    /// A whole group of this length.
    Good(usize),
    /// A group of this length that has its end, and not what the end says.
    Torn(usize),
    /// Nothing that has an end.
    None,
}

/// Cuts a torn last group off the newest journal in `path`. Returns where it was cut, `None` when there is no such group.
pub fn cut_torn_group(path: &Path) -> io::Result<Option<(PathBuf, u64)>> {
    let Some(journal) = newest(path)? else { return Ok(None) };
    let Some(end) = torn_at(&fs::read(&journal)?) else { return Ok(None) };
    let file = OpenOptions::new().write(true).open(&journal)?;
    file.set_len(end as u64)?;
    file.sync_all()?;
    Ok(Some((journal, end as u64)))
}

fn newest(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = None;
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let number =
            path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse::<u64>().ok());
        newest = newest.max(number.map(|number| (number, path)));
    }
    Ok(newest.map(|(_, path)| path))
}

/// Returns where a torn group begins that no good group follows.
fn torn_at(journal: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match group(&journal[at..]) {
            Group::Good(len) => at += len,
            Group::Torn(len) if matches!(group(&journal[at + len..]), Group::None) => return Some(at),
            Group::Torn(_) | Group::None => return None,
        }
    }
}

fn group(bytes: &[u8]) -> Group {
    let Some((items, START)) = number(bytes, 1).map(u32::from_le_bytes).zip(bytes.first().copied()) else {
        return Group::None;
    };
    let mut at = START_LEN;
    let mut found = 0;
    while let Some(len) = entry_len(bytes.get(at..).unwrap_or_default()) {
        found += 1;
        at += len;
    }
    let Some(end) = bytes.get(at..at + END_LEN) else { return Group::None };
    if end[0] != END || !end.ends_with(MAGIC) {
        return Group::None;
    }
    let expected = number(end, 1).map(u64::from_le_bytes);
    if found == items && expected == Some(xxh3_64(&bytes[START_LEN..at])) {
        Group::Good(at + END_LEN)
    } else {
        Group::Torn(at + END_LEN)
    }
}

/// Returns the length of the item or clear entry at the start of some bytes.
fn entry_len(bytes: &[u8]) -> Option<usize> {
    match *bytes.first()? {
        ITEM => {
            let key = usize::from(u16::from_le_bytes(number(bytes, 11)?));
            let stored = u32::from_le_bytes(number(bytes, 17)?) as usize;
            let len = ITEM_HEADER_LEN.checked_add(key)?.checked_add(stored)?;
            (len <= bytes.len()).then_some(len)
        }
        CLEAR => (CLEAR_LEN <= bytes.len()).then_some(CLEAR_LEN),
        _ => None,
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(bodies: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![START];
        bytes.extend((bodies.len() as u32).to_le_bytes());
        bytes.extend(7_u64.to_le_bytes());
        for body in bodies {
            bytes.extend([ITEM, 0, 0]);
            bytes.extend(1_u64.to_le_bytes());
            bytes.extend(3_u16.to_le_bytes());
            bytes.extend([body.len() as u32; 2].map(u32::to_le_bytes).concat());
            bytes.extend(b"key");
            bytes.extend(*body);
        }
        let sum = xxh3_64(&bytes[START_LEN..]);
        bytes.push(END);
        bytes.extend(sum.to_le_bytes());
        bytes.extend(MAGIC);
        bytes
    }

    fn torn(bodies: &[&[u8]]) -> Vec<u8> {
        let mut bytes = good(bodies);
        bytes[START_LEN + ITEM_HEADER_LEN + 3] ^= 1;
        bytes
    }

    #[test]
    fn only_a_torn_group_at_the_end_is_found() {
        let (one, two, bad) = (good(&[b"body"]), good(&[b"a", b"", b"c"]), torn(&[b"some", b"thing"]));
        let zeros = vec![0; 100];
        for (journal, expected) in [
            (vec![], None),
            ([&one[..], &two].concat(), None),
            ([&one[..], &two, &zeros].concat(), None),
            ([&one[..], &bad].concat(), Some(one.len())),
            ([&one[..], &two, &bad, &zeros].concat(), Some(one.len() + two.len())),
            ([&bad[..], &zeros].concat(), Some(0)),
            ([&bad[..], &one].concat(), None),
            (one[..one.len() - 1].to_vec(), None),
        ] {
            assert_eq!(torn_at(&journal), expected, "{journal:?}");
        }
    }
}
