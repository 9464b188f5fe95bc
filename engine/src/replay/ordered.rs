//! Files in the order of time, whatever order they are given in and stand in: for who asks what was known at an instant, since a row
//! that comes too late would be of another one.

use std::io::{BufWriter, Write};
use std::path::Path;

use rustc_hash::FxHashSet;
use schemas::time::Timestamp;
use tempfile::NamedTempFile;

use super::Error;
use super::format::{Converted, Head, Order};
use super::input::{Input, Line, Source};
use super::read::Rules;
use super::row::{RowId, RowIds};
use super::sort::Sorter;

/// Sources whose events come in the order of time.
pub struct Ordered {
    /// To be read one after the other.
    pub sources: Vec<Source>,
    /// The one source that stands for files that were not in order; goes with this.
    merged: Option<NamedTempFile>,
}

impl Ordered {
    /// Returns files as they are where their events come in the order of time, else one temporary file that holds the rows of all of
    /// them in that order, without those that are no events. A row that stands in two files counts once, as in a replay.
    ///
    /// Errors: a file cannot be read, or the temporary one cannot be written.
    pub fn of(sources: Vec<Source>, rules: &Rules) -> Result<Self, Error> {
        let by_time = rules.format.converter(&rules.border).order() == Order::ByTime;
        if by_time || is_ordered(&sources, rules)? {
            return Ok(Self { sources, merged: None });
        }
        let failed = |source| Error::Scratch { folder: rules.scratch.clone(), source };
        let mut sorter = Sorter::new(&rules.scratch, rules.sort_memory_bytes);
        let mut known: FxHashSet<RowId> = FxHashSet::default();
        each_event(&sources, rules, &mut |event| {
            if known.insert(event.id) { sorter.push(event.at, event.line, event.row) } else { Ok(()) }
        })?;
        let mut file = NamedTempFile::new_in(&rules.scratch).map_err(failed)?;
        let mut sorted = sorter.finish()?;
        let mut out = BufWriter::new(file.as_file_mut());
        if let Some(header) = header(&sources)? {
            out.write_all(&header).map_err(failed)?;
        }
        while let Some(timed) = sorted.next_row()? {
            out.write_all(&timed.row).and_then(|()| out.write_all(b"\n")).map_err(failed)?;
        }
        out.flush().map_err(failed)?;
        drop(out);
        let source = source(file.path(), rules)?;
        Ok(Self { sources: vec![source], merged: Some(file) })
    }

    /// Returns true where the rows had to be put in order.
    pub fn is_merged(&self) -> bool {
        self.merged.is_some()
    }
}

fn source(path: &Path, rules: &Rules) -> Result<Source, Error> {
    Source::check(path, rules.format, &rules.border)
}

/// A row that is an event.
struct Row<'a> {
    id: RowId,
    at: Timestamp,
    line: u64,
    row: &'a [u8],
}

fn is_ordered(sources: &[Source], rules: &Rules) -> Result<bool, Error> {
    let (mut last, mut ordered) = (Timestamp(i64::MIN), true);
    each_event(sources, rules, &mut |event| {
        ordered &= last <= event.at;
        last = event.at;
        Ok(())
    })?;
    Ok(ordered)
}

/// Calls `take` with every event of the files, in their order.
fn each_event(
    sources: &[Source],
    rules: &Rules,
    take: &mut dyn FnMut(Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut body = Vec::new();
    for source in sources {
        let mut input = Input::open(&source.path)?;
        input.skip_head(source.head)?;
        let mut converter = rules.format.converter(&rules.border);
        let mut ids = RowIds::new(rules.format);
        while let Some((line, text)) = input.next_line()? {
            let Line::Text(row) = text else { continue };
            let (id, _) = ids.next(row);
            body.clear();
            if let Converted::Event(draft) = converter.convert(row, &id, &mut body) {
                take(Row { id, at: draft.at, line, row })?;
            }
        }
    }
    Ok(())
}

/// Returns the line that names the columns, with its end, where the format has one.
fn header(sources: &[Source]) -> Result<Option<Vec<u8>>, Error> {
    let Some(source) = sources.first().filter(|source| source.head == Head::Header) else { return Ok(None) };
    let mut input = Input::open(&source.path)?;
    while let Some((_, line)) = input.next_line()? {
        if let Line::Text(text) = line {
            return Ok(Some([text, b"\n"].concat()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use schemas::event::Border;

    use super::*;
    use crate::replay::{Format, check};

    const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

    fn row(invoice: u32, minute: u32) -> String {
        format!("{invoice},A,B,1,2011-01-01 10:{minute:02}:00,1.5,12345,Spain")
    }

    /// Returns the lines of the sources that stand for files of these rows, and whether they had to be merged.
    fn ordered(files: &[Vec<String>]) -> (Vec<String>, bool) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |(number, rows): (usize, &Vec<String>)| -> PathBuf {
            let path = folder.path().join(format!("{number}.csv"));
            std::fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).expect("written");
            path
        };
        let paths: Vec<PathBuf> = files.iter().enumerate().map(write).collect();
        let rules = Rules {
            format: Format::UciOnlineRetail,
            border: Border::default(),
            partitions: 1,
            batch_rows: 10,
            batch_span: schemas::time::Span(i64::MAX),
            sort_memory_bytes: 1 << 20,
            scratch: folder.path().to_owned(),
            examples_max: 1,
        };
        let sources = check(&paths, rules.format, &rules.border).expect("files of the format");
        let ordered = Ordered::of(sources, &rules).expect("readable");
        let text = |source: &Source| std::fs::read_to_string(&source.path).expect("text");
        let lines = ordered.sources.iter().flat_map(|source| {
            text(source).lines().filter(|line| *line != HEADER).map(str::to_owned).collect::<Vec<_>>()
        });
        (lines.collect(), ordered.is_merged())
    }

    #[test]
    fn files_in_order_are_left_as_they_are() {
        let files = [vec![row(1, 1), row(2, 2)], vec![row(3, 2), row(3, 2)]];
        let (lines, merged) = ordered(&files);
        assert_eq!((lines, merged), (files.concat(), false));
    }

    #[test]
    fn rows_out_of_order_are_put_in_order_over_all_files() {
        let files = [vec![row(5, 5), row(1, 1)], vec![row(3, 3), row(2, 5)]];
        let (lines, merged) = ordered(&files);
        assert_eq!((lines, merged), (vec![row(1, 1), row(3, 3), row(5, 5), row(2, 5)], true));
    }

    #[test]
    fn a_row_of_two_files_counts_once_and_one_that_stands_twice_in_a_file_twice() {
        let files = [vec![row(1, 1), row(2, 2), row(2, 2)], vec![row(2, 2), row(2, 2), row(1, 1)]];
        let (lines, merged) = ordered(&files);
        assert_eq!((lines, merged), (vec![row(1, 1), row(2, 2), row(2, 2)], true));
    }
}
