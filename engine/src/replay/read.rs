//! From the rows of a file to batches of records. Runs on a thread of its own: it reads files and waits where nobody takes its batches.
//!
//! Every run reads a file from its start, whatever is done already: so the ids of equal rows, the log's time and what the summary
//! counts are those of an uninterrupted run. Rows below the progress of the file are judged again and not handed on again.

use std::ops::Range;
use std::path::{Path, PathBuf};

use actors::port::clock::Clock;
use actors::port::log::NewRecord;
use bytes::Bytes;
use schemas::event::{Border, RejectReason};
use schemas::ids::{CustomerId, PartitionId};
use schemas::record::RecordKind;
use schemas::time::{Span, Timestamp};

use super::format::{Convert, Converted, Draft, Format, Order, Refusal, Rejected, Skipped};
use super::input::{Input, LINE_BYTES_MAX, Line, Source};
use super::row::{Pairs, RowIds, Seen};
use super::sort::Sorter;
use super::{Error, Example, Held, Tally};
use crate::clock::SystemClock;

/// Lines after which it is told how far the file is read, when no batch tells it.
const REPORT_LINES: u64 = 20_000;

/// How files are read.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What they hold.
    pub format: Format,
    /// What the engine takes as an event.
    pub border: Border,
    /// Partitions of the log.
    pub partitions: u32,
    /// Events of a batch.
    pub batch_rows: usize,
    /// Log time that a batch may span.
    pub batch_span: Span,
    /// Memory for ordering a file by time.
    pub sort_memory_bytes: usize,
    /// Where temporary files are.
    pub scratch: PathBuf,
    /// Rejected rows kept per reason.
    pub examples_max: usize,
}

/// Records to append at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records, stamped, each with the number of its row in the file.
    pub records: Vec<(u64, NewRecord)>,
    /// Rows of the file that are done with them.
    pub rows: u64,
    /// Stamp of the last record.
    pub stamp: Timestamp,
    /// What has to happen before the next batch is appended.
    pub then: Then,
}

/// What has to happen between two batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    #[default]
    GoOn,
    /// The engine comes to rest: the last event asks for a merge, or is one of an alias that passes it on, and what customers tell each
    /// other must not come behind later events.
    Settle,
}

/// What a reader hands on.
#[derive(Debug)]
pub enum Step {
    /// Records.
    Batch(Batch),
    /// The rows that earlier runs did are behind; the log's time has come here with them.
    Passed(Timestamp),
    /// So many bytes of the file have been read, and so many rows of all files.
    Reached {
        /// Bytes of the file.
        bytes: u64,
        /// Rows of all files.
        rows: u64,
    },
}

/// Takes what a reader hands on.
///
/// Errors: [`Error::Stopped`] → nobody wants any more.
pub type Take<'a> = &'a mut dyn FnMut(Step) -> Result<(), Error>;

/// Reads the files of one run, one after the other.
pub struct Reader {
    rules: Rules,
    tally: Tally,
    /// The log's time: the running maximum of the events' own.
    latest: Timestamp,
    wall: Timestamp,
    pairs: Pairs,
}

/// The reading of one file.
struct File<'a> {
    reader: &'a mut Reader,
    path: &'a Path,
    converter: Box<dyn Convert>,
    ids: RowIds,
    /// Rows of the file that are done.
    rows: u64,
    /// What earlier runs did of the file.
    held: Held,
    /// Said that they are behind.
    passed: bool,
    bytes: u64,
    /// Lines since it was told how far the file is read.
    untold: u64,
    batch: Building,
    take: Take<'a>,
}

/// A batch that is not full.
#[derive(Default)]
struct Building {
    bodies: Vec<u8>,
    events: Vec<Built>,
}

/// An event of a batch.
struct Built {
    /// Where its body lies.
    body: Range<usize>,
    customer: CustomerId,
    partition: PartitionId,
    stamp: Timestamp,
    /// Number of its row in the file.
    row: u64,
}

impl Reader {
    /// Returns a reader whose log stands at `start`.
    pub fn new(rules: Rules, start: Timestamp) -> Self {
        Self { rules, tally: Tally::default(), latest: start, wall: start, pairs: Pairs::default() }
    }

