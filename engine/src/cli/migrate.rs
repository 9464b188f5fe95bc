//! `care migrate`: makes or updates the tables of the store on CQL servers.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{Outcome, Output, Overrides, out, wait_for};
use crate::store::cql::{self, Migrated, Mode};

/// Options of `care migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care migrate --dry-run
  CARE__CQL__NODES=10.0.0.1,10.0.0.2 CARE__CQL__KEYSPACE=shop care migrate

It can be run any number of times and by several at once: what is done is not done
again. The keyspace is made where it is missing and cql.username may make it. The
number of partitions (log.partitions) and of buckets (cql.buckets) are fixed by the
first run. A keyspace of a newer program is left alone.")]
pub struct Arguments {
    /// Tell what would be run and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// The answer for machines.
#[derive(Serialize)]
struct Told<'a> {
    dry_run: bool,
    #[serde(flatten)]
    migrated: &'a Migrated,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.load()?.settings;
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::Apply };
    let migrated = wait_for(async { Ok(cql::migrate(&settings.cql, settings.log.partitions, mode).await?) })?;
    match output {
        Output::Json => out::json(&Told { dry_run: arguments.dry_run, migrated: &migrated }, out)?,
        Output::Text => print(&migrated, mode, out)?,
    }
    Ok(Outcome::Good)
}

fn print(migrated: &Migrated, mode: Mode, out: &mut dyn Write) -> Result<()> {
    let Migrated { keyspace, from, to, steps, partitions, buckets } = migrated;
    for step in steps {
        match mode {
            Mode::Apply => writeln!(out, "version {}: {}, applied", step.version, step.name)?,
            Mode::DryRun => {
                writeln!(out, "-- version {}: {}", step.version, step.name)?;
                step.statements.iter().try_for_each(|statement| writeln!(out, "{statement};"))?;
            }
        }
    }
    let fixed = format!("{partitions} partitions of {buckets} buckets");
    match (mode, steps.is_empty()) {
        (_, true) => writeln!(out, "keyspace {keyspace} has schema version {to} already ({fixed})")?,
        (Mode::Apply, false) => {
            writeln!(out, "keyspace {keyspace} went from schema version {from} to {to} ({fixed})")?;
        }
        (Mode::DryRun, false) => {
            writeln!(out, "-- keyspace {keyspace} would go from schema version {from} to {to} ({fixed})")?;
        }
    }
    Ok(())
}
