//! What is wrong at the end, against a plain run of the log.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::Customer;
use schemas::decision::Outreach;
use schemas::ids::{CustomerId, OutreachId};
use schemas::score::Head;
use schemas::time::Timestamp;

use super::shop::book;
use crate::plain::{Plain, row};
use crate::world::State;

/// What names an outreach whatever its id and attempt: customer, trigger, when it was due (and then too late).
type Name = (CustomerId, String, Timestamp);

/// Returns what is wrong where scores are waited for: rows and outreach are those of the plain run.
pub fn check(state: &State) -> Vec<String> {
    let plain = Plain::of(state, &book());
    let mut faults = check_sent(state, &plain);
    faults.extend(plain.check_rows(state));
    faults
}

/// Returns what is wrong with what was sent: once each, what the plain run sends, and nothing else.
fn check_sent(state: &State, plain: &Plain) -> Vec<String> {
    let plain: BTreeMap<Name, &Outreach> =
        plain.outreach.values().map(|outreach| (name(outreach), outreach)).collect();
    let mut sent: BTreeSet<Name> = BTreeSet::new();
    let mut faults = crate::outbound::check(state);
    for entry in state.outbound.ledger.values() {
        sent.insert(name(&entry.outreach));
        match plain.get(&name(&entry.outreach)) {
            None => faults.push(format!("outreach without record: {:?}", name(&entry.outreach))),
            Some(expected) if expected.facts != entry.outreach.facts => {
                faults.push(format!("outreach differs from record: {:?} {expected:?}", entry.outreach));
            }
            Some(_) => {}
        }
    }
    faults.extend(check_doubled(state));
    for name in plain.keys().filter(|name| !sent.contains(*name)) {
        faults.push(format!("outreach lost: {name:?}"));
    }
    faults
}

fn name(outreach: &Outreach) -> Name {
    (outreach.customer.clone(), outreach.trigger.to_string(), outreach.expires)
}

/// Returns what has more than one id.
pub fn check_doubled(state: &State) -> Vec<String> {
    let mut ids: BTreeMap<Name, BTreeSet<OutreachId>> = BTreeMap::new();
    for ((_, id), entry) in &state.outbound.ledger {
        ids.entry(name(&entry.outreach)).or_default().insert(*id);
    }
    let doubled = ids.iter().filter(|(_, ids)| ids.len() > 1);
    doubled.map(|(name, ids)| format!("outreach doubled: {name:?} {} times", ids.len())).collect()
}

/// Returns what is wrong where scores are not waited for: then only the last question's answer is certain.
pub fn check_scores(state: &State) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, expected) in &Plain::of(state, &book()).rows {
        let score =
            |row: &Customer| row.profile().score(Head::CartAbandonment).map(|score| (score.at, score.value));
        let found = row(state, id).as_ref().and_then(score);
        if found != score(expected) {
            faults.push(format!("answer to another question: {id} has {found:?}, not {:?}", score(expected)));
        }
    }
    faults
}
