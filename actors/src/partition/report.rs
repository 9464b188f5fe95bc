//! What a partition's actor tells metrics and traces: read off the inputs and actions of the core, in batches. Decides nothing.

use std::time::Duration;

use rustc_hash::FxHashMap;
use schemas::decision::{Reason, Verdict};
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;
use smol_str::SmolStr;

use super::core::{Counts, Levels};
use super::protocol::{Done, Io};
use super::turn::{Step, Turn};
use crate::metrics::{Metrics, Queue};
use crate::port::log::Topic;
use crate::trace::Cycle;

/// Tells metrics and traces what one partition does.
pub(super) struct Report {
    partition: PartitionId,
    metrics: Metrics,
    /// Done in earlier assignments.
    past: Counts,
    /// Done in this assignment, and told.
    told: Counts,
    writes: FxHashMap<u64, Write>,
    relays: FxHashMap<Topic, Relay>,
    letters: FxHashMap<Position, &'static str>,
    cycle: Cycle,
    /// Queue lengths, as told last: waiting, loading.
    queues: (usize, usize),
}

/// A write of rows under way.
struct Write {
    rows: u64,
    bytes: u64,
    since: Duration,
}

/// A relay under way; a topic has at most one.
struct Relay {
    records: u64,
    decisions: Vec<Decided>,
}

struct Decided {
    trigger: SmolStr,
    verdict: Verdict,
    reason: Reason,
    since: Duration,
}

impl Report {
    pub(super) fn new(partition: PartitionId, metrics: Metrics) -> Self {
        Self {
            partition,
            metrics,
            past: Counts::default(),
            told: Counts::default(),
            writes: FxHashMap::default(),
            relays: FxHashMap::default(),
            letters: FxHashMap::default(),
            cycle: Cycle::new(partition),
            queues: (0, 0),
        }
    }

    /// Notes what is asked for. A call that is repeated is one call.
    pub(super) fn asked(&mut self, io: &Io, boot: Duration) {
        match io {
            Io::WriteRows { group, rows } => {
                let bytes = rows.iter().map(|row| row.state.len() as u64).sum();
                let write = Write { rows: rows.len() as u64, bytes, since: boot };
                self.cycle.flush(*group, write.rows, bytes);
                self.writes.entry(*group).or_insert(write);
            }
            Io::Relay { topic, records, decisions, since } => {
                let decisions = decisions.iter().zip(since).map(|(row, since)| Decided {
                    trigger: row.decision.trigger.clone(),
                    verdict: row.decision.verdict,
                    reason: row.decision.reason,
                    since: *since,
                });
                let relay = Relay { records: records.len() as u64, decisions: decisions.collect() };
                self.relays.insert(*topic, relay);
            }
            Io::Tell { records, .. } => {
                let relay = Relay { records: records.len() as u64, decisions: Vec::new() };
                self.relays.insert(Topic::Replies, relay);
            }
            Io::DeadLetter { position, reason, .. } => {
                self.letters.insert(*position, reason);
            }
            Io::ReadLease
            | Io::CasLease { .. }
            | Io::ReadGeneration
            | Io::AppendEpochRecords(_)
            | Io::Fetch { .. }
            | Io::LoadRow { .. }
            | Io::Index { .. }
            | Io::ScanWakeUps { .. }
            | Io::RelayStrays { .. }
            | Io::Score { .. }
            | Io::ReadCommit
            | Io::Commit(_) => {}
        }
    }

    /// Counts what was done.
    pub(super) fn done(&mut self, done: &Done, boot: Duration) {
        match done {
            Done::Fetched { fetched, .. } => self.cycle.fetched(fetched.records.len()),
            Done::RowsWritten { group, .. } => {
                self.cycle.flushed(*group);
                if let Some(write) = self.writes.remove(group) {
                    self.metrics.flushed(write.rows, write.bytes, boot.saturating_sub(write.since));
                }
            }
            Done::Relayed { topic, .. } => {
                let Some(relay) = self.relays.remove(topic) else { return };
                self.metrics.relayed(*topic, relay.records);
                for Decided { trigger, verdict, reason, since } in relay.decisions {
                    self.metrics.decided(&trigger, verdict, reason, boot.saturating_sub(since));
                }
            }
            Done::Scored { answer, .. } => self.metrics.scored(answer.head, answer.score.source),
            Done::DeadLettered(position) => {
                if let Some(reason) = self.letters.remove(position) {
                    self.metrics.rejected(reason);
                    self.metrics.dead_lettered(1);
                }
            }
            Done::Lease(_)
            | Done::LeaseCas { .. }
            | Done::Generation(_)
            | Done::Commit(_)
            | Done::EpochRecords
            | Done::Row { .. }
            | Done::Indexed { .. }
            | Done::WakeUps { .. }
            | Done::StraysRelayed
            | Done::Committed => {}
        }
    }

    /// Notes that what was fetched is routed.
    pub(super) fn routed(&mut self) {
        self.cycle.routed();
    }

    /// Notes that a turn is given.
    pub(super) fn turn(&mut self) {
        self.cycle.turn();
    }

    /// Notes whether turns are under way and anything of what came is left to be done.
    pub(super) fn rested(&mut self, levels: &Levels) {
        if levels.busy == 0 {
            self.cycle.turned();
        }
        if levels.is_quiet() && levels.dirty == 0 {
            self.cycle.settled();
        }
    }

    /// Notes how late the timers of a turn are.
    pub(super) fn woken(&self, turn: &Turn, wall: Timestamp) {
        for step in &turn.steps {
            match step {
                Step::Wake { due, .. } => {
                    let late = u64::try_from((wall - *due).0).unwrap_or(0);
                    self.metrics.timer_fired(Duration::from_millis(late));
                }
                Step::Load { .. } | Step::Record(_) | Step::Answer(_) | Step::Clear(_) => {}
            }
        }
    }

    /// Counts what the core has done since it was counted last, and returns all that was done.
    pub(super) fn counted(&mut self, counts: Counts) -> Counts {
        if counts != self.told {
            self.metrics.counted(&(counts - self.told));
            self.told = counts;
        }
        self.past + counts
    }

    /// Shows how full the partition is.
    pub(super) fn levels(&mut self, levels: &Levels) {
        self.metrics.live(self.partition, levels.live, levels.weight);
        self.metrics.dirty(self.partition, levels.dirty);
        let (waiting, loading) = std::mem::replace(&mut self.queues, (levels.waiting, levels.loading));
        self.metrics.queue_moved(Queue::Waiting, waiting, levels.waiting);
        self.metrics.queue_moved(Queue::Loading, loading, levels.loading);
    }

    /// Shows how far the confirmed position lies behind the log's end.
    pub(super) fn lag(&self, confirmed: Position, end: Position) {
        let lag = usize::try_from(end.0.saturating_sub(confirmed.0)).unwrap_or(usize::MAX);
        self.metrics.lag(self.partition, lag);
    }

    /// The assignment is over: nothing of it is under way any more.
    pub(super) fn ended(&mut self) {
        self.past = self.past + std::mem::take(&mut self.told);
        self.writes.clear();
        self.relays.clear();
        self.letters.clear();
        self.cycle.ended();
        self.levels(&Levels::default());
        self.metrics.left(self.partition);
    }

    /// Counts a lease that another owner took.
    pub(super) fn lease_lost(&self) {
        self.metrics.lease_lost(self.partition);
    }
}
