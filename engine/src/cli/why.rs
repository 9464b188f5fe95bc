//! `care why ID TRIGGER`: why a trigger did or did not reach a customer, condition by condition.

use std::io::Write;

use actors::port::store::LedgerEntry;
use anyhow::{Result, bail};
use clap::Args;
use schemas::decision::Decision;
use schemas::rulebook::Rulebook;
use schemas::score::ScoreSource;
use schemas::trigger::describe;
use serde_json::{Value, json};

use super::suggest::find_or_suggest;
use super::{DataDir, Outcome, Output, Overrides, TriggerDir, look, out};
use crate::app::{self, OpenWorld};
use crate::dump::as_value;
use crate::known::{Why, state_of};
use crate::words::{Instant, Seen, meaning};

/// Options of `care why`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care why shopper-1 cart-idle --data-dir data
  care why anon:visitor-4 good-customer-gone-silent --data-dir data --json

Every proposal ends in one recorded decision, sent or not: each condition with
the value it saw, the scores with their model, and the gate that refused. Without
a decision it tells what the trigger still waits for.")]
pub struct Arguments {
    /// Customer id
    #[arg(value_name = "ID")]
    id: String,
    /// Name of the trigger
    #[arg(value_name = "TRIGGER")]
    trigger: String,
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    triggers: TriggerDir,
    /// Decisions shown, the newest ones
    #[arg(long, default_value_t = 3, value_name = "N")]
    limit: usize,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.folders(&arguments.data, &arguments.triggers).load()?.settings;
    let book = app::rulebook(&settings)?;
    let why = look(&settings, async |world: &OpenWorld| read(world, &book, arguments).await)?;
    match output {
        Output::Json => out::json(&json_of(&why, &arguments.trigger)?, out)?,
        Output::Text => print(&why, &arguments.trigger, out)?,
    }
    Ok(Outcome::Good)
}

async fn read(world: &OpenWorld, book: &Rulebook, arguments: &Arguments) -> Result<Why> {
    let found = find_or_suggest(&world.ports, &arguments.id).await?;
    let asked = (arguments.trigger.as_str(), arguments.limit);
    let why = Why::read(&world.ports.store, (found, asked), (book, world.now())).await?;
    why.map_or_else(|| unknown(book, &arguments.trigger), Ok)
}

/// Tells that there is no such trigger, and which there are.
fn unknown<T>(book: &Rulebook, name: &str) -> Result<T> {
    let names: Vec<&str> = book.triggers.iter().map(|trigger| trigger.name.as_str()).collect();
    let nearest = names.iter().min_by_key(|known| strsim::osa_distance(known, name));
    match nearest {
        Some(nearest) => bail!(
            "there is no trigger {name}; nearest is {nearest}. In force are {}; --triggers names another folder",
            names.join(", ")
        ),
        None => {
            bail!("there is no trigger {name}: none is in force; --triggers names a folder of trigger files")
        }
    }
}

fn json_of(why: &Why, trigger: &str) -> Result<Value> {
    let mut decisions = Vec::with_capacity(why.decisions.len());
    for (decision, entry) in &why.decisions {
        let mut value = as_value(decision)?;
        value["outreach"] = json!(entry.as_ref().map(state_of));
        decisions.push(value);
    }
    Ok(json!({
        "customer": why.found.customer.id(),
        "asked_as": why.found.alias,
        "trigger": trigger,
        "decisions": decisions,
        "notes": why.notes,
        "conditions_now": why.now,
        "words": why.trigger.as_ref().map(describe),
    }))
}

fn print(why: &Why, trigger: &str, out: &mut dyn Write) -> Result<()> {
    let id = why.found.customer.id();
    writeln!(out, "{trigger} for {id}")?;
    if let Some(alias) = &why.found.alias {
        writeln!(out, "  ({alias} is an alias of {id})")?;
    }
    for (decision, entry) in &why.decisions {
        writeln!(out)?;
        print_decision(decision, entry.as_ref(), out)?;
    }
    if !why.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &why.notes {
        writeln!(out, "  {note}")?;
    }
    for condition in &why.now {
        writeln!(out, "  {}", Seen(condition))?;
    }
    if let Some(trigger) = &why.trigger {
        writeln!(out, "\nwhat it does")?;
        describe(trigger).lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    Ok(())
}

fn print_decision(decision: &Decision, entry: Option<&LedgerEntry>, out: &mut dyn Write) -> Result<()> {
    let key = if decision.key.is_empty() { String::new() } else { format!("  {}", decision.key) };
    let verdict = decision.verdict.as_str();
    writeln!(out, "{}  {verdict}{key}: {}", Instant(decision.at), meaning(decision.reason))?;
    for condition in &decision.conditions {
        writeln!(out, "  {}", Seen(condition))?;
    }
    for (head, score) in &decision.scores {
        let source = match score.source {
            ScoreSource::Model => format!("model {}", score.model),
            ScoreSource::Fallback => "the prior, as no answer came in time".to_owned(),
        };
        writeln!(out, "  score {} {:.3}, {source}, asked {}", head.as_str(), score.value, Instant(score.at))?;
    }
    if decision.due != decision.at {
        writeln!(out, "  due {}", Instant(decision.due))?;
    }
    if !decision.opened_by.is_empty() {
        writeln!(out, "  opened by message {}", decision.opened_by)?;
    }
    if decision.propensity < 1.0 {
        writeln!(out, "  chosen with probability {}", decision.propensity)?;
    }
    if let Some(entry) = entry {
        writeln!(out, "  outreach by {}: {}", entry.outreach.channel, state_of(entry))?;
    }
    writeln!(out, "  version {} of the trigger, decision {}", decision.version, decision.id)?;
    Ok(())
}
