//! How often one customer may send: a bound for pages that go mad. What a person types never reaches it.

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;
use schemas::ids::CustomerId;
use schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// Customers that are counted within a minute, at most; beyond them nobody new is.
const COUNTED_MAX: usize = 200_000;

const MINUTE_MS: i64 = 60_000;

/// Counts messages by customer and minute.
pub struct Pace {
    max: u32,
    minute: Mutex<Minute>,
}

#[derive(Default)]
struct Minute {
    number: i64,
    counts: FxHashMap<u64, u32>,
}

impl Pace {
    /// Returns what lets so many messages of one customer pass within a minute.
    pub fn new(max: u32) -> Self {
        Self { max, minute: Mutex::default() }
    }

    /// Counts a message.
    ///
    /// Errors: the customer has sent as many as may be in this minute; how many seconds of it are left.
    pub fn pass(&self, customer: &CustomerId, now: Timestamp) -> Result<(), u32> {
        let number = now.0.div_euclid(MINUTE_MS);
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.number != number {
            *minute = Minute { number, counts: FxHashMap::default() };
        }
        let full = minute.counts.len() >= COUNTED_MAX;
        let hash = xxh3_64(customer.as_str().as_bytes());
        let left_s = ((MINUTE_MS - now.0.rem_euclid(MINUTE_MS)) as u32).div_ceil(1_000);
        match minute.counts.get_mut(&hash) {
            Some(count) if *count >= self.max => Err(left_s),
            Some(count) => {
                *count += 1;
                Ok(())
            }
            None if full => Err(left_s),
            None => {
                minute.counts.insert(hash, 1);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_too_often_waits_for_the_next_minute_and_nobody_else_does() {
        let pace = Pace::new(2);
        let (ada, bob) = (CustomerId::user("ada"), CustomerId::user("bob"));
        let at = |ms: i64| Timestamp(120_000 + ms);
        assert_eq!((pace.pass(&ada, at(0)), pace.pass(&ada, at(1))), (Ok(()), Ok(())));
        assert_eq!(pace.pass(&ada, at(10_000)), Err(50));
        assert_eq!(pace.pass(&ada, at(59_999)), Err(1));
        assert_eq!(pace.pass(&bob, at(59_999)), Ok(()));
        assert_eq!(pace.pass(&ada, at(60_000)), Ok(()));
    }
}
