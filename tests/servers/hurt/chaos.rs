//! Two engines on real servers that are killed, stalled and cut off at random, and an oracle that knows what has to come of it.
//!
//! Ten rounds in the suite, in two worlds side by side, since a round waits more than it works; `ops/chaos` runs as many as it is asked
//! for, through the same test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::care;
use crate::chaos::asked;
use crate::chaos::round::{Round, play};
use crate::chaos::story::Story;
use crate::chaos::world::{ENGINES, World};
use crate::cluster::{Brokers, Cluster};

/// Rounds of the suite.
const ROUNDS: u64 = 10;
/// Worlds of the suite.
const WORLDS: u64 = 2;
/// Rounds on one topic and keyspace; then all is made anew, or the oracle would read ever more.
const ROUNDS_OF_A_WORLD: usize = 15;
/// What memory may grow by over the rounds of a world, whatever it began with. Units: MiB.
const GROWTH_MAX_MIB: u64 = 96;
/// Engines with accidents put in confirm their leases seldom and let partitions go soon, so that they work on for a while where another
/// has them.
const UNAWARE: [(&str, &str); 3] = [
    ("CARE__PARTITION__CONFIRM_MS", "1500"),
    ("CARE__PARTITION__DRAIN_MS", "400"),
    ("CARE__KAFKA__RELEASE_MS", "500"),
];
/// Instead of a rule: each, one after the other; with some behind a colon, each of these.
const EACH: &str = "each";

/// What is to be run.
struct Order {
    seeds: Vec<u64>,
    /// Worlds, each with servers and engines of its own, that rounds are played in side by side.
    worlds: usize,
    /// What the engines go without.
    without: Without,
    /// Accidents that are put into the engines, as `care serve --inject` takes them.
    inject: Option<String>,
    /// Where each round is written down, one line each; rounds that stand there are not played again.
    file: Option<PathBuf>,
}

/// What engines go without.
enum Without {
    Nothing,
    /// These rules at once.
    Rules(String),
    /// Each of these rules by itself, in turn.
    Each(Vec<String>),
}

impl Without {
    fn read(asked: Option<&str>) -> Self {
        match asked.map(|text| text.split_once(':').unwrap_or((text, ""))) {
            None => Self::Nothing,
            Some((EACH, "")) => Self::Each(rules()),
            Some((EACH, some)) => Self::Each(legal(some)),
            Some((some, _)) => Self::Rules(legal(some).join(",")),
        }
    }
}

/// What is played in one world: rounds by seed, without a rule or with all.
struct Share {
    without: Option<String>,
    seeds: Vec<u64>,
}

impl Order {
    /// Reads what `ops/chaos` asks for; else the rounds of the suite.
    fn read() -> Self {
        let asked = asked();
        let number = |name: &str, default| asked[name].as_u64().unwrap_or(default);
        let first = number("seed", 1);
        let seeds = (first..first + number("rounds", ROUNDS)).collect();
        let worlds = number("worlds", WORLDS) as usize;
        let without = Without::read(asked["without"].as_str());
        let text = |name: &str| asked[name].as_str();
        let inject = text("inject").map(str::to_owned);
        Self { seeds, worlds, without, inject, file: text("file").map(PathBuf::from) }
    }

    /// Returns what was written down of earlier rounds.
    fn known(&self) -> Vec<Value> {
        let text =
            self.file.as_deref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("rounds are lines of JSON"));
        let is_asked_for = |line: &Value| {
            let is_seed = line["seed"].as_u64().is_some_and(|seed| self.seeds.contains(&seed));
            is_seed && line["inject"].as_str() == self.inject.as_deref()
        };
        lines.filter(is_asked_for).collect()
    }

    /// Returns what is to be played, beside what is known.
    fn shares(&self, known: &[Value]) -> Vec<Share> {
        let left_of = |rule: Option<&str>| -> Vec<u64> {
            let of_rule: Vec<_> = known.iter().filter(|line| line["without"].as_str() == rule).collect();
            if rule.is_some() && of_rule.iter().any(|line| is_wrong(line)) {
                return Vec::new();
            }
            let is_left = |seed: &u64| of_rule.iter().all(|line| line["seed"] != *seed);
            self.seeds.iter().copied().filter(is_left).collect()
        };
        let share = |without: Option<String>| Share { seeds: left_of(without.as_deref()), without };
        let shares: Vec<Share> = match &self.without {
            Without::Each(rules) => rules.iter().map(|rule| share(Some(rule.clone()))).collect(),
            Without::Rules(rules) => vec![share(Some(rules.clone()))],
            Without::Nothing => {
                let seeds = left_of(None);
                let size = seeds.len().div_ceil(self.worlds).clamp(1, ROUNDS_OF_A_WORLD);
                seeds.chunks(size).map(|seeds| Share { without: None, seeds: seeds.to_vec() }).collect()
            }
        };
        shares.into_iter().filter(|share| !share.seeds.is_empty()).collect()
    }
}

