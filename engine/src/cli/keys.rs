//! `care keys`: makes, lists and revokes the keys of the front doors.

use std::io::Write;

use actors::port::clock::Clock;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{DataDir, Outcome, Output, Overrides, out};
use crate::clock::SystemClock;
use crate::keys::{Key, KeyFile, KeyName, Role};
use crate::words::Instant;

/// Options of `care keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care keys create --role ingest --name 'web shop' --data-dir data
  care keys list --data-dir data
  care keys revoke 'web shop' --data-dir data

The file of keys (http.keys, else keys.json in the data folder) holds hashes
alone: a key is shown once, when it is made. A running engine reads a changed
file within seconds.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key and prints it, this once
    Create {
        /// What its holder may do
        #[arg(long, value_enum, value_name = "ROLE")]
        role: Role,
        /// What people call it; no two keys have one name
        #[arg(long, value_name = "NAME")]
        name: KeyName,
        #[command(flatten)]
        data: DataDir,
    },
    /// Lists the keys by name; what is secret of them is not there to be listed
    List {
        #[command(flatten)]
        data: DataDir,
    },
    /// Takes a key out of force for ever
    Revoke {
        /// Name or id
        #[arg(value_name = "NAME-or-ID")]
        key: String,
        #[command(flatten)]
        data: DataDir,
    },
}

/// What is told of a key.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    role: Role,
    name: &'a KeyName,
    created_ms: i64,
    /// The key itself, when it was made now.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(key: &'a Key, secret: Option<&'a str>) -> Self {
        Self { id: &key.id, role: key.role, name: &key.name, created_ms: key.created_ms.0, key: secret }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let (Command::Create { data, .. } | Command::List { data } | Command::Revoke { data, .. }) =
        &arguments.command;
    let settings = set.data(data).load()?.settings;
    let file = settings.http.key_file(&settings.data.dir);
    match &arguments.command {
        Command::Create { role, name, .. } => create(&file, (*role, name), output, out)?,
        Command::List { .. } => list(&file, output, out)?,
        Command::Revoke { key, .. } => revoke(&file, key, output, out)?,
    }
    Ok(Outcome::Good)
}

fn create(file: &KeyFile, (role, name): (Role, &KeyName), output: Output, out: &mut dyn Write) -> Result<()> {
    let (key, secret) = file.create(role, name, SystemClock.now())?;
    match output {
        Output::Json => out::json(&Shown::of(&key, Some(secret.reveal())), out),
        Output::Text => {
            writeln!(out, "{}", secret.reveal())?;
            Ok(writeln!(
                out,
                "\nKey {} ({}, {}). It is shown this once: only its hash is kept, in {}.",
                key.name.as_str(),
                role.as_str(),
                key.id,
                file.path().display()
            )?)
        }
    }
}

fn list(file: &KeyFile, output: Output, out: &mut dyn Write) -> Result<()> {
    let keys = file.list()?;
    match output {
        Output::Json => {
            let shown: Vec<Shown<'_>> = keys.iter().map(|key| Shown::of(key, None)).collect();
            out::json(&shown, out)?;
        }
        Output::Text if keys.is_empty() => {
            writeln!(out, "no keys in {}: `care keys create` makes one", file.path().display())?;
        }
        Output::Text => {
            for key in &keys {
                let (role, name) = (key.role.as_str(), key.name.as_str());
                writeln!(out, "{}  {role:<9} made {}  {name}", key.id, Instant(key.created_ms))?;
            }
        }
    }
    Ok(())
}

fn revoke(file: &KeyFile, asked: &str, output: Output, out: &mut dyn Write) -> Result<()> {
    let key = file.revoke(asked)?;
    match output {
        Output::Json => out::json(&Shown::of(&key, None), out),
        Output::Text => Ok(writeln!(
            out,
            "key {} ({}) is revoked; a running engine refuses it within seconds",
            key.name.as_str(),
            key.id
        )?),
    }
}
