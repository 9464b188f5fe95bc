//! `care dead-letters`: records that could not be handled and why, and another try for them.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use actors::dead_letter::DeadLetter;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schemas::ids::{PartitionId, Position};
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, look, out};
use crate::app::OpenWorld;
use crate::dead_letters::{self, Lying, Repeat, Retried};
use crate::words::{Count, Instant};

/// Options of `care dead-letters`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists dead letters, and why each is one
    List(List),
    /// Puts records back into care.events, each once however often it is asked for
    Replay(Replay),
}

/// Options of `care dead-letters list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care dead-letters list --data-dir data --limit 5
  care dead-letters list --data-dir data --json

A dead letter keeps the record whole; nothing is lost by it. Rows of a replayed
file that are no events are not here: the replay counts them and shows examples.")]
struct List {
    #[command(flatten)]
    data: DataDir,
    /// Letters shown, the newest ones
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

/// Options of `care dead-letters replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care dead-letters replay --reason bad_time --data-dir data
  care dead-letters replay --partition 3 --letter 17 --data-dir data
  care dead-letters replay --all --data-dir data --json

For records that a mended engine, or changed settings, can handle. A record goes
back with its key and its body, and gets a new place in the log and the time of
its return; what is refused again becomes a new letter, which is left alone but
with --again. A letter is tried once: the command can be repeated, also after it
was cut short.
Exit status 1 when a letter cannot be tried again.")]
struct Replay {
    #[command(flatten)]
    data: DataDir,
    /// Every letter that was not tried before
    #[arg(long, conflicts_with_all = ["reason", "letter"])]
    all: bool,
    /// Letters of this reason
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Letters of this partition
    #[arg(long, value_name = "P")]
    partition: Option<u32>,
    /// The letter at this place of the partition, as `list` shows it
    #[arg(long, value_name = "N", requires = "partition")]
    letter: Option<u64>,
    /// Also records that were tried and refused again before
    #[arg(long)]
    again: bool,
}

/// What is listed.
#[derive(Debug, Default, Serialize)]
struct Letters {
    total: u64,
    retried: u64,
    reasons: BTreeMap<String, u64>,
    /// The newest ones, oldest first.
    letters: Vec<Lying>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    match &arguments.command {
        None => list(&arguments.list, set, output, out),
        Some(Command::List(arguments)) => list(arguments, set, output, out),
        Some(Command::Replay(arguments)) => replay(arguments, set, output, out),
    }
}

fn list(arguments: &List, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let found = look(&settings, async |world: &OpenWorld| {
        let mut found = Letters::default();
        for partition in (0..world.ports.source.partitions()).map(PartitionId) {
            found.add(dead_letters::read(&world.ports, partition).await?.letters, arguments.limit);
        }
        Ok(found)
    })?;
    match output {
        Output::Json => out::json(&found, out)?,
        Output::Text => print(&found, out)?,
    }
    Ok(Outcome::Good)
}

impl Letters {
    /// Adds the letters of a partition, and keeps the newest.
    fn add(&mut self, letters: Vec<Lying>, limit: usize) {
        for lying in letters {
            self.total += 1;
            self.retried += u64::from(lying.retried);
            *self.reasons.entry(lying.letter.reason.clone()).or_default() += 1;
            self.letters.push(lying);
        }
        self.letters.sort_by_key(|lying| (lying.letter.stamp, lying.partition.0, lying.place));
        let surplus = self.letters.len().saturating_sub(limit);
        self.letters.drain(..surplus);
    }
}

fn print(found: &Letters, out: &mut dyn Write) -> Result<()> {
    if found.total == 0 {
        return Ok(writeln!(out, "no dead letters: every record could be handled")?);
    }
    let reasons: Vec<String> = found.reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    writeln!(out, "{} dead letters: {}", found.total, reasons.join(", "))?;
    if found.retried > 0 {
        writeln!(out, "{} of them were tried again", found.retried)?;
    }
    if found.total > found.letters.len() as u64 {
        writeln!(out, "the newest {} (--limit shows more)", found.letters.len())?;
    }
    for Lying { partition: of, place, retried, tries, letter } in &found.letters {
        let DeadLetter { topic, partition, position, stamp, key, reason, message, build, body, .. } = letter;
        let tried = if *retried { ", tried again" } else { "" };
        let refused = if *tries > 0 { ", refused again after a try" } else { "" };
        writeln!(out, "\n{}  {reason}: {message}", Instant(*stamp))?;
        writeln!(out, "  letter {place} of partition {}{refused}{tried}", of.0)?;
        writeln!(
            out,
            "  {topic} partition {} position {position}, key {key:?}, refused by care {build}",
            partition.0
        )?;
        let shown: String = body.chars().take(200).collect();
        let rest = if shown.len() < body.len() { " …" } else { "" };
        writeln!(out, "  {}{rest}", shown.escape_debug())?;
    }
    Ok(())
}

fn replay(arguments: &Replay, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    if !arguments.all && arguments.reason.is_none() && arguments.partition.is_none() {
        bail!(
            "which letters are to be tried again? --all, --reason REASON, --partition P, or --partition P --letter N"
        );
    }
    let settings = set.data(&arguments.data).load()?.settings;
    let retried = look(&settings, async |world: &OpenWorld| arguments.replay(world).await)?;
    match output {
        Output::Json => out::json(&retried, out)?,
        Output::Text => tell(&retried, out)?,
    }
    Ok(if retried.refused.is_empty() { Outcome::Good } else { Outcome::Bad })
}

impl Replay {
    async fn replay(&self, world: &OpenWorld) -> Result<Retried> {
        let partitions = world.ports.source.partitions();
        if let Some(partition) = self.partition.filter(|partition| *partition >= partitions) {
            bail!("there is no partition {partition}; legal: 0 to {}", partitions - 1);
        }
        let repeat = if self.again { Repeat::OnceMore } else { Repeat::Once };
        let mut sum = Retried::default();
        let mut wanted = 0;
        for partition in (0..partitions).filter(|one| self.partition.is_none_or(|of| of == *one)) {
            let letters = dead_letters::read(&world.ports, PartitionId(partition)).await?;
            let of_partition = letters.letters.iter().filter(|lying| self.wants(lying)).count() as u64;
            let bar = bar(partition, of_partition);
            let chosen = (|lying: &Lying| self.wants(lying), repeat);
            sum.add(dead_letters::retry(&world.ports, &letters, chosen, |done| bar.inc(done)).await?);
            bar.finish_and_clear();
            wanted += of_partition;
        }
        match (wanted, self.letter) {
            (0, Some(letter)) => {
                bail!("there is no such letter {letter}: `care dead-letters list` shows their places")
            }
            (0 | 1.., _) => Ok(sum),
        }
    }

    fn wants(&self, lying: &Lying) -> bool {
        self.reason.as_ref().is_none_or(|reason| *reason == lying.letter.reason)
            && self.letter.is_none_or(|letter| Position(letter) == lying.place)
    }
}

/// Returns the progress of a partition; a hidden bar where nobody looks.
fn bar(partition: u32, letters: u64) -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{prefix}  {bar:30} {pos} of {len} letters  {eta} to go");
    ProgressBar::with_draw_target(Some(letters), target)
        .with_style(style.expect("the template is a constant"))
        .with_prefix(format!("partition {partition}"))
}

fn tell(retried: &Retried, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{} put back into care.events", Count(retried.retried, "record"))?;
    if retried.before > 0 {
        writeln!(out, "{} had been put back before", retried.before)?;
    }
    if retried.repeated > 0 {
        writeln!(
            out,
            "{} left alone: tried before and refused again (--again tries them)",
            retried.repeated
        )?;
    }
    for (why, letters) in &retried.refused {
        writeln!(out, "{letters} cannot be tried again: {why}")?;
    }
    Ok(())
}
