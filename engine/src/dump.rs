//! Everything the engine knows, as lines of JSON that two runs over the same events can be compared by.
//!
//! Positions, ids made of them and write timestamps differ from run to run, because what the engine appends itself falls between the
//! events as time has it. So records are named by what they are (an event by its message id), and what only says how far a row has
//! come is told as a claim: everything applied, nothing waiting, timer covered by the index. It reads the ports, and changes nothing.

mod names;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::Write;

use actors::port::Ports;
use actors::port::store::{LedgerEntry, LedgerState, Row, TIMER_SLOT_MS};
use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::customer::{Customer, Outgoing};
use schemas::decision::Decision;
use schemas::ids::{CustomerId, PartitionId};
use schemas::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use names::Names;

/// Rows, decisions and ledger entries of one read.
const PAGE: usize = 1_000;

/// Customers whose decisions and ledger entries are read at once.
const READS: usize = 64;

/// Decisions or ledger entries of one customer that are read.
const OF_ONE_CUSTOMER_MAX: usize = 100_000;

/// Parts of a row that tell how a run went, not what it came to.
const OF_THE_RUN: [&str; 7] = ["high_water", "heard", "clock", "indexed", "outbox", "asking", "rare"];

/// Parts of a decision or outreach that are made of positions.
const MADE_OF_POSITIONS: [&str; 1] = ["id"];

