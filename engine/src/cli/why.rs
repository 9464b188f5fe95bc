//! `care why ID TRIGGER`: why a trigger did or did not reach a customer, condition by condition.

use std::io::Write;

use actors::port::store::LedgerEntry;
use anyhow::{Context, Result, bail};
use clap::Args;
use schemas::customer::Customer;
use schemas::decision::{Decision, Evaluated, Verdict};
use schemas::ids::OutreachId;
use schemas::rulebook::Rulebook;
use schemas::score::ScoreSource;
use schemas::time::Timestamp;
use schemas::trigger::condition::Scene;
use schemas::trigger::spec::{Entry, EventPattern, Mode};
use schemas::trigger::{Trigger, describe};
use schemas::value::Properties;
use serde_json::{Value, json};

use super::customer::{stage, state_of};
use super::lookup::{self, Found};
use super::{DataDir, Outcome, Output, Overrides, TriggerDir, look, out};
use crate::app::{self, OpenWorld};
use crate::dump::as_value;
use crate::words::{Instant, Of, Seen, meaning};

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

/// What can be told.
struct Answer {
    found: Found,
    trigger: Option<Trigger>,
    /// Newest first, each with what became of its outreach.
    decisions: Vec<(Decision, Option<LedgerEntry>)>,
    /// Why there may be no decision, and what is open.
    notes: Vec<String>,
    /// What the entry's conditions see at the folder's log time, where they alone decide and nothing was decided yet.
    now: Vec<Evaluated>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.folders(&arguments.data, &arguments.triggers).load()?.settings;
    let book = app::rulebook(&settings)?;
    let answer = look(&settings, async |world: &OpenWorld| read(world, &book, arguments).await)?;
    match output {
        Output::Json => out::json(&answer.json(&arguments.trigger)?, out)?,
        Output::Text => answer.print(&arguments.trigger, out)?,
    }
    Ok(Outcome::Good)
}

