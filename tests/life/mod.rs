//! A shop's life beside its daily work: backups and what a restored shop does, moves into other stores.

mod backup;
mod moved;
mod upgrade;

use std::path::{Path, PathBuf};

use care_tests::shop::Shop;
use serde_json::Value;
use tempfile::TempDir;

use crate::care::{self, Finished};

/// A small shop's events in some files, one after the other, and folders for what is made of them.
struct World {
    dir: TempDir,
    files: Vec<PathBuf>,
}

impl World {
    fn new(seed: u64, files: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let lines = Shop { seed, shoppers: 120, days: 4 }.lines();
        let write = |(nth, lines): (usize, &[String])| {
            let path = dir.path().join(format!("events-{nth}.jsonl"));
            std::fs::write(&path, lines.join("\n")).expect("the events are written");
            path
        };
        let files = lines.chunks(lines.len().div_ceil(files)).enumerate().map(write).collect();
        Self { files, dir }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The command line of a replay of one of the files.
    fn replay(&self, events: &Path, data: &Path, more: &[&str]) -> Vec<String> {
        let mut words = vec!["replay".to_owned(), text(events)];
        words.extend(
            ["--format", "segment-jsonl", "--assume-consent", "marketing", "--json"].map(str::to_owned),
        );
        words.extend(["--data-dir".to_owned(), text(data)]);
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Runs a command on a data folder with a folder as its argument.
fn on(command: &str, folder: &Path, data: &Path, more: &[&str]) -> Finished {
    let (folder, data) = (text(folder), text(data));
    let words = [command, &folder, "--data-dir", &data, "--json"];
    care::run(words.iter().chain(more).map(|word| (*word).to_owned()))
}

/// Returns the lines of a data folder without the names of the records that opened instances: a shop that has moved, or was restored, has
/// the records of before no more.
fn lines(data: &Path, more: &[&str]) -> Vec<String> {
    sorted(dump(care::binary(), data, more))
}

fn sorted(lines: Vec<Value>) -> Vec<String> {
    let mut lines: Vec<String> = lines
        .into_iter()
        .map(|mut line| {
            unname(&mut line);
            line.to_string()
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// Returns everything that a data folder holds, as one of the engines reads it.
fn dump(binary: &Path, data: &Path, more: &[&str]) -> Vec<Value> {
    let data = text(data);
    let dumped = care::run_as(binary, ["dump", "--data-dir", &data].iter().chain(more));
    assert!(dumped.success, "{}", dumped.err);
    dumped.out.lines().map(|line| serde_json::from_str(line).expect("lines are JSON")).collect()
}

fn unname(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("origin") {
                fields.remove("position");
            }
            fields.values_mut().for_each(unname);
        }
        Value::Array(items) => items.iter_mut().for_each(unname),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