/// Writes one line per customer, decision and outreach, customers in the order of their ids within their partition.
pub async fn dump(ports: &Ports, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let mut names = Names::new(ports);
    for partition in (0..ports.source.partitions()).map(PartitionId) {
        let (mut index, mut from) = (Index::new(ports, partition), None);
        loop {
            let page = ports.store.scan_rows(partition, from, PAGE).await.context("failed to read rows")?;
            // Many at once: a store on servers would be waited for twice per customer.
            let mut known = stream::iter(&page.rows).map(|row| known(ports, row)).buffered(READS);
            while let Some(known) = known.try_next().await? {
                write_customer(ports, (&mut names, &mut index), known, out).await?;
            }
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
    }
    Ok(())
}

/// What the store knows of one customer.
struct Known {
    customer: Customer,
    decisions: Vec<Decision>,
    ledger: Vec<LedgerEntry>,
}

async fn known(ports: &Ports, row: &Row) -> Result<Known> {
    let customer = Customer::decode(&row.state)
        .with_context(|| format!("failed to read the row of {}", row.customer))?;
    let (id, max) = (row.customer.clone(), OF_ONE_CUSTOMER_MAX);
    let decisions = ports.store.read_decisions(id.clone(), None, max).await;
    let decisions = decisions.context("failed to read decisions")?;
    let ledger = ports.store.scan_ledger(Some(id), max).await.context("failed to read the ledger")?;
    Ok(Known { customer, decisions, ledger })
}

async fn write_customer(
    ports: &Ports,
    (names, index): (&mut Names, &mut Index<'_>),
    Known { customer, decisions, ledger }: Known,
    out: &mut (impl Write + ?Sized),
) -> Result<()> {
    let mut line = state(&customer)?;
    line["timer_covered"] = json!(index.covers(&customer).await?);
    line["applied_all"] = json!(names.last_of(customer.id()).await? <= customer.high_water());
    line["left_all"] = json!(has_left(names, &customer, &decisions, ports).await?);
    write_named(names, "customer", line, out).await?;
    for decision in &decisions {
        write_named(names, "decision", of_decision(decision)?, out).await?;
    }
    for entry in &ledger {
        write_named(names, "ledger", of_entry(entry)?, out).await?;
    }
    Ok(())
}

/// Returns true when everything in the row's outbox is where it was to go. Entries stay there until a confirmation has begun after
/// that, so a run that is killed in between leaves some, and the customer's next life clears them.
async fn has_left(
    names: &mut Names,
    customer: &Customer,
    decisions: &[Decision],
    ports: &Ports,
) -> Result<bool> {
    for entry in customer.outbox() {
        let left = match &entry.body {
            Outgoing::Decision(decision) => decisions.iter().any(|known| known.id == decision.id),
            Outgoing::Outreach(outreach) => {
                let (origin, id) = (outreach.slot.origin.clone(), outreach.id);
                let known = ports.store.read_ledger(origin, id).await.context("failed to read the ledger")?;
                known.is_some_and(|known| known.outreach.attempt >= outreach.attempt)
            }
            Outgoing::Relay { to, message } => names.has_heard(to, &message.sender).await?,
            Outgoing::Turn(turn) => {
                let known = ports.store.read_turns(turn.customer.clone(), turn.number, 1).await;
                known.context("failed to read turns")?.iter().any(|known| known.id == turn.id)
            }
            Outgoing::Forgotten { below, .. } => {
                let known = ports.store.read_turns(customer.id().clone(), 0, 1).await;
                known.context("failed to read turns")?.iter().all(|known| known.number >= *below)
            }
        };
        if !left {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns what a row says of its customer.
fn state(customer: &Customer) -> Result<Value> {
    let mut value = as_value(customer)?;
    remove(&mut value, &OF_THE_RUN);
    let mut merged: Vec<&str> = customer.merged().iter().map(CustomerId::as_str).collect();
    merged.sort_unstable();
    value["alias_of"] = json!(customer.alias_of());
    value["merged"] = json!(merged);
    value["erased"] = json!(customer.is_tombstone());
    value["next_due"] = json!(customer.next_due());
    value["open_scores"] = json!(customer.pending_asks().len());
    if let Some(Value::Array(sends)) = value.pointer_mut("/triggers/sends") {
        sends.iter_mut().for_each(|send| remove(send, &MADE_OF_POSITIONS));
    }
    Ok(value)
}

/// The timer index of one partition, each slot read once: thousands of customers may share one.
struct Index<'a> {
    ports: &'a Ports,
    partition: PartitionId,
    slots: HashMap<i64, HashSet<(CustomerId, Timestamp)>>,
}

impl<'a> Index<'a> {
    fn new(ports: &'a Ports, partition: PartitionId) -> Self {
        Self { ports, partition, slots: HashMap::new() }
    }

    /// Returns true when an entry wakes the customer no later than its next timer is due (invariant I8).
    async fn covers(&mut self, customer: &Customer) -> Result<bool> {
        let Some(due) = customer.next_due() else { return Ok(true) };
        let Some(entry) = customer.indexed_until() else { return Ok(false) };
        let slot = entry.0.div_euclid(TIMER_SLOT_MS);
        let wake_ups = match self.slots.entry(slot) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(free) => {
                let read = self.ports.store.scan_wake_ups(self.partition, slot, slot + 1).await;
                let read = read.context("failed to read the timer index")?;
                free.insert(read.into_iter().map(|one| (one.customer, one.due)).collect())
            }
        };
        Ok(entry <= due && wake_ups.contains(&(customer.id().clone(), entry)))
    }
}

fn of_decision(decision: &Decision) -> Result<Value> {
    let mut value = as_value(decision)?;
    remove(&mut value, &MADE_OF_POSITIONS);
    Ok(value)
}

fn of_entry(entry: &LedgerEntry) -> Result<Value> {
    let mut outreach = as_value(&entry.outreach)?;
    remove(&mut outreach, &MADE_OF_POSITIONS);
    let (stage, status) = match &entry.state {
        LedgerState::Reserved => ("reserved", Value::Null),
        LedgerState::Calling => ("calling", Value::Null),
        LedgerState::Returned(status) => ("returned", json!(status)),
        LedgerState::Done(status) => ("done", json!(status)),
    };
    Ok(json!({ "outreach": outreach, "stage": stage, "status": status }))
}

/// Returns a value as JSON, by way of its text: a number of more than 64 bits, as hashes are, is no error there but loses its last digits.
pub(crate) fn as_value(value: &impl Serialize) -> Result<Value> {
    let text = serde_json::to_vec(value).context("failed to write as JSON")?;
    serde_json::from_slice(&text).context("failed to read JSON")
}

fn remove(value: &mut Value, keys: &[&str]) {
    if let Value::Object(fields) = value {
        fields.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

/// Writes a line, with every position in it replaced by the name of its record.
async fn write_named(
    names: &mut Names,
    kind: &str,
    mut value: Value,
    out: &mut (impl Write + ?Sized),
) -> Result<()> {
    names.name_slots(&mut value).await?;
    writeln!(out, "{}", json!({ kind: value })).context("failed to write")
}
