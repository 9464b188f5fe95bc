//! Files through the converters, against counts made by other code.

pub mod real_data;
mod state;
mod synthetic;
mod target;

use std::path::PathBuf;

use actors::port::log::NewRecord;
use engine::replay::input::Source;
use engine::replay::read::{Reader, Rules, Step};
use engine::replay::{Format, Held, Tally};
use schemas::event::Border;
use schemas::time::{Span, Timestamp};

/// Reads files as a replay does, and shows every record; with little memory, so that what is ordered by time goes through files.
fn read(format: Format, files: &[PathBuf], mut each: impl FnMut(NewRecord)) -> Tally {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let border = Border::default();
    let rules = Rules {
        format,
        border,
        partitions: 8,
        batch_rows: 1_000,
        batch_span: Span(i64::MAX),
        sort_memory_bytes: 1 << 20,
        scratch: scratch.path().to_owned(),
        examples_max: 3,
    };
    let mut reader = Reader::new(rules, Timestamp(0));
    let mut stamp = Timestamp(0);
    for file in files {
        let source = Source::check(file, format, &border).expect("a file of the format");
        let take = &mut |step| {
            if let Step::Batch(batch) = step {
                for (_, record) in batch.records {
                    let at = record.stamp.expect("the source stamps");
                    assert!(at >= stamp, "log time never goes back");
                    stamp = at;
                    each(record);
                }
            }
            Ok(())
        };
        reader.read(&source, Held::default(), take).expect("a good file");
    }
    let tally = reader.into_tally();
    let sum = tally.appended + tally.already + tally.rejected_rows() + tally.skipped_rows();
    assert_eq!(tally.rows_read, sum, "{tally:?}");
    tally
}
