//! The row as bytes: one version byte, then the row in postcard.
//!
//! Older versions are read and come out as the row of today. The same row always gives the same bytes: nothing in it has an order of
//! chance. A row of an older version has no timer of scores; its next record sets one.
//!
//! Behind the row of a customer with a thread stands the thread, and its version byte has [`TALKS`] set: a row without one costs nothing.
//!
//! **A new version is rolled out side by side.** The engine that brings version n + 1 reads and writes n as well, and goes on writing n
//! until every engine on the store knows n + 1 and a person says so (`care upgrade finalize`). Until then one may go back. So:
//! - the version before the newest is written for at least one release: [`Codec`] has an arm for it;
//! - what only version n + 1 can hold is not used before the roll-out is at its end;
//! - records of the log are JSON and have no version: they grow by fields that have a default, and an engine passes over fields that it
//!   does not know. A new kind of record, message or reason is not written before the roll-out is at its end.
//!
//! Feature `next_codec` builds the engine after this one, for tests of a roll-out.

mod v1;
mod v2;
#[cfg(feature = "next_codec")]
mod v4;

#[cfg(test)]
mod tests;

use postcard::ser_flavors::Flavor;

use super::row::Customer;

/// Newest version that this engine reads and writes.
pub const CODEC_VERSION: u8 = Codec::NEWEST.number();

/// Versions that this engine writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// Heads have schedules.
    V3,
    /// The row ends with a checksum.
    #[cfg(feature = "next_codec")]
    V4,
}

impl Codec {
    /// Written where nothing else was agreed on.
    pub const OLDEST: Self = Codec::V3;

    /// Written once the roll-out of this engine is at its end.
    #[cfg(not(feature = "next_codec"))]
    pub const NEWEST: Self = Codec::V3;
    /// Written once the roll-out of this engine is at its end.
    #[cfg(feature = "next_codec")]
    pub const NEWEST: Self = Codec::V4;

    /// Returns the number that rows of this version begin with.
    pub const fn number(self) -> u8 {
        match self {
            Codec::V3 => 3,
            #[cfg(feature = "next_codec")]
            Codec::V4 => 4,
        }
    }

    /// Returns the version of this number; `None` when this engine does not write it.
    pub fn of(number: u8) -> Option<Self> {
        match number {
            3 => Some(Codec::V3),
            #[cfg(feature = "next_codec")]
            4 => Some(Codec::V4),
            _ => None,
        }
    }
}

/// Why bytes are not a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is not even a version.
    #[error("read a customer row: it is empty")]
    Empty,
    /// A later engine wrote it.
    #[error("read a customer row of version {found}: this engine reads up to version {}", CODEC_VERSION)]
    Newer {
        /// Version of the bytes.
        found: u8,
    },
    /// No engine ever wrote it.
    #[error("read a customer row of version {found}: there is no such version")]
    Unknown {
        /// Version of the bytes.
        found: u8,
    },
    /// The bytes end before the row does.
    #[error("read a customer row of version {version}: it is cut off after {len} bytes")]
    Truncated {
        /// Version of the bytes.
        version: u8,
        /// How many bytes there are.
        len: usize,
    },
    /// The bytes are not what the version promises.
    #[error("read a customer row of version {version}: {what}")]
    Corrupt {
        /// Version of the bytes.
        version: u8,
        /// What is wrong.
        what: String,
    },
}

/// Set in the version byte of a row that a thread stands behind.
const TALKS: u8 = 0x80;

impl Customer {
    /// Appends the row to `out`, in that version.
    pub fn encode(&self, codec: Codec, out: &mut Vec<u8>) {
        out.push(codec.number() | if self.thread.is_some() { TALKS } else { 0 });
        #[cfg(feature = "next_codec")]
        let start = out.len();
        append(self, out);
        if let Some(thread) = &self.thread {
            append(thread, out);
        }
        match codec {
            Codec::V3 => {}
            #[cfg(feature = "next_codec")]
            Codec::V4 => v4::seal(start, out),
        }
    }

    /// Returns the row that these bytes are.
    ///
    /// Errors: `Newer` → a later engine wrote it · `Truncated`, `Corrupt`, `Empty`, `Unknown` → it was damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (version, body) = bytes.split_first().ok_or(Error::Empty)?;
        match *version {
            #[cfg(feature = "next_codec")]
            4 => whole(4, read(4, v4::open(body)?)?),
            #[cfg(feature = "next_codec")]
            talks if talks == 4 | TALKS => talking(4, v4::open(body)?),
            3 => whole(3, read(3, body)?),
            talks if talks == 3 | TALKS => talking(3, body),
            2 => whole(2, read::<v2::Row>(2, body)?.into()),
            1 => whole(1, read::<v1::Row>(1, body)?.into()),
            found if found > CODEC_VERSION => Err(Error::Newer { found }),
            found => Err(Error::Unknown { found }),
        }
    }
}

fn append(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    postcard::serialize_with_flavor(value, Appended(out)).expect("a row has no value that postcard lacks");
}

/// Reads a row and the thread behind it.
fn talking(version: u8, body: &[u8]) -> Result<Customer, Error> {
    let (row, thread) = read(version, body)?;
    whole(version, Customer { thread: Some(thread), ..row })
}

/// Refuses what can be read and is no row: parts that belong together must agree.
fn whole(version: u8, row: Customer) -> Result<Customer, Error> {
    match row.asking.is_whole() {
        true => Ok(row),
        false => Err(Error::Corrupt { version, what: "questions and askers do not match".to_owned() }),
    }
}

/// Reads all of `body` as one value.
fn read<T: serde::de::DeserializeOwned>(version: u8, body: &[u8]) -> Result<T, Error> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::Corrupt { version, what: format!("{} bytes are left over", rest.len()) }),
        Err(postcard::Error::DeserializeUnexpectedEnd) => {
            Err(Error::Truncated { version, len: body.len() + 1 })
        }
        Err(error) => Err(Error::Corrupt { version, what: error.to_string() }),
    }
}

/// Appends to a vector, slice by slice.
struct Appended<'a>(&'a mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
