//! When quiet rows are written: in runs over those that are dirty, a group at a time, each run followed by a rest.
//!
//! A store's time is spent per request and shared by all partitions, so rows that could wait stood in the way of those that could not. A run
//! asks for its next group when the last is acknowledged, and the rest behind it is [`REST`] times as long as it took: however many rows are
//! dirty and however slow the store is, most of its time is left to urgent rows, and a row that changes often is written seldom. A row that
//! has waited for as long as it may, or too many of them, begin the next run at once.

use std::collections::VecDeque;
use std::time::Duration;

use schemas::customer::Urgency;

use super::Core;
use crate::partition::settings::Settings;
use crate::partition::turn::CellId;

/// How many times as long as a run took it is rested.
const REST: u32 = 9;

/// Quiet rows.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// Customers that became dirty, in that order, and when.
    dirty: VecDeque<(CellId, Duration)>,
    /// Rows that were asked for and are not acknowledged.
    pub(super) open: usize,
    run: Option<Run>,
    /// No run begins before, unless one is late.
    rest_until: Duration,
}

/// A run over the customers that were dirty when it began.
#[derive(Clone, Copy, Debug)]
struct Run {
    began: Duration,
    /// Customers that it has not come to.
    left: usize,
}

impl Quiet {
    /// The partition begins its work.
    pub(super) fn start(&mut self, now: Duration, settings: &Settings) {
        self.rest_until = now + settings.flush_quiet;
    }

    /// Notes a customer that became dirty.
    pub(super) fn add(&mut self, cell: CellId, now: Duration) {
        self.dirty.push_back((cell, now));
    }

    fn is_due(&self, now: Duration, settings: &Settings) -> bool {
        let oldest = self.dirty.front().map(|(_, since)| *since);
        oldest.is_some_and(|since| now >= self.rest_until || now >= since + settings.flush_quiet_max)
    }
}

impl Core {
    /// Begins a run, when it is time for one.
    pub(super) fn look_for_quiet_rows(&mut self) {
        let (now, quiet) = (self.now.boot, &mut self.quiet);
        let is_crowded = self.flush.dirty >= self.settings.dirty_max;
        if quiet.run.is_none() && (is_crowded || quiet.is_due(now, &self.settings)) {
            quiet.run = Some(Run { began: now, left: quiet.dirty.len() });
        }
    }

    /// Goes on with a run: asks for its next group when the last is acknowledged, and rests when there is none.
    pub(super) fn run_on(&mut self) {
        while let Some(Run { began, left }) = self.quiet.run.filter(|_| self.quiet.open == 0) {
            if left == 0 {
                let took = self.now.boot.saturating_sub(began);
                let rested = self.now.boot + took.saturating_mul(REST);
                self.quiet.rest_until = rested.max(began + self.settings.flush_quiet);
                self.quiet.run = None;
                return;
            }
            let asked = self.ask_for_rows(left.min(self.settings.group_rows_max));
            self.quiet.run = Some(Run { began, left: left - asked });
        }
    }

    /// Asks every dirty customer for its row.
    pub(super) fn flush_everything(&mut self) {
        self.quiet.run = None;
        self.ask_for_rows(self.quiet.dirty.len());
    }

    /// Asks the first so many dirty customers for their rows, and returns how many there were.
    fn ask_for_rows(&mut self, max: usize) -> usize {
        let count = max.min(self.quiet.dirty.len());
        let asked: Vec<_> = self.quiet.dirty.drain(..count).collect();
        for (cell, _) in asked {
            let Some(entry) = self.incarnation(cell) else { continue };
            entry.listed = false;
            if !entry.is_dirty() {
                continue;
            }
            entry.wanted = entry.wanted.max(Urgency::Quiet);
            let newly = !std::mem::replace(&mut entry.quiet, true);
            self.quiet.open += usize::from(newly);
            self.give_turn(cell.index);
        }
        count
    }
}
