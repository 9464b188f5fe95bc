//! The row as bytes: one version byte, then the row in postcard.
//!
//! Written is only [`CODEC_VERSION`]; older versions are read and come out as the row of today. The same row always gives the same
//! bytes: nothing in it has an order of chance. A row of an older version has no timer of scores; its next record sets one.

mod v1;
mod v2;

#[cfg(test)]
mod tests;

use postcard::ser_flavors::Flavor;

use super::row::Customer;

/// Version that is written.
pub const CODEC_VERSION: u8 = 3;

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

impl Customer {
    /// Appends the row to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(CODEC_VERSION);
        postcard::serialize_with_flavor(self, Appended(out)).expect("a row has no value that postcard lacks");
    }

    /// Returns the row that these bytes are.
    ///
    /// Errors: `Newer` → a later engine wrote it · `Truncated`, `Corrupt`, `Empty`, `Unknown` → it was damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (version, body) = bytes.split_first().ok_or(Error::Empty)?;
        match *version {
            CODEC_VERSION => whole(CODEC_VERSION, read(CODEC_VERSION, body)?),
            2 => whole(2, read::<v2::Row>(2, body)?.into()),
            1 => whole(1, read::<v1::Row>(1, body)?.into()),
            found if found > CODEC_VERSION => Err(Error::Newer { found }),
            found => Err(Error::Unknown { found }),
        }
    }
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
