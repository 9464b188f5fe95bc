//! Runs many seeds on all cores, counts what was caught, and leaves the trace of a run that fails where it can be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Runs in which a missing rule was caught before its case ends.
const CATCHES: u64 = 5;

/// How a run ended.
pub struct Verdict {
    /// What is wrong, each with its class before the colon; empty when nothing is.
    pub faults: Vec<String>,
    /// The trace, when it was asked for.
    pub trace: Vec<String>,
}

/// Whether a run writes down what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced {
    Yes,
    No,
}

/// One set of rules in one kind of world.
pub struct Case {
    /// What is taken away, or that nothing is.
    pub name: &'static str,
    /// The seeds that are run at most: 0 up to this.
    pub seeds: u64,
    /// Runs one seed.
    pub run: Box<dyn Fn(u64, Traced) -> Verdict + Send + Sync>,
}

/// What the runs of a case showed.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub runs: u64,
    pub caught: u64,
    pub first_seed: Option<u64>,
    /// Runs per class of fault.
    pub classes: BTreeMap<String, u64>,
}

impl Found {
    fn note(&mut self, seed: u64, verdict: &Verdict) {
        self.runs += 1;
        if verdict.faults.is_empty() {
            return;
        }
        self.caught += 1;
        self.first_seed = Some(self.first_seed.map_or(seed, |first| first.min(seed)));
        let mut classes: Vec<&str> =
            verdict.faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        classes.sort_unstable();
        classes.dedup();
        for class in classes {
            *self.classes.entry(class.to_owned()).or_default() += 1;
        }
    }

    fn add(&mut self, other: Found) {
        self.runs += other.runs;
        self.caught += other.caught;
        self.first_seed = self.first_seed.into_iter().chain(other.first_seed).min();
        for (class, runs) in other.classes {
            *self.classes.entry(class).or_default() += runs;
        }
    }
}

/// Runs every case until its rule was caught a few times; the cases share the cores.
pub fn ablate(cases: &[Case]) -> Vec<Found> {
    let found = Mutex::new(vec![Found::default(); cases.len()]);
    on_all_cores(cases.len(), |at| {
        let mut one = Found::default();
        for seed in 0..cases[at].seeds {
            one.note(seed, &(cases[at].run)(seed, Traced::No));
            if one.caught >= CATCHES {
                break;
            }
        }
        found.lock().expect("no case panics with the list in hand")[at] = one;
    });
    found.into_inner().expect("no case panics with the list in hand")
}

/// Runs every seed of one case, on all cores.
pub fn sweep(case: &Case) -> Found {
    const CHUNK: u64 = 100;
    let found = Mutex::new(Found::default());
    on_all_cores(case.seeds.div_ceil(CHUNK) as usize, |chunk| {
        let start = chunk as u64 * CHUNK;
        let mut one = Found::default();
        for seed in start..(start + CHUNK).min(case.seeds) {
            one.note(seed, &(case.run)(seed, Traced::No));
        }
        found.lock().expect("no case panics with the list in hand").add(one);
    });
    found.into_inner().expect("no case panics with the list in hand")
}

fn on_all_cores(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    work(at);
                }
            });
        }
    });
}

/// Runs a seed of a case again and writes its trace; returns where.
pub fn write_trace(case: &Case, seed: u64) -> PathBuf {
    let verdict = (case.run)(seed, Traced::Yes);
    let file = format!("{} {seed}.txt", case.name).replace([' ', ',', '(', ')'], "-");
    let mut text = verdict.trace.join("\n");
    for fault in &verdict.faults {
        let _infallible = write!(text, "\nat the end: {fault}");
    }
    write_file(&file, &text)
}

/// Writes a file beside the test's binary; returns where.
pub fn write_file(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("simulator");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the target folder can be written");
    path
}

/// Returns the results as a table.
pub fn table(cases: &[Case], found: &[Found]) -> String {
    let mut text = String::from(
        "rule taken away                                  runs  caught  first seed  what was wrong, in how many runs\n",
    );
    for (case, found) in cases.iter().zip(found) {
        let classes: Vec<String> =
            found.classes.iter().map(|(class, runs)| format!("{class} {runs}")).collect();
        let first = found.first_seed.map_or("-".to_owned(), |seed| seed.to_string());
        let _infallible = writeln!(
            text,
            "{:45} {:7} {:7}  {first:>10}  {}",
            case.name,
            found.runs,
            found.caught,
            classes.join(", ")
        );
    }
    text
}
