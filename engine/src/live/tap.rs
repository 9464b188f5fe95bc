//! Taps before the log ports: they pass everything on and note what a person may want to see.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use actors::port::log::{Assignment, Commit, Error, Fetched, LogSink, LogSource, NewRecord, Topic};
use actors::port::{BoxFuture, Ports, Reply};
use rustc_hash::FxHashSet;
use schemas::decision::Decision;
use schemas::ids::{PartitionId, Position};
use schemas::record::RecordKind;
use xxhash_rust::xxh3::xxh3_64;

use super::view::View;

/// Decisions on their way to the screen.
const DECISIONS_WAITING_MAX: usize = 1_024;

/// What has passed so far. Written by the taps, read by the view.
#[derive(Debug, Default)]
pub struct Counts {
    /// Events that were handed to partitions.
    pub events: AtomicU64,
    /// Distinct record keys among them.
    pub customers: AtomicU64,
    /// Log time of the latest one, in milliseconds.
    pub clock_ms: AtomicI64,
    /// Decisions that the screen did not keep up with.
    pub unseen: AtomicU64,
    /// Set once nothing more comes.
    pub ended: AtomicBool,
}

/// What has passed, for whoever wants to know it at the end.
#[derive(Clone, Debug)]
pub struct Passed(Arc<Counts>);

impl Passed {
    /// Returns how many distinct customers the events were of.
    pub fn customers(&self) -> u64 {
        self.0.customers.load(Ordering::Relaxed)
    }
}

/// Puts a tap before the log that counts events and customers, and returns the ports to run with.
pub fn count(ports: Ports) -> (Ports, Passed) {
    let counts = Arc::new(Counts::default());
    let source = SourceTap { inner: ports.source, counts: counts.clone(), keys: Arc::default() };
    (Ports { source: Arc::new(source), ..ports }, Passed(counts))
}

/// Puts taps before the log ports of `ports`, prints to the terminal what passes, and returns the ports to run with.
pub fn watch(ports: Ports) -> (Ports, Passed, View) {
    let (ports, Passed(counts)) = count(ports);
    let (decisions, seen) = sync_channel(DECISIONS_WAITING_MAX);
    let sink = SinkTap { inner: ports.sink, counts: counts.clone(), decisions };
    let tapped = Ports { sink: Arc::new(sink), ..ports };
    (tapped, Passed(counts.clone()), View::start(counts, seen))
}

/// Counts what partitions read.
struct SourceTap {
    inner: Arc<dyn LogSource>,
    counts: Arc<Counts>,
    /// Hashes of the keys seen.
    keys: Arc<Mutex<FxHashSet<u64>>>,
}

impl LogSource for SourceTap {
    fn partitions(&self) -> u32 {
        self.inner.partitions()
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        self.inner.assignment()
    }

    fn released(&self, partition: PartitionId) {
        self.inner.released(partition);
    }

    fn fetch(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Reply<Fetched, Error> {
        let reply = self.inner.fetch(topic, partition, from, max);
        if topic != Topic::Events {
            return reply;
        }
        let (counts, keys) = (self.counts.clone(), self.keys.clone());
        Box::pin(async move {
            let fetched = reply.await?;
            note_events(&fetched, &counts, &keys);
            Ok(fetched)
        })
    }

    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, Error> {
        self.inner.end(topic, partition)
    }

    fn prove(&self, partition: PartitionId) -> Reply<(), Error> {
        self.inner.prove(partition)
    }

    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), Error> {
        self.inner.commit(topic, partition, commit)
    }

    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, Error> {
        self.inner.committed(topic, partition)
    }
}

fn note_events(fetched: &Fetched, counts: &Counts, keys: &Mutex<FxHashSet<u64>>) {
    let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
    for record in fetched.records.iter().filter(|record| record.kind.is_event()) {
        counts.events.fetch_add(1, Ordering::Relaxed);
        counts.clock_ms.fetch_max(record.stamp.0, Ordering::Relaxed);
        keys.insert(xxh3_64(record.key.as_bytes()));
    }
    counts.customers.store(keys.len() as u64, Ordering::Relaxed);
}

/// Shows the decisions that are relayed.
struct SinkTap {
    inner: Arc<dyn LogSink>,
    counts: Arc<Counts>,
    decisions: SyncSender<Decision>,
}

impl LogSink for SinkTap {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        if topic == Topic::Decisions {
            for record in records.iter().filter(|record| record.kind == RecordKind::Decision) {
                self.show(record);
            }
        }
        self.inner.append(topic, records)
    }
}

impl SinkTap {
    fn show(&self, record: &NewRecord) {
        let Ok(decision) = serde_json::from_slice::<Decision>(&record.body) else { return };
        match self.decisions.try_send(decision) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.counts.unseen.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
