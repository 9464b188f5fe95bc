//! A file of a replay: its fingerprint, its first lines, and its lines one after the other, unpacked where the content is packed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use flate2::bufread::MultiGzDecoder;
use schemas::event::Border;
use xxhash_rust::xxh3::Xxh3;

use super::Error;
use super::error::Lookalikes;
use super::format::{Format, HEAD_LINES, Head};

/// Longest line that is read; of a longer one nothing is kept.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Files up to this size are fingerprinted whole.
const WHOLE_BYTES_MAX: u64 = 64 << 20;
/// Of larger ones so many blocks count, evenly spread, the first and the last among them …
const BLOCKS: u64 = 64;
/// … of this size.
const BLOCK_BYTES: u64 = 1 << 20;

/// Buffer of unpacked bytes.
const BUFFER_BYTES: usize = 128 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// A file that was checked and can be read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Its size as it lies there.
    pub bytes: u64,
    /// How it begins.
    pub head: Head,
    /// Names its content, read as this format.
    pub fingerprint: u64,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, one of which is not blank.
    Text(&'a [u8]),
    /// It holds nothing, or blanks.
    Blank,
    /// It has more than [`LINE_BYTES_MAX`]: this many.
    TooLong(u64),
}

/// An open file.
pub struct Input {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    line: u64,
    text: Vec<u8>,
}

