//! Orders rows by time within a bound of memory: sorted runs in temporary files, then one merge. Rows of one time stay in their order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use schemas::time::Timestamp;

use super::Error;

/// Runs that are merged at once; so many become one before there are more.
const RUNS_MAX: usize = 64;

/// A row to be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// When it happened.
    pub at: Timestamp,
    /// Line of the file that it stood in.
    pub line: u64,
    /// Its bytes.
    pub row: Vec<u8>,
}

/// Takes rows in the order of their file.
///
/// Bounds: the memory it was made with, and a buffer per run while merging. Its files have no name: they go with the process.
pub struct Sorter {
    folder: PathBuf,
    memory_bytes: usize,
    bytes: Vec<u8>,
    rows: Vec<Place>,
    runs: Vec<File>,
}

/// Where a row lies in memory.
struct Place {
    at: Timestamp,
    line: u64,
    start: usize,
    len: u32,
}

/// The rows in the order of time.
pub struct Sorted {
    folder: PathBuf,
    runs: Vec<Run>,
    /// The first row of every run that has one; of one time the earlier run's goes first.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

enum Run {
    Memory { bytes: Vec<u8>, rows: std::vec::IntoIter<Place> },
    File { reader: BufReader<File>, head: Option<Timed> },
}

impl Sorter {
    /// Returns a sorter of so much memory, with its files in `folder`.
    pub fn new(folder: &Path, memory_bytes: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            memory_bytes,
            bytes: Vec::new(),
            rows: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Takes the next row.
    pub fn push(&mut self, at: Timestamp, line: u64, row: &[u8]) -> Result<(), Error> {
        let grows =
            self.bytes.len() + row.len() > self.bytes.capacity() || self.rows.len() == self.rows.capacity();
        let used = self.used() + row.len() + size_of::<Place>();
        // Growing doubles: the bound holds for what there will be then.
        let needed = if grows { 2 * used } else { used };
        if needed > self.memory_bytes && !self.rows.is_empty() {
            self.spill().map_err(|source| scratch(&self.folder, source))?;
        }
        let len = u32::try_from(row.len()).expect("a row is at most as long as a line may be");
        self.rows.push(Place { at, line, start: self.bytes.len(), len });
        self.bytes.extend_from_slice(row);
        Ok(())
    }

    fn used(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<Place>()
    }

    /// Returns the rows in the order of time.
    pub fn finish(mut self) -> Result<Sorted, Error> {
        sort(&mut self.rows);
        let last = Run::Memory { bytes: self.bytes, rows: self.rows.into_iter() };
        merge(&self.folder, self.runs, Some(last)).map_err(|source| scratch(&self.folder, source))
    }

    /// Writes what is in memory as a run.
    fn spill(&mut self) -> io::Result<()> {
        sort(&mut self.rows);
        let mut out = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for place in self.rows.drain(..) {
            write(&mut out, place.at, place.line, &self.bytes[place.start..][..place.len as usize])?;
        }
        self.bytes.clear();
        self.runs.push(out.into_inner()?);
        if self.runs.len() == RUNS_MAX {
            let mut out = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
            let mut sorted = merge(&self.folder, std::mem::take(&mut self.runs), None)?;
            while let Some(Timed { at, line, row }) = sorted.pop()? {
                write(&mut out, at, line, &row)?;
            }
            self.runs.push(out.into_inner()?);
        }
        Ok(())
    }
}

impl Sorted {
    /// Returns the next row.
    pub fn next_row(&mut self) -> Result<Option<Timed>, Error> {
        self.pop().map_err(|source| scratch(&self.folder, source))
    }

    fn pop(&mut self) -> io::Result<Option<Timed>> {
        let Some(Reverse((_, number))) = self.heads.pop() else { return Ok(None) };
        let run = &mut self.runs[number];
        let timed = run.pop()?;
        if let Some(at) = run.head() {
            self.heads.push(Reverse((at, number)));
        }
        Ok(timed)
    }
}

impl Run {
    fn head(&self) -> Option<Timestamp> {
        match self {
            Run::Memory { rows, .. } => rows.as_slice().first().map(|place| place.at),
            Run::File { head, .. } => head.as_ref().map(|timed| timed.at),
        }
    }

