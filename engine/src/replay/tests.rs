//! Replays into an embedded log: what is in it afterwards is the same however often a run was cut short, and whatever it was given.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use actors::port::BoxFuture;
use actors::port::clock::Clock;
use actors::port::log::{LogSource, Topic};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::FutureExt;
use schemas::event::Border;
use schemas::ids::{PartitionId, Position};
use schemas::record::LogRecord;
use schemas::time::{Span, Timestamp};

use super::input::Source;
use super::read::{Reader, Rules, Step};
use super::*;
use crate::clock::{ReplayClock, SystemClock};
use crate::embedded::{Database, Settings};
use crate::log::embedded::EmbeddedLog;
use crate::settings;

const PARTITIONS: u32 = 3;
const AHEAD_MAX: u64 = 20;
const BATCH_ROWS: usize = 7;

/// A data folder, and files to replay into it.
struct World {
    folder: tempfile::TempDir,
}

/// One process over the data folder.
struct Process {
    log: Arc<EmbeddedLog>,
    clock: Arc<ReplayClock>,
}

/// An engine that has read so far, and how often the source waited for it to rest.
struct Engine {
    read_to: Position,
    settled: Cell<usize>,
}

impl Gate for Engine {
    fn read_to(&self) -> Vec<(PartitionId, Position)> {
        (0..PARTITIONS).map(|partition| (PartitionId(partition), self.read_to)).collect()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.settled.set(self.settled.get() + 1);
        std::future::ready(()).boxed()
    }
}

#[derive(Default)]
struct Told {
    files: RefCell<Vec<(PathBuf, u64)>>,
    last: Cell<(u64, u64)>,
}

impl Report for Told {
    fn begun(&self, file: &Path, bytes: u64) {
        self.files.borrow_mut().push((file.to_owned(), bytes));
    }

    fn reached(&self, bytes: u64, rows: u64) {
        self.last.set((bytes, rows));
    }
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    fn start(&self) -> Process {
        let clock = Arc::new(ReplayClock::at(Timestamp(0)));
        let settings = Settings { partitions: PARTITIONS, fetch_wait_ms: 1, ..Settings::default() };
        let database = Database::open(&self.folder.path().join("data"), &settings, clock.clone());
        Process { log: Arc::new(EmbeddedLog::new(&database.expect("a good folder"))), clock }
    }

    fn replay(&self, process: &Process, format: Format, files: &[PathBuf]) -> Replay {
        let settings = settings::Replay {
            batch_rows: BATCH_ROWS,
            ahead_max: AHEAD_MAX,
            sort_memory_mib: 1,
            examples_max: 2,
        };
        Replay {
            sources: checked(format, files).expect("good files"),
            format,
            speed: Speed::Max,
            target: process.log.clone(),
            clock: process.clock.clone(),
            settings,
            border: Border::default(),
            scratch: self.folder.path().to_owned(),
        }
    }

    /// Replays files in a process of their own.
    async fn run(&self, format: Format, files: &[PathBuf]) -> Result<Tally, Error> {
        let process = self.start();
        checked(format, files)?;
        run(self.replay(&process, format, files), &fast(), &Told::default()).await
    }

    /// Returns everything that care.events holds.
    async fn records(&self) -> Vec<(u32, LogRecord)> {
        let log = self.start().log;
        let mut all = Vec::new();
        for partition in 0..PARTITIONS {
            let (mut from, id) = (Position(0), PartitionId(partition));
            while from < log.end(Topic::Events, id).await.expect("a partition") {
                let fetched = log.fetch(Topic::Events, id, from, 1_000).await.expect("records");
                from = fetched.next;
                all.extend(fetched.records.into_iter().map(|record| (partition, record)));
            }
        }
        all
    }
}

fn checked(format: Format, files: &[PathBuf]) -> Result<Vec<Source>, Error> {
    check(files, format, &Border::default())
}

fn fast() -> Engine {
    Engine { read_to: Position(u64::MAX), settled: Cell::new(0) }
}

/// Returns a file of retail rows: some repeated, some rejected, the last ones rejected too.
fn retail() -> String {
    let mut text =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for n in 0..60 {
        let customer = if n % 5 == 4 { String::new() } else { format!("{}", 100 + n % 7) };
        let row = format!("{n},p{n},Name,1,2010-01-01 10:{n:02}:00,1.50,{customer},France\n");
        text += &row;
        if n % 6 == 0 {
            text += &row;
        }
    }
    text + "rubbish\n\n1,2\n"
}

