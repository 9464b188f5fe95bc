//! The plain run: one thread, the log record by record, every question answered at once.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::{Customer, Effects, Outgoing};
use schemas::decision::Outreach;
use schemas::event::Border;
use schemas::ids::{CustomerId, OutreachId};
use schemas::record;
use schemas::rulebook::Rulebook;
use schemas::score::{Answer, Head};
use schemas::time::{Span, Timestamp};

use super::shop::book;
use crate::world::{State, score_of};

/// What names an outreach whatever its id and attempt: customer, trigger, when it was due (and then too late).
type Name = (CustomerId, String, Timestamp);

/// Rows and outreach of a plain run.
#[derive(Default)]
struct Plain {
    rows: BTreeMap<CustomerId, Customer>,
    /// The last attempt of each.
    outreach: BTreeMap<OutreachId, Outreach>,
}

impl Plain {
    fn of(state: &State) -> Self {
        let (book, mut plain) = (book(), Plain::default());
        for stored in &state.partitions[0].log {
            let record =
                record::decode(stored, &Border::default()).expect("the world appends what can be read");
            let id = CustomerId::of_key(stored.key.clone());
            let mut row = plain.rows.remove(&id).unwrap_or_else(|| Customer::new(id.clone()));
            plain.fire(&mut row, &book, record.stamp);
            let mut effects = Effects::default();
            row.apply(&book, &record, &mut effects);
            plain.finish(&mut row, &book, effects);
            plain.rows.insert(id, row);
        }
        for (id, mut row) in std::mem::take(&mut plain.rows) {
            plain.fire(&mut row, &book, Timestamp(state.now));
            plain.rows.insert(id, row);
        }
        plain
    }

    /// Fires what is due before `until`, one instant after the other.
    fn fire(&mut self, row: &mut Customer, book: &Rulebook, until: Timestamp) {
        while let Some(due) = row.next_due().filter(|due| *due < until) {
            let mut effects = Effects::default();
            row.wake(book, due + Span(1), &mut effects);
            self.finish(row, book, effects);
        }
    }

    /// Answers what was asked and notes what leaves.
    fn finish(&mut self, row: &mut Customer, book: &Rulebook, mut effects: Effects) {
        while let Some(ask) = row.pending_asks().first().cloned() {
            row.answer(book, &Answer { id: ask.id, head: ask.head, score: score_of(&ask) }, &mut effects);
        }
        for entry in effects.outbox {
            if let Outgoing::Outreach(outreach) = entry.body {
                self.outreach.insert(outreach.id, *outreach);
            }
        }
    }
}

/// Returns what is wrong where scores are waited for: rows and outreach are those of the plain run.
pub fn check(state: &State) -> Vec<String> {
    let plain = Plain::of(state);
    let mut faults = check_sent(state);
    for (id, expected) in &plain.rows {
        match row(state, id) {
            Some(row) if bare(row.clone()) == bare(expected.clone()) => {}
            Some(row) if row.high_water() < expected.high_water() => {
                faults.push(format!(
                    "event lost: {id} ends at {:?}, not {:?}",
                    row.high_water(),
                    expected.high_water()
                ));
            }
            Some(row) => faults.push(format!("row differs from the log: {row:?} and not {expected:?}")),
            None => faults.push(format!("event lost: no row of {id}")),
        }
    }
    faults
}

/// Returns what is wrong with what was sent: once each, what the plain run sends, and nothing else.
fn check_sent(state: &State) -> Vec<String> {
    let plain: BTreeMap<Name, Outreach> =
        Plain::of(state).outreach.into_values().map(|outreach| (name(&outreach), outreach)).collect();
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
    for (id, entry) in &state.outbound.ledger {
        ids.entry(name(&entry.outreach)).or_default().insert(*id);
    }
    let doubled = ids.iter().filter(|(_, ids)| ids.len() > 1);
    doubled.map(|(name, ids)| format!("outreach doubled: {name:?} {} times", ids.len())).collect()
}

/// Returns what is wrong where scores are not waited for: then only the last question's answer is certain.
pub fn check_scores(state: &State) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, expected) in &Plain::of(state).rows {
        let score = |row: &Customer| row.profile().score(Head::Churn).map(|score| (score.at, score.value));
        let found = row(state, id).as_ref().and_then(score);
        if found != score(expected) {
            faults.push(format!("answer to another question: {id} has {found:?}, not {:?}", score(expected)));
        }
    }
    faults
}

fn row(state: &State, id: &CustomerId) -> Option<Customer> {
    state.rows.get(id).map(|row| Customer::decode(&row.state).expect("rows are written by this codec"))
}

/// Returns the row without what says how far its owner is.
fn bare(mut row: Customer) -> Customer {
    let numbers: Vec<u64> = row.outbox().iter().map(|entry| entry.number).collect();
    row.clear(&numbers);
    row.set_index(None);
    row
}
