//! The plain run: one thread, no marks of progress, the log record by record, every question answered at once.
//!
//! Rows meet in the log alone, so each comes to what its own records make of it, whatever the others do at the same time.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::identity::Relay;
use schemas::customer::{Customer, Effects, Outgoing};
use schemas::decision::{Decision, Outreach};
use schemas::event::Border;
use schemas::ids::{CustomerId, OutreachId, Position};
use schemas::record;
use schemas::rulebook::Rulebook;
use schemas::score::Answer;
use schemas::time::{Span, Timestamp};

use crate::world::{STEP, State, score_of};

/// What names a message between rows: who sent it, because of which record, the how manieth.
pub type RelayName = (CustomerId, Position, u16);

/// What became due in the last steps of a run may be under way at its end.
const UNDER_WAY: Span = Span(100 * STEP);

/// Rows of a plain run, and what leaves them.
#[derive(Default)]
pub struct Plain {
    book: Rulebook,
    pub rows: BTreeMap<CustomerId, Customer>,
    /// Each as its first attempt says it, with the number of its last.
    pub outreach: BTreeMap<OutreachId, Outreach>,
    pub decisions: BTreeMap<OutreachId, Decision>,
    pub relays: BTreeMap<RelayName, (CustomerId, Relay)>,
    /// What an erase might have held back: nobody knows whether it had left by then.
    pub withdrawn: BTreeSet<(CustomerId, u64)>,
    /// Numbers in the outboxes.
    pub numbers: Numbers,
}

/// In which outbox, and under which number there, something stands.
#[derive(Default)]
pub struct Numbers {
    pub outreach: BTreeMap<(OutreachId, u32), (CustomerId, u64)>,
    pub decisions: BTreeMap<OutreachId, (CustomerId, u64)>,
    pub relays: BTreeMap<RelayName, (CustomerId, u64)>,
}

impl Plain {
    /// Runs the log of every partition.
    pub fn of(state: &State, book: &Rulebook) -> Self {
        let mut plain = Plain { book: book.clone(), ..Plain::default() };
        for stored in state.partitions.iter().flat_map(|partition| &partition.log) {
            let record =
                record::decode(stored, &Border::default()).expect("the world appends what can be read");
            let id = CustomerId::of_key(stored.key.clone());
            let mut row = plain.rows.remove(&id).unwrap_or_else(|| Customer::new(id.clone()));
            plain.fire(&mut row, book, record.stamp);
            let mut effects = Effects::default();
            row.apply(book, &record, &mut effects);
            plain.finish(&mut row, book, effects);
            plain.rows.insert(id, row);
        }
        for (id, mut row) in std::mem::take(&mut plain.rows) {
            plain.fire(&mut row, book, Timestamp(state.now));
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
        self.withdrawn.extend(effects.withdrawn.iter().map(|number| (row.id().clone(), *number)));
        for entry in effects.outbox {
            let place = (row.id().clone(), entry.number);
            match entry.body {
                Outgoing::Outreach(outreach) => self.note(*outreach, place),
                Outgoing::Decision(decision) => {
                    self.numbers.decisions.insert(decision.id, place);
                    self.decisions.insert(decision.id, *decision);
                }
                Outgoing::Relay { to, message } => {
                    let name = relay_name(&message);
                    self.numbers.relays.insert(name.clone(), place);
                    self.relays.insert(name, (to, *message));
                }
                Outgoing::Turn(_) | Outgoing::Forgotten { .. } => {}
            }
        }
    }

    /// Notes an attempt. Partitions are run one after the other, so a later one may come first.
    fn note(&mut self, mut outreach: Outreach, place: (CustomerId, u64)) {
        let (id, attempt) = (outreach.id, outreach.attempt);
        self.numbers.outreach.insert((id, attempt), place);
        let is_first = !self.numbers.outreach.range((id, 0)..(id, attempt)).any(|_| true);
        match self.outreach.get_mut(&id) {
            Some(known) if !is_first => known.attempt = known.attempt.max(attempt),
            known => {
                outreach.attempt = known.map_or(attempt, |known| known.attempt.max(attempt));
                self.outreach.insert(id, outreach);
            }
        }
    }

    /// Returns true when an erase may have held back what has this place.
    pub fn may_be_withdrawn(&self, place: Option<&(CustomerId, u64)>) -> bool {
        place.is_some_and(|place| self.withdrawn.contains(place))
    }

    /// Ends what was under way when the run ended; what should have come before stays as it is.
    fn end(&self, mut row: Customer, state: &State) -> Customer {
        let end = Timestamp(state.now);
        let asked = row.pending_asks().iter().map(|ask| ask.at);
        if asked.chain(row.next_due()).all(|at| at >= end - UNDER_WAY) {
            let mut rest = Plain::default();
            rest.finish(&mut row, &self.book, Effects::default());
            rest.fire(&mut row, &self.book, end);
        }
        row
    }

    /// Returns what is wrong with the rows: each is what the plain run came to.
    pub fn check_rows(&self, state: &State) -> Vec<String> {
        let mut faults = Vec::new();
        for (id, expected) in &self.rows {
            match row(state, id).map(|row| self.end(row, state)) {
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
}

/// Returns what names a message.
pub fn relay_name(relay: &Relay) -> RelayName {
    let sender = &relay.sender;
    (sender.customer.clone(), sender.position, sender.nth)
}

/// Returns a row as it is stored.
pub fn row(state: &State, id: &CustomerId) -> Option<Customer> {
    state.rows.get(id).map(|row| Customer::decode(&row.state).expect("rows are written by this codec"))
}

/// Returns the row without what says how far its owner is.
fn bare(mut row: Customer) -> Customer {
    let numbers: Vec<u64> = row.outbox().iter().map(|entry| entry.number).collect();
    row.clear(&numbers);
    row.set_index(None);
    row
}
