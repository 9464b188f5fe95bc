//! What an operator watches the engine by: a real Prometheus on the real binary, alerts and their pages, log lines, traces.
//!
//! Tests that need Prometheus live in the module of that name, so that `ops/test` can leave them out where it cannot be had.

mod logs;
mod prometheus;
mod runbook;
mod traces;

use std::path::{Path, PathBuf};

/// Returns the path of a file or folder of the repository.
fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").join(path)
}

/// Returns the text of a file of the repository.
fn text_of(path: &str) -> String {
    std::fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