/// Returns the names of all rules: a build that can go without answers with them to a name that is none.
fn rules() -> Vec<String> {
    let answer = care::run_as(care::ablated(), ["serve", "--without", "?"]);
    let (_, names) = answer.err.split_once("there are ").unwrap_or_else(|| panic!("{}", answer.err));
    names.split(',').map(|name| name.trim().to_owned()).collect()
}

/// Returns the rules of a list.
fn legal(some: &str) -> Vec<String> {
    let all = rules();
    let some: Vec<String> = some.split(',').map(str::to_owned).collect();
    for name in &some {
        assert!(all.contains(name), "there is no rule {name:?}; there are {}", all.join(", "));
    }
    some
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
    let known = order.known();
    let shares = Mutex::new(order.shares(&known).into_iter());
    let next = || shares.lock().unwrap_or_else(PoisonError::into_inner).next();
    let mut lines: Vec<Value> = std::thread::scope(|scope| {
        let play = |place| {
            let mut played = Vec::new();
            while let Some(share) = next() {
                played.extend(rounds(&order, place, &share));
            }
            if place > 0 {
                Cluster::own_at(place, Brokers::One).take_down();
            }
            played
        };
        let worlds: Vec<_> = (0..order.worlds).map(|place| scope.spawn(move || play(place))).collect();
        let join =
            |world: std::thread::ScopedJoinHandle<'_, _>| world.join().expect("a world says why it ended");
        worlds.into_iter().flat_map(join).collect()
    });
    lines.extend(known);
    lines.sort_by_key(|line| line["seed"].as_u64());
    let told = |rule: Option<&str>| {
        let summary = summary(&order, rule, &lines);
        println!("{summary}");
        summary
    };
    match &order.without {
        Without::Each(rules) => {
            let caught = rules.iter().filter(|rule| is_caught(&told(Some(rule)))).count();
            println!("{}", json!({"rules": rules.len(), "caught": caught}));
            assert!(caught > 0, "no rule is missed by anybody");
        }
        Without::Rules(rules) => {
            assert!(is_caught(&told(Some(rules))), "without {rules} nothing was found wrong");
        }
        Without::Nothing => assert!(told(None)["wrong"] == 0, "the rounds that went wrong say it above"),
    }
}

fn is_caught(summary: &Value) -> bool {
    summary["caught_after"].is_u64()
}

/// Plays rounds in one world, at a place of its own, and returns each as one line; ends early when something was wrong, since what follows
/// would be wrong by it.
fn rounds(order: &Order, place: usize, share: &Share) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let cluster = Cluster::own_at(place, Brokers::One);
        let is_real = share.without.is_none() && order.inject.is_none();
        let program = if is_real { care::binary() } else { care::ablated() };
        let mut world = World::on(cluster, "chaos", ENGINES, program).await;
        if let Some(rule) = &share.without {
            world.engines_with(&["--without", rule]);
        }
        if let Some(faults) = &order.inject {
            world.engines_with(&["--inject", faults]);
            world.engines.iter_mut().for_each(|engine| engine.set(&UNAWARE));
        }
        world.start().await;
        let mut story = Story::new(share.seeds[0]);
        let (mut first, mut lines) = (None, Vec::new());
        for seed in &share.seeds {
            let mut round = play(&mut world, &mut story, *seed).await;
            grown(first.as_ref(), &mut round);
            let mut line = round.to_json();
            line["without"] = share.without.clone().into();
            line["inject"] = order.inject.clone().into();
            println!("{line}");
            if let Some(file) = &order.file {
                write_down(file, &line);
            }
            lines.push(line);
            if !round.verdict.is_clean() {
                println!("{}", world.last_words());
                break;
            }
            first.get_or_insert(round);
        }
        lines
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

/// Returns all rounds without a rule, or with all, as one line.
fn summary(order: &Order, rule: Option<&str>, lines: &[Value]) -> Value {
    let lines: Vec<&Value> = lines.iter().filter(|line| line["without"].as_str() == rule).collect();
    let sum = |name: &str| lines.iter().filter_map(|line| line[name].as_u64()).sum::<u64>();
    let caught = lines.iter().position(|line| is_wrong(line));
    let mut summary = json!({
        "rounds": lines.len(),
        "seed": order.seeds.first(),
        "wrong": lines.iter().filter(|line| is_wrong(line)).count(),
        "without": rule,
        "inject": order.inject,
        "caught_after": caught.map(|place| place + 1),
    });
    let of = summary.as_object_mut().expect("an object");
    for name in WRONG.iter().chain(&[
        "events",
        "exits",
        "uncleared",
        "unknown",
        "called_again",
        "postponed",
        "unheard",
        "took_ms",
    ]) {
        of.insert((*name).to_owned(), sum(name).into());
    }
    summary
}

fn is_wrong(line: &Value) -> bool {
    WRONG.iter().any(|name| line[name].as_u64() > Some(0))
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
