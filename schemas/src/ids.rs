//! Identities and positions: newtypes, so that the wrong one does not compile, and the stable hashes they are made with.

use std::borrow::{Borrow, Cow};
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Prefix of the customer id of a shopper who is known by an anonymous id only.
pub const ANONYMOUS_PREFIX: &str = "anon:";

/// Names one customer: a `userId`, or [`ANONYMOUS_PREFIX`] and an `anonymousId`. It is the key of every record of the customer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(SmolStr);

impl CustomerId {
    /// Returns the id of an identified customer.
    pub fn user(id: &str) -> Self {
        Self(SmolStr::new(id))
    }

    /// Returns the id of a shopper known by an anonymous id only.
    pub fn anonymous(id: &str) -> Self {
        Self(SmolStr::from_iter([ANONYMOUS_PREFIX, id]))
    }

    /// Returns the id of whom a record's key names.
    pub fn of_key(key: SmolStr) -> Self {
        Self(key)
    }

    /// Returns the id as it stands in record keys and rows.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true when the id is of an anonymous shopper.
    pub fn is_anonymous(&self) -> bool {
        self.0.starts_with(ANONYMOUS_PREFIX)
    }
}

/// Looks up tables of customers by a record's key; both hash as text.
impl Borrow<str> for CustomerId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Place of a record in its partition of a topic: the number of its log, and its offset there.
///
/// A shop that moves to another log, or is taken out of a backup, goes on in a log of the next number. So every position of the new one
/// lies behind every position of the old one, in whatever partition: high-water marks, the marks of senders and the numbers of requests
/// stay true as they are, and no slot is used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Bits of the offset: 17 million million records of one partition, 55 years of 10,000 per second.
    const OFFSET_BITS: u32 = 44;

    /// Returns the first position of a log.
    pub const fn first_of(log: LogId) -> Self {
        Self((log.0 as u64) << Self::OFFSET_BITS)
    }

    /// Returns the position behind this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the log that it is of.
    pub fn log(self) -> LogId {
        LogId((self.0 >> Self::OFFSET_BITS) as u16)
    }

    /// Returns the offset in its log.
    pub fn offset(self) -> u64 {
        self.0 & ((1 << Self::OFFSET_BITS) - 1)
    }
}

/// Counts the logs that a shop has had, from 0; a migration or a restored backup begins the next.
///
/// Bounds: up to 511, so that a position is exact in readers that hold numbers as 64-bit floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub u16);

impl LogId {
    /// The last one.
    pub const MAX: Self = Self(511);

    /// Returns the log behind this one; `None` behind the last.
    pub fn next(self) -> Option<Self> {
        (self < Self::MAX).then(|| Self(self.0 + 1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts the owners that a partition has had; a higher epoch fences every lower one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// Number of a partition of the log. What a record of partition p causes goes to partition p.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionId(pub u32);

impl PartitionId {
    /// Returns the partition of a record key as Kafka's default partitioner chooses it (murmur2).
    ///
    /// Bounds: `partitions` ≥ 1, else partition 0.
    /// Source: Apache Kafka, `Utils.murmur2` and `BuiltInPartitioner`.
    pub fn of(key: &str, partitions: u32) -> Self {
        Self((murmur2(key.as_bytes()) & 0x7fff_ffff).checked_rem(partitions).unwrap_or(0))
    }
}

/// Returns Kafka's 32-bit murmur2 hash.
///
/// Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`.
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ data.len() as u32;
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let k = u32::from_le_bytes(*word).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (k ^ (k >> 24)).wrapping_mul(M);
    }
    for (i, byte) in tail.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * i);
    }
    if !tail.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// Hash of a message id; equal ids within 24 h are one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub u64);

impl MessageId {
    /// Returns the hash of a message id as its sender wrote it.
    pub fn of(text: &str) -> Self {
        Self(xxh3_64(text.as_bytes()))
    }
}

/// Names what one trigger instance does at one step, for ever: the record that opened it (at its origin, when it moved by a merge)
/// and the number of the step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// Customer whose record opened the instance.
    pub origin: CustomerId,
    /// Position of that record in the origin's partition.
    pub position: Position,
    /// Tells apart instances that one record opens (two crossings, two keys).
    pub nth: u16,
    /// Step of the instance, from 0.
    pub step: u8,
}

/// Names one outreach or decision: a hash of customer, trigger and slot, the same on every replay.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutreachId(pub u128);

impl OutreachId {
    /// Returns the id of what `trigger` does in `slot`. The origin's id stands in the slot, so a moved instance keeps its id.
    pub fn of(trigger: &str, slot: &Slot) -> Self {
        let mut bytes = Vec::with_capacity(64);
        for part in [slot.origin.as_str(), trigger] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes.extend(slot.position.0.to_le_bytes());
        bytes.extend(slot.nth.to_le_bytes());
        bytes.push(slot.step);
        Self(xxh3_128(&bytes))
    }

    /// Returns the id of the decision that follows `before` others about this outreach; the first has the outreach's own.
    pub fn decision(self, before: u8) -> Self {
        if before == 0 {
            return self;
        }
        let mut bytes = [before; 17];
        bytes[..16].copy_from_slice(&self.0.to_le_bytes());
        Self(xxh3_128(&bytes))
    }
}

/// In JSON the id is its 32 hexadecimal digits, since few readers hold a number of 128 bits; in the row codec it is the number.
impl Serialize for OutreachId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for OutreachId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let digits = Cow::<str>::deserialize(deserializer)?;
        u128::from_str_radix(&digits, 16).map(Self).map_err(D::Error::custom)
    }
}

impl fmt::Display for OutreachId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for OutreachId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outreach_id_is_text_in_json_and_a_number_in_the_row_codec() {
        let id = OutreachId(u128::MAX - 5);
        let json = serde_json::to_value(id).expect("text");
        assert_eq!(json, "fffffffffffffffffffffffffffffffa");
        assert_eq!(serde_json::from_value::<OutreachId>(json).expect("its own text"), id);
        assert!(serde_json::from_str::<OutreachId>("\"care\"").is_err());
        let bytes = postcard::to_allocvec(&id).expect("a number");
        assert_eq!(bytes, postcard::to_allocvec(&id.0).expect("a number"));
        assert_eq!(postcard::from_bytes::<OutreachId>(&bytes).expect("its own bytes"), id);
    }

    #[test]
    fn every_position_of_a_log_lies_behind_every_position_of_the_one_before() {
        let first = Position::first_of;
        assert_eq!(first(LogId(0)), Position::default());
        for log in [0, 1, 7, 510].map(LogId) {
            let next = log.next().expect("not the last");
            let last = Position(first(next).0 - 1);
            assert!(last < first(next));
            assert_eq!((last.log(), last.offset()), (log, (1 << 44) - 1));
            assert_eq!((first(next).log(), first(next).offset()), (next, 0));
        }
        assert_eq!(LogId::MAX.next(), None);
        assert!(first(LogId::MAX).0 + (1 << 44) <= 1 << 53, "exact as a 64-bit float");
    }

    #[test]
    fn murmur2_equals_kafkas() {
        for (text, hash) in
            [("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)]
        {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }
}
