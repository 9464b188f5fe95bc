//! `care import`: moves an exported shop into an empty store and log.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::port::clock::Clock;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use super::bar::Bar;
use super::{DataDir, Outcome, Output, Overrides, out, wait_for};
use crate::app;
use crate::backup::import::{self, Report, Target};
use crate::backup::manifest::{Kind, Manifest};
use crate::backup::restore;
use crate::clock::SystemClock;
use crate::embedded::{self, Database};
use crate::log::embedded::EmbeddedLog;
use crate::predict::MODELS_FOLDER;
use crate::settings::{Settings, World};
use crate::store::embedded::EmbeddedStore;

/// Options of `care import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care import /moves/shop --data-dir elsewhere
  care import /moves/shop --config kafka-and-cql.toml

The number of partitions may be another. An import that was cut off leaves the
target unusable, and says so: make it anew and import again. The same export a
second time changes nothing.")]
pub struct Arguments {
    /// What `care export` wrote
    #[arg(value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    data: DataDir,
}

/// What was imported, and how long that took.
#[derive(Debug, Serialize)]
struct Imported {
    #[serde(flatten)]
    report: Report,
    partitions: u32,
    /// Units: seconds.
    took_s: f64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let begun = SystemClock.boot();
    let bar = Bar::new("check", output);
    let manifest = restore::verify(&arguments.from, &mut |step| bar.at(step))?;
    bar.finish();
    if manifest.kind == Kind::Backup {
        bail!(
            "{} is a backup, behind which its shop went on: `care restore` makes a data folder of it, of which `care export` makes what can be imported",
            arguments.from.display()
        );
    }
    let bar = Bar::new("import", output);
    let moving = async {
        let target = match settings.world() {
            Ok(World::Embedded) => new_folder(&manifest, &settings).await?,
            Ok(World::Servers) => app::import_target(&settings, import::log_of(&manifest)?).await?,
            Err(reason) => bail!("store.kind: {reason}"),
        };
        Ok(import::import(&arguments.from, &manifest, &target, &mut |step| bar.at(step)).await?)
    };
    let report = wait_for(moving)?;
    bar.finish();
    copy_models(&arguments.from, &manifest, &settings.data.dir)?;
    let took_s = (SystemClock.boot() - begun).as_secs_f64();
    let imported = Imported { report, partitions: settings.log.partitions, took_s };
    match output {
        Output::Json => out::json(&imported, out)?,
        Output::Text => imported.print(out)?,
    }
    Ok(Outcome::Good)
}

/// Makes the data folder that a shop is moved to.
async fn new_folder(manifest: &Manifest, settings: &Settings) -> Result<Target> {
    let bounds = embedded::Settings { partitions: settings.log.partitions, ..embedded::Settings::default() };
    let database = Database::open(&settings.data.dir, &bounds, Arc::new(SystemClock));
    let database = database.context("failed to open the data")?;
    let store = Arc::new(EmbeddedStore::new(&database));
    let log = Arc::new(EmbeddedLog::new(&database));
    if !database.has_records() {
        database.begin_log(import::log_of(manifest)?).await.map_err(crate::backup::Error::from)?;
    }
    Ok(Target { store, source: log.clone(), sink: log.clone(), embedded: Some(log) })
}

fn copy_models(from: &Path, manifest: &Manifest, data: &Path) -> Result<()> {
    for entry in manifest.files.iter().filter(|entry| entry.path.starts_with(MODELS_FOLDER)) {
        let to = data.join(&entry.path);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("failed to make {}", folder.display()))?;
        }
        std::fs::copy(from.join(&entry.path), &to)
            .with_context(|| format!("failed to write {}", to.display()))?;
    }
    Ok(())
}

impl Imported {
    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let Self { report, partitions, took_s } = self;
        if report.already {
            return Ok(writeln!(out, "this export is there already; nothing was changed")?);
        }
        let Report { customers, ledger, decisions, links, wake_ups, events, outreach, dead_letters, .. } =
            report;
        writeln!(out, "imported into {partitions} partitions in {took_s:.2} s")?;
        writeln!(out, "  {customers} customers, {decisions} decisions, {ledger} outreach in the ledger")?;
        writeln!(out, "  {wake_ups} wake-ups, {links} links, {dead_letters} dead letters")?;
        Ok(writeln!(out, "  {events} records that no row had applied, {outreach} outreach on its way")?)
    }
}
