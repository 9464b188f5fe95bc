//! What the engine costs from end to end, printed as Markdown. Nothing here asserts a time: `ops/docs/performance.md` holds figures and
//! aims side by side.
//!
//! | file | measures |
//! |---|---|
//! | `cost` | processor time per durable event, and where it goes |
//! | `memory` | bytes per live customer |
//! | `shell` | an actor per customer against a plain map of the same rows |
//! | `restart` | from SIGKILL to the first decision |
//! | `latency` | from an event to its decision at half load |
//! | `triggers` | a thousand live triggers against three |
//! | `scoring` | rows scored per second of a core, beside PyTorch (`peer.py`) |
//! | `predicting` | what prediction costs a running engine, adds to the way of an event, and does when the model is too slow |
//!
//! `world` is the engine that they run, `events` what it is fed, `book` its triggers, `tap` sees decisions leave, `predictor` has the shipped models, `machine` what they ran on. Every part runs in a
//! process of its own, so that no part pays for what another left in memory.

mod machine;

mod book;
mod events;
mod tap;
mod world;

mod cost;
mod latency;
mod memory;
mod restart;
mod shell;
mod triggers;

mod predicting;
mod predictor;
mod scoring;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Parser;

/// Measures what the engine costs.
#[derive(Debug, Parser)]
struct Options {
    /// A tenth of the events.
    #[arg(long)]
    quick: bool,
    /// One measurement: cost, memory, shell, restart, latency, triggers, scoring, prediction, load or slow.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// A Python that can import torch, to score the same weights beside the engine; `ops/bench --peer torch` gives one.
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// One part of a measurement, in this process.
    #[arg(long, hide = true)]
    part: Option<String>,
    /// Data directory of a part that shares it with another.
    #[arg(long, hide = true)]
    dir: Option<PathBuf>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A measurement: a table whose rows its parts print.
struct Measurement {
    name: &'static str,
    head: &'static str,
    parts: &'static [Part],
}

/// A part of a measurement.
struct Part {
    name: &'static str,
    run: fn(&Given) -> Result<()>,
    /// Only run by another part.
    is_inner: bool,
}

/// What a part is given.
struct Given {
    /// How many times fewer events than in a whole run.
    less: u64,
    dir: Option<PathBuf>,
    peer: Option<PathBuf>,
}

const MEASUREMENTS: [&Measurement; 10] = [
    &cost::COST,
    &memory::MEMORY,
    &shell::SHELL,
    &restart::RESTART,
    &latency::LATENCY,
    &triggers::TRIGGERS,
    &scoring::SCORING,
    &predicting::PREDICTION,
    &predicting::LOAD,
    &predicting::SLOW,
];

impl Part {
    const fn new(name: &'static str, run: fn(&Given) -> Result<()>) -> Self {
        Self { name, run, is_inner: false }
    }

    const fn inner(name: &'static str, run: fn(&Given) -> Result<()>) -> Self {
        Self { name, run, is_inner: true }
    }
}

impl Given {
    /// Returns how many of `whole` are to be done.
    fn of(&self, whole: u64) -> u64 {
        whole / self.less
    }

    /// Returns the command that runs a part in a process of its own.
    fn command(&self, part: &str) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe().context("find the benchmark itself")?);
        command.args(["--part", part]).args((self.less > 1).then_some("--quick"));
        if let Some(python) = &self.peer {
            command.arg("--peer").arg(python);
        }
        Ok(command)
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let given = Given { less: if options.quick { 10 } else { 1 }, dir: options.dir, peer: options.peer };
    if let Some(name) = &options.part {
        let mut parts = MEASUREMENTS.iter().flat_map(|measurement| measurement.parts);
        let part =
            parts.find(|part| part.name == name).with_context(|| format!("there is no part {name}"))?;
        return (part.run)(&given);
    }
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    if !MEASUREMENTS.iter().any(|measurement| wanted(measurement.name)) {
        let names: Vec<&str> = MEASUREMENTS.iter().map(|measurement| measurement.name).collect();
        bail!("there is no such measurement; there are {}", names.join(", "));
    }
    println!("{}", machine::describe());
    for measurement in MEASUREMENTS.iter().filter(|measurement| wanted(measurement.name)) {
        println!("\n{}", measurement.head);
        for part in measurement.parts.iter().filter(|part| !part.is_inner) {
            let status = given.command(part.name)?.status().context("start a part")?;
            if !status.success() {
                bail!("part {} failed: {status}", part.name);
            }
        }
    }
    Ok(())
}