    /// Reads a file of which earlier runs did what `held` says. In an order by time only rows that are events have numbers.
    pub fn read(&mut self, source: &Source, held: Held, take: Take<'_>) -> Result<(), Error> {
        let mut input = Input::open(&source.path)?;
        input.skip_head(source.head)?;
        let converter = self.rules.format.converter(&self.rules.border);
        let order = converter.order();
        let mut file = File {
            path: &source.path,
            converter,
            ids: RowIds::new(self.rules.format),
            rows: 0,
            passed: held.is_nothing(),
            held,
            bytes: 0,
            untold: 0,
            batch: Building::default(),
            reader: self,
            take,
        };
        let read = match order {
            Order::AsWritten => file.read_as_written(&mut input),
            Order::ByTime => file.read_by_time(&mut input),
        };
        // What came before an error is good.
        if !matches!(read, Err(Error::Stopped)) {
            file.pass()?;
            file.hand_on(Then::GoOn)?;
            file.tell()?;
        }
        read
    }

    /// Returns what was counted.
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    /// Moves the log's time by that of an event, and returns it. An event that claims to come from the future moves nothing: it is of
    /// now, as the engine will take it; else one wrong clock would make everything behind it late.
    fn stamp(&mut self, at: Timestamp) -> Timestamp {
        if at > self.wall {
            self.wall = SystemClock.now();
        }
        if at <= self.wall {
            self.latest = self.latest.max(at);
        }
        self.latest
    }
}

