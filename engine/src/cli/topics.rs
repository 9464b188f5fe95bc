//! `care topics`: makes the topics on Kafka, holds them against the settings, and shows where they stand.

use std::io::Write;
use std::sync::Arc;

use actors::metrics::Metrics;
use actors::port::log::{LogSource, Topic};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use schemas::ids::PartitionId;
use serde::Serialize;

use super::{Outcome, Output, Overrides, out, wait_for};
use crate::clock::SystemClock;
use crate::log::kafka::topics::{self, Made, Shown};
use crate::log::kafka::{Error, KafkaLog, Stamps};
use crate::settings::Settings;

/// Options of `care topics`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care topics create --config care.toml
  care topics verify --config care.toml
  care topics show --config care.toml --json

Where the brokers are, and how the topics are to be, stands in the sections kafka
and log of the settings. The partition count (log.partitions) is fixed for the
life of the topics, since the customer's hash chooses the partition.
Exit status 1 when the topics are not as they must be.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes the topics that are missing; those that are there are looked at and left as they are
    Create {
        /// For `care replay` alone: records keep the time of the file, and nothing is taken by age
        #[arg(long)]
        for_replay: bool,
    },
    /// Holds the topics against the settings, all faults at once
    Verify {
        /// Topics that were made for a replay
        #[arg(long)]
        for_replay: bool,
    },
    /// Shows the topics with their settings, where their partitions end, and how far the group has come
    Show,
}

/// The answer for machines when the topics are not as they must be.
#[derive(Serialize)]
struct Faulty {
    faults: Vec<String>,
}

/// The answer for machines when they are.
#[derive(Serialize)]
struct Good {
    created: Vec<String>,
}

#[derive(Serialize)]
struct Standing {
    topics: Vec<Shown>,
    partitions: Vec<Partition>,
}

/// One partition as the group reads it.
#[derive(Serialize)]
struct Partition {
    partition: u32,
    events_end: u64,
    events_committed: u64,
    outreach_end: u64,
    outreach_committed: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.load()?.settings;
    let done = match arguments.action {
        Action::Create { for_replay } => create(&settings, stamps(for_replay), output, out),
        Action::Verify { for_replay } => verify(&settings, stamps(for_replay), output, out),
        Action::Show => show(&settings, output, out),
    };
    match done {
        Err(error) if output == Output::Json => match error.downcast::<Error>()? {
            Error::Topics(faults) => {
                out::json(&Faulty { faults }, out)?;
                Ok(Outcome::Bad)
            }
            error => Err(error.into()),
        },
        done => done,
    }
}

fn stamps(for_replay: bool) -> Stamps {
    if for_replay { Stamps::Asked } else { Stamps::Appended }
}

fn create(settings: &Settings, stamps: Stamps, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let made = topics::create(&settings.kafka, settings.log.partitions, stamps)?;
    match output {
        Output::Json => {
            let created = made.into_iter().filter(|one| one.created).map(|one| one.name).collect();
            out::json(&Good { created }, out)?;
        }
        Output::Text => {
            for Made { name, created } in made {
                let what = if created { "made" } else { "there already, as it must be" };
                writeln!(out, "{name}: {what}")?;
            }
        }
    }
    Ok(Outcome::Good)
}

fn verify(settings: &Settings, stamps: Stamps, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    topics::verify(&settings.kafka, settings.log.partitions, stamps)?;
    match output {
        Output::Json => out::json(&Good { created: Vec::new() }, out)?,
        Output::Text => writeln!(out, "the topics are as they must be")?,
    }
    Ok(Outcome::Good)
}

fn show(settings: &Settings, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let topics = topics::show(&settings.kafka)?;
    let partitions = match topics.iter().map(|topic| topic.partitions).min() {
        None | Some(0) => Vec::new(),
        Some(count) => standing(settings, count)?,
    };
    let standing = Standing { topics, partitions };
    match output {
        Output::Json => out::json(&standing, out)?,
        Output::Text => print(&standing, out)?,
    }
    Ok(Outcome::Good)
}

fn standing(settings: &Settings, partitions: u32) -> Result<Vec<Partition>> {
    let log = KafkaLog::look(&settings.kafka, partitions, Arc::new(SystemClock), &Metrics::new())?;
    wait_for(async {
        let mut shown = Vec::new();
        for partition in (0..partitions).map(PartitionId) {
            let one = Partition {
                partition: partition.0,
                events_end: log.end(Topic::Events, partition).await.context("read where a partition ends")?.0,
                events_committed: log.committed(Topic::Events, partition).await?.position.0,
                outreach_end: log.end(Topic::Outreach, partition).await?.0,
                outreach_committed: log.committed(Topic::Outreach, partition).await?.position.0,
            };
            shown.push(one);
        }
        log.leave().await;
        Ok(shown)
    })
}

fn print(standing: &Standing, out: &mut dyn Write) -> Result<()> {
    for Shown { name, partitions, replication, settings } in &standing.topics {
        match partitions {
            0 => writeln!(out, "{name}: not there; `care topics create` makes it")?,
            _ => writeln!(out, "{name}: {partitions} partitions, {replication} copies of each")?,
        }
        for (key, value) in settings {
            writeln!(out, "  {key} = {value}")?;
        }
    }
    if !standing.partitions.is_empty() {
        writeln!(out, "\npartition  events: committed of end  outreach: committed of end")?;
    }
    for one in &standing.partitions {
        let events = format!("{} of {}", one.events_committed, one.events_end);
        let outreach = format!("{} of {}", one.outreach_committed, one.outreach_end);
        writeln!(out, "{:>9}  {events:<24}  {outreach}", one.partition)?;
    }
    Ok(())
}
