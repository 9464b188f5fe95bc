//! Torn writes: a machine that stops while the journal is written. Whatever was acknowledged is there, and the database opens.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use actors::port::log::{LogSink, LogSource, Topic};
use actors::port::store::Store;
use schemas::ids::{CustomerId, Position};

use super::{P0, open, record, row};
use crate::log::embedded::EmbeddedLog;
use crate::store::embedded::EmbeddedStore;

/// Groups that are written before the torn one.
const GROUPS: usize = 5;

/// The newest journal.
fn journal(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("db")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "jnl")).max().expect("a journal")
}

/// Returns the length of the journal without the zeros that it was made with.
fn written(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// Writes rows and records, [`GROUPS`] of each, and one record more; returns where the last group lies in the journal.
async fn write_groups(dir: &Path) -> std::ops::Range<usize> {
    let database = open(dir);
    let (log, store) = (EmbeddedLog::new(&database), EmbeddedStore::new(&database));
    for group in 0..GROUPS {
        let rows = store.write_rows(P0, vec![row(&format!("customer-{group}"), group as i64 + 1, 9_000)]);
        rows.await.unwrap();
        log.append(Topic::Events, vec![record(group, 9_000)]).await.unwrap();
    }
    let begin = written(&journal(dir));
    log.append(Topic::Events, vec![record(GROUPS, 9_000)]).await.unwrap();
    begin..written(&journal(dir))
}

/// Opens the directory after damage to its last group and looks for everything before it; then it must be as good as new.
async fn check(dir: &Path, what: &str) {
    for round in 0..2_u64 {
        let database = open(dir);
        let (log, store) = (EmbeddedLog::new(&database), EmbeddedStore::new(&database));
        let end = log.end(Topic::Events, P0).await.unwrap().0 - round;
        assert!(end >= GROUPS as u64, "{what}: {end} of {GROUPS} acknowledged records are there");
        let fetched = log.fetch(Topic::Events, P0, Position(0), 100).await.unwrap();
        for (group, record) in fetched.records.iter().take(GROUPS).enumerate() {
            assert!(record.body.starts_with(group.to_string().as_bytes()), "{what}: record {group}");
        }
        for group in 0..GROUPS {
            let customer = CustomerId::user(&format!("customer-{group}"));
            let found = store.read_row(P0, customer).await.unwrap();
            assert_eq!(found, Some(row(&format!("customer-{group}"), group as i64 + 1, 9_000)), "{what}");
        }
        log.append(Topic::Events, vec![record(100, 10)]).await.unwrap();
    }
}

#[tokio::test]
async fn journal_cut_short_loses_only_what_was_not_acknowledged() {
    for cut in [1, 5, 13, 100, 4_096, 8_000] {
        let dir = tempfile::tempdir().unwrap();
        let last = write_groups(dir.path()).await;
        let file = OpenOptions::new().write(true).open(journal(dir.path())).unwrap();
        file.set_len((last.end - cut) as u64).unwrap();
        check(dir.path(), &format!("cut by {cut}")).await;
    }
}

#[tokio::test]
async fn journal_with_a_page_missing_loses_only_what_was_not_acknowledged() {
    // A disk may write the pages of a torn group in any order: the first or a middle one is missing, later ones are there.
    for (from, len) in [(0, 64), (0, 4_096), (2_000, 4_096), (5_000, 64), (8_000, 4_096)] {
        let dir = tempfile::tempdir().unwrap();
        let last = write_groups(dir.path()).await;
        let file = OpenOptions::new().write(true).open(journal(dir.path())).unwrap();
        let begin = last.start + from;
        let len = len.min(last.end - begin);
        file.write_all_at(&vec![0; len], begin as u64).unwrap();
        check(dir.path(), &format!("{len} zeros {from} bytes into the last group")).await;
    }
}
