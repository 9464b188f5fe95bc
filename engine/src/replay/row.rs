//! The id of a row: a hash of format, bytes, and how often the same bytes have come in the file, so that equal rows both count.

use rustc_hash::{FxHashMap, FxHashSet};
use schemas::ids::{CustomerId, MessageId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::Format;

/// Digits of an id: 88 bits, in a text that needs no heap cell.
const DIGITS: usize = 22;

/// The id of a row, which is the message id of its event: hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowId([u8; DIGITS]);

impl RowId {
    /// Returns the id of the `nth` row with these bytes, from 0.
    fn of(row: &[u8], seed: u64, nth: u32) -> Self {
        Self::of_hash(xxh3_128_with_seed(row, seed.wrapping_add(u64::from(nth))))
    }

    fn of_hash(hash: u128) -> Self {
        let mut digits = [0; DIGITS];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(hash >> (124 - 4 * place)) as usize & 15];
        }
        Self(digits)
    }

    /// Returns the digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether a row is the first with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is.
    First,
    /// An equal one came before.
    Repeat,
}

/// Gives the rows of one file their ids.
///
/// Bounds: 9 to 21 bytes per distinct row since the last [`RowIds::forget`]: a set of 64-bit hashes. Should two different rows share a
/// hash (once in 37 million files of a million rows), the second is taken for a repeat: its id says so, and nothing is lost.
pub struct RowIds {
    seed: u64,
    seen: FxHashSet<u64>,
    /// How often the hashes came that came more than once.
    again: FxHashMap<u64, u32>,
}

impl RowIds {
    /// Returns the ids of a file that was not read yet.
    pub fn new(format: Format) -> Self {
        let seed = xxh3_64(format.as_str().as_bytes());
        Self { seed, seen: FxHashSet::default(), again: FxHashMap::default() }
    }

    /// Returns the id of the next row.
    pub fn next(&mut self, row: &[u8]) -> (RowId, Seen) {
        let hash = xxh3_128_with_seed(row, self.seed);
        if self.seen.insert(hash as u64) {
            return (RowId::of_hash(hash), Seen::First);
        }
        let again = self.again.entry(hash as u64).or_default();
        *again = again.saturating_add(1);
        (RowId::of(row, self.seed, *again), Seen::Repeat)
    }

    /// Forgets the rows so far: none of them comes again.
    pub fn forget(&mut self) {
        self.seen.clear();
        self.again.clear();
    }
}

/// Pairs of a user and an anonymous id that were named together.
///
/// Bounds: 18 to 42 bytes per pair.
#[derive(Default)]
pub struct Pairs {
    pairs: FxHashSet<u64>,
    /// The anonymous ids among them.
    named: FxHashSet<u64>,
}

impl Pairs {
    /// Returns whether the pair is named for the first time.
    pub fn note(&mut self, user: &CustomerId, anonymous: &CustomerId) -> Seen {
        let (user, anonymous) = (MessageId::of(user.as_str()).0, MessageId::of(anonymous.as_str()).0);
        self.named.insert(anonymous);
        if self.pairs.insert(user.rotate_left(1) ^ anonymous) { Seen::First } else { Seen::Repeat }
    }

    /// Returns whether an anonymous id was named together with a user.
    pub fn is_named(&self, anonymous: &CustomerId) -> bool {
        self.named.contains(&MessageId::of(anonymous.as_str()).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_have_different_ids_and_the_same_ones_in_every_reading() {
        let read = || {
            let mut ids = RowIds::new(Format::Otto);
            ["a", "b", "a", "a"].map(|row| ids.next(row.as_bytes()))
        };
        let ids = read();
        assert_eq!(ids, read());
        assert_eq!(ids.map(|(_, seen)| seen), [Seen::First, Seen::First, Seen::Repeat, Seen::Repeat]);
        let distinct: std::collections::BTreeSet<_> = ids.iter().map(|(id, _)| id.as_bytes()).collect();
        assert_eq!(distinct.len(), 4);
        assert_eq!(RowIds::new(Format::Otto).next(b"a"), ids[0]);
        assert_ne!(RowIds::new(Format::Zanbil).next(b"a"), ids[0], "formats do not share ids");
    }

    #[test]
    fn what_is_forgotten_comes_for_the_first_time() {
        let mut ids = RowIds::new(Format::UciEshop);
        let first = ids.next(b"a");
        assert_eq!(ids.next(b"a").1, Seen::Repeat);
        ids.forget();
        assert_eq!(ids.next(b"a"), first);
    }
}
