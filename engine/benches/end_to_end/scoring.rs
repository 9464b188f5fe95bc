//! Rows that a core scores per second, by the shipped models, at several sizes of batch; with `--peer` beside PyTorch on the same weights
//! in the same run.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::clock::process_cpu;
use engine::model::Artefact;
use schemas::feature::TABLE;

use crate::{Given, Measurement, Part};

/// The table of rows per second.
pub const SCORING: Measurement = Measurement {
    name: "scoring",
    head: "### Rows scored per second of one core\n\n\
        Processor time of the whole process, medians of rounds that take turns with the peer's. The engine's begins with features and ends \
        with probabilities; the peer's begins with normalised rows in a tensor.\n\n\
        | model | rows per batch | µs per batch | µs per row | rows/s | PyTorch eager: µs per row | rows/s | engine against it |\n\
        |---|---|---|---|---|---|---|---|",
    parts: &[Part::new("scoring", scoring)],
};

const BATCHES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Measurements of each batch; the median counts.
const ROUNDS: usize = 5;

/// Processor time that one takes.
const SPENT: Duration = Duration::from_millis(300);

fn scoring(given: &Given) -> Result<()> {
    tch::set_num_threads(1);
    for folder in shipped()? {
        let model = Artefact::load(&folder).with_context(|| format!("load {}", folder.display()))?;
        let mut peer = given.peer.as_deref().map(|python| Peer::start(python, &folder)).transpose()?;
        let rows = rows(*BATCHES.iter().max().expect("sizes"));
        for batch in BATCHES {
            let batch_rows: Vec<&[f32]> = rows[..batch].iter().map(Vec::as_slice).collect();
            let (mut ours, mut peers) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                ours.push(measure(&model, &batch_rows, given.of(SPENT.as_micros() as u64)));
                peers.extend(peer.as_mut().map(|peer| peer.measure(batch)).transpose()?);
            }
            print(
                model.manifest().head.as_str(),
                batch,
                median(ours),
                (!peers.is_empty()).then(|| median(peers)),
            );
        }
        if let Some(peer) = peer {
            peer.stop()?;
        }
    }
    Ok(())
}

/// Returns the folders of the models that are shipped.
pub fn shipped() -> Result<Vec<PathBuf>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let entries = std::fs::read_dir(&models).with_context(|| format!("read {}", models.display()))?;
    let mut folders: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    folders.retain(|folder| folder.join("model.json").exists());
    folders.sort();
    Ok(folders)
}

/// Returns rows of features from a seed. What they say does not matter to the time.
fn rows(count: usize) -> Vec<Vec<f32>> {
    let mut random = 2_026_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / 1e5
    };
    (0..count).map(|_| TABLE.iter().map(|_| next()).collect()).collect()
}

/// Returns processor time per batch. Units: microseconds.
fn measure(model: &Artefact, rows: &[&[f32]], spent_us: u64) -> f64 {
    let spent = Duration::from_micros(spent_us);
    std::hint::black_box(model.score(rows));
    let (begin, mut calls) = (process_cpu(), 0_u32);
    loop {
        for _ in 0..20 {
            std::hint::black_box(model.score(std::hint::black_box(rows)));
        }
        calls += 20;
        let used = process_cpu() - begin;
        if used >= spent {
            return used.as_secs_f64() * 1e6 / f64::from(calls);
        }
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn print(head: &str, batch: usize, ours: f64, peer: Option<f64>) {
    let rows = batch as f64;
    let beside = peer.map_or_else(
        || "– | – | –".to_owned(),
        |peer| format!("{:.2} | {:.0} | {:.2} ×", peer / rows, rows * 1e6 / peer, peer / ours),
    );
    println!(
        "| {head} | {batch} | {ours:.1} | **{:.2}** | **{:.0}** | {beside} |",
        ours / rows,
        rows * 1e6 / ours
    );
}

/// `peer.py` with a model, which waits to be asked.
struct Peer {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, model: &Path) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/end_to_end/peer.py");
        let mut command = Command::new(python);
        command.arg("-B").arg(script).arg(model).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("start the peer")?;
        let questions = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Ok(Self { process, questions, answers })
    }

    /// Returns the peer's processor time per batch. Units: microseconds.
    fn measure(&mut self, batch: usize) -> Result<f64> {
        writeln!(self.questions, "{batch}").context("ask the peer")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("hear the peer")?;
        answer.trim().parse().context("the peer ended without an answer")
    }

    fn stop(self) -> Result<()> {
        let Self { mut process, questions, .. } = self;
        drop(questions);
        let status = process.wait().context("wait for the peer")?;
        if !status.success() {
            bail!("the peer failed: {status}");
        }
        Ok(())
    }
}