impl File<'_> {
    fn read_as_written(&mut self, input: &mut Input) -> Result<(), Error> {
        while let Some((number, line)) = input.next_line()? {
            match line {
                Line::Blank => self.skip(Skipped::BlankLine),
                Line::TooLong(bytes) => self.reject(too_long(bytes), number),
                Line::Text(row) => self.take_row(row, number)?,
            }
            self.bytes = input.bytes();
            self.note_line()?;
        }
        Ok(())
    }

    /// Orders the rows of the file by time, then takes them. Rows that are no events have no time: they are counted while ordering.
    fn read_by_time(&mut self, input: &mut Input) -> Result<(), Error> {
        let rules = &self.reader.rules;
        let mut sorter = Sorter::new(&rules.scratch, rules.sort_memory_bytes);
        let read = self.order(input, &mut sorter);
        if matches!(read, Err(Error::Stopped | Error::Scratch { .. })) {
            return read;
        }
        self.rows = 0;
        let (mut sorted, mut last) = (sorter.finish()?, None);
        while let Some(timed) = sorted.next_row()? {
            if last.replace(timed.at) != Some(timed.at) {
                self.ids.forget();
            }
            self.take_row(&timed.row, timed.line)?;
            self.note_line()?;
        }
        read
    }

    fn order(&mut self, input: &mut Input, sorter: &mut Sorter) -> Result<(), Error> {
        // Only the time of a row is asked for here, so any id will do.
        let (id, _) = self.ids.next(b"");
        let (mut rows, mut body) = (Vec::new(), Vec::new());
        while let Some((number, line)) = input.next_line()? {
            match line {
                Line::Blank => self.skip(Skipped::BlankLine),
                Line::TooLong(bytes) => self.reject(too_long(bytes), number),
                Line::Text(text) => {
                    let split = self.converter.split(text, &mut |row| rows.push(row.to_owned()));
                    split.unwrap_or_else(|refusal| self.reject(refusal, number));
                }
            }
            for row in rows.drain(..) {
                body.clear();
                match self.converter.convert(&row, &id, &mut body) {
                    Converted::Event(draft) => sorter.push(draft.at, number, &row)?,
                    Converted::Rejected(refusal) => self.reject(refusal, number),
                    Converted::Skipped(why) => self.skip(why),
                }
            }
            self.bytes = input.bytes();
            self.note_line()?;
        }
        Ok(())
    }

    fn take_row(&mut self, row: &[u8], line: u64) -> Result<(), Error> {
        let (id, seen) = self.ids.next(row);
        self.reader.tally.repeats += u64::from(seen == Seen::Repeat);
        let end = self.batch.end();
        self.batch.bodies.truncate(end);
        match self.converter.convert(row, &id, &mut self.batch.bodies) {
            Converted::Event(draft) => return self.take_event(draft),
            Converted::Rejected(refusal) => self.reject(refusal, line),
            Converted::Skipped(why) => self.skip(why),
        }
        Ok(())
    }

    /// Takes the event whose body lies at the end of the batch.
    fn take_event(&mut self, draft: Draft) -> Result<(), Error> {
        let Draft { customer, at, anonymous } = draft;
        let pairs = &mut self.reader.pairs;
        let tells_another = match anonymous {
            Some(other) => pairs.note(&customer, &other) == Seen::First,
            None => customer.is_anonymous() && pairs.is_named(&customer),
        };
        let stamp = self.reader.stamp(at);
        self.reader.tally.rows_read += 1;
        let (row, partition) = (self.rows, PartitionId::of(customer.as_str(), self.reader.rules.partitions));
        if self.held.holds(row, partition) {
            self.rows += 1;
            self.reader.tally.already += 1;
            return Ok(());
        }
        self.pass()?;
        if self.batch.spans_to(stamp) > self.reader.rules.batch_span {
            let body = self.batch.bodies.split_off(self.batch.end());
            self.hand_on(Then::GoOn)?;
            self.batch.bodies = body;
        }
        self.rows += 1;
        self.reader.tally.appended += 1;
        let body = self.batch.end()..self.batch.bodies.len();
        self.batch.events.push(Built { body, customer, partition, stamp, row });
        match self.batch.events.len() {
            _ if tells_another => self.hand_on(Then::Settle),
            full if full >= self.reader.rules.batch_rows => self.hand_on(Then::GoOn),
            _ => Ok(()),
        }
    }

    fn skip(&mut self, why: Skipped) {
        self.rows += 1;
        self.reader.tally.rows_read += 1;
        *self.reader.tally.skipped.entry(why.as_str()).or_default() += 1;
    }

    fn reject(&mut self, refusal: Refusal, line: u64) {
        self.rows += 1;
        self.reader.tally.rows_read += 1;
        let max = self.reader.rules.examples_max;
        let refused = self.reader.tally.rejected.entry(refusal.reason.as_str()).or_default();
        refused.rows += 1;
        if refused.examples.len() < max {
            refused.examples.push(Example { file: self.path.to_owned(), line, message: refusal.message });
        }
    }

    /// Tells once that the rows which earlier runs did are behind.
    fn pass(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.passed, true) {
            return Ok(());
        }
        (self.take)(Step::Passed(self.reader.latest))
    }

    /// Hands on what there is of a batch.
    fn hand_on(&mut self, then: Then) -> Result<(), Error> {
        let Some(stamp) = self.batch.events.last().map(|event| event.stamp) else { return Ok(()) };
        let (rows, records) = (self.rows, self.batch.finish());
        (self.take)(Step::Batch(Batch { records, rows, stamp, then }))?;
        self.tell()
    }

    fn note_line(&mut self) -> Result<(), Error> {
        self.untold += 1;
        if self.untold >= REPORT_LINES { self.tell() } else { Ok(()) }
    }

    fn tell(&mut self) -> Result<(), Error> {
        self.untold = 0;
        (self.take)(Step::Reached { bytes: self.bytes, rows: self.reader.tally.rows_read })
    }
}

impl Building {
    /// Returns where the body of the next event begins.
    fn end(&self) -> usize {
        self.events.last().map_or(0, |event| event.body.end)
    }

    /// Returns how much log time the batch spans, with an event of this stamp.
    fn spans_to(&self, stamp: Timestamp) -> Span {
        self.events.first().map_or(Span(0), |first| stamp - first.stamp)
    }

    /// Returns the records with the numbers of their rows; the batch is empty then. Their bodies share one piece of memory.
    fn finish(&mut self) -> Vec<(u64, NewRecord)> {
        let room = Vec::with_capacity(self.bodies.len() + self.bodies.len() / 8);
        let bodies = Bytes::from(std::mem::replace(&mut self.bodies, room));
        let record = |event: Built| {
            let Built { body, customer, partition, stamp, row } = event;
            let (key, stamp, body) = (customer.as_str().into(), Some(stamp), bodies.slice(body));
            (row, NewRecord { partition, key, kind: RecordKind::Event, epoch: None, stamp, body })
        };
        self.events.drain(..).map(record).collect()
    }
}

fn too_long(bytes: u64) -> Refusal {
    let message = format!("has {bytes} bytes; at most {LINE_BYTES_MAX} are read");
    Refusal::new(Rejected::Border(RejectReason::TooLarge), message)
}
