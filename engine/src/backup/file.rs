//! One file of a backup: of a table, its keys and values one after the other, each with its length.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

/// Bytes read or written at once.
const BUFFER: usize = 1 << 20;

/// Longest key or value: what is longer was never written. Units: bytes.
const LEN_MAX: u32 = 1 << 30;

/// What a whole file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// Units: bytes.
    pub bytes: u64,
    /// Keys written.
    pub keys: u64,
    /// Checksum.
    pub xxh3: u128,
}

/// Writes a file and its checksum.
pub struct Writer {
    out: BufWriter<File>,
    hash: Box<Xxh3>,
    bytes: u64,
    keys: u64,
}

impl Writer {
    /// Makes the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        let out = BufWriter::with_capacity(BUFFER, File::create_new(path)?);
        Ok(Self { out, hash: Box::default(), bytes: 0, keys: 0 })
    }

    /// Appends a key and its value.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.write(&(key.len() as u32).to_le_bytes())?;
        self.write(&(value.len() as u32).to_le_bytes())?;
        self.write(key)?;
        self.keys += 1;
        self.write(value)
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Returns how much was written so far. Units: bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the file durable.
    pub fn finish(self) -> io::Result<Summed> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Summed { bytes: self.bytes, keys: self.keys, xxh3: self.hash.digest128() })
    }
}

/// Reads the keys and values of a table's file.
pub struct Reader {
    input: BufReader<File>,
    at: u64,
}

impl Reader {
    /// Opens the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { input: BufReader::with_capacity(BUFFER, File::open(path)?), at: 0 })
    }

    /// Goes on from an offset that [`Reader::at`] returned.
    pub fn seek(&mut self, at: u64) -> io::Result<()> {
        self.at = at;
        self.input.seek(SeekFrom::Start(at)).map(drop)
    }

    /// Returns the offset of the next key. Units: bytes.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Returns the next key and value, `None` at the end.
    pub fn read_next(&mut self) -> io::Result<Option<(Bytes, Bytes)>> {
        let mut lengths = [0; 8];
        if self.input.read(&mut lengths[..1])? == 0 {
            return Ok(None);
        }
        self.input.read_exact(&mut lengths[1..])?;
        let [key, value] =
            [0, 4].map(|at| lengths[at..].first_chunk().map_or(0, |len| u32::from_le_bytes(*len)));
        if key > LEN_MAX || value > LEN_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "a length that was never written"));
        }
        let mut bytes = vec![0; key as usize + value as usize];
        self.input.read_exact(&mut bytes)?;
        self.at += 8 + bytes.len() as u64;
        let mut key_bytes = Bytes::from(bytes);
        let value = key_bytes.split_off(key as usize);
        Ok(Some((key_bytes, value)))
    }
}

/// Returns size and checksum of a file; `told` hears of every piece that was read.
pub fn sum(
    path: &Path,
    mut told: impl FnMut(u64) -> Result<(), super::Error>,
) -> Result<Summed, super::Error> {
    let failed = |source| super::Error::Io { what: "read", path: path.to_owned(), source };
    let mut input = File::open(path).map_err(failed)?;
    let (mut hash, mut bytes, mut buffer) = (Box::<Xxh3>::default(), 0, vec![0; BUFFER]);
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(Summed { bytes, keys: 0, xxh3: hash.digest128() }),
            Ok(len) => {
                hash.update(&buffer[..len]);
                bytes += len as u64;
                told(len as u64)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}
