//! Answers for machines.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

/// Writes one value as a line of JSON.
pub fn json(value: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(writeln!(out)?)
}
