//! Two engines on real servers that are killed, stalled and cut off at random, and an oracle that knows what has to come of it.
//!
//! Ten rounds in the suite; `ops/chaos` runs as many as it is asked for, through the same test.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::care;
use crate::chaos::asked;
use crate::chaos::round::{Round, play};
use crate::chaos::story::Story;
use crate::chaos::world::{ENGINES, World};

/// Rounds of the suite.
const ROUNDS: u64 = 10;
/// Rounds on one topic and keyspace; then all is made anew, or the oracle would read ever more.
const ROUNDS_OF_A_WORLD: usize = 15;
/// What memory may grow by over the rounds of a world, whatever it began with. Units: MiB.
const GROWTH_MAX_MIB: u64 = 96;

/// What is to be run.
struct Order {
    seeds: Vec<u64>,
    /// The rule that the engines go without.
    without: Option<String>,
    /// Where each round is written down, one line each; rounds that stand there are not played again.
    file: Option<PathBuf>,
}

impl Order {
    /// Reads what `ops/chaos` asks for; else the rounds of the suite.
    fn read() -> Self {
        let asked = asked();
        let number = |name: &str, default| asked[name].as_u64().unwrap_or(default);
        let text = |name: &str| asked[name].as_str().map(str::to_owned);
        let first = number("seed", 1);
        let seeds = (first..first + number("rounds", ROUNDS)).collect();
        Self { seeds, without: text("without"), file: text("file").map(PathBuf::from) }
    }

    fn program(&self) -> PathBuf {
        match self.without {
            Some(_) => care::ablated().to_owned(),
            None => care::binary().to_owned(),
        }
    }

    /// Returns what was written down of earlier rounds with these seeds.
    fn known(&self) -> Vec<Value> {
        let text =
            self.file.as_deref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("rounds are lines of JSON"));
        lines
            .filter(|line: &Value| line["seed"].as_u64().is_some_and(|seed| self.seeds.contains(&seed)))
            .collect()
    }
}

fn write_down(file: &Path, line: &Value) {
    let mut file =
        std::fs::File::options().create(true).append(true).open(file).expect("rounds can be written down");
    // In one write: other worlds write there too.
    file.write_all(format!("{line}\n").as_bytes()).expect("rounds can be written down");
}

#[test]
fn a_shop_comes_to_what_it_has_to_whatever_happens_to_its_engines_and_servers() {
    let order = Order::read();
    let mut lines = order.known();
    let done: Vec<u64> = lines.iter().filter_map(|line| line["seed"].as_u64()).collect();
    let seeds: Vec<u64> = order.seeds.iter().copied().filter(|seed| !done.contains(seed)).collect();
    for seeds in seeds.chunks(ROUNDS_OF_A_WORLD) {
        let rounds = rounds(&order, seeds);
        let is_over = rounds.iter().any(|round| !round.verdict.is_clean()) && order.without.is_some();
        lines.extend(rounds.iter().map(Round::to_json));
        if is_over {
            break;
        }
    }
    let summary = summary(&order, &lines);
    println!("{summary}");
    match order.without {
        Some(rule) => {
            assert!(summary["caught_after"].is_u64(), "without {rule} nothing was found wrong: {summary}")
        }
        None => assert!(summary["wrong"] == 0, "{summary}; the rounds that went wrong say it above"),
    }
}

/// Plays rounds in one world; ends early when something was wrong, since what follows would be wrong by it.
fn rounds(order: &Order, seeds: &[u64]) -> Vec<Round> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new("chaos", ENGINES, &order.program()).await;
        if let Some(rule) = &order.without {
            world.engines_with(&["--without", rule]);
        }
        world.start().await;
        let mut story = Story::new(seeds[0]);
        let mut rounds: Vec<Round> = Vec::new();
        for seed in seeds {
            let mut round = play(&mut world, &mut story, *seed).await;
            grown(rounds.first(), &mut round);
            println!("{}", round.to_json());
            if let Some(file) = &order.file {
                write_down(file, &round.to_json());
            }
            let is_clean = round.verdict.is_clean();
            rounds.push(round);
            if !is_clean {
                println!("{}", world.last_words());
                break;
            }
        }
        rounds
    })
}

/// Notes when memory did not come back to what it was after the first round.
fn grown(first: Option<&Round>, round: &mut Round) {
    let Some(first) = first else { return };
    for (before, now) in first.memory_mib.iter().zip(&round.memory_mib) {
        if *now > before + GROWTH_MAX_MIB {
            round.verdict.memory += 1;
            round.verdict.told.push(format!("an engine has {now} MiB, {before} after the first round"));
        }
    }
}

/// Returns all rounds as one line.
fn summary(order: &Order, lines: &[Value]) -> Value {
    let sum = |name: &str| lines.iter().filter_map(|line| line[name].as_u64()).sum::<u64>();
    let is_wrong = |line: &&Value| WRONG.iter().any(|name| line[name].as_u64() > Some(0));
    let caught = lines.iter().position(|line| is_wrong(&line));
    let mut summary = json!({
        "rounds": lines.len(),
        "seed": order.seeds.first(),
        "wrong": lines.iter().filter(is_wrong).count(),
        "without": order.without,
        "caught_after": caught.map(|place| place + 1),
    });
    let of = summary.as_object_mut().expect("an object");
    for name in WRONG.iter().chain(&["events", "exits", "uncleared", "unknown", "called_again", "took_ms"]) {
        of.insert((*name).to_owned(), sum(name).into());
    }
    summary
}

/// Counts of what must not be.
const WRONG: [&str; 9] = [
    "lost",
    "doubled",
    "state_mismatch",
    "dead_letters",
    "ledger",
    "decisions",
    "overdue",
    "unconfirmed",
    "memory",
];
