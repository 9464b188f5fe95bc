//! The real shop: two years of some of its customers, with daily and weekly questions in their silence.

use std::path::{Path, PathBuf};

use engine::replay::Format;
use schemas::score::Head;

use super::{Case, Triggers, segment};
use crate::data;
use crate::replay::real_data::text;

/// Writes the rows of one customer in ten, as they stand.
fn part(dir: &Path) -> PathBuf {
    let folder = data::folder("uci_online_retail");
    let path = dir.join("part.csv");
    let mut out = csv::Writer::from_path(&path).expect("a file");
    for (nth, name) in
        ["transactions_2009-12_2010-11.csv.gz", "transactions_2010-12_2011-09.csv.gz"].into_iter().enumerate()
    {
        let text = text(&folder.join(name));
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        if nth == 0 {
            out.write_record(rows.headers().expect("a header")).expect("written");
        }
        for row in rows.records() {
            let row = row.expect("a row");
            if row[6].parse::<u32>().is_ok_and(|customer| customer % 10 == 0) {
                out.write_record(&row).expect("written");
            }
        }
    }
    out.flush().expect("written");
    path
}

#[test]
fn a_real_shop_is_trained_on_what_it_is_asked_with_triggers_and_without() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = [part(dir.path())];
    let case = Case { format: Format::UciOnlineRetail, ..segment(&files, Triggers::None) };
    let asks = case.check(100_000);
    let (daily, weekly) = (asks.of(Head::Churn), asks.of(Head::Return));
    assert!(daily > 4 * weekly && weekly > 10_000, "{daily} {weekly}");
    Case { triggers: Triggers::Some, ..case }.check(100_000);
}
