//! `care backup`: copies the data folder as it is at one instant, also while an engine works in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::port::clock::Clock;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use super::bar::Bar;
use super::{DataDir, Outcome, Output, Overrides, out};
use crate::backup::control;
use crate::backup::manifest::{Kind, Manifest};
use crate::clock::SystemClock;
use crate::embedded::{self, Database, directory};
use crate::settings::{Settings, World};
use crate::words::Instant;

/// Options of `care backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care backup /backups/monday --data-dir data
  care restore /backups/monday --data-dir data-again

The folder is made. An engine that works in the data folder goes on meanwhile:
it is asked for the backup, and all of it is of one instant between two of its
commits. Of a shop on Kafka and CQL the servers' own tools make the backup;
ops/docs/backup.md says in which order, and what a restored shop does.")]
pub struct Arguments {
    /// Folder that does not exist yet, or is empty
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    data: DataDir,
}

/// What was taken, and how long that took.
#[derive(Debug, Serialize)]
pub(super) struct Taken {
    /// What the backup says of itself.
    pub(super) manifest: Manifest,
    /// An engine was at work meanwhile.
    pub(super) while_running: bool,
    /// Units: seconds.
    pub(super) took_s: f64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let taken = take(&settings, &arguments.to, Kind::Backup, output)?;
    match output {
        Output::Json => out::json(&taken, out)?,
        Output::Text => taken.print(&settings.data.dir, &arguments.to, out)?,
    }
    Ok(Outcome::Good)
}

/// Takes a backup, or has it taken by the engine that works in the folder; an export is of a shop that is stopped.
pub(super) fn take(settings: &Settings, to: &Path, kind: Kind, output: Output) -> Result<Taken> {
    let data = &settings.data.dir;
    if settings.world() != Ok(World::Embedded) {
        bail!(
            "the shop of these settings is on kafka + cql: the servers' own tools copy it, ops/docs/backup.md says in which order"
        );
    }
    if !directory::exists(data) {
        bail!("there is no data in {}: --data-dir names another folder", data.display());
    }
    let to = std::path::absolute(to).with_context(|| format!("failed to find {}", to.display()))?;
    let (bar, begun) = (Bar::new("backup", output), SystemClock.boot());
    let bounds = embedded::Settings { partitions: settings.log.partitions, ..embedded::Settings::default() };
    let (manifest, while_running) = match Database::open(data, &bounds, Arc::new(SystemClock)) {
        Ok(database) => (database.back_up(&to, kind, &mut |step| bar.at(step))?, false),
        Err(embedded::Error::Directory(in_use @ directory::Error::InUse { .. })) => match kind {
            Kind::Backup => (control::ask(data, &to, &mut |step| bar.at(step))?, true),
            Kind::Export => return Err(in_use.into()),
        },
        Err(error) => return Err(error.into()),
    };
    bar.finish();
    Ok(Taken { manifest, while_running, took_s: (SystemClock.boot() - begun).as_secs_f64() })
}

impl Taken {
    pub(super) fn print(&self, data: &Path, to: &Path, out: &mut dyn Write) -> Result<()> {
        let Self { manifest, while_running, took_s } = self;
        let meanwhile = if *while_running { " while the engine went on" } else { "" };
        writeln!(out, "{} is in {}, checked by checksums in its manifest", data.display(), to.display())?;
        writeln!(
            out,
            "  {} customers in {} partitions, {:.1} MB in {} files, taken in {took_s:.2} s{meanwhile}",
            manifest.customers,
            manifest.partitions.len(),
            manifest.bytes() as f64 / 1e6,
            manifest.files.len()
        )?;
        writeln!(
            out,
            "  recovery point: log time {}; {} records behind the confirmed positions are in it",
            Instant(manifest.log_time),
            manifest.unconfirmed()
        )?;
        Ok(writeln!(out, "  not in it: trigger files and settings, which are yours")?)
    }
}
