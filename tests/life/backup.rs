//! Backups of a running engine, damaged ones, and what a restored shop sends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{World, dump, lines, on, text};
use crate::care;

/// An engine at work; killed where a test fails.
struct Running(Child);

impl Running {
    fn start(arguments: &[String], log: &Path) -> Self {
        let log = std::fs::File::create(log).expect("a file");
        let mut command = Command::new(care::binary());
        let command = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
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

/// Settings by which every delivery is a line of the log.
fn telling(world: &World) -> String {
    let path = world.folder("telling.toml");
    let text = "[observability]\nlog = \"warn,care::outreach=info\"\nlog_format = \"json\"\n";
    std::fs::write(&path, text).expect("the settings are written");
    super::text(&path)
}

/// Takes a backup in the middle of the first file, which the engine then plays to its end. Returns what the command tells, and what the
/// engine logged.
fn back_up_in_the_middle(world: &World, data: &Path) -> (Value, String) {
    let (config, log) = (telling(world), world.folder("lost.log"));
    let arguments = world.replay(&world.files[0], data, &["--speed", "30000", "--config", &config]);
    let mut engine = Running::start(&arguments, &log);
    for nth in 0.. {
        assert!(engine.is_running(), "the engine ended before a backup held anything");
        let to = world.folder(&format!("backup-{nth}"));
        let taken = on("backup", &to, data, &[]);
        let summary = if taken.success { taken.summary() } else { Value::Null };
        if summary["while_running"] == true && summary["manifest"]["customers"].as_u64() > Some(30) {
            assert!(engine.is_running(), "it went on");
            engine.finish();
            std::fs::rename(&to, world.folder("backup")).expect("a folder can be renamed");
            return (summary, std::fs::read_to_string(log).expect("a log"));
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

/// What went out, by whom, why and when: the ids that a channel was given for it.
type Sent = BTreeMap<(String, String, String), BTreeSet<String>>;

/// Adds the deliveries that an engine logged.
fn note(log: &str, sent: &mut Sent) {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in lines.filter(|line| line["fields"]["message"] == "outreach delivered") {
        let [id, customer, trigger, at] = ["id", "customer", "trigger", "at"]
            .map(|field| line["fields"][field].as_str().expect("a text").to_owned());
        sent.entry((customer, trigger, at)).or_default().insert(id);
    }
}

/// Restores the backup, plays all files, and returns what went out of the lost and the restored shop together.
fn restored(world: &World, name: &str, lost: &str, more: &[&str]) -> (Sent, Vec<Value>) {
    let (data, config) = (world.folder(name), telling(world));
    on("restore", &world.folder("backup"), &data, more).summary();
    let mut sent = Sent::new();
    note(lost, &mut sent);
    for events in &world.files {
        let finished = care::run(world.replay(events, &data, &["--config", &config]));
        note(&finished.err, &mut sent);
        finished.summary();
    }
    (sent, dump(care::binary(), &data, &[]))
}

#[test]
fn a_restored_shop_sends_nothing_twice_under_an_id_that_its_channel_does_not_know() {
    let world = World::new(42, 2);
    let data = world.folder("data");
    let (_, lost) = back_up_in_the_middle(&world, &data);
    let of_lost = dump(care::binary(), &data, &[]);
    let at = |line: &Value| line["ledger"]["outreach"]["at"].as_i64();
    let last = of_lost.iter().filter_map(at).max().expect("it sent something");
    let until = jiff::Timestamp::from_millisecond(last).expect("a time").to_string();
    let (sent, lines) = restored(&world, "again", &lost, &["--sent-until", &until]);
    let doubled: Vec<_> = sent.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(doubled.is_empty(), "sent under two ids: {doubled:?}");
    let withheld = lines.iter().filter(|line| line["ledger"]["status"]["withheld"] == "restored").count();
    let later = lines.iter().filter(|line| at(line) > Some(last) && line["ledger"]["status"] == "delivered");
    println!("{withheld} withheld, {} sent behind the loss", later.clone().count());
    assert!(withheld > 0 && later.count() > 0);
    // The same without the fence: that is what it is for.
    let (sent, _) = restored(&world, "doubting", &lost, &["--send-doubtful"]);
    assert!(sent.values().any(|ids| ids.len() > 1), "nothing was doubtful, so nothing was shown");
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
