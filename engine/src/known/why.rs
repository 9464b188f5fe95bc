//! Why a trigger did or did not reach a customer.

use std::sync::Arc;

use actors::port::store::{LedgerEntry, Store};
use anyhow::{Context, Result};
use schemas::customer::Customer;
use schemas::decision::{Decision, Evaluated, Verdict};
use schemas::ids::OutreachId;
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;
use schemas::trigger::Trigger;
use schemas::trigger::condition::Scene;
use schemas::trigger::spec::{Entry, EventPattern, Mode};
use schemas::value::Properties;

use super::{Found, stage};
use crate::words::{Instant, Of};

/// What can be told of a customer and a trigger.
pub struct Why {
    /// Whom.
    pub found: Found,
    /// The trigger, if it is in force.
    pub trigger: Option<Trigger>,
    /// Newest first, each with what became of its outreach.
    pub decisions: Vec<(Decision, Option<LedgerEntry>)>,
    /// Why there may be no decision, and what is open.
    pub notes: Vec<String>,
    /// What the entry's conditions see now, where they alone decide and nothing was decided yet.
    pub now: Vec<Evaluated>,
}

impl Why {
    /// Reads what can be told: `None` where no trigger of the name is in force, nor ever decided about the customer.
    ///
    /// Errors: the store does not answer.
    pub async fn read(
        store: &Arc<dyn Store>,
        (found, (name, limit)): (Found, (&str, usize)),
        (book, now): (&Rulebook, Timestamp),
    ) -> Result<Option<Self>> {
        let id = found.customer.id().clone();
        let read = store.read_decisions(id, Some(name.to_owned()), limit).await;
        let read = read.context("failed to read decisions")?;
        let trigger = book.triggers.get(name).cloned();
        if trigger.is_none() && read.is_empty() {
            return Ok(None);
        }
        let mut decisions = Vec::with_capacity(read.len());
        for decision in read {
            let entry = Self::sent(store, &decision).await?;
            decisions.push((decision, entry));
        }
        let notes = notes(&found.customer, name, trigger.as_ref(), decisions.is_empty());
        let undecided = trigger.as_ref().filter(|_| decisions.is_empty());
        let now = undecided.map(|trigger| entry_now(&found.customer, trigger, now)).unwrap_or_default();
        Ok(Some(Self { found, trigger, decisions, notes, now }))
    }

    /// Returns what the ledger holds of the outreach of a decision; nothing where none was sent.
    ///
    /// Errors: the store does not answer.
    pub async fn sent(store: &Arc<dyn Store>, decision: &Decision) -> Result<Option<LedgerEntry>> {
        match decision.verdict {
            Verdict::Sent => {
                let id = OutreachId::of(&decision.trigger, &decision.slot);
                let read = store.read_ledger(decision.slot.origin.clone(), id).await;
                read.context("failed to read the ledger")
            }
            Verdict::Withheld
            | Verdict::Deferred
            | Verdict::Suppressed
            | Verdict::Expired
            | Verdict::Failed => Ok(None),
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
