//! Where the public data sets are. Tests that read them live in modules named `real_data`, so that `ops/test` can name and leave out
//! what it cannot run.

use std::path::{Path, PathBuf};

/// Returns the folder of one data set: below `CARE_DATA`, or below `../shared/data` beside the repository.
///
/// A missing folder fails the test: a test that passes without having run would be a lie.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where the data is")]
pub fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root");
    let beside = || root.parent().expect("the root has a parent").join("shared/data");
    let folder = std::env::var_os("CARE_DATA").map_or_else(beside, PathBuf::from).join(name);
    assert!(folder.is_dir(), "no data set at {} (set CARE_DATA, or run ops/test)", folder.display());
    folder
}