    fn pop(&mut self) -> io::Result<Option<Timed>> {
        Ok(match self {
            Run::Memory { bytes, rows } => rows.next().map(|Place { at, line, start, len }| {
                let row = bytes[start..][..len as usize].to_vec();
                Timed { at, line, row }
            }),
            Run::File { reader, head } => {
                let next = read(reader)?;
                std::mem::replace(head, next)
            }
        })
    }
}

fn sort(rows: &mut [Place]) {
    // Rows lie in memory in their order; empty ones lie where the next begins.
    rows.sort_unstable_by_key(|place| (place.at, place.start, place.len, place.line));
}

/// Returns the merge of runs, earlier rows in earlier runs.
fn merge(folder: &Path, files: Vec<File>, last: Option<Run>) -> io::Result<Sorted> {
    let mut runs = Vec::with_capacity(files.len() + 1);
    for mut file in files {
        file.rewind()?;
        let mut reader = BufReader::new(file);
        let head = read(&mut reader)?;
        runs.push(Run::File { reader, head });
    }
    runs.extend(last);
    let heads =
        runs.iter().enumerate().filter_map(|(number, run)| Some(Reverse((run.head()?, number)))).collect();
    Ok(Sorted { folder: folder.to_owned(), runs, heads })
}

fn write(out: &mut impl Write, at: Timestamp, line: u64, row: &[u8]) -> io::Result<()> {
    out.write_all(&at.0.to_le_bytes())?;
    out.write_all(&line.to_le_bytes())?;
    out.write_all(&(row.len() as u32).to_le_bytes())?;
    out.write_all(row)
}

/// Reads a row as [`write`] wrote it, `None` at the end.
fn read(reader: &mut impl Read) -> io::Result<Option<Timed>> {
    let mut at = [0; 8];
    match reader.read_exact(&mut at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (mut line, mut len) = ([0; 8], [0; 4]);
    reader.read_exact(&mut line)?;
    reader.read_exact(&mut len)?;
    let mut row = vec![0; u32::from_le_bytes(len) as usize];
    reader.read_exact(&mut row)?;
    Ok(Some(Timed { at: Timestamp(i64::from_le_bytes(at)), line: u64::from_le_bytes(line), row }))
}

fn scratch(folder: &Path, source: io::Error) -> Error {
    Error::Scratch { folder: folder.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(rows: &[Timed], memory_bytes: usize) -> (Vec<Timed>, usize) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut sorter = Sorter::new(folder.path(), memory_bytes);
        for Timed { at, line, row } in rows {
            sorter.push(*at, *line, row).expect("written");
            assert!(sorter.used() <= memory_bytes.max(row.len() + size_of::<Place>()), "bounded");
        }
        let runs = sorter.runs.len();
        let mut sorted = sorter.finish().expect("read");
        let all = std::iter::from_fn(|| sorted.next_row().expect("read")).collect();
        assert_eq!(folder.path().read_dir().expect("it is there").count(), 0, "no file is left");
        (all, runs)
    }

    proptest! {
        #[test]
        fn rows_come_in_the_order_of_time_as_a_stable_sort_has_them(
            rows in prop::collection::vec((-3_i64..3, prop::collection::vec(any::<u8>(), 0..40)), 0..400),
            memory_bytes in 1_usize..4_000,
        ) {
            let rows: Vec<Timed> = rows
                .into_iter()
                .zip(1..)
                .map(|((at, row), line)| Timed { at: Timestamp(at), line: line / 3, row })
                .collect();
            let mut expected = rows.clone();
            expected.sort_by_key(|timed| timed.at);
            prop_assert_eq!(sorted(&rows, memory_bytes).0, expected);
        }
    }

    #[test]
    fn many_runs_become_one_before_there_are_too_many() {
        let rows: Vec<Timed> = (0..1_000)
            .map(|n| Timed { at: Timestamp(n * 7_919 % 1_000), line: 1, row: vec![1; 20] })
            .collect();
        let (all, runs) = sorted(&rows, 200);
        assert!(all.is_sorted_by_key(|timed| timed.at) && all.len() == rows.len());
        assert!((2..RUNS_MAX).contains(&runs), "{runs}");
        assert_eq!(sorted(&rows, 1 << 20).1, 0, "what fits stays in memory");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let mut sorter = Sorter::new(Path::new("/nowhere/at/all"), 1);
        sorter.push(Timestamp(1), 1, b"a").expect("the first row stays in memory");
        let refused = sorter.push(Timestamp(2), 2, b"b");
        assert!(matches!(refused, Err(Error::Scratch { .. })), "{refused:?}");
    }
}
