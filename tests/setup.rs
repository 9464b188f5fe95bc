//! The programs of ops/ that are more than a few lines, tested in their own language on this machine.

use std::path::Path;
use std::process::Command;

#[track_caller]
fn run(script: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root");
    let output = Command::new("python3")
        .args(["-B", script])
        .current_dir(root)
        .output()
        .expect("python3 runs: ops/test installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn libtorch_is_fetched_whole_or_not_at_all() {
    run("ops/libtorch/test.py");
}

#[test]
fn local_servers_start_once_and_nothing_stays_behind() {
    run("ops/cluster/test.py");
}

#[test]
fn peers_are_judged_by_what_the_events_say() {
    run("ops/peers/test.py");
}

#[test]
fn a_loaded_server_is_judged_by_what_it_did() {
    run("ops/load/test.py");
}
