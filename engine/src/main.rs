//! The `care` binary: reads the command line, runs one command, tells how it ended.
//!
//! A command is a file in `cli/`. Those that need the engine build it in `app.rs`: settings → rulebook and ports (log, store,
//! predictor, channels, clock) → node. Whatever fails ends here, with the whole chain of causes on one line.

use std::process::ExitCode;

use clap::Parser;
use engine::cli::{self, Cli, Outcome};
use engine::words::printable;

pub(crate) fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        // Whoever reads our output has seen enough, as `care customer 42 | head -n 3` does.
        Err(error) if cli::reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("care: {}", printable(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
