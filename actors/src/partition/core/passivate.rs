//! Passivation: drops customers that nobody asked for a while, and earlier when there are too many. Only clean ones: nothing of them
//! is only in memory. The look goes round the table (a clock: close to least recently used, without a list to keep).

use super::Core;
use super::entry::{Open, State};
use crate::partition::protocol::Action;
use crate::partition::turn::CellId;

/// Memory of an entry and its cell beside the row. Units: bytes.
const CELL_BYTES: usize = 1_100;
/// Customers looked at per tick, at least.
const LOOK_MIN: usize = 64;

impl Core {
    fn is_crowded(&self) -> bool {
        let bytes = self.weight.saturating_add(self.live.len() * CELL_BYTES);
        self.live.len() > self.settings.live_max || bytes > self.settings.memory_max_bytes
    }

    /// Returns true when too many customers are live, so that reading must wait until some are dropped.
    pub(super) fn is_crowded_out(&mut self) -> bool {
        if self.is_crowded() {
            self.look_for_idle_customers();
        }
        self.is_crowded()
    }

    /// Goes on round the table and drops clean customers that are idle, or while there are too many.
    pub(super) fn look_for_idle_customers(&mut self) {
        let count = (self.entries.len() / 64).max(LOOK_MIN).min(self.entries.len());
        for _ in 0..count {
            self.hand = if self.hand + 1 < self.entries.len() { self.hand + 1 } else { 0 };
            let crowded = self.is_crowded();
            let Some(entry) = self.entries[self.hand].as_ref() else { continue };
            let idle = self.now.boot >= entry.used + self.settings.idle;
            let recent = self.now.boot < entry.used + self.settings.timer_grid;
            let clean =
                if self.rules.passivate_clean { entry.is_clean() } else { entry.state == State::Idle };
            if clean && (idle || crowded && !recent) {
                self.passivate(self.hand as u32);
            }
        }
    }

    fn passivate(&mut self, index: u32) {
        let Some(entry) = self.entries[index as usize].take() else { return };
        self.live.remove(&entry.customer);
        self.free.push(index);
        self.weight -= entry.weight;
        self.open.replace(entry.open, Open::default());
        self.counts.passivated += 1;
        // Nothing of the following is there in a clean customer.
        self.flush.dirty -= usize::from(entry.is_dirty());
        self.quiet.open -= usize::from(entry.quiet);
        for alarm in &entry.alarms {
            self.timers.alarms.done(alarm.due);
        }
        self.remember(entry.customer, entry.durable);
        self.actions.push(Action::Close(CellId { index, incarnation: entry.incarnation }));
    }
}
