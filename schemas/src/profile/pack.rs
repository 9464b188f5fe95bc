//! How lists of small numbers stand in a row: one run of bytes, stamps as differences to the one before, hashes as eight bytes.
//!
//! Element by element the serializer takes three times as long, and a hash, even over all 64 bits, would take ten bytes as a
//! variable-length number. Bytes that another hand changed give fewer or other elements, never a panic.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

/// Appends numbers to a run of bytes.
pub(super) struct Writer {
    bytes: Vec<u8>,
    before: u64,
}

/// Takes numbers from a run of bytes.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    before: u64,
}

impl Writer {
    /// Begins a run with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), before: 0 }
    }

    /// Writes a number in seven-bit groups, lowest first.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Writes a number that is not below the one before as the difference.
    pub fn rising(&mut self, number: u64) {
        self.number(number.wrapping_sub(self.before));
        self.before = number;
    }

    /// Writes a hash.
    pub fn hash(&mut self, hash: u64) {
        self.bytes.extend_from_slice(&hash.to_le_bytes());
    }

    /// Ends the run.
    pub fn end<S: Serializer>(self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl Reader<'_> {
    /// Reads elements as long as there are whole ones, into a list of exactly their number.
    pub fn all<T>(&mut self, mut element: impl FnMut(&mut Self) -> Option<T>) -> Vec<T> {
        let mut elements: Vec<T> = std::iter::from_fn(|| element(self)).collect();
        elements.shrink_to_fit();
        elements
    }

    /// Reads a number.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Reads a number that was written as a difference.
    pub fn rising(&mut self) -> Option<u64> {
        self.before = self.before.saturating_add(self.number()?);
        Some(self.before)
    }

    /// Reads a hash.
    pub fn hash(&mut self) -> Option<u64> {
        let (hash, rest) = self.bytes.split_first_chunk::<8>()?;
        self.bytes = rest;
        Some(u64::from_le_bytes(*hash))
    }
}

/// Reads a run of bytes.
pub(super) fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    take: fn(&mut Reader<'_>) -> T,
) -> Result<T, D::Error> {
    deserializer.deserialize_bytes(Run(take))
}

/// Hands a run of bytes to a function.
struct Run<T>(fn(&mut Reader<'_>) -> T);

impl<'de, T> Visitor<'de> for Run<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run of bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<T, E> {
        Ok((self.0)(&mut Reader { bytes, before: 0 }))
    }

    /// Formats without bytes (JSON) have a list of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element::<u8>()? {
            bytes.push(byte);
        }
        Ok((self.0)(&mut Reader { bytes: &bytes, before: 0 }))
    }
}

/// Lists of hashes.
pub(super) mod hashes {
    use serde::{Deserializer, Serializer};

    use super::{Reader, Writer};

    pub fn serialize<S: Serializer>(hashes: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        let mut writer = Writer::with_capacity(hashes.len() * 8);
        hashes.iter().for_each(|hash| writer.hash(*hash));
        writer.end(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        super::read(deserializer, |reader| reader.all(Reader::hash))
    }
}

/// Makes room for one more in a list that rarely grows, `step` elements at a time: doubling would leave most of it empty.
pub(super) fn room<T>(list: &mut Vec<T>, step: usize) {
    if list.len() == list.capacity() {
        list.reserve_exact(step);
    }
}

/// Gives memory back when a list has shrunk far below its capacity.
pub(super) fn tighten<T>(list: &mut Vec<T>, step: usize) {
    if list.capacity() > 2 * (list.len() + step) {
        list.shrink_to(list.len() + step);
    }
}
