//! `care export`: the shop of a stopped engine, to be moved into another store by `care import`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::backup::{self, Taken};
use super::{DataDir, Outcome, Output, Overrides, TriggerDir, out};
use crate::backup::manifest::Kind;

/// Options of `care export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care export /moves/shop --data-dir data
  care import /moves/shop --data-dir elsewhere

The engine has to be stopped, and must not be started on the old folder again:
from then on two shops would send. Nothing has to be settled before: records that
were not applied, outreach on its way, timers and open scores move with it.")]
pub struct Arguments {
    /// Folder that does not exist yet, or is empty
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
}

/// What was exported.
#[derive(Debug, Serialize)]
struct Exported {
    #[serde(flatten)]
    taken: Taken,
    /// Trigger files that the shop runs with, which are not in it.
    triggers: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.folders(&arguments.data, &arguments.triggers).load()?.settings;
    let taken = backup::take(&settings, &arguments.to, Kind::Export, output)?;
    let triggers = names(&settings.triggers.dir);
    let exported = Exported { taken, triggers };
    match output {
        Output::Json => out::json(&exported, out)?,
        Output::Text => {
            exported.taken.print(&settings.data.dir, &arguments.to, out)?;
            if !exported.triggers.is_empty() {
                let (dir, names) = (settings.triggers.dir.display(), exported.triggers.join(", "));
                writeln!(out, "  start the new shop with the same triggers: {names} of {dir}")?;
            }
            writeln!(out, "  do not start an engine on {} again", settings.data.dir.display())?;
        }
    }
    Ok(Outcome::Good)
}

/// Returns the names of the files of a folder.
fn names(folder: &std::path::Path) -> Vec<String> {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}
