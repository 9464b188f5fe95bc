//! `care restore`: makes a data folder of a backup.

use std::io::Write;
use std::path::PathBuf;

use actors::port::agreement::Doubtful;
use actors::port::clock::Clock;
use anyhow::{Result, bail};
use clap::Args;
use schemas::ids::LogId;
use schemas::time::Timestamp;
use serde::Serialize;

use super::bar::Bar;
use super::{DataDir, Outcome, Output, Overrides, out};
use crate::backup::manifest::Manifest;
use crate::backup::restore::{self, Request};
use crate::clock::SystemClock;
use crate::embedded::directory;
use crate::words::Instant;

/// Options of `care restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care restore /backups/monday --data-dir data-again
  care restore /backups/monday --data-dir data-again --sent-until 2026-11-25T08:00:00Z

What the shop did behind the backup is lost, and much of it happens again: its
source tells the same events, timers that were due fire. So that nobody gets the
same twice, outreach decided up to --sent-until is withheld with reason
`restored`, unless its channel takes an id once and the backup knew the instance.
ops/docs/backup.md says what that means for each kind of channel.")]
pub struct Arguments {
    /// The backup
    #[arg(value_name = "DIR")]
    backup: PathBuf,
    #[command(flatten)]
    data: DataDir,
    /// Log time at which the lost shop did its last [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    sent_until: Option<Timestamp>,
    /// Send also what may have been sent before
    #[arg(long)]
    send_doubtful: bool,
}

/// What was restored, and how long that took.
#[derive(Debug, Serialize)]
struct Restored {
    manifest: Manifest,
    /// The log that the shop goes on in.
    log: LogId,
    sent_until: Timestamp,
    doubtful: Doubtful,
    /// Units: seconds.
    verified_s: f64,
    /// Units: seconds.
    took_s: f64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let data = set.data(&arguments.data).load()?.settings.data.dir;
    if directory::exists(&data) {
        bail!(
            "there is data in {} already: --data-dir names a folder that does not exist yet",
            data.display()
        );
    }
    let begun = SystemClock.boot();
    let since = || (SystemClock.boot() - begun).as_secs_f64();
    let bar = Bar::new("check", output);
    let manifest = restore::verify(&arguments.backup, &mut |step| bar.at(step))?;
    bar.finish();
    let verified_s = since();
    let until = arguments.sent_until.unwrap_or_else(|| SystemClock.now());
    let doubtful = if arguments.send_doubtful { Doubtful::Sent } else { Doubtful::Withheld };
    let request = Request { backup: &arguments.backup, data: &data, until, doubtful };
    let bar = Bar::new("restore", output);
    let log = restore::restore(&request, &manifest, &mut |step| bar.at(step))?;
    bar.finish();
    let restored = Restored { manifest, log, sent_until: until, doubtful, verified_s, took_s: since() };
    match output {
        Output::Json => out::json(&restored, out)?,
        Output::Text => {
            writeln!(out, "{} is the shop of {}", data.display(), arguments.backup.display())?;
            restored.print(out)?;
        }
    }
    Ok(Outcome::Good)
}

impl Restored {
    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let Self { manifest, sent_until, verified_s, took_s, .. } = self;
        writeln!(
            out,
            "  {} customers, {:.1} MB; checked in {verified_s:.2} s, restored in {took_s:.2} s",
            manifest.customers,
            manifest.bytes() as f64 / 1e6
        )?;
        writeln!(
            out,
            "  recovery point: log time {}; tell it what came later, e.g. with `care replay`, before anything else",
            Instant(manifest.log_time)
        )?;
        let fence = match self.doubtful {
            Doubtful::Withheld => {
                "is withheld, unless its channel takes an id once and the backup knew the instance"
            }
            Doubtful::Sent => "is sent, whether or not it was before",
        };
        Ok(writeln!(out, "  outreach decided up to {} {fence}", Instant(*sent_until))?)
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let read = text.parse::<jiff::Timestamp>();
    read.map(|at| Timestamp(at.as_millisecond()))
        .map_err(|error| format!("{error}; legal is an instant like 2026-11-25T08:00:00Z"))
}
