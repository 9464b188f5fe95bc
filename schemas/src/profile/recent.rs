//! Exact sliding windows: the stamps of the last 24 hours, kept one by one.
//!
//! Stamps of all event names stand in one sorted list, each packed with its name's number into 64 bits, so that a customer of ten
//! names pays for ten lists only once. A window is (now − within, now]: an element enters at its stamp and leaves `within` later,
//! and [`Recent::next_change`] tells that instant.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pack::{self, Writer};
use crate::time::{Span, Timestamp};

/// Widest sliding window.
pub const WINDOW_MAX: Span = Span::hours(24);

/// Stamps kept per customer, all names together.
pub const RECENT_MAX: usize = 256;

/// Elements that leave when the list is full.
const EVICTED_AT_ONCE: u16 = 16;

/// Elements by which the list grows.
const STEP: usize = 16;

/// Bits of the name's number in a packed element; the stamp stands above them.
const NUMBER_BITS: u32 = 8;

/// Stamps of the last 24 hours by name number.
///
/// Bounds: [`RECENT_MAX`] elements. At the bound the name with the most elements loses its oldest ones, so a flood of one name leaves
/// the windows of the others exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent {
    packed: Vec<u64>,
    /// Elements at or before this instant were dropped by age.
    horizon: Timestamp,
}

/// Elements that the bound pushed out.
pub struct Evicted {
    /// Whose elements they were.
    pub number: u8,
    /// Stamp of the youngest of them.
    pub at: Timestamp,
}

impl Recent {
    /// Inserts an element at its own stamp unless it is too old for every window, and tells what the bound pushed out.
    ///
    /// Bounds: `at` and `now` lie in years 1970 to 9999.
    pub fn insert(&mut self, number: u8, at: Timestamp, now: Timestamp) -> Option<Evicted> {
        self.forget(now);
        if at <= self.horizon {
            return None;
        }
        let element = pack(at, number);
        pack::room(&mut self.packed, STEP);
        match self.packed.last() {
            Some(last) if *last > element => {
                let place = self.packed.partition_point(|other| *other <= element);
                self.packed.insert(place, element);
            }
            Some(_) | None => self.packed.push(element),
        }
        if self.packed.len() > RECENT_MAX { self.evict() } else { None }
    }

    /// Counts the elements of a name in (now − within, now].
    pub fn count(&self, number: u8, within: Span, now: Timestamp) -> u64 {
        let from = self.start(now - within);
        self.packed[from..]
            .iter()
            .take_while(|element| stamp(**element) <= now)
            .filter(|element| number_of(**element) == number)
            .count() as u64
    }

    /// Returns whether elements of the window (now − within, now] may have been dropped by age.
    pub fn reaches_past(&self, within: Span, now: Timestamp) -> bool {
        now - within < self.horizon
    }

    /// Returns the first instant after `now` at which [`Recent::count`] changes without a new element.
    pub fn next_change(&self, number: u8, within: Span, now: Timestamp) -> Option<Timestamp> {
        let mut elements = self.packed[self.start(now - within)..]
            .iter()
            .filter(|element| number_of(**element) == number)
            .map(|element| stamp(*element));
        let oldest = elements.next()?;
        if oldest > now {
            return Some(oldest);
        }
        let leaves = oldest + within;
        let enters = elements.find(|at| *at > now);
        Some(enters.map_or(leaves, |at| at.min(leaves)))
    }

    /// Adds the elements of another list, whose numbers are translated by `number`.
    pub fn merge(&mut self, other: &Recent, number: impl Fn(u8) -> Option<u8>) -> Vec<Evicted> {
        self.horizon = self.horizon.max(other.horizon);
        self.packed.extend(
            other
                .packed
                .iter()
                .filter_map(|element| Some(pack(stamp(*element), number(number_of(*element))?))),
        );
        self.packed.sort_unstable();
        let horizon = self.horizon;
        self.packed.retain(|element| stamp(*element) > horizon);
        let mut evicted = Vec::new();
        while self.packed.len() > RECENT_MAX {
            evicted.extend(self.evict());
        }
        evicted
    }

    /// Returns about how many bytes the list has on the heap.
    pub fn weight(&self) -> usize {
        self.packed.capacity() * size_of::<u64>()
    }

    /// Drops what no window that ends at `now` or later can reach.
    fn forget(&mut self, now: Timestamp) {
        let horizon = now - WINDOW_MAX;
        if horizon > self.horizon {
            self.horizon = horizon;
            let expired = self.start(horizon);
            self.packed.drain(..expired);
            pack::tighten(&mut self.packed, STEP);
        }
    }

    /// Takes the oldest elements from the name that has the most. Several at once, since finding that name reads the whole list.
    fn evict(&mut self) -> Option<Evicted> {
        let mut counts = [0_u16; 1 << NUMBER_BITS];
        for element in &self.packed {
            let count = &mut counts[usize::from(number_of(*element))];
            *count = count.saturating_add(1);
        }
        let most = *counts.iter().max()?;
        let is_most = |element: &u64| counts[usize::from(number_of(*element))] == most;
        let number = number_of(*self.packed.iter().find(|element| is_most(element))?);
        let mut left = EVICTED_AT_ONCE.min(most.div_ceil(2));
        let mut at = Timestamp(0);
        self.packed.retain(|element| {
            let goes = left > 0 && number_of(*element) == number;
            if goes {
                left -= 1;
                at = stamp(*element);
            }
            !goes
        });
        Some(Evicted { number, at })
    }

    /// Returns the place of the first element after `instant`.
    fn start(&self, instant: Timestamp) -> usize {
        self.packed.partition_point(|element| stamp(*element) <= instant)
    }
}

fn pack(at: Timestamp, number: u8) -> u64 {
    (at.0.cast_unsigned() << NUMBER_BITS) | u64::from(number)
}

fn stamp(element: u64) -> Timestamp {
    Timestamp((element >> NUMBER_BITS).cast_signed())
}

fn number_of(element: u64) -> u8 {
    element as u8
}

impl Serialize for Recent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut writer = Writer::with_capacity(8 + self.packed.len() * 6);
        // The horizon opens the run, so that the first difference is small.
        writer.rising(self.horizon.0.cast_unsigned());
        for element in &self.packed {
            writer.rising(stamp(*element).0.cast_unsigned());
            writer.number(u64::from(number_of(*element)));
        }
        writer.end(serializer)
    }
}

impl<'de> Deserialize<'de> for Recent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pack::read(deserializer, |reader| {
            let horizon = Timestamp(reader.rising().unwrap_or(0).cast_signed());
            let mut packed = reader
                .all(|reader| Some(pack(Timestamp(reader.rising()?.cast_signed()), reader.number()? as u8)));
            packed.sort_unstable();
            Self { packed, horizon }
        })
    }
}
