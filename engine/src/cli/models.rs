//! `care models`: which trained models there are, which one answers for each head, and how that is changed.

mod show;

#[cfg(test)]
mod tests;

use std::io::Write;

use actors::port::clock::Clock;
use anyhow::Result;
use clap::{Args, Subcommand};
use schemas::score::Head;
use schemas::time::Timestamp;
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, out};
use crate::clock::SystemClock;
use crate::model::registry::{Known, Place, RULES};
use crate::model::{Choice, Manifest, Registry};
use crate::words::Instant;

/// Options of `care models`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the models of every head, and which one answers
    #[command(after_help = "\
Examples:
  care models list --data-dir data
  care models list churn --json

Every model is loaded whole; one that is refused is listed with the reason. Exit
status 1 when a model that is active is refused.")]
    List {
        /// Head [default: all]
        #[arg(value_name = "HEAD", value_parser = head)]
        head: Option<Head>,
        #[command(flatten)]
        data: DataDir,
    },
    /// Tells what is known of a model: what it reads, from what it was trained, how good it is
    #[command(after_help = "\
Examples:
  care models show churn --data-dir data
  care models show churn shop-2026-11 --data-dir data --json")]
    Show {
        /// Head
        #[arg(value_name = "HEAD", value_parser = head)]
        head: Head,
        /// Version [default: the active one]
        #[arg(value_name = "VERSION")]
        version: Option<String>,
        #[command(flatten)]
        data: DataDir,
    },
    /// Makes a model the one that answers; a running engine takes it within a second
    #[command(after_help = "\
Examples:
  care models activate churn shop-2026-11 --data-dir data
  care models activate churn rules --data-dir data

A model of one's own is a folder HEAD/VERSION in the folder of models, with
model.json and weights.safetensors. It is loaded whole and has to reproduce its
golden pair; what is refused changes nothing. The version `rules` stands for the
rule score.")]
    Activate {
        /// Head
        #[arg(value_name = "HEAD", value_parser = head)]
        head: Head,
        /// Version, or rules
        #[arg(value_name = "VERSION")]
        version: String,
        #[command(flatten)]
        data: DataDir,
    },
    /// Goes back to what answered before the last activation
    #[command(after_help = "\
Example:
  care models rollback churn --data-dir data

Each roll-back goes one activation further back, in the end to the model that
came with the engine, or to the rule score where there is none.")]
    Rollback {
        /// Head
        #[arg(value_name = "HEAD", value_parser = head)]
        head: Head,
        #[command(flatten)]
        data: DataDir,
    },
}

/// Reads the name of a head.
/// Reads the name of a head.
pub(super) fn head(text: &str) -> Result<Head, String> {
    let known = Head::ALL.into_iter().find(|head| head.as_str() == text);
    known.ok_or_else(|| format!("legal: {}", Head::NAMES.join(", ")))
}

/// What is listed of a head.
#[derive(Serialize)]
struct OfHead {
    head: Head,
    /// A version, or the word for the rule score.
    active: String,
    /// When it was chosen; none where nobody did.
    since: Option<Timestamp>,
    models: Vec<Line>,
}

/// What is listed of a model.
#[derive(Serialize)]
struct Line {
    version: String,
    place: Place,
    /// Why it cannot be activated.
    refused: Option<String>,
    manifest: Option<Manifest>,
}

/// What a change of the active model came to.
#[derive(Serialize)]
struct Changed {
    head: Head,
    before: String,
    active: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let (Command::List { data, .. }
    | Command::Show { data, .. }
    | Command::Activate { data, .. }
    | Command::Rollback { data, .. }) = &arguments.command;
    let settings = set.data(data).load()?.settings;
    let registry = settings.predictor.registry(&settings.data.dir);
    match &arguments.command {
        Command::List { head, .. } => list(&registry, *head, output, out),
        Command::Show { head, version, .. } => {
            let version = version.as_deref().map(Choice::of);
            let choice = version.map_or_else(|| registry.choice(*head), Ok)?;
            show::show(&registry, (*head, &choice), output, out)
        }
        Command::Activate { head, version, .. } => {
            let choice = Choice::of(version);
            let before = registry.activate(*head, &choice, SystemClock.now())?;
            tell(&changed(*head, &before, &choice), output, out)
        }
        Command::Rollback { head, .. } => {
            let (before, active) = registry.rollback(*head)?;
            tell(&changed(*head, &before, &active), output, out)
        }
    }
}

fn changed(head: Head, before: &Choice, active: &Choice) -> Changed {
    Changed { head, before: before.as_str().to_owned(), active: active.as_str().to_owned() }
}

fn tell(changed: &Changed, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let Changed { head, before, active } = changed;
    match output {
        Output::Json => out::json(changed, out)?,
        Output::Text if before == active => writeln!(out, "{} goes by {active} already", head.as_str())?,
        Output::Text => writeln!(
            out,
            "{} goes by {active} from now on, by {before} before; a running engine takes it within a second",
            head.as_str()
        )?,
    }
    Ok(Outcome::Good)
}

fn list(registry: &Registry, of: Option<Head>, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let heads = of.map_or(Head::ALL.to_vec(), |head| vec![head]);
    let listed = heads.into_iter().map(|head| listed(registry, head)).collect::<Result<Vec<_>>>()?;
    match output {
        Output::Json => out::json(&listed, out)?,
        Output::Text => listed.iter().try_for_each(|of| print(of, registry, out))?,
    }
    let is_good = |of: &OfHead| {
        let active = of.models.iter().find(|line| line.version == of.active);
        of.active == RULES || active.is_some_and(|line| line.refused.is_none())
    };
    Ok(if listed.iter().all(is_good) { Outcome::Good } else { Outcome::Bad })
}

fn listed(registry: &Registry, head: Head) -> Result<OfHead> {
    let line = |Known { version, place, loaded }| {
        let (refused, manifest) = match loaded {
            Ok(model) => (None, Some(model.manifest().clone())),
            Err(error) => (Some(format!("{:#}", anyhow::Error::from(error))), None),
        };
        Line { version: version.to_string(), place, refused, manifest }
    };
    let since = registry.history(head)?.last().map(|entry| entry.at_ms);
    let active = registry.choice(head)?.as_str().to_owned();
    Ok(OfHead { head, active, since, models: registry.list(head)?.into_iter().map(line).collect() })
}

fn print(of: &OfHead, registry: &Registry, out: &mut dyn Write) -> Result<()> {
    let since = of.since.map_or(String::new(), |at| format!(", chosen {}", Instant(at)));
    let by = if of.active == RULES { "the rule score" } else { &of.active };
    writeln!(out, "{:<18}goes by {by}{since}", of.head.as_str())?;
    for line in &of.models {
        let mark = if line.version == of.active { "*" } else { " " };
        let from = match line.place {
            Place::Shipped => "came with the engine".to_owned(),
            Place::Folder => format!("in {}", registry.folder(of.head).display()),
        };
        let worth = match (&line.refused, &line.manifest) {
            (Some(reason), _) => format!("refused: {reason}"),
            (None, Some(Manifest { metrics: Some(of), .. })) => {
                format!("auROC {:.3}, AP {:.3}, ECE {:.3}", of.auroc, of.auprc, of.ece)
            }
            (None, _) => "its maker does not say how good it is".to_owned(),
        };
        writeln!(out, "  {mark} {:<20} {from}; {worth}", line.version)?;
    }
    Ok(())
}
