//! `care channels`: what delivers outreach, and webhooks that are disabled opened again.

use std::io::Write;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use schemas::time::Timestamp;
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, out};
use crate::outreach::Kind;
use crate::outreach::webhook::gate;
use crate::settings::Settings;
use crate::words::Instant;

/// Options of `care channels`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care channels list --data-dir data
  care channels enable shop --data-dir data

Channels are sections of the settings. A webhook that answered 410 is disabled,
which is kept in the data folder, until it is enabled here or its url is changed;
a running engine looks again within a second. Each of several engines has its
data folder, and is told by itself.
Exit status of list: 1 when a channel is disabled.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the channels that triggers can name, and how they stand
    List {
        #[command(flatten)]
        data: DataDir,
    },
    /// Opens a webhook again that is disabled since it answered 410
    Enable {
        /// Name of the channel
        #[arg(value_name = "NAME")]
        channel: String,
        #[command(flatten)]
        data: DataDir,
    },
}

/// What is told of a channel.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    name: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    /// Since when it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_since_ms: Option<i64>,
}

/// What `enable` did.
#[derive(Debug, Serialize)]
struct Enabled<'a> {
    channel: &'a str,
    was_disabled: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let (Command::List { data } | Command::Enable { data, .. }) = &arguments.command;
    let settings = set.data(data).load()?.settings;
    match &arguments.command {
        Command::List { .. } => list(&settings, output, out),
        Command::Enable { channel, .. } => enable(&settings, channel, output, out),
    }
}

fn list(settings: &Settings, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let mut shown = Vec::new();
    for (name, of) in &settings.channels {
        let url = Some(of.url.as_str()).filter(|url| of.kind == Kind::Webhook && !url.is_empty());
        let path = gate::file(&settings.data.dir, name);
        let disabled = url.map(|url| gate::read(&path, url)).transpose();
        let disabled = disabled.with_context(|| format!("failed to read {}", path.display()))?.flatten();
        let disabled_since_ms = disabled.map(|disabled| disabled.since_ms.0);
        shown.push(Shown { name, kind: of.kind.as_str(), url, disabled_since_ms });
    }
    match output {
        Output::Json => out::json(&shown, out)?,
        Output::Text => print(&shown, out)?,
    }
    let is_good = shown.iter().all(|one| one.disabled_since_ms.is_none());
    Ok(if is_good { Outcome::Good } else { Outcome::Bad })
}

fn print(shown: &[Shown<'_>], out: &mut dyn Write) -> Result<()> {
    for Shown { name, kind, url, disabled_since_ms } in shown {
        match url {
            Some(url) => writeln!(out, "{name:<16} {kind}  {url}")?,
            None => writeln!(out, "{name:<16} {kind}")?,
        }
        if let Some(since) = disabled_since_ms {
            let since = Instant(Timestamp(*since));
            writeln!(
                out,
                "  disabled: it answered 410 at {since}; `care channels enable {name}` opens it again"
            )?;
        }
    }
    Ok(())
}

fn enable(settings: &Settings, channel: &str, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    match settings.channels.get(channel) {
        None => {
            let known: Vec<&str> = settings.channels.keys().map(String::as_str).collect();
            bail!("there is no channel {channel:?}; the settings have {}", known.join(", "));
        }
        Some(of) if of.kind != Kind::Webhook => {
            bail!("channel {channel} is of kind {}: only webhooks are ever disabled", of.kind.as_str());
        }
        Some(_) => {}
    }
    let path = gate::file(&settings.data.dir, channel);
    let was_disabled =
        gate::open(&path).with_context(|| format!("failed to take away {}", path.display()))?;
    match (output, was_disabled) {
        (Output::Json, _) => out::json(&Enabled { channel, was_disabled }, out)?,
        (Output::Text, true) => {
            writeln!(out, "channel {channel} is open again: a running engine sees it within a second")?;
        }
        (Output::Text, false) => writeln!(out, "channel {channel} was not disabled")?,
    }
    Ok(Outcome::Good)
}
