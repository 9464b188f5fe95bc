//! What is wrong at the end of a run: state, timers and what was sent against the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemas::ids::OutreachId;

use crate::outbound;
use crate::row::{Kind, Row, Shelf};
use crate::world::{STEP, State};

/// Returns what is wrong, each with its class before the colon.
pub fn check(state: &State) -> Vec<String> {
    let rows: BTreeMap<String, Arc<Row>> =
        state.rows.iter().map(|(who, row)| (who.to_string(), state.get(&row.state))).collect();
    let mut faults = Vec::new();
    check_events(state, &rows, &mut faults);
    check_outreach(state, &rows, &mut faults);
    faults.extend(outbound::check(state));
    faults
}

fn check_events(state: &State, rows: &BTreeMap<String, Arc<Row>>, faults: &mut Vec<String>) {
    for (at, (customer, kind)) in state.kinds.iter().enumerate() {
        let position = at as u64;
        let row = rows.get(customer.as_str());
        let applied = row.map_or(0, |row| row.applied.iter().filter(|one| **one == position).count());
        match applied {
            0 => faults.push(format!("event lost: log[{at}] {kind:?} of {customer}")),
            1 => {}
            more => faults.push(format!("event doubled: log[{at}] {more} times")),
        }
        let Some(row) = row.filter(|_| applied > 0) else { continue };
        let named = |tag| row.decided.values().any(|(name, _)| *name == (tag, position));
        match kind {
            Kind::Fire if !named("fire") => faults.push(format!("decision lost: log[{at}]")),
            Kind::Score if !row.scored.contains(&position) => faults.push(format!("score lost: log[{at}]")),
            Kind::Wait(ms) => {
                let due = state.partitions[0].log[at].stamp.0 + ms;
                let exit = state.kinds.iter().enumerate().skip(at + 1).any(|(later, (who, kind))| {
                    who == customer && *kind == Kind::Exit && state.partitions[0].log[later].stamp.0 <= due
                });
                let fired = row.fired.contains(&position);
                if exit && fired {
                    faults.push(format!("timer fired after exit: log[{at}] due {}", due / STEP));
                }
                if !exit && !fired {
                    faults.push(format!("timer missed: log[{at}] due {}", due / STEP));
                }
            }
            Kind::Plain | Kind::Fire | Kind::Score | Kind::Exit => {}
        }
    }
}

fn check_outreach(state: &State, rows: &BTreeMap<String, Arc<Row>>, faults: &mut Vec<String>) {
    let mut sent: BTreeMap<OutreachId, BTreeSet<u64>> = BTreeMap::new();
    let mut by_name: BTreeMap<(String, u64), BTreeSet<OutreachId>> = BTreeMap::new();
    for call in &state.outbound.calls {
        sent.entry(call.id).or_default().insert(call.body);
        by_name.entry((call.trigger.clone(), call.position)).or_default().insert(call.id);
    }
    let decided: BTreeMap<OutreachId, u64> =
        rows.values().flat_map(|row| row.decided.iter().map(|(id, (_, body))| (*id, *body))).collect();
    // After a loss of the store's tail a decision may be made again, differently; it is still sent once.
    let exact = !state.odds.tail_loss;
    for row in rows.values() {
        for (id, (name, body)) in &row.decided {
            match sent.get(id) {
                None if state.is_unknown(*id) => {}
                None => faults.push(format!("outreach lost: {name:?}")),
                Some(bodies) if exact && (bodies.len() > 1 || !bodies.contains(body)) => {
                    faults.push(format!(
                        "outreach differs from record: {name:?} record {body} sent {bodies:?}"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    for (name, ids) in by_name {
        if ids.len() > 1 {
            faults.push(format!("outreach doubled: {name:?} {} times", ids.len()));
        }
        if exact && !ids.iter().any(|id| decided.contains_key(id)) {
            faults.push(format!("outreach without record: {name:?}"));
        }
    }
}
