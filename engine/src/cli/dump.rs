//! `care dump`: everything that a data folder holds, to compare two runs by.

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::{DataDir, Outcome, Overrides, look};
use crate::app::OpenWorld;

/// Options of `care dump`.
#[derive(Debug, Args)]
#[command(after_help = "\
Two runs over the same events print the same lines, in whatever order: positions, and ids that are made of them, are replaced by what
they stand for.")]
pub struct Arguments {
    #[command(flatten)]
    data: DataDir,
}

/// Runs the command.
pub fn run(arguments: &Arguments, overrides: Overrides, out: &mut dyn Write) -> Result<Outcome> {
    let settings = overrides.data(&arguments.data).load()?.settings;
    look(&settings, async |world: &OpenWorld| crate::dump::dump(&world.ports, &mut *out).await)?;
    Ok(Outcome::Good)
}
