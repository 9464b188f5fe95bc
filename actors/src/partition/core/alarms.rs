//! Entries of the timer index that this owner has read or written itself: which are due, and up to where all are done.

use std::collections::{BTreeMap, BTreeSet};

use schemas::ids::CustomerId;
use schemas::time::Timestamp;

use crate::port::store::{TIMER_SLOT_MS, WakeUp};

/// Returns the slot of the timer index that an instant lies in.
pub(super) fn slot_of(at: Timestamp) -> i64 {
    at.0.div_euclid(TIMER_SLOT_MS)
}

/// Returns the first instant of a slot.
pub(super) fn start_of(slot: i64) -> Timestamp {
    Timestamp(slot.saturating_mul(TIMER_SLOT_MS))
}

/// Returns the entry that looks at `customer` at `due`.
pub(super) fn wake_up(due: Timestamp, customer: CustomerId) -> WakeUp {
    WakeUp { slot: slot_of(due), due, customer }
}

/// The alarms of one partition. An alarm is open until what it did is durable and relayed; open alarms hold the cursor.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    /// Not fired yet, by due time.
    pending: BTreeSet<(Timestamp, CustomerId)>,
    /// Open alarms per slot.
    open: BTreeMap<i64, u32>,
}

impl Alarms {
    /// Adds an entry; one that is pending already changes nothing.
    pub(super) fn add(&mut self, due: Timestamp, customer: CustomerId) {
        if self.pending.insert((due, customer)) {
            *self.open.entry(slot_of(due)).or_default() += 1;
        }
    }

    /// Returns when the first pending alarm is due.
    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.pending.first().map(|(due, _)| *due)
    }

    /// Takes the first alarm that is due strictly before `clock`. It stays open.
    pub(super) fn take_due(&mut self, clock: Timestamp) -> Option<(Timestamp, CustomerId)> {
        self.first_due().filter(|due| *due < clock)?;
        self.pending.pop_first()
    }

    /// Puts an open alarm back: whoever was to see to it is gone.
    pub(super) fn again(&mut self, due: Timestamp, customer: CustomerId) {
        if !self.pending.insert((due, customer)) {
            self.done(due);
        }
    }

    /// Ends an open alarm.
    pub(super) fn done(&mut self, due: Timestamp) {
        let slot = slot_of(due);
        if let Some(count) = self.open.get_mut(&slot) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&slot);
            }
        }
    }

    /// Returns the first slot with an open alarm.
    pub(super) fn first_open(&self) -> Option<i64> {
        self.open.first_key_value().map(|(slot, _)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_holds_its_slot_until_it_is_done() {
        let mut alarms = Alarms::default();
        let (early, late) = (Timestamp(10), Timestamp(TIMER_SLOT_MS + 10));
        let who = CustomerId::user("u");
        alarms.add(early, who.clone());
        alarms.add(early, who.clone());
        alarms.add(late, who.clone());
        assert_eq!(alarms.take_due(early), None, "due strictly before the clock");
        assert_eq!(alarms.take_due(Timestamp(11)), Some((early, who.clone())));
        assert_eq!((alarms.take_due(Timestamp(11)), alarms.first_open()), (None, Some(0)));
        alarms.again(early, who.clone());
        assert_eq!(alarms.take_due(Timestamp(11)), Some((early, who.clone())));
        alarms.done(early);
        assert_eq!(alarms.first_open(), Some(1));
    }
}
