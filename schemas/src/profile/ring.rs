//! The message-id ring: within 24 hours an event counts once, however often its sender repeats it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pack::{self, Writer};
use crate::ids::MessageId;
use crate::time::{Span, Timestamp};

/// For how long a repeated message id is a no-op.
pub const DEDUPLICATION: Span = Span::hours(24);

/// Elements by which the ring grows.
const STEP: usize = 8;

/// Largest ring that a policy can ask for.
pub const RING_MAX: usize = 4_096;

/// Hashes of the message ids of the last 24 hours, oldest first.
///
/// Bounds: the policy's `message_ring`; it grows with what comes and shrinks as ids pass 24 hours. An id that comes again after it was
/// evicted is folded again and noted anew, with 24 hours from then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ring {
    seen: Seen,
    lost: u32,
    doubtful_until: Option<Timestamp>,
}

/// One message id and when it was folded, by log time.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen(Vec<(Timestamp, u64)>);

impl Ring {
    /// Returns true when the id was noted less than 24 hours before `now`.
    pub fn contains(&self, message: MessageId, now: Timestamp) -> bool {
        self.seen.0.iter().any(|(at, hash)| *hash == message.0 && *at > now - DEDUPLICATION)
    }

    /// Notes an id. The oldest goes when the ring is full; one younger than 24 hours is counted.
    pub fn insert(&mut self, message: MessageId, now: Timestamp, limit: usize) {
        let seen = &mut self.seen.0;
        let expired = seen.partition_point(|(at, _)| *at <= now - DEDUPLICATION);
        seen.drain(..expired);
        pack::tighten(seen, STEP);
        pack::room(seen, STEP);
        let place = seen.partition_point(|(at, _)| *at <= now);
        seen.insert(place, (now, message.0));
        self.trim(limit.clamp(1, RING_MAX));
    }

    /// Returns how many ids were evicted before their 24 hours were over.
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// Returns until when a repeated event may have been counted again because its id was evicted.
    pub fn doubtful_until(&self) -> Option<Timestamp> {
        self.doubtful_until
    }

    /// Unites two rings.
    pub fn merge(&mut self, other: Ring) {
        self.seen.0.extend(other.seen.0);
        self.seen.0.sort_unstable();
        self.lost = self.lost.saturating_add(other.lost);
        self.doubtful_until = self.doubtful_until.max(other.doubtful_until);
        self.trim(RING_MAX);
    }

    /// Returns about how many bytes the ring has on the heap.
    pub fn weight(&self) -> usize {
        self.seen.0.capacity() * size_of::<(Timestamp, u64)>()
    }

    fn trim(&mut self, limit: usize) {
        let surplus = self.seen.0.len().saturating_sub(limit);
        for (at, _) in self.seen.0.drain(..surplus) {
            self.lost = self.lost.saturating_add(1);
            self.doubtful_until = self.doubtful_until.max(Some(at + DEDUPLICATION));
        }
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut writer = Writer::with_capacity(self.0.len() * 13);
        for (at, hash) in &self.0 {
            writer.rising(at.0.cast_unsigned());
            writer.hash(*hash);
        }
        writer.end(serializer)
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pack::read(deserializer, |reader| {
            Self(reader.all(|reader| Some((Timestamp(reader.rising()?.cast_signed()), reader.hash()?))))
        })
    }
}
