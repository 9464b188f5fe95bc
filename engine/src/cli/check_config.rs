//! `care check-config`: checks settings and triggers, all faults at once, and prints what is in force.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, TriggerDir, out};
use crate::settings::{Effective, Loaded};
use crate::{app, outreach};

/// Options of `care check-config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care check-config --config shop.toml
  CARE__POLICY__ZONE=Europe/Berlin care check-config | grep zone

Exit status 1 when there is a fault.")]
pub struct Arguments {
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
}

#[derive(Serialize)]
struct InForce<'a> {
    settings: &'a std::collections::BTreeMap<String, Effective>,
    triggers: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    version: u32,
    description: &'a str,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let loaded = set.folders(&arguments.data, &arguments.triggers).load()?;
    let book = app::rulebook(&loaded.settings, &outreach::build(&loaded.settings.channels))?;
    let triggers = book.triggers.iter().map(|trigger| Named {
        name: &trigger.name,
        version: trigger.version,
        description: &trigger.description,
    });
    let in_force = InForce { settings: &loaded.effective, triggers: triggers.collect() };
    match output {
        Output::Json => out::json(&in_force, out)?,
        Output::Text => print(&in_force, &loaded, out)?,
    }
    Ok(Outcome::Good)
}

fn print(in_force: &InForce<'_>, loaded: &Loaded, out: &mut dyn Write) -> Result<()> {
    let shown: Vec<(String, String)> = in_force
        .settings
        .iter()
        .map(|(key, of)| (format!("{key} = {}", of.value), of.origin.to_string()))
        .collect();
    let width = shown.iter().map(|(text, _)| text.chars().count()).max().unwrap_or(0);
    for (text, origin) in shown {
        writeln!(out, "{text:<width$}  {origin}")?;
    }
    let dir = &loaded.settings.triggers.dir;
    let of = if dir.as_os_str().is_empty() { "the ready ones".to_owned() } else { dir.display().to_string() };
    writeln!(out, "\n{} triggers in force ({of})", in_force.triggers.len())?;
    for Named { name, version, description } in &in_force.triggers {
        writeln!(out, "  {name} v{version}  {description}")?;
    }
    Ok(())
}
