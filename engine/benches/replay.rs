//! What a row of a replay costs until it is a record: reading, splitting, hashing, writing the body, and making batches.
//!
//! Aim: 1.5 µs. Measured on 2 cores of a shared Xeon, 2026-11: 0.4 µs of processor time, 0.7 µs by the clock beside other work.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::replay::input::Source;
use engine::replay::read::{Reader, Rules, Step};
use engine::replay::{Format, Held};
use schemas::event::Border;
use schemas::time::{Span, Timestamp};

const ROWS: u64 = 50_000;

/// Returns lines of invoices: twenty lines each, as large as real ones.
fn retail() -> String {
    let mut text =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for row in 0..ROWS {
        let (invoice, minute) = (489_434 + row / 20, row / 20 % 1_440);
        let day = 1 + row / 20 / 1_440;
        let time = format!("2009-12-{day:02} {:02}:{:02}:00", minute / 60, minute % 60);
        let product = 20_000 + row * 7_919 % 3_000;
        let customer = 12_000 + row / 20 % 4_000;
        let line = format!(
            "{invoice},{product}A,STRAWBERRY CERAMIC TRINKET BOX,24,{time},1.25,{customer},United Kingdom"
        );
        writeln!(text, "{line}").expect("a string takes every text");
    }
    text
}

fn read_rows(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("retail.csv");
    std::fs::write(&path, retail()).expect("written");
    let rules = Rules {
        format: Format::UciOnlineRetail,
        border: Border::default(),
        partitions: 8,
        batch_rows: 1_000,
        batch_span: Span(i64::MAX),
        sort_memory_bytes: 1 << 28,
        scratch: folder.path().to_owned(),
        examples_max: 3,
    };
    let source = Source::check(&path, rules.format, &rules.border).expect("a good file");
    let mut group = c.benchmark_group("replay");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("retail_row", |bencher| {
        bencher.iter(|| {
            let mut reader = Reader::new(rules.clone(), Timestamp(0));
            let read = reader.read(&source, Held::default(), &mut |step: Step| {
                black_box(step);
                Ok(())
            });
            read.expect("a good file");
            assert_eq!(reader.into_tally().appended, ROWS);
        });
    });
    group.finish();
}

criterion_group!(benches, read_rows);
criterion_main!(benches);