async fn read(world: &OpenWorld, book: &Rulebook, arguments: &Arguments) -> Result<Answer> {
    let (store, name) = (&world.ports.store, &arguments.trigger);
    let found = lookup::find(&world.ports, &arguments.id).await?;
    let id = found.customer.id().clone();
    let read = store.read_decisions(id.clone(), Some(name.clone()), arguments.limit).await;
    let read = read.context("failed to read decisions")?;
    let trigger = book.triggers.get(name).cloned();
    if trigger.is_none() && read.is_empty() {
        return unknown(book, name);
    }
    let mut decisions = Vec::with_capacity(read.len());
    for decision in read {
        let entry = match decision.verdict {
            Verdict::Sent => store
                .read_ledger(decision.slot.origin.clone(), OutreachId::of(name, &decision.slot))
                .await
                .context("failed to read the ledger")?,
            Verdict::Withheld
            | Verdict::Deferred
            | Verdict::Suppressed
            | Verdict::Expired
            | Verdict::Failed => None,
        };
        decisions.push((decision, entry));
    }
    let notes = notes(&found.customer, name, trigger.as_ref(), decisions.is_empty());
    let undecided = trigger.as_ref().filter(|_| decisions.is_empty());
    let now = undecided.map(|trigger| entry_now(&found.customer, trigger, world.now()));
    Ok(Answer { now: now.unwrap_or_default(), found, trigger, decisions, notes })
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

/// Returns what is open, and what the trigger still waits for.
fn notes(customer: &Customer, name: &str, trigger: Option<&Trigger>, silent: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let open = customer.triggers().instances().iter().filter(|instance| instance.trigger == name);
    for instance in open {
        let key = Of(&instance.key);
        notes.push(format!("an instance{key}, entered {}, {}", Instant(instance.entered), stage(instance)));
    }
    let Some(trigger) = trigger else {
        notes.push("the trigger is not in force any more".to_owned());
        return notes;
    };
    match trigger.mode {
        Mode::Live => {}
        Mode::Shadow => notes.push("the trigger runs in shadow: it decides and sends nothing".to_owned()),
        Mode::Paused => notes.push("the trigger is paused: it opens nothing".to_owned()),
    }
    if silent {
        notes.push(never_proposed(customer, trigger, notes.is_empty()));
    }
    notes
}

/// Returns what the conditions see whose beginning or ceasing to hold enters a trigger.
fn entry_now(customer: &Customer, trigger: &Trigger, now: Timestamp) -> Vec<Evaluated> {
    let mut seen = Vec::new();
    if let Entry::Becomes(condition) | Entry::Ceases(condition) = &trigger.entry {
        let latches = customer.triggers().latches();
        condition.explain(
            Scene { profile: customer.profile(), now, facts: &Properties::default(), latches },
            &mut seen,
        );
    }
    seen
}

/// Tells why nothing was proposed yet.
fn never_proposed(customer: &Customer, trigger: &Trigger, nothing_open: bool) -> String {
    let profile = customer.profile();
    match &trigger.entry {
        Entry::Event(EventPattern { name, filter }) => {
            let seen = profile.total(name);
            if seen.n == 0 {
                return format!(
                    "never proposed: it is entered by {name:?}, and the customer had no such event"
                );
            }
            let times = if seen.n == 1 { "once".to_owned() } else { format!("{} times", seen.n) };
            let ends = if nothing_open { "no instance is open" } else { "its instance is not due yet" };
            let conditional = if *filter == schemas::trigger::spec::Condition::always() {
                String::new()
            } else {
                format!(", if {}", filter.text())
            };
            format!(
                "not decided yet: it is entered by {name:?}{conditional}, which came {times}; {ends}. An entry before the trigger was in force, or too late to act on, opens nothing"
            )
        }
        Entry::Crossing(crossing) => {
            let score = profile.score(crossing.head);
            let score = score.map_or("no score was ever asked for".to_owned(), |score| {
                format!("it is {:.2} now", score.value)
            });
            format!(
                "never proposed: it is entered when {} rises above {}; {score}",
                crossing.head.as_str(),
                crossing.rises_above
            )
        }
        Entry::Becomes(condition) => {
            format!("never proposed: it is entered when this begins to hold: {}", condition.text())
        }
        Entry::Ceases(condition) => {
            format!("never proposed: it is entered when this ceases to hold: {}", condition.text())
        }
    }
}

impl Answer {
    fn json(&self, trigger: &str) -> Result<Value> {
        let mut decisions = Vec::with_capacity(self.decisions.len());
        for (decision, entry) in &self.decisions {
            let mut value = as_value(decision)?;
            value["outreach"] = json!(entry.as_ref().map(state_of));
            decisions.push(value);
        }
        Ok(json!({
            "customer": self.found.customer.id(),
            "asked_as": self.found.alias,
            "trigger": trigger,
            "decisions": decisions,
            "notes": self.notes,
            "conditions_now": self.now,
            "words": self.trigger.as_ref().map(describe),
        }))
    }

    fn print(&self, trigger: &str, out: &mut dyn Write) -> Result<()> {
        let id = self.found.customer.id();
        writeln!(out, "{trigger} for {id}")?;
        if let Some(alias) = &self.found.alias {
            writeln!(out, "  ({alias} is an alias of {id})")?;
        }
        for (decision, entry) in &self.decisions {
            writeln!(out)?;
            print_decision(decision, entry.as_ref(), out)?;
        }
        if !self.notes.is_empty() {
            writeln!(out)?;
        }
        for note in &self.notes {
            writeln!(out, "  {note}")?;
        }
        for condition in &self.now {
            writeln!(out, "  {}", Seen(condition))?;
        }
        if let Some(trigger) = &self.trigger {
            writeln!(out, "\nwhat it does")?;
            describe(trigger).lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        }
        Ok(())
    }
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
