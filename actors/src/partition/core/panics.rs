//! A customer panicked: its unwritten changes are only in the log. Settle its writes, seek back, load it again, apply again.
//!
//! Two panics on one record set that record aside. A batch is taken apart first, so that the record is known.

use schemas::ids::CustomerId;

use super::Core;
use super::entry::{Entry, Open, State};
use super::turns::first_record;
use crate::partition::protocol::{Action, End};
use crate::partition::turn::{CellId, Step};

/// Panics on one record after which it is set aside.
const PANICS_MAX: u8 = 2;
/// Panics of one customer without a record after which its timers are left alone.
pub(super) const STRIKES_QUIET: u8 = 2;
/// Panics of one customer without a record after which the partition stops.
const STRIKES_MAX: u8 = 6;

impl Core {
    pub(super) fn panicked(&mut self, cell: CellId, message: &str) {
        if self.incarnation(cell).is_none() {
            return;
        }
        let back_to = self.position();
        let index = cell.index;
        self.counts.panics += 1;
        self.blame(index, message);
        let incarnation = self.incarnations + 1;
        self.incarnations = incarnation;
        let used = self.now.boot;
        let settled = self.rules.incarnations_apart;
        let entry = self.at(index);
        let next = Entry::new(entry.customer.clone(), incarnation, used);
        let old = std::mem::replace(entry, next);
        entry.state = if old.sent.is_some() && settled { State::Settling } else { State::Loading };
        let settling = entry.state == State::Settling;
        self.forget(&old, index);
        self.remember(old.customer, old.durable);
        if settling {
            self.flush.settling.insert(cell);
        } else {
            self.load(index);
        }
        if self.rules.panic_seeks_back {
            self.feed.seek(back_to);
        }
    }

    /// Finds out what the customer panicked on.
    fn blame(&mut self, index: u32, message: &str) {
        let entry = self.entries[index as usize].as_ref().expect("a panicked customer was live");
        let customer = entry.customer.clone();
        let turn = entry.turn.as_ref();
        let (records, last) = turn.map_or((0, None), |turn| (turn.records, turn.last));
        tracing::error!(partition = self.partition.0, position = ?last, records, message, "a customer panicked");
        match (records, last) {
            (1, Some(position)) => {
                let panics = self.feed.panics.entry(position).or_default();
                *panics += 1;
                if *panics >= PANICS_MAX {
                    self.feed.poison.insert(position);
                }
            }
            (_, Some(last)) => {
                self.feed.careful.insert(customer, last);
            }
            (_, None) => self.strike(customer),
        }
    }

    fn strike(&mut self, customer: CustomerId) {
        let strikes = self.feed.strikes.entry(customer).or_default();
        *strikes += 1;
        if *strikes == STRIKES_QUIET {
            tracing::error!(
                partition = self.partition.0,
                "the timers of a customer panic and are left alone"
            );
        }
        if *strikes >= STRIKES_MAX {
            self.end(End::Failed("serve a customer that panics without a record".to_owned()));
        }
    }

    /// Takes a customer that is gone out of the books.
    fn forget(&mut self, old: &Entry, index: u32) {
        let queued = old.queue.iter().filter(|step| matches!(step, Step::Record(_))).count();
        debug_assert_eq!(first_record(&old.queue), old.queue_first);
        self.feed.waiting -= queued + old.turn.as_ref().map_or(0, |turn| turn.records as usize);
        self.feed.loading -= usize::from(old.state == State::Loading);
        self.weight -= old.weight;
        self.busy -= usize::from(old.turn.is_some());
        self.open.replace(old.open, Open::default());
        self.flush.dirty -= usize::from(old.is_dirty());
        self.quiet.open -= usize::from(old.quiet);
        for alarm in &old.alarms {
            self.timers.alarms.again(alarm.due, old.customer.clone());
        }
        if old.question.is_some() {
            self.actions.push(Action::Hush(old.customer.clone()));
        }
        self.refresh_hold(index);
    }
}
