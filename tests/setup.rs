//! The set-up's program that fetches libtorch, tested in its own language against a server on this machine.

use std::path::Path;
use std::process::Command;

#[test]
fn libtorch_is_fetched_whole_or_not_at_all() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root");
    let output = Command::new("python3")
        .args(["-B", "ops/libtorch/test.py"])
        .current_dir(root)
        .output()
        .expect("python3 runs: ops/test installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
