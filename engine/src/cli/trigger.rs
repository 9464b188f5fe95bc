//! `care trigger lint`: checks trigger files and says in plain words what they do.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use schemas::trigger::describe;
use serde::Serialize;

use super::{Outcome, Output, Overrides, out};
use crate::triggers::{self, Checked, Fault, File};

/// Options of `care trigger`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks trigger files and says in plain words what they do
    #[command(after_help = "\
Examples:
  care trigger lint engine/triggers/cart-idle.yaml
  care trigger lint engine/triggers --json

Each fault is told with file, line and column, and what would be legal.
Exit status 1 when there is one; warnings do not count.")]
    Lint {
        /// Trigger files (YAML or JSON), or folders of them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Serialize)]
struct Linted<'a> {
    file: &'a str,
    trigger: Option<&'a str>,
    words: Option<String>,
    faults: &'a [Fault],
    warnings: &'a [Fault],
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.load()?.settings;
    let Command::Lint { files: paths } = &arguments.command;
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in paths {
        match triggers::gather(path) {
            Ok(found) => files.extend(found),
            Err(faults) => unread.extend(faults.0),
        }
    }
    let checked = triggers::check(&files, settings.channels.keys().map(String::as_str));
    match output {
        Output::Text => print(&files, &checked, &unread, out)?,
        Output::Json => {
            let all: Vec<Linted<'_>> = linted(&files, &checked, &unread);
            out::json(&all, out)?;
        }
    }
    let good = unread.is_empty() && checked.iter().all(|one| one.faults.is_empty());
    Ok(if good { Outcome::Good } else { Outcome::Bad })
}

fn linted<'a>(files: &'a [File], checked: &'a [Checked], unread: &'a [Fault]) -> Vec<Linted<'a>> {
    let read = files.iter().zip(checked).map(|(file, one)| Linted {
        file: &file.name,
        trigger: one.trigger.as_ref().map(|trigger| trigger.name.as_str()),
        words: one.trigger.as_ref().map(describe),
        faults: &one.faults,
        warnings: &one.warnings,
    });
    let failed = unread.iter().map(|fault| Linted {
        file: &fault.file,
        trigger: None,
        words: None,
        faults: std::slice::from_ref(fault),
        warnings: &[],
    });
    read.chain(failed).collect()
}

fn print(files: &[File], checked: &[Checked], unread: &[Fault], out: &mut dyn Write) -> Result<()> {
    for (file, one) in files.iter().zip(checked) {
        for fault in &one.faults {
            writeln!(out, "{fault}")?;
        }
        for warning in &one.warnings {
            writeln!(out, "{warning} (warning)")?;
        }
        if let Some(trigger) = &one.trigger {
            writeln!(out, "{}: {} is in order\n", file.name, trigger.name)?;
            for line in describe(trigger).lines() {
                writeln!(out, "  {line}")?;
            }
            writeln!(out)?;
        }
    }
    for fault in unread {
        writeln!(out, "{fault}")?;
    }
    let faults = unread.len() + checked.iter().map(|one| one.faults.len()).sum::<usize>();
    if faults > 0 {
        writeln!(out, "{faults} fault{}", if faults == 1 { "" } else { "s" })?;
    }
    Ok(())
}
