//! `care openapi`: the document of the HTTP server.

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::{Outcome, Output, out};
use crate::http::document;

/// Options of `care openapi`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care openapi > openapi.json

OpenAPI 3.1, as a running engine serves it at /openapi.json: every route, who may
use it, what it takes and answers.")]
pub struct Arguments {}

/// Prints the document.
pub fn run(_: &Arguments, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    match output {
        Output::Json => out::json(document(), out)?,
        Output::Text => writeln!(out, "{}", serde_json::to_string_pretty(document())?)?,
    }
    Ok(Outcome::Good)
}
