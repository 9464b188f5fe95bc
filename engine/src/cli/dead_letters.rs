//! `care dead-letters`: records that could not be handled, and why.

use std::collections::BTreeMap;
use std::io::Write;

use actors::dead_letter::DeadLetter;
use actors::port::Ports;
use actors::port::log::{self, Topic};
use anyhow::{Context, Result};
use clap::Args;
use schemas::ids::{PartitionId, Position};
use schemas::record::RecordKind;
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, out, wait_for};
use crate::app::Opened;
use crate::words::Instant;

/// Records of one fetch.
const FETCH_MAX: usize = 1_000;

/// Options of `care dead-letters`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care dead-letters --data-dir data --limit 5
  care dead-letters --data-dir data --json

A dead letter keeps the record whole; nothing is lost by it. Rows of a replayed
file that are no events are not here: the replay counts them and shows examples.")]
pub struct Arguments {
    #[command(flatten)]
    data: DataDir,
    /// Letters shown, the newest ones
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

/// What the topic holds.
#[derive(Debug, Default, Serialize)]
struct Letters {
    total: u64,
    reasons: BTreeMap<String, u64>,
    /// The newest ones, oldest first.
    letters: Vec<DeadLetter>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let opened = Opened::for_reading(&settings)?;
    let found = wait_for(async { read(&opened.ports, arguments.limit).await })?;
    match output {
        Output::Json => out::json(&found, out)?,
        Output::Text => print(&found, out)?,
    }
    Ok(Outcome::Good)
}

async fn read(ports: &Ports, limit: usize) -> Result<Letters> {
    let mut found = Letters::default();
    for partition in (0..ports.source.partitions()).map(PartitionId) {
        read_partition(ports, partition, limit, &mut found)
            .await
            .context("failed to read the dead letters")?;
    }
    found.letters.sort_by_key(|letter| (letter.stamp, letter.partition.0, letter.position));
    let surplus = found.letters.len().saturating_sub(limit);
    found.letters.drain(..surplus);
    Ok(found)
}

async fn read_partition(
    ports: &Ports,
    partition: PartitionId,
    limit: usize,
    found: &mut Letters,
) -> Result<()> {
    let end = ports.source.end(Topic::DeadLetter, partition).await?;
    let mut newest = std::collections::VecDeque::new();
    let mut from = Position::default();
    while from < end {
        let fetched = match ports.source.fetch(Topic::DeadLetter, partition, from, FETCH_MAX).await {
            Err(log::Error::OutOfRange { start, .. }) if start > from => {
                from = start;
                continue;
            }
            fetched => fetched?,
        };
        for record in fetched.records.iter().filter(|record| record.kind == RecordKind::DeadLetter) {
            let letter: DeadLetter = serde_json::from_slice(&record.body).with_context(|| {
                format!("failed to understand letter {} of partition {}", record.position, partition.0)
            })?;
            found.total += 1;
            *found.reasons.entry(letter.reason.clone()).or_default() += 1;
            newest.push_back(letter);
            if newest.len() > limit {
                newest.pop_front();
            }
        }
        from = fetched.next;
    }
    found.letters.extend(newest);
    Ok(())
}

fn print(found: &Letters, out: &mut dyn Write) -> Result<()> {
    if found.total == 0 {
        return Ok(writeln!(out, "no dead letters: every record could be handled")?);
    }
    let reasons: Vec<String> = found.reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    writeln!(out, "{} dead letters: {}", found.total, reasons.join(", "))?;
    if found.total > found.letters.len() as u64 {
        writeln!(out, "the newest {} (--limit shows more)", found.letters.len())?;
    }
    for letter in &found.letters {
        let DeadLetter { topic, partition, position, stamp, key, reason, message, build, body, .. } = letter;
        writeln!(out, "\n{}  {reason}: {message}", Instant(*stamp))?;
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