impl Source {
    /// Checks that a file can be read and is of the format, and takes its fingerprint.
    ///
    /// The fingerprint covers the format, the length, and the content: all of it up to 64 MiB, of larger files 64 blocks of 1 MiB.
    pub fn check(path: &Path, format: Format, border: &Border) -> Result<Self, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if metadata.is_dir() {
            return Err(open(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let bytes = metadata.len();
        let mut input = Input::open(path)?;
        let mut lines: Vec<Vec<u8>> = Vec::new();
        while lines.len() < HEAD_LINES {
            match input.next_line()? {
                Some((_, Line::Text(text))) => lines.push(text.to_owned()),
                Some((_, Line::Blank | Line::TooLong(_))) => {}
                None => break,
            }
        }
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let not_of_format = |found| Error::NotOfFormat {
            path: path.to_owned(),
            format: format.as_str(),
            found,
            instead: lookalike(&lines, border),
        };
        let head = format.converter(border).head(&lines).map_err(not_of_format)?;
        let fingerprint = fingerprint(&mut file, bytes, format).map_err(open)?;
        Ok(Self { path: path.to_owned(), bytes, head, fingerprint })
    }
}

/// Returns the formats that a file of these first lines may be of.
fn lookalike(lines: &[&[u8]], border: &Border) -> Lookalikes {
    let of = |format: &&Format| !lines.is_empty() && format.converter(border).head(lines).is_ok();
    Lookalikes(Format::value_variants().iter().filter(of).copied().collect())
}

fn fingerprint(file: &mut File, bytes: u64, format: Format) -> io::Result<u64> {
    let mut hash = Xxh3::new();
    hash.update(format.as_str().as_bytes());
    hash.update(&bytes.to_le_bytes());
    let mut block = Vec::with_capacity(BLOCK_BYTES as usize);
    let (blocks, step) = match bytes {
        0..=WHOLE_BYTES_MAX => (bytes.div_ceil(BLOCK_BYTES), BLOCK_BYTES),
        _ => (BLOCKS, (bytes - BLOCK_BYTES) / (BLOCKS - 1)),
    };
    for start in (0..blocks).map(|number| number * step) {
        // The last block ends where the file does.
        let start = if bytes > WHOLE_BYTES_MAX && start + step > bytes { bytes - BLOCK_BYTES } else { start };
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(BLOCK_BYTES).read_to_end(&mut block)?;
        hash.update(&block);
    }
    Ok(hash.digest())
}

impl Input {
    /// Opens a file; whether it is packed (gzip) shows in its first bytes.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let read = Arc::new(AtomicU64::new(0));
        let file = Counted { file: File::open(path).map_err(open)?, read: read.clone() };
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let packed = file.fill_buf().map_err(open)?.starts_with(GZIP_MAGIC);
        let mut reader: Box<dyn BufRead + Send> = if packed {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        // What cannot be unpacked is told by the first line that is asked for.
        if reader.fill_buf().is_ok_and(|begin| begin.starts_with(BYTE_ORDER_MARK)) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Self { path: path.to_owned(), reader, read, line: 0, text: Vec::new() })
    }

    /// Reads past what is not a row, where the file begins with that.
    pub fn skip_head(&mut self, head: Head) -> Result<(), Error> {
        if head == Head::Row {
            return Ok(());
        }
        while let Some((_, Line::Blank | Line::TooLong(_))) = self.next_line()? {}
        Ok(())
    }

    /// Returns the next line with its number, from 1; the last one may lack its end.
    pub fn next_line(&mut self) -> Result<Option<(u64, Line<'_>)>, Error> {
        self.text.clear();
        let mut bytes = self.read_part()?;
        if bytes == 0 {
            return Ok(None);
        }
        let (mut part, mut kept) = (bytes, true);
        while part > LINE_BYTES_MAX as u64 && !self.text.ends_with(b"\n") {
            self.text.clear();
            part = self.read_part()?;
            bytes += part;
            kept = false;
        }
        self.line += 1;
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let line = match text {
            _ if !kept => Line::TooLong(bytes),
            blank if blank.trim_ascii().is_empty() => Line::Blank,
            text => Line::Text(text),
        };
        Ok(Some((self.line, line)))
    }

    /// Returns how many bytes of the file have been read.
    pub fn bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    fn read_part(&mut self) -> Result<u64, Error> {
        let mut part = self.reader.by_ref().take(LINE_BYTES_MAX as u64 + 1);
        part.read_until(b'\n', &mut self.text).map(|read| read as u64).map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> Error {
        let (path, byte, line) = (self.path.clone(), self.bytes(), self.line);
        match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::CutOff { path, byte, line },
            _ => Error::Read { path, byte, line, source },
        }
    }
}

/// Counts the bytes that are read.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(content).expect("written");
        file
    }

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("memory takes every byte");
        encoder.finish().expect("memory takes every byte")
    }

    /// Returns the lines of a file, and how its reading ended.
    fn lines(content: &[u8]) -> (Vec<String>, Result<(), Error>) {
        let file = file(content);
        let mut input = Input::open(file.path()).expect("it is there");
        let mut lines = Vec::new();
        loop {
            match input.next_line() {
                Ok(Some((_, Line::Text(text)))) => lines.push(String::from_utf8_lossy(text).into_owned()),
                Ok(Some((_, Line::Blank))) => lines.push(String::new()),
                Ok(Some((_, Line::TooLong(bytes)))) => lines.push(format!("<{bytes}>")),
                Ok(None) => return (lines, Ok(())),
                Err(error) => return (lines, Err(error)),
            }
        }
    }

    #[test]
    fn lines_are_the_same_packed_or_not_whatever_ends_them() {
        let text = b"\xef\xbb\xbfa\r\nb\n\n c";
        for content in [text.to_vec(), packed(text), [packed(&text[..6]), packed(&text[6..])].concat()] {
            let (lines, end) = lines(&content);
            assert_eq!(lines, ["a", "b", "", " c"]);
            assert!(end.is_ok(), "{end:?}");
        }
        assert!(lines(b"").0.is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself_only() {
        let long = [b"a\n".as_slice(), &vec![b'x'; 3 * LINE_BYTES_MAX], b"\nb\n"].concat();
        assert_eq!(lines(&long).0, ["a", &format!("<{}>", 3 * LINE_BYTES_MAX + 1), "b"]);
        let full = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(lines(&full).0[0].len(), LINE_BYTES_MAX);
    }

    #[test]
    fn packed_data_that_is_cut_off_says_where_and_gives_the_lines_before() {
        let text: String =
            (0..100_000).map(|number| format!("{number} {}\n", number * 7_919 % 10_007)).collect();
        let whole = packed(text.as_bytes());
        for cut in [whole.len() / 2, whole.len() - 4, 12] {
            let (lines, end) = lines(&whole[..cut]);
            let Err(Error::CutOff { byte, line, .. }) = end else { panic!("{end:?}") };
            assert_eq!((byte, line), (cut as u64, lines.len() as u64));
            assert!(text.starts_with(&lines.iter().map(|line| format!("{line}\n")).collect::<String>()));
        }
        let mut damaged = whole;
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xff);
        assert!(matches!(lines(&damaged).1, Err(Error::Read { .. } | Error::CutOff { .. })));
    }

    #[test]
    fn a_fingerprint_tells_content_length_and_format_apart() {
        let of = |content: &[u8], format: Format| {
            let file = file(content);
            let bytes = content.len() as u64;
            fingerprint(&mut File::open(file.path()).expect("it is there"), bytes, format).expect("read")
        };
        let large = vec![7; 3 << 20];
        let mut other = large.clone();
        other[(1 << 20) + 5] = 8;
        let all = [
            of(b"a", Format::Otto),
            of(b"a", Format::Zanbil),
            of(b"b", Format::Otto),
            of(b"", Format::Otto),
            of(&large, Format::Otto),
            of(&other, Format::Otto),
            of(&large[1..], Format::Otto),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
        assert_eq!(of(&large, Format::Otto), all[4]);
    }

    #[test]
    fn of_a_huge_file_the_beginning_the_end_and_blocks_between_count() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let bytes = WHOLE_BYTES_MAX + (9 << 20) + 3;
        file.as_file().set_len(bytes).expect("a sparse file");
        let mut seen = std::collections::BTreeSet::new();
        for (number, place) in [0, bytes - 1, (bytes - BLOCK_BYTES) / 63 * 20 + 7].into_iter().enumerate() {
            file.seek(SeekFrom::Start(place)).expect("a place in the file");
            file.write_all(&[number as u8 + 1]).expect("written");
            let mut opened = File::open(file.path()).expect("it is there");
            seen.insert(fingerprint(&mut opened, bytes, Format::Otto).expect("read"));
        }
        assert_eq!(seen.len(), 3);
    }
}
