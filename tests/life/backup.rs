//! Backups of a running engine, damaged ones, and what a restored shop sends.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{World, dump, lines, on, text};
use crate::care;

/// An engine at work; killed where a test fails.
struct Running(Child);

impl Running {
    fn start(arguments: &[String]) -> Self {
        let mut command = Command::new(care::binary());
        let command =
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("care starts"))
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }

    fn finish(mut self) {
        assert!(self.0.wait().expect("a child").success(), "the engine failed");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Takes a backup as soon as the engine has made its folder and applied something.
fn back_up_in_the_middle(world: &World, data: &Path) -> Value {
    let arguments = world.replay(&world.files[0], data, &["--speed", "30000"]);
    let mut engine = Running::start(&arguments);
    for nth in 0.. {
        assert!(engine.is_running(), "the engine ended before a backup held anything");
        let to = world.folder(&format!("backup-{nth}"));
        let taken = on("backup", &to, data, &[]);
        let summary = if taken.success { taken.summary() } else { Value::Null };
        if summary["while_running"] == true && summary["manifest"]["customers"].as_u64() > Some(30) {
            assert!(engine.is_running(), "it went on");
            engine.finish();
            std::fs::rename(&to, world.folder("backup")).expect("a folder can be renamed");
            return summary;
        }
    }
    unreachable!("the loop ends by itself")
}

#[test]
fn a_backup_of_a_running_engine_is_one_instant_from_which_its_events_lead_to_the_same_end() {
    let world = World::new(41, 2);
    let data = world.folder("data");
    back_up_in_the_middle(&world, &data);
    let again = world.folder("again");
    // Nothing is doubtful here: what the first engine sent behind the backup went to nobody.
    let restored = on("restore", &world.folder("backup"), &again, &["--send-doubtful"]).summary();
    assert_eq!(restored["log"], 1);
    for folder in [&data, &again] {
        for events in &world.files {
            let summary = care::run(world.replay(events, folder, &[])).summary();
            assert_eq!((&summary["lost"], &summary["doubled"]), (&0.into(), &0.into()), "{summary}");
        }
    }
    if let Some(difference) = care::difference(&lines(&data, &[]), &lines(&again, &[])) {
        panic!("the restored shop differs:\n{difference}");
    }
}

/// Ledger entries of a folder, with the name of the record that opened the instance; empty = a record of before the restore.
fn ledger(data: &Path) -> Vec<Value> {
    dump(care::binary(), data, &[]).into_iter().filter_map(|line| line.get("ledger").cloned()).collect()
}

#[test]
fn a_restored_shop_sends_nothing_twice() {
    let world = World::new(42, 2);
    let data = world.folder("data");
    let backup = back_up_in_the_middle(&world, &data);
    let point = backup["manifest"]["log_time"].as_i64().expect("a time");
    // The lost shop went on to the end of its first file.
    let lost = ledger(&data);
    let at = |entry: &Value| entry["outreach"]["at"].as_i64().expect("a time");
    let last = lost.iter().map(&at).max().expect("it sent something");
    let sent = |entry: &Value| entry["status"] == "delivered";
    assert!(lost.iter().any(|entry| sent(entry) && at(entry) > point), "nothing was sent behind the backup");
    let again = world.folder("again");
    let until = jiff::Timestamp::from_millisecond(last).expect("a time").to_string();
    on("restore", &world.folder("backup"), &again, &["--sent-until", &until]).summary();
    for events in &world.files {
        care::run(world.replay(events, &again, &[])).summary();
    }
    let (mut withheld, mut repeated, mut new) = (0, 0, 0);
    for entry in ledger(&again).iter().filter(|entry| at(entry) > point) {
        let opened_before = entry["outreach"]["slot"]["position"] == "";
        match (sent(entry), at(entry) <= last) {
            // By the id of the lost shop: a channel that takes an id once does nothing.
            (true, true) => {
                assert!(opened_before, "sent under an id that no channel knows: {entry}");
                repeated += 1;
            }
            (true, false) => new += 1,
            (false, _) => withheld += u64::from(entry["status"]["withheld"] == "restored"),
        }
    }
    println!("behind the backup: {withheld} withheld, {repeated} by an id known before, {new} new");
    assert!(withheld > 0 && new > 0, "{withheld} withheld, {new} new");
}

#[test]
fn a_damaged_backup_is_named_and_restores_nothing() {
    let world = World::new(43, 2);
    let (data, backup) = (world.folder("data"), world.folder("backup"));
    care::run(world.replay(&world.files[0], &data, &[])).summary();
    on("backup", &backup, &data, &[]).summary();
    let rows = backup.join("tables/rows");
    let mut bytes = std::fs::read(&rows).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&rows, &bytes).expect("a file");
    let again = world.folder("again");
    let refused = on("restore", &backup, &again, &[]);
    assert!(!refused.success && refused.err.contains("tables/rows") && !again.exists(), "{}", refused.err);
    std::fs::write(&rows, &bytes[..middle]).expect("a file");
    let refused = on("restore", &backup, &again, &[]);
    assert!(!refused.success && refused.err.contains("bytes"), "{}", refused.err);
    std::fs::remove_file(backup.join("manifest.json")).expect("a file");
    let refused = on("restore", &backup, &again, &[]);
    assert!(!refused.success && refused.err.contains("no manifest"), "{}", refused.err);
    assert!(care::run(["customer", "1", "--data-dir", &text(&again)]).err.contains("no data"));
}
