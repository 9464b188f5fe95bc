//! One live customer: the row, and what a turn does to it. A plain value: who holds it, and on which thread, does not matter.

use std::sync::Arc;

use bytes::Bytes;
use schemas::conversation::QuestionId;
use schemas::customer::{Customer, Effects, Urgency};
use schemas::ids::CustomerId;
use schemas::rulebook::Rulebook;
use schemas::score::Ask;
use schemas::time::Timestamp;

use super::turn::{Arm, Asking, Encode, Encoded, Loaded, Refused, Step, Turn, Turned};
use crate::port::store::Row;

/// How a cell takes a turn: [`Cell::turn`], but where a test lets a customer fail.
pub type Take = fn(&mut Cell, Turn) -> Result<Turned, Refused>;

/// One live customer.
#[derive(Debug)]
pub struct Cell {
    row: Customer,
    book: Arc<Rulebook>,
    /// The question of the thread that was told last.
    asked: Option<QuestionId>,
    /// Length of the row when it was encoded last: the next encoding begins with that much memory.
    encoded_len: usize,
}

impl Cell {
    /// Returns a cell whose first turn brings it to life.
    pub fn new(book: Arc<Rulebook>) -> Self {
        Self { row: Customer::new(CustomerId::user("")), book, asked: None, encoded_len: 0 }
    }

    /// Does the steps of a turn in order, then encodes the row when that is asked for.
    ///
    /// Errors: `Unreadable` → the stored row cannot be decoded.
    pub fn turn(&mut self, turn: Turn) -> Result<Turned, Refused> {
        let Turn { cell, mut steps, encode } = turn;
        let (mut effects, mut loaded) = (Effects::default(), None);
        for step in steps.drain(..) {
            match step {
                Step::Load { customer, row } => loaded = Some(self.load(customer, row)?),
                Step::Record(record) => self.row.apply(&self.book, &record, &mut effects),
                Step::Wake { now, entry, .. } => self.wake(now, entry, &mut effects),
                Step::Answer(answer) => self.row.answer(&self.book, &answer, &mut effects),
                Step::Clear(numbers) => {
                    self.row.clear(&numbers);
                    raise(&mut effects, Urgency::Quiet);
                }
            }
        }
        // What a later step of the turn superseded nobody waits for.
        let is_open = |ask: &Ask| self.row.pending_asks().iter().any(|open| open.id == ask.id);
        effects.asks.retain(is_open);
        let arm = match encode {
            Encode::No => None,
            Encode::IfUrgent(arm) => (effects.urgency == Urgency::Urgent).then_some(arm),
            Encode::Always(arm) => Some(arm),
        };
        let encoded = arm.map(|arm| self.encode(arm));
        let asking = self.asking();
        let (clock, next_due, weight) = (self.row.clock(), self.row.next_due(), self.row.weight());
        Ok(Turned { cell, loaded, effects, clock, next_due, weight, asking, encoded, steps })
    }

    fn load(&mut self, customer: CustomerId, stored: Option<Row>) -> Result<Loaded, Refused> {
        let Some(stored) = stored else {
            self.row = Customer::new(customer);
            return Ok(Loaded::default());
        };
        self.row = Customer::decode(&stored.state)
            .map_err(|error| Refused::Unreadable(format!("{customer}: {error}")))?;
        self.encoded_len = stored.state.len();
        Ok(Loaded {
            epoch: Some(stored.epoch),
            high_water: self.row.high_water(),
            outbox: self.row.outbox().to_vec(),
            asks: self.row.pending_asks().to_vec(),
            indexed: self.row.indexed_until(),
        })
    }

    /// Returns what the thread asks, if that changed.
    fn asking(&mut self) -> Asking {
        let open = self.row.thread().and_then(|thread| thread.question());
        if open == self.asked {
            return Asking::Same;
        }
        self.asked = open;
        self.row.question().map_or(Asking::Closed, |question| Asking::Open(Box::new(question)))
    }

    /// Fires what is due. The index entry that woke the row covers it no more, so that the next is armed with the next write (I8).
    fn wake(&mut self, now: Timestamp, entry: Option<Timestamp>, effects: &mut Effects) {
        self.row.wake(&self.book, now, effects);
        if let (Some(entry), Some(indexed)) = (entry, self.row.indexed_until())
            && indexed <= entry
        {
            self.row.set_index(None);
            raise(effects, Urgency::Quiet);
        }
    }

    fn encode(&mut self, arm: Arm) -> Encoded {
        let mut wake_up = None;
        if let Some(due) = self.row.next_due() {
            let due = due.max(arm.from).min(arm.until);
            if arm.renew || self.row.indexed_until().is_none_or(|indexed| indexed > due) {
                self.row.set_index(Some(due));
                wake_up = Some(due);
            }
        }
        let mut state = Vec::with_capacity(self.encoded_len + self.encoded_len / 8 + 64);
        self.row.encode(arm.codec, &mut state);
        self.encoded_len = state.len();
        Encoded { state: Bytes::from(state), wake_up, indexed: self.row.indexed_until() }
    }
}

fn raise(effects: &mut Effects, urgency: Urgency) {
    effects.urgency = effects.urgency.max(urgency);
}
