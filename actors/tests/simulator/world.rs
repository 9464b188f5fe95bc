//! The outside of the simulated processes: log, store, lease, timer index, group. Faulty, in memory, in virtual time.
//!
//! A call of a port is an operation in flight until the simulator delivers it: it may come late, its reply may be lost, and a write
//! may come a second time. What is written with a lower timestamp loses, whatever the order of arrival.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use actors::port::log::{Commit, Fetched, NewRecord, Topic};
use actors::port::store::{Cas, Lease, Row as StoredRow, WakeUp};
use bytes::Bytes;
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::score::{Ask, Score, ScoreSource};
use schemas::time::Timestamp;
use smol_str::SmolStr;

use crate::campaign::Traced;
use crate::chance::Chance;
use crate::flight::Operation;
use crate::odds::Odds;
use crate::outbound::{Lane, Outbound};
use crate::row::{Kind, Row, Shelf};
use crate::run::{Plan, Scores};

/// One step of virtual time. Units: ms.
pub const STEP: i64 = 15_000;
/// What the store may lose of its tail, and the replay margin. Units: ms.
pub const TAIL: i64 = 60 * STEP;

/// What writes rows apart by their timestamps, and what the world compares when they are equal.
type Undo = (i64, CustomerId, Option<StoredRow>);

/// Everything outside the processes.
pub struct State {
    pub now: i64,
    pub chance: Chance,
    pub scores: Scores,
    pub odds: Odds,
    pub trace: Option<Vec<String>>,
    pub partitions: Vec<Partition>,
    pub kinds: Vec<(CustomerId, Kind)>,
    pub rows: BTreeMap<CustomerId, StoredRow>,
    pub outbound: Outbound,
    pub panicked: BTreeSet<(PartitionId, Position)>,
    pub generation: u64,
    pub dead_letters: u64,
    /// What stands in care.replies.
    pub replies: Vec<Bytes>,
    /// Records that the shop has appended.
    pub told: usize,
    history: Vec<Undo>,
    shelf: Vec<Arc<Row>>,
    pub operations: Vec<Operation>,
}

/// One partition of the log, and what belongs to it.
#[derive(Default)]
pub struct Partition {
    pub log: Vec<LogRecord>,
    pub lease: Lease,
    pub committed: Commit,
    pub group_owner: usize,
    index: BTreeSet<WakeUp>,
    index_history: Vec<(i64, WakeUp)>,
}

impl Shelf for State {
    fn put(&mut self, row: Row) -> Bytes {
        self.shelf.push(Arc::new(row));
        Bytes::copy_from_slice(&(self.shelf.len() as u64 - 1).to_le_bytes())
    }

    fn get(&self, bytes: &[u8]) -> Arc<Row> {
        let at = u64::from_le_bytes(bytes.try_into().expect("every row is an index"));
        Arc::clone(&self.shelf[at as usize])
    }
}

macro_rules! trace {
    ($state:expr, $($words:tt)*) => {
        if $state.trace.is_some() {
            let line = format!("{:4} {}", $state.now / $crate::world::STEP, format!($($words)*));
            if let Some(trace) = $state.trace.as_mut() {
                trace.push(line);
            }
        }
    };
}
pub(crate) use trace;

impl State {
    pub fn new(seed: u64, plan: &Plan, odds: Odds, traced: Traced) -> Self {
        Self {
            now: 1_000 * STEP,
            chance: Chance::new(seed),
            scores: plan.scores,
            odds,
            trace: (traced == Traced::Yes).then(Vec::new),
            partitions: (0..plan.partitions).map(|_| Partition::default()).collect(),
            kinds: Vec::new(),
            rows: BTreeMap::new(),
            outbound: Outbound {
                lanes: (0..plan.partitions).map(|_| Lane::default()).collect(),
                ..Outbound::default()
            },
            panicked: BTreeSet::new(),
            generation: 1,
            dead_letters: 0,
            replies: Vec::new(),
            told: 0,
            history: Vec::new(),
            shelf: Vec::new(),
            operations: Vec::new(),
        }
    }

    pub fn partition(&mut self, id: PartitionId) -> &mut Partition {
        &mut self.partitions[id.0 as usize]
    }

    /// Appends a record to care.events.
    pub fn append_event(&mut self, partition: PartitionId, key: SmolStr, kind: RecordKind, body: Bytes) {
        let stamp = Timestamp(self.now);
        let log = &mut self.partition(partition).log;
        let position = Position(log.len() as u64);
        log.push(LogRecord { position, stamp, key, kind, epoch: None, body });
    }

