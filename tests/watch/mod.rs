//! What an operator watches the engine by: log lines, traces.

mod logs;
mod traces;

use std::path::{Path, PathBuf};

/// Returns the path of a file or folder of the repository.
fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").join(path)
}
