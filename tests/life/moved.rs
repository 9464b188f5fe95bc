//! A shop that moves into another store in the middle of its events, and goes on there, comes to what one that stayed comes to.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{World, lines, on};
use crate::care;

/// Has a run killed after so many milliseconds, in the middle of its work or behind it; later where it had not begun.
fn killed_run(data: &Path, arguments: &[String]) {
    let mut after_ms = 300;
    while !data.join("db").exists() {
        run_until(after_ms, arguments);
        after_ms *= 2;
    }
}

fn run_until(after_ms: u64, arguments: &[String]) {
    let seconds = format!("{}.{:03}", after_ms / 1_000, after_ms % 1_000);
    let killed = Command::new("timeout")
        // In the foreground it waits for what it killed.
        .args(["--foreground", "--signal=KILL", &seconds])
        .arg(care::binary())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    killed.expect("timeout is part of every Debian");
}

/// Settings with another number of partitions.
fn settings(world: &World, partitions: u32) -> String {
    let path = world.folder(&format!("partitions-{partitions}.toml"));
    std::fs::write(&path, format!("[log]\npartitions = {partitions}\n")).expect("the settings are written");
    super::text(&path)
}

fn moved(world: &World, data: &Path, to: &Path, config: &str) {
    let export = to.with_extension("export");
    let exported = on("export", &export, data, &[]);
    assert!(exported.success, "{}", exported.err);
    let imported = on("import", &export, to, &["--config", config]).summary();
    assert_eq!(imported["already"], false, "{imported}");
    assert_eq!(imported["customers"], exported.summary()["manifest"]["customers"], "{imported}");
    let again = on("import", &export, to, &["--config", config]).summary();
    assert_eq!(again["already"], true, "a second time it changes nothing: {again}");
    for events in &world.files {
        let summary = care::run(world.replay(events, to, &["--config", config])).summary();
        assert_eq!((&summary["lost"], &summary["doubled"]), (&0.into(), &0.into()), "{summary}");
    }
}

#[test]
fn a_shop_that_moves_between_partitions_in_the_middle_ends_as_one_that_stayed() {
    let world = World::new(31, 2);
    let stayed = world.folder("stayed");
    for events in &world.files {
        care::run(world.replay(events, &stayed, &[])).summary();
    }
    let expected = lines(&stayed, &[]);
    assert!(
        expected.iter().any(|line| line.starts_with(r#"{"ledger""#)),
        "a shop that sends nothing proves nothing"
    );
    // Once when all is done, and killed in the middle: what no row has applied moves too.
    for (name, is_killed) in [("settled", false), ("killed", true)] {
        let data = world.folder(name);
        let arguments = world.replay(&world.files[0], &data, &[]);
        if is_killed {
            killed_run(&data, &arguments);
        } else {
            care::run(&arguments).summary();
        }
        for partitions in [8, 3] {
            let to = world.folder(&format!("{name}-{partitions}"));
            let config = settings(&world, partitions);
            moved(&world, &data, &to, &config);
            let found = lines(&to, &["--config", &config]);
            if let Some(difference) = care::difference(&expected, &found) {
                panic!("{name} into {partitions} partitions:\n{difference}");
            }
        }
    }
}

#[test]
fn an_import_wants_an_empty_target_and_an_export_a_stopped_engine() {
    let world = World::new(32, 2);
    let (data, other, export) = (world.folder("data"), world.folder("other"), world.folder("export"));
    for data in [&data, &other] {
        care::run(world.replay(&world.files[0], data, &[])).summary();
    }
    assert!(on("export", &export, &data, &[]).success);
    let taken = on("import", &export, &other, &[]);
    assert!(!taken.success && taken.err.contains("empty store"), "{}", taken.err);
    let twice = on("export", &export, &data, &[]);
    assert!(!twice.success && twice.err.contains("not empty"), "{}", twice.err);
    let backup = world.folder("backup");
    assert!(on("backup", &backup, &data, &[]).success);
    let refused = on("import", &backup, &world.folder("new"), &[]);
    assert!(!refused.success && refused.err.contains("care restore"), "{}", refused.err);
}

mod servers {
    use super::super::{World, lines, on, text};
    use crate::care;
    use crate::world::World as Place;

    #[test]
    fn a_shop_that_moves_to_kafka_and_cql_goes_on_there_as_one_that_stayed() {
        let world = World::new(33, 2);
        let [first, second] = world.files.as_slice() else { panic!("two files") };
        let (stayed, data, export) = (world.folder("stayed"), world.folder("data"), world.folder("export"));
        for (data, events) in [(&stayed, first), (&stayed, second), (&data, first)] {
            care::run(world.replay(events, data, &[])).summary();
        }
        assert!(on("export", &export, &data, &[]).success);
        let place = Place::servers();
        let imported = place.care(["import", &text(&export), "--json"]).summary();
        assert!(
            imported["customers"].as_u64() > Some(50) && imported["ledger"].as_u64() > Some(0),
            "{imported}"
        );
        let again = place.care(["import", &text(&export), "--json"]).summary();
        assert_eq!(again["already"], true, "a second time it changes nothing: {again}");
        let options = place.options();
        let more: Vec<&str> = options.iter().map(String::as_str).collect();
        let summary = care::run(world.replay(second, &place.data(), &more)).summary();
        assert_eq!((&summary["lost"], &summary["doubled"]), (&0.into(), &0.into()), "{summary}");
        if let Some(difference) = care::difference(&lines(&stayed, &[]), &lines(&place.data(), &more)) {
            panic!("{difference}");
        }
    }
}