    pub fn fetch(&self, partition: PartitionId, from: Position, max: usize) -> Fetched {
        let log = &self.partitions[partition.0 as usize].log;
        let start = from.0 as usize;
        let end = (start + max).min(log.len());
        let records = log.get(start..end).unwrap_or_default().to_vec();
        let at_end = end == log.len();
        Fetched {
            next: Position(end.max(start) as u64),
            records,
            end_at: at_end.then_some(Timestamp(self.now)),
        }
    }

    pub fn append(&mut self, process: usize, topic: Topic, records: Vec<NewRecord>) -> Vec<Position> {
        for record in records {
            match topic {
                Topic::Outreach => self.append_outreach(process, record),
                Topic::Events if record.kind == RecordKind::Outcome => self.note_outcome(record),
                Topic::Events => {
                    trace!(
                        self,
                        "events[{}] of {}: {} of owner {process} {}",
                        self.partitions[record.partition.0 as usize].log.len(),
                        record.partition.0,
                        record.key,
                        String::from_utf8_lossy(&record.body).chars().take(160).collect::<String>()
                    );
                    self.append_event(record.partition, record.key, record.kind, record.body);
                }
                Topic::DeadLetter => self.dead_letters += 1,
                Topic::Decisions if record.kind == RecordKind::Decision => {
                    self.outbound.decisions.push(record.body);
                }
                Topic::Replies if record.kind == RecordKind::Reply => self.replies.push(record.body),
                Topic::Decisions | Topic::Replies => {}
            }
        }
        Vec::new()
    }

    pub fn write_rows(&mut self, process: usize, rows: &[StoredRow]) {
        for row in rows {
            let old = self.rows.get(&row.customer);
            let wins = match old {
                None => true,
                Some(old) if old.written_at == row.written_at => self.chance.percent(50),
                Some(old) => row.written_at > old.written_at,
            };
            trace!(
                self,
                "store: {} of owner {process} at {} {}",
                row.customer,
                row.written_at % 1_000_000_000_000,
                if wins { "wins" } else { "is shadowed" }
            );
            if wins {
                let old = self.rows.insert(row.customer.clone(), row.clone());
                self.history.push((self.now, row.customer.clone(), old));
            }
        }
    }

    pub fn cas_lease(
        &mut self,
        process: usize,
        partition: PartitionId,
        expect: Lease,
        new: Lease,
    ) -> Cas<Lease> {
        if self.partition(partition).lease != expect {
            trace!(self, "lease: owner {process} is refused");
            return Cas::Refused(self.partition(partition).lease);
        }
        trace!(
            self,
            "lease: owner {process} epoch {} position {} cursor {}",
            new.epoch.0,
            new.position.0,
            new.timer_cursor
        );
        self.partition(partition).lease = new;
        Cas::Applied
    }

    pub fn add_wake_ups(&mut self, partition: PartitionId, wake_ups: &[WakeUp]) {
        for wake_up in wake_ups {
            trace!(self, "index: {} at {}", wake_up.customer, wake_up.due.0 / STEP);
            let now = self.now;
            let partition = self.partition(partition);
            if partition.index.insert(wake_up.clone()) {
                partition.index_history.push((now, wake_up.clone()));
            }
        }
    }

    pub fn scan(&mut self, partition: PartitionId, from: i64, to: i64) -> Vec<WakeUp> {
        self.partition(partition)
            .index
            .iter()
            .filter(|wake_up| (from..to).contains(&wake_up.slot))
            .cloned()
            .collect()
    }

    /// The store loses what it acknowledged a short while ago.
    pub fn lose_tail(&mut self) {
        let since = self.now - TAIL + self.chance.below((TAIL / STEP) as usize) as i64 * STEP;
        trace!(self, "store loses writes since {}", since / STEP);
        while let Some((at, customer, old)) = self.history.pop() {
            if at <= since {
                self.history.push((at, customer, old));
                break;
            }
            match old {
                Some(row) => self.rows.insert(customer, row),
                None => self.rows.remove(&customer),
            };
        }
        for partition in &mut self.partitions {
            while let Some((_, wake_up)) = partition.index_history.pop_if(|(at, _)| *at > since) {
                partition.index.remove(&wake_up);
            }
        }
        self.generation += 1;
    }
}

/// Returns the score of a predictor that says the same whenever it is asked.
pub fn score_of(ask: &Ask) -> Score {
    let drawn = Chance::new(ask.id.position.0 * 64 + u64::from(ask.id.attempt)).next();
    Score { value: (drawn % 2) as f32, model: "fixed".into(), source: ScoreSource::Model, at: ask.at }
}

/// The world as the processes share it.
pub type Shared = Arc<Mutex<State>>;

pub fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().expect("nothing panics while it holds the world")
}
