//! `care check-config`: checks settings and triggers, all faults at once, and prints what is in force.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, TriggerDir, out};
use crate::settings::{self, Effective, Loaded};
use crate::{app, triggers};

/// Options of `care check-config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care check-config --triggers engine/triggers
  CARE__POLICY__ZONE=Europe/Berlin care check-config | grep zone

All faults of the settings are told at once; without any, all of the triggers.
Exit status 1 when there is a fault.")]
pub struct Arguments {
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
}

#[derive(Serialize)]
struct InForce<'a> {
    settings: &'a BTreeMap<String, Effective>,
    triggers: Vec<Named<'a>>,
}

/// The answer for machines when there is a fault.
#[derive(Serialize)]
struct Faulty {
    faults: Vec<String>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    version: u32,
    description: &'a str,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    match (check(arguments, set, output, out), output) {
        (Err(error), Output::Json) => {
            let settings = error.downcast_ref().map(|settings::Faults(faults)| each(faults));
            let triggers = error.downcast_ref().map(|triggers::Faults(faults)| each(faults));
            let Some(faults) = settings.or(triggers) else { return Err(error) };
            out::json(&Faulty { faults }, out)?;
            Ok(Outcome::Bad)
        }
        (checked, Output::Json | Output::Text) => checked,
    }
}

fn each(faults: &[impl ToString]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn check(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let loaded = set.folders(&arguments.data, &arguments.triggers).load()?;
    let book = app::rulebook(&loaded.settings)?;
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
