//! What is wrong at the end: against a plain run of the log, and against what no merge may do.

use std::collections::{BTreeMap, BTreeSet};

use schemas::decision::{Decision, Outreach};
use schemas::ids::OutreachId;
use schemas::record::Input;

use super::invariants;
use super::shop::book;
use crate::merge::story::Stories;
use crate::outbound;
use crate::plain::{Plain, relay_name};
use crate::world::State;

/// Decisions as they were recorded, by their ids.
pub type Recorded = BTreeMap<OutreachId, Decision>;

/// Returns what is wrong, each with its class before the colon.
pub fn check(state: &State) -> Vec<String> {
    let (plain, stories) = (Plain::of(state, &book()), Stories::of(state));
    let mut faults = outbound::check(state);
    let recorded = recorded(state, &mut faults);
    faults.extend(plain.check_rows(state));
    check_sent(state, &plain, &mut faults);
    check_decisions(&plain, &recorded, &mut faults);
    check_relays(&stories, &plain, &mut faults);
    invariants::check(state, &stories, &recorded, &mut faults);
    if state.dead_letters > 0 {
        faults.push(format!("dead letter: {} of valid records", state.dead_letters));
    }
    faults
}

/// Returns the decisions on record; one that is recorded again has to say the same.
fn recorded(state: &State, faults: &mut Vec<String>) -> Recorded {
    let mut recorded = Recorded::new();
    for body in &state.outbound.decisions {
        let decision: Decision = serde_json::from_slice(body).expect("owners write decisions as JSON");
        let again = recorded.insert(decision.id, decision.clone());
        if again.is_some_and(|again| again != decision) {
            faults.push(format!("decision differs from itself: {decision:?}"));
        }
    }
    recorded
}

fn check_sent(state: &State, plain: &Plain, faults: &mut Vec<String>) {
    let mut left: BTreeSet<OutreachId> = BTreeSet::new();
    for entry in state.outbound.ledger.values() {
        let outreach = &entry.outreach;
        left.insert(outreach.id);
        match plain.outreach.get(&outreach.id) {
            None => faults.push(format!("outreach without record: {outreach:?}")),
            Some(expected) if !says_the_same(expected, outreach) => {
                faults.push(format!("outreach differs from record: {outreach:?} {expected:?}"));
            }
            Some(_) => {}
        }
    }
    for (id, outreach) in plain.outreach.iter().filter(|(id, _)| !left.contains(*id)) {
        let attempts = (0..=outreach.attempt).map(|attempt| plain.numbers.outreach.get(&(*id, attempt)));
        if !attempts.into_iter().any(|place| plain.may_be_withdrawn(place)) {
            faults.push(format!("outreach lost: {outreach:?}"));
        }
    }
}

/// An earlier attempt may have been the last to leave, and the dispatcher blanks what is erased.
fn says_the_same(expected: &Outreach, found: &Outreach) -> bool {
    let body = found.facts.0.is_empty() || *found == Outreach { attempt: found.attempt, ..expected.clone() };
    expected.attempt >= found.attempt && body && expected.slot == found.slot
}

fn check_decisions(plain: &Plain, recorded: &Recorded, faults: &mut Vec<String>) {
    for (id, decision) in recorded {
        if plain.decisions.get(id) != Some(decision) {
            faults.push(format!("decision differs from the log: {decision:?}"));
        }
    }
    for (id, decision) in plain.decisions.iter().filter(|(id, _)| !recorded.contains_key(*id)) {
        if !plain.may_be_withdrawn(plain.numbers.decisions.get(id)) {
            faults.push(format!("decision lost: {decision:?}"));
        }
    }
}

/// Every message that stands in the log is one that its sender's records cause, and every one that they cause is there.
fn check_relays(stories: &Stories, plain: &Plain, faults: &mut Vec<String>) {
    let mut relayed = BTreeSet::new();
    for (who, record) in stories.told.iter().flat_map(|(who, all)| all.iter().map(move |one| (who, one))) {
        let Input::Relay(relay) = &record.input else { continue };
        let name = relay_name(relay);
        if !plain.relays.get(&name).is_some_and(|(to, message)| to == who && *message == **relay) {
            faults.push(format!("message differs from the log: {name:?} to {who}"));
        }
        relayed.insert(name);
    }
    for (name, (to, _)) in plain.relays.iter().filter(|(name, _)| !relayed.contains(*name)) {
        if !plain.may_be_withdrawn(plain.numbers.relays.get(name)) {
            faults.push(format!("message lost: {name:?} to {to}"));
        }
    }
}
