//! The kill loop: the real binary, killed at seeded instants, started again until it finishes, compared with an undisturbed run.
//!
//! What is compared is everything durable: profiles, instances, timers and whether the index covers them, decisions, the ledger. A
//! round prints its seed; the same seed kills at the same instants, as far as a machine lets it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use care_tests::shop::{Random, Shop};
use tempfile::TempDir;

use crate::care;

/// Kills of one round, at most; there is one at least.
const KILLS_MAX: u64 = 4;

/// A file of events, and what an undisturbed run makes of it.
struct World {
    dir: TempDir,
    events: PathBuf,
    format: &'static str,
    /// The dump, line by line, sorted.
    expected: Vec<String>,
    /// Wall time of the undisturbed run, in seconds.
    took_s: f64,
}

impl World {
    fn new(events: PathBuf, format: &'static str, dir: TempDir) -> Self {
        let mut world = Self { dir, events, format, expected: Vec::new(), took_s: 0.0 };
        let data = world.dir.path().join("undisturbed");
        let summary = care::run(world.arguments(&data)).summary();
        world.took_s = summary["wall_s"].as_f64().expect("wall_s is a number");
        world.expected = care::dump(&data);
        assert!(world.expected.len() > 100, "a run that does nothing proves nothing");
        assert!(summary["outreach"]["sent"].as_u64() > Some(0), "nothing was sent: {summary}");
        world
    }

    fn arguments(&self, data: &Path) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let words = ["--format", self.format, "--speed", "max", "--assume-consent", "marketing", "--json"];
        let mut arguments = vec!["replay".to_owned(), text(&self.events)];
        arguments.extend(words.map(str::to_owned));
        arguments.extend(["--data-dir".to_owned(), text(data)]);
        arguments
    }

    /// Kills runs at the seed's instants, finishes, and returns in words how the end differs from the undisturbed run.
    fn round(&self, seed: u64) -> Result<u64, String> {
        let mut random = Random::new(seed);
        let data = self.dir.path().join(format!("round-{seed}"));
        let mut instant_ms = || 20 + random.below((self.took_s * 800.0) as u64);
        self.kill_once(instant_ms(), &data);
        let mut killed = 1;
        for _ in 0..seed % KILLS_MAX {
            killed += u64::from(self.run_until(instant_ms(), &data));
        }
        let summary = care::run(self.arguments(&data)).summary();
        for name in ["lost", "doubled"] {
            if summary[name] != 0 {
                return Err(format!("{name}: {summary}"));
            }
        }
        let found = care::dump(&data);
        std::fs::remove_dir_all(&data).expect("the round's folder can be removed");
        care::difference(&self.expected, &found).map_or(Ok(killed), Err)
    }

    /// Kills a first run; a machine that is faster than it was undisturbed is met earlier, until one is killed before its end.
    fn kill_once(&self, mut at_ms: u64, data: &Path) {
        while !self.run_until(at_ms, data) {
            std::fs::remove_dir_all(data).expect("the finished run's folder can be removed");
            at_ms = (at_ms / 2).max(5);
        }
    }

    /// Runs for so long, then kills; returns false when the run had finished by itself.
    fn run_until(&self, at_ms: u64, data: &Path) -> bool {
        let seconds = format!("{}.{:03}", at_ms / 1_000, at_ms % 1_000);
        let status = Command::new("timeout")
            // In the foreground it waits for what it killed.
            .args(["--foreground", "--signal=KILL", &seconds])
            .arg(care::binary())
            .args(self.arguments(data))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("timeout is part of every Debian");
        !status.success()
    }
}

#[track_caller]
fn check(world: &World, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        match world.round(seed) {
            Ok(killed) => println!("round {seed}: killed {killed} times, equal"),
            Err(difference) => panic!("round {seed} differs from the undisturbed run:\n{difference}"),
        }
    }
}

#[test]
fn a_run_killed_at_random_ends_as_an_undisturbed_one() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let events = dir.path().join("shop.jsonl");
    let lines = Shop { seed: 11, shoppers: 150, days: 3 }.lines();
    std::fs::write(&events, lines.join("\n")).expect("the events are written");
    check(&World::new(events, "segment-jsonl", dir), 0..20);
}

mod real_data {
    use std::io::{BufRead, BufReader, Write};

    use super::*;
    use crate::data;

    /// Lines of the real file that are played.
    const ROWS: usize = 60_000;

    #[test]
    fn retail_history_killed_at_random_ends_as_an_undisturbed_run() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let source = data::folder("uci_online_retail").join("transactions_2009-12_2010-11.csv.gz");
        let file = std::fs::File::open(source).expect("the file is there");
        let rows = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
        let events = dir.path().join("retail.csv");
        let mut out = std::io::BufWriter::new(std::fs::File::create(&events).expect("a file"));
        for row in rows.take(ROWS) {
            writeln!(out, "{}", row.expect("the file is text")).expect("a row is written");
        }
        drop(out);
        check(&World::new(events, "uci-online-retail", dir), 100..106);
    }
}