/// Returns calls of which every tenth names an anonymous id beside the user.
fn calls() -> String {
    let call = |n: i64| {
        let at = 1_000_000 + n * 1_000;
        let anonymous = if n % 10 == 0 { format!(r#","anonymousId":"a{}""#, n % 3) } else { String::new() };
        format!(r#"{{"userId":"u{}","event":"E","timestamp":{at}{anonymous}}}"#, n % 3)
    };
    (0..60).map(|n| call(n) + "\n").collect()
}

/// Returns sessions whose events lie across each other, some at one instant, some twice.
fn sessions() -> String {
    let event = |session: i64, n: i64| {
        let ts = 1_600_000_000_000 + (n * 7_919 + session * 31) % 40;
        format!(r#"{{"aid":{},"ts":{ts},"type":"clicks"}}"#, n % 4)
    };
    let session = |session| {
        let events: Vec<String> = (0..20).map(|n| event(session, n / 2)).collect();
        format!(r#"{{"session":{session},"events":[{}]}}"#, events.join(","))
    };
    (0..6).map(|n| session(n) + "\n").collect::<String>() + "{}\n"
}

#[tokio::test]
async fn every_row_is_counted_once_and_every_event_is_a_record_of_its_customer() {
    let world = World::new();
    let file = world.file("retail.csv", retail());
    let process = world.start();
    let (told, engine) = (Told::default(), fast());
    let replay = world.replay(&process, Format::UciOnlineRetail, std::slice::from_ref(&file));
    let tally = run(replay, &engine, &told).await.expect("a good file");
    assert_eq!((tally.rows_read, tally.appended, tally.already, tally.repeats), (73, 56, 0, 10));
    assert_eq!(tally.skipped, [("blank_line", 1)].into());
    let rejected: Vec<_> = tally.rejected.iter().map(|(reason, refused)| (*reason, refused.rows)).collect();
    assert_eq!(rejected, [("no_customer", 14), ("wrong_columns", 2)]);
    let columns = &tally.rejected["wrong_columns"].examples;
    assert_eq!(columns.iter().map(|example| example.line).collect::<Vec<_>>(), [72, 74]);
    assert_eq!(tally.rejected["no_customer"].examples.len(), 2, "no more examples than asked for");
    let sum = tally.appended + tally.already + tally.rejected_rows() + tally.skipped_rows();
    assert_eq!(sum, tally.rows_read);
    let bytes = retail().len() as u64;
    assert_eq!((told.files.take(), told.last.get()), (vec![(file, bytes)], (bytes, 73)));
    assert_eq!(process.clock.now(), Timestamp(1_262_343_480_000), "the clock is at the last event");
    drop(process);
    let records = world.records().await;
    let mut ids = std::collections::BTreeSet::new();
    for (partition, record) in &records {
        assert_eq!(PartitionId::of(&record.key, PARTITIONS).0, *partition);
        let event = schemas::event::decode(&record.key, &record.body, record.stamp, &Border::default());
        let event = event.expect("an event");
        assert_eq!(event.at, record.stamp);
        ids.insert(event.message);
    }
    assert_eq!((records.len(), ids.len()), (56, 56), "equal rows are two events");
}

#[tokio::test]
async fn a_second_run_appends_nothing_and_counts_the_same_rows() {
    for (format, content) in
        [(Format::UciOnlineRetail, retail()), (Format::SegmentJsonl, calls()), (Format::Otto, sessions())]
    {
        let world = World::new();
        let file = world.file("file", content);
        // Given twice, a file is one source all the same.
        let first = world.run(format, &[file.clone(), file.clone()]).await.expect("a good file");
        let records = world.records().await;
        assert_eq!((first.appended, first.already), (records.len() as u64, records.len() as u64));
        let second = world.run(format, &[file]).await.expect("a good file");
        assert_eq!((second.appended, second.already), (0, first.appended));
        assert_eq!(second.rows_read * 2, first.rows_read);
        assert_eq!(world.records().await, records);
    }
}

/// Cuts a run after so many polls of its future: at whatever it waits for then. Returns whether it was cut.
async fn cut(world: &World, format: Format, file: &Path, polls: usize) -> bool {
    let process = world.start();
    let replay = world.replay(&process, format, &[file.to_owned()]);
    let (engine, told) = (fast(), Told::default());
    let mut running = pin!(run(replay, &engine, &told));
    let mut left = polls;
    let ended = std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        running.as_mut().poll(context).map(Some)
    });
    ended.await.map(|tally| tally.expect("a good file")).is_none()
}

#[tokio::test]
async fn a_run_that_is_cut_anywhere_is_finished_by_the_next_as_if_nothing_had_been() {
    for (format, content) in
        [(Format::UciOnlineRetail, retail()), (Format::SegmentJsonl, calls()), (Format::Otto, sessions())]
    {
        let whole = World::new();
        let tally = whole.run(format, &[whole.file("file", &content)]).await.expect("a good file");
        let expected = whole.records().await;
        for first in [1, 4, 7, 12] {
            let world = World::new();
            let file = world.file("file", &content);
            let mut cuts = 0;
            while cut(&world, format, &file, first + 4 * cuts).await {
                cuts += 1;
            }
            assert!(first > 4 || cuts > 0, "{format:?}: a run ends within {first} polls");
            assert_eq!(
                world.records().await,
                expected,
                "{format:?} cut after {first} polls and {cuts} times"
            );
            let again = world.run(format, &[file]).await.expect("a good file");
            assert_eq!((again.appended, again.already), (0, tally.appended));
            assert_eq!((again.rejected_rows(), again.repeats), (tally.rejected_rows(), tally.repeats));
        }
    }
}

#[tokio::test]
async fn the_source_waits_for_rest_once_for_every_pair_that_asks_for_a_merge() {
    let world = World::new();
    let file = world.file("calls.jsonl", calls());
    let process = world.start();
    let engine = fast();
    let replay = world.replay(&process, Format::SegmentJsonl, std::slice::from_ref(&file));
    run(replay, &engine, &Told::default()).await.expect("a good file");
    assert_eq!(engine.settled.get(), 3, "u0 with a0, u1 with a1, u2 with a2");
    let again = fast();
    let replay = world.replay(&process, Format::SegmentJsonl, &[file]);
    run(replay, &again, &Told::default()).await.expect("a good file");
    assert_eq!(again.settled.get(), 1, "once, before a file goes on");
}

#[tokio::test]
async fn the_source_waits_for_rest_behind_every_event_that_an_alias_passes_on() {
    let world = World::new();
    let call = |who: &str, at| format!(r#"{{{who},"event":"E","timestamp":{at}}}"#) + "\n";
    let (alias, other, both) =
        (r#""anonymousId":"a""#, r#""anonymousId":"b""#, r#""userId":"u","anonymousId":"a""#);
    let calls = [alias, other, both, both, other, alias, alias, r#""userId":"u""#];
    let lines: String = calls.iter().zip(1_000..).map(|(who, at)| call(who, at)).collect();
    let file = world.file("calls.jsonl", lines);
    let process = world.start();
    let engine = fast();
    let replay = world.replay(&process, Format::SegmentJsonl, &[file]);
    run(replay, &engine, &Told::default()).await.expect("a good file");
    assert_eq!(engine.settled.get(), 3, "the merge, and twice what the alias passes on");
}

#[tokio::test]
async fn events_are_ordered_by_time_where_the_format_wants_it_in_whatever_memory() {
    let world = World::new();
    let file = world.file("sessions.jsonl", sessions());
    let read = |sort_memory_bytes| {
        let rules = Rules {
            format: Format::Otto,
            border: Border::default(),
            partitions: PARTITIONS,
            batch_rows: 1_000,
            batch_span: Span(i64::MAX),
            sort_memory_bytes,
            scratch: world.folder.path().to_owned(),
            examples_max: 1,
        };
        let source = Source::check(&file, Format::Otto, &Border::default());
        let (mut reader, mut records) = (Reader::new(rules, Timestamp(0)), Vec::new());
        let take = &mut |step| {
            if let Step::Batch(batch) = step {
                records.extend(batch.records.into_iter().map(|(_, record)| record));
            }
            Ok(())
        };
        reader.read(&source.expect("a good file"), Held::default(), take).expect("a good file");
        (records, reader.into_tally())
    };
    let (records, tally) = read(1 << 20);
    assert!(records.is_sorted_by_key(|record| record.stamp));
    assert_eq!((records.len(), tally.rows_read, tally.repeats), (120, 121, 60));
    assert_eq!(tally.rejected["malformed_json"].examples[0].line, 7);
    assert_eq!(read(100), (records, tally));
}

#[tokio::test]
async fn the_source_is_ahead_of_the_engine_by_no_more_than_it_may() {
    let world = World::new();
    let process = world.start();
    let file = world.file("calls.jsonl", calls());
    let replay = world.replay(&process, Format::SegmentJsonl, &[file]);
    let stuck = Engine { read_to: Position(0), settled: Cell::new(0) };
    let (told, clock) = (Told::default(), SystemClock);
    let mut running = pin!(run(replay, &stuck, &told).fuse());
    let mut held = 0;
    // The level is waited for; that it rises no further is looked at for a while.
    while held < 50 {
        futures_util::future::select(running.as_mut(), clock.sleep(std::time::Duration::from_millis(1)))
            .await;
        let mut ends = 0;
        for partition in 0..PARTITIONS {
            ends += process.log.end(Topic::Events, PartitionId(partition)).await.expect("a partition").0;
        }
        assert!(ends < AHEAD_MAX + BATCH_ROWS as u64, "{ends}");
        held += usize::from(ends >= AHEAD_MAX);
    }
}

#[tokio::test]
async fn stamps_rise_with_the_events_and_pass_no_clock() {
    let world = World::new();
    let at = |timestamp: &str| format!(r#"{{"userId":"u","event":"E"{timestamp}}}"#) + "\n";
    let text: String = [
        r#","timestamp":"1970-01-01T00:00:00Z""#,
        r#","timestamp":"2020-01-01T00:00:00Z""#,
        r#","timestamp":"2099-01-01T00:00:00Z""#,
        r#","timestamp":"2019-01-01T00:00:00Z""#,
        "",
        r#","timestamp":"1905-01-01T00:00:00Z""#,
        r#","originalTimestamp":"2020-01-02T00:00:00Z""#,
    ]
    .map(at)
    .concat();
    let file = world.file("calls.jsonl", text);
    let tally = world.run(Format::SegmentJsonl, &[file]).await.expect("a good file");
    assert_eq!((tally.appended, tally.rejected_rows()), (7, 0));
    let stamps: Vec<i64> =
        world.records().await.iter().map(|(_, record)| record.stamp.0 / 86_400_000).collect();
    assert_eq!(stamps, [0, 18_262, 18_262, 18_262, 18_262, 18_262, 18_263]);
}

#[tokio::test]
async fn a_packed_file_that_is_cut_off_is_an_error_and_what_came_before_stays() {
    let world = World::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(retail().as_bytes()).expect("memory takes every byte");
    let packed = encoder.finish().expect("memory takes every byte");
    let file = world.file("retail.csv.gz", &packed[..packed.len() / 2]);
    let cut_off = world.run(Format::UciOnlineRetail, &[file]).await.expect_err("it is cut off");
    let Error::CutOff { line, .. } = &cut_off else { panic!("{cut_off}") };
    assert!(cut_off.to_string().contains("retail.csv.gz is cut off"), "{cut_off}");
    let whole = World::new();
    whole.run(Format::UciOnlineRetail, &[whole.file("retail.csv", retail())]).await.expect("a good file");
    let before: String = retail().split_inclusive('\n').take(*line as usize).collect();
    let expected = World::new();
    expected.run(Format::UciOnlineRetail, &[expected.file("retail.csv", before)]).await.expect("a good file");
    let records = world.records().await;
    assert!(records.len() > 10);
    assert_eq!(records, expected.records().await);
}

#[tokio::test]
async fn a_file_of_another_format_ends_the_run_before_anything_is_appended() {
    let world = World::new();
    let good = world.file("retail.csv", retail());
    for (bad, found) in [
        (world.file("calls.jsonl", calls()), "calls.jsonl is no uci-online-retail file: it begins with"),
        (world.file("empty.csv", ""), "empty.csv is no uci-online-retail file: it is empty"),
        (world.folder.path().join("missing.csv"), "missing.csv cannot be opened"),
        (world.folder.path().to_owned(), "cannot be opened"),
    ] {
        let refused = world.run(Format::UciOnlineRetail, &[good.clone(), bad]).await.expect_err("a bad file");
        assert!(refused.to_string().contains(found), "{refused}");
        assert_eq!(world.records().await, []);
    }
}
