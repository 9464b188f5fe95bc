//! What is wrong at the end: every event counts once, with its customer, wherever it was appended.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::Customer;
use schemas::event::Border;
use schemas::ids::CustomerId;
use schemas::record::{self, Command, Input, RecordKind};

use crate::plain::row;
use crate::world::State;

/// Returns what is wrong, each with its class before the colon.
pub fn check(state: &State) -> Vec<String> {
    let (events, suppressed) = told(state);
    let rows: BTreeMap<&CustomerId, Customer> =
        state.rows.keys().filter_map(|id| Some((id, row(state, id)?))).collect();
    let mut faults = Vec::new();
    for (name, customer) in &events {
        let counted = |row: &Customer| row.profile().total(name).n;
        let everywhere: u64 = rows.values().map(counted).sum();
        match rows.get(customer).map_or(0, counted) {
            1 if everywhere == 1 => {}
            0 if everywhere == 0 => faults.push(format!("event lost: {name} of {customer}")),
            0 => faults.push(format!("event misplaced: {name} is not with {customer}")),
            _ => faults.push(format!("event doubled: {name}, {everywhere} times")),
        }
    }
    for (id, row) in &rows {
        match (row.profile().suppressed(), suppressed.contains(*id)) {
            (true, false) => faults.push(format!("suppressed by nobody: {id}")),
            (false, true) => faults.push(format!("suppression lost: {id}")),
            (true, true) | (false, false) => {}
        }
    }
    for id in suppressed.iter().filter(|id| !rows.contains_key(id)) {
        faults.push(format!("suppression lost: no row of {id}"));
    }
    if state.dead_letters > 0 {
        faults.push(format!("dead letter: {} of valid records", state.dead_letters));
    }
    faults
}

/// Returns whose each event is, by its name, and who was suppressed: read off what the shop appended, not what was relayed.
fn told(state: &State) -> (BTreeMap<String, CustomerId>, BTreeSet<CustomerId>) {
    let (mut events, mut suppressed) = (BTreeMap::new(), BTreeSet::new());
    let stored = state.partitions.iter().flat_map(|partition| &partition.log);
    for stored in stored.filter(|stored| stored.kind != RecordKind::Stray) {
        let record = record::decode(stored, &Border::default()).expect("the shop appends what can be read");
        let customer = record.customer(stored.key.clone());
        match record.input {
            Input::Event(event) => drop(events.insert(event.name.to_string(), customer)),
            Input::Command(Command::Suppress) => drop(suppressed.insert(customer)),
            Input::Command(Command::Erase | Command::Unsuppress)
            | Input::Relay(_)
            | Input::Outcome(_)
            | Input::Stray(_)
            | Input::Talk(_) => {}
        }
    }
    (events, suppressed)
}
