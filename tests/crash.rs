//! The kill loop: the real binary, killed at seeded instants, started again until it finishes, compared with an undisturbed run.
//!
//! What is compared is everything durable: profiles, instances, timers and whether the index covers them, decisions, the ledger. A
//! round prints its seed; the same seed kills at the same instants, as far as a machine lets it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use actors::port::clock::Clock;
use engine::clock::SystemClock;

use care_tests::shop::{Random, Shop};

use crate::care;
use crate::world::{Make, World, text};

/// Kills of one round, at most; there is one at least.
const KILLS_MAX: u64 = 4;

/// A file of events, and what an undisturbed run makes of it.
struct Case {
    make: Make,
    /// The undisturbed world; holds the file.
    undisturbed: World,
    events: PathBuf,
    format: &'static str,
    /// The dump, line by line, sorted.
    expected: Vec<String>,
    /// Wall time of the undisturbed run, in seconds.
    took_s: f64,
}

impl Case {
    fn new(make: Make, lines: &[String], format: &'static str) -> Self {
        let undisturbed = make();
        let events = undisturbed.write("events", lines.join("\n"));
        let mut case = Self { make, undisturbed, events, format, expected: Vec::new(), took_s: 0.0 };
        let summary = case.undisturbed.care(case.words()).summary();
        case.took_s = summary["wall_s"].as_f64().expect("wall_s is a number");
        case.expected = case.undisturbed.dump();
        assert!(case.expected.len() > 100, "a run that does nothing proves nothing");
        assert!(summary["outreach"]["sent"].as_u64() > Some(0), "nothing was sent: {summary}");
        case
    }

    fn words(&self) -> Vec<String> {
        let words = ["--format", self.format, "--speed", "max", "--assume-consent", "marketing", "--json"];
        let replay = ["replay".to_owned(), text(&self.events)];
        replay.into_iter().chain(words.map(str::to_owned)).collect()
    }

    /// Kills runs at the seed's instants, finishes, and returns in words how the end differs from the undisturbed run.
    fn round(&self, seed: u64) -> Result<u64, String> {
        let mut random = Random::new(seed);
        let mut instant_ms = || 20 + random.below((self.took_s * 800.0) as u64);
        let world = self.killed_once(instant_ms());
        let mut killed = 1;
        for _ in 0..seed % KILLS_MAX {
            killed += u64::from(self.run_until(instant_ms(), &world));
        }
        let summary = world.care(self.words()).summary();
        for name in ["lost", "doubled"] {
            if summary[name] != 0 {
                return Err(format!("{name}: {summary}"));
            }
        }
        care::difference(&self.expected, &world.dump()).map_or(Ok(killed), Err)
    }

    /// Returns a world whose first run was killed; a machine that is faster than it was undisturbed is met earlier, in another world,
    /// until a run is killed before its end.
    fn killed_once(&self, mut at_ms: u64) -> World {
        loop {
            let world = (self.make)();
            if self.run_until(at_ms, &world) {
                return world;
            }
            at_ms = (at_ms / 2).max(5);
        }
    }

    /// Runs for so long, then kills; returns false when the run had finished by itself.
    fn run_until(&self, at_ms: u64, world: &World) -> bool {
        let seconds = format!("{}.{:03}", at_ms / 1_000, at_ms % 1_000);
        let status = Command::new("timeout")
            // In the foreground it waits for what it killed.
            .args(["--foreground", "--signal=KILL", &seconds])
            .arg(care::binary())
            .args(self.words())
            .args(world.options())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("timeout is part of every Debian");
        !status.success()
    }
}

#[track_caller]
fn check(case: &Case, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        match case.round(seed) {
            Ok(killed) => println!("round {seed}: killed {killed} times, equal"),
            Err(difference) => panic!("round {seed} differs from the undisturbed run:\n{difference}"),
        }
    }
}

/// Returns the lines of a small shop.
fn shop() -> Vec<String> {
    Shop { seed: 11, shoppers: 150, days: 3 }.lines()
}

#[test]
fn a_run_killed_at_random_ends_as_an_undisturbed_one() {
    check(&Case::new(World::embedded, &shop(), "segment-jsonl"), 0..20);
}

#[test]
fn a_data_folder_that_was_cut_off_in_its_making_is_made_anew() {
    for nth in 0..40 {
        let world = World::embedded();
        let events = text(&world.write("events", &shop()[0]));
        let mut run = Command::new(care::binary())
            .args(["replay", &events, "--format", "segment-jsonl"])
            .args(world.options())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("care starts");
        let places = ["db", "db.new"].map(|name| world.data().join(name));
        while !places.iter().any(|place| place.exists()) {
            assert!(run.try_wait().expect("a child can be asked").is_none(), "it ended without a database");
        }
        let until = SystemClock.boot() + nth * Duration::from_micros(400);
        while SystemClock.boot() < until {
            std::hint::spin_loop();
        }
        run.kill().expect("a child can be killed");
        run.wait().expect("a child can be waited for");
        world.dump();
    }
}

mod servers {
    use super::*;

    /// Every round makes a world, and a killed process is awaited by its group: fewer rounds, the same checks.
    #[test]
    fn a_run_killed_at_random_ends_as_an_undisturbed_one() {
        check(&Case::new(World::servers, &shop(), "segment-jsonl"), 0..4);
    }
}

mod real_data {
    use std::io::{BufRead, BufReader};

    use super::*;
    use crate::data;

    /// Lines of the real file that are played.
    const ROWS: usize = 60_000;

    #[test]
    fn retail_history_killed_at_random_ends_as_an_undisturbed_run() {
        let source = data::folder("uci_online_retail").join("transactions_2009-12_2010-11.csv.gz");
        let file = std::fs::File::open(source).expect("the file is there");
        let rows = BufReader::new(flate2::read::GzDecoder::new(file)).lines().take(ROWS);
        let rows: Vec<String> = rows.map(|row| row.expect("the file is text")).collect();
        check(&Case::new(World::embedded, &rows, "uci-online-retail"), 100..106);
    }
}
