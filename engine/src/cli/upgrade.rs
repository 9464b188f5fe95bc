//! `care upgrade`: where the roll-out of a new row codec stands, and its end.

use std::io::Write;

use actors::port::clock::Clock;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::{DataDir, Outcome, Output, Overrides, out, wait_for};
use crate::app::OpenWorld;
use crate::clock::SystemClock;
use crate::settings::World;
use crate::upgrade::{Engines, Finalized, Standing, finalize};

/// Options of `care upgrade`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care upgrade status --data-dir data
  care upgrade finalize --data-dir data

A new engine reads and writes rows as the one before it does, so both may run side
by side and one may go back. When all engines are new and are to stay, `finalize`
has them write rows in the new version. From then on no older engine starts.")]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What is done.
#[derive(Debug, Subcommand)]
enum What {
    /// Shows which version rows are written in, and what running engines read
    Status {
        #[command(flatten)]
        data: DataDir,
    },
    /// Has rows written in the newest version that this engine knows; there is no way back
    Finalize {
        #[command(flatten)]
        data: DataDir,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let (What::Status { data } | What::Finalize { data }) = &arguments.what;
    let settings = set.data(data).load()?.settings;
    let engines = match settings.world() {
        // The data folder is held by this process: no engine is at work.
        Ok(World::Embedded) => Engines::None,
        Ok(World::Servers) | Err(_) => Engines::Unknown,
    };
    let asked = wait_for(async {
        let world = OpenWorld::to_look(&settings).await?;
        let (store, partitions) = (&*world.ports.store, world.ports.source.partitions());
        let now = SystemClock.now();
        let asked = match arguments.what {
            What::Status { .. } => Standing::read(store, partitions, engines, now).await.map(Asked::Shown),
            What::Finalize { .. } => finalize(store, partitions, engines, now).await.map(Asked::Finalized),
        };
        world.leave().await;
        asked.context("failed to read or change what the engines agreed on")
    })?;
    asked.tell(output, out)
}

/// What came of the command.
enum Asked {
    Shown(Standing),
    Finalized(Finalized),
}

impl Asked {
    fn tell(&self, output: Output, out: &mut dyn Write) -> Result<Outcome> {
        let (standing, outcome) = match self {
            Asked::Shown(standing) => (standing, Outcome::Good),
            Asked::Finalized(Finalized::Done(standing) | Finalized::Already(standing)) => {
                (standing, Outcome::Good)
            }
            Asked::Finalized(Finalized::OlderEngines(standing)) => (standing, Outcome::Bad),
        };
        match output {
            Output::Json => out::json(standing, out)?,
            Output::Text => self.print(standing, out)?,
        }
        Ok(outcome)
    }

    fn print(&self, standing: &Standing, out: &mut dyn Write) -> Result<()> {
        let Standing { written, known, .. } = standing;
        writeln!(
            out,
            "rows are written in version {written} of the codec; this engine knows up to version {known}"
        )?;
        for owned in &standing.owned {
            writeln!(
                out,
                "  partition {}: its owner reads up to version {}",
                owned.partition.0, owned.reads
            )?;
        }
        match self {
            Asked::Shown(_) if written < known => Ok(writeln!(
                out,
                "`care upgrade finalize` has rows written in version {known}: run it when every engine is new and is to stay"
            )?),
            Asked::Shown(_) => Ok(writeln!(out, "no roll-out is open")?),
            Asked::Finalized(Finalized::Done(_)) => Ok(writeln!(
                out,
                "done: engines follow within seconds, and no older engine starts from now on"
            )?),
            Asked::Finalized(Finalized::Already(_)) => Ok(writeln!(out, "nothing to do")?),
            Asked::Finalized(Finalized::OlderEngines(_)) => {
                let older: Vec<_> = standing.older().map(|owned| owned.partition.0.to_string()).collect();
                Ok(writeln!(
                    out,
                    "refused: the owners of partitions {} would not read it. Stop these engines, wait until their leases are over (30 s), and try again. An engine without a partition does not show here: look for those yourself",
                    older.join(", ")
                )?)
            }
        }
    }
}
