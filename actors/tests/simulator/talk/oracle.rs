//! What is wrong at the end, read off `care.events` and `care.replies`; the machine of the row is not asked.

use std::collections::{BTreeMap, BTreeSet};

use schemas::conversation::{Act, Owner, Reply, Rung, Speaker, Talk, Turn};
use schemas::event::Border;
use schemas::ids::CustomerId;
use schemas::record::{self, Input};
use smol_str::SmolStr;

use crate::world::State;

/// Returns what is wrong, each with its class before the colon.
pub fn check(state: &State) -> Vec<String> {
    let mut faults = Vec::new();
    let threads = threads(state, &mut faults);
    for (customer, written) in written(state) {
        let turns = threads.get(&customer).cloned().unwrap_or_default();
        let told: Vec<&SmolStr> =
            turns.values().map(|turn| &turn.message).filter(|id| !id.is_empty()).collect();
        if !told.iter().copied().eq(&written) {
            faults.push(format!("messages: {customer} wrote {written:?}, told was {told:?}"));
        }
        if turns.keys().copied().ne(0..turns.len() as u32) {
            faults.push(format!("turn lost: the numbers of {customer} have a gap"));
        }
        faults.extend(of_thread(&customer, turns.values()));
    }
    if state.dead_letters > 0 {
        faults.push(format!("dead letter: {} of valid records", state.dead_letters));
    }
    faults
}

/// Walks through a thread: nothing of the bot behind a take-over, and no answer to what is not the last message.
fn of_thread<'a>(customer: &CustomerId, turns: impl Iterator<Item = &'a Turn>) -> Vec<String> {
    let (mut owner, mut last, mut faults) = (Owner::Bot, None, Vec::new());
    for turn in turns {
        match (turn.speaker, turn.act) {
            (Speaker::Customer, _) => last = Some(&turn.text),
            (Speaker::Agent, Act::TookOver) => owner = Owner::Human,
            (Speaker::Agent, Act::HandedBack) => owner = Owner::Bot,
            (Speaker::Bot, _) if owner == Owner::Human => {
                faults.push(format!("bot behind a take-over: turn {} of {customer}", turn.number));
            }
            (Speaker::Bot, _) if turn.rung != Some(Rung::HandOff) => {
                let answers = last.take().is_some_and(|said| turn.text.contains(&format!("to: {said}")));
                if !answers {
                    faults.push(format!("stale answer: turn {} of {customer}", turn.number));
                }
            }
            (Speaker::Bot | Speaker::Outreach, _) | (Speaker::Agent, Act::Said) => {}
        }
    }
    faults
}

/// Returns every thread as it was told: a turn that was told again must be the same.
fn threads(state: &State, faults: &mut Vec<String>) -> BTreeMap<CustomerId, BTreeMap<u32, Turn>> {
    let mut threads: BTreeMap<CustomerId, BTreeMap<u32, Turn>> = BTreeMap::new();
    for body in &state.replies {
        let Ok(Reply::Turn(turn)) = serde_json::from_slice(body) else { continue };
        let thread = threads.entry(turn.customer.clone()).or_default();
        let known = thread.entry(turn.number).or_insert_with(|| (*turn).clone());
        if *known != *turn {
            faults.push(format!("two turns: number {} of {}", turn.number, turn.customer));
        }
    }
    threads
}

/// Returns the ids of what customers and agents wrote, in the order of the log, each where it stands first.
fn written(state: &State) -> BTreeMap<CustomerId, Vec<SmolStr>> {
    let (mut written, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for stored in state.partitions.iter().flat_map(|partition| &partition.log) {
        let record = record::decode(stored, &Border::default()).expect("the shop appends what can be read");
        let customer = record.customer(stored.key.clone());
        let Input::Talk(talk) = record.input else { continue };
        let ids: &mut Vec<SmolStr> = written.entry(customer).or_default();
        let id = match *talk {
            Talk::Said(said) => said.message,
            Talk::Spoken(spoken) => spoken.message,
            Talk::Ownership(_) | Talk::Opened(_) | Talk::Seen(_) | Talk::Answered(_) => continue,
        };
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    written
}
