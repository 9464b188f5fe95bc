//! `care version`: which engine this is, and what it reads.

use std::io::Write;

use anyhow::Result;
use schemas::customer::codec::CODEC_VERSION;
use serde::Serialize;

use super::out;
use super::{Outcome, Output};
use crate::embedded::directory::FORMAT;

#[derive(Serialize)]
struct Version {
    version: &'static str,
    build: &'static str,
    platform: String,
    /// Newest data folder that it reads.
    data_format: u32,
    /// Version of the customer rows that it writes.
    row_codec: u8,
}

/// Prints version and build.
pub fn run(output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        build: if cfg!(debug_assertions) { "debug" } else { "release" },
        platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        data_format: FORMAT,
        row_codec: CODEC_VERSION,
    };
    match output {
        Output::Json => out::json(&version, out)?,
        Output::Text => {
            writeln!(out, "care {} ({} build, {})", version.version, version.build, version.platform)?;
            writeln!(
                out,
                "data format {}, customer rows of version {}",
                version.data_format, version.row_codec
            )?;
        }
    }
    Ok(Outcome::Good)
}
