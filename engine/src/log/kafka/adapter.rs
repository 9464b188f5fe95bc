//! The log on Kafka behind the ports: which thread does what, and nothing else. `open` starts the threads.

mod open;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use actors::port::log::{
    Assignment, Commit, Error as PortError, Fetched, LogSink, LogSource, NewRecord, Topic,
};
use actors::port::{BoxFuture, Reply};
use futures_util::FutureExt;
use futures_util::future::{self, Either};
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;
use tokio::sync::oneshot;

use super::Stamps;
use super::assignment::Assignments;
use super::commits::Commits;
use super::consumer::Around;
use super::floors::Floors;
use super::producer::Producer;
use super::reading::{Asked, Reading};
use super::row::{Outgoing, Row};
use super::settings::Settings;
use super::watch::Question;

/// Leaving takes no longer than this.
const LEAVING: Duration = Duration::from_secs(10);

/// A log on Kafka.
///
/// [`KafkaLog::join`] makes this process a member of the group, which is given partitions of care.events; every other topic it reads
/// without the group's leave, as [`KafkaLog::look`] reads all. It stops with [`KafkaLog::leave`]; dropped, its threads end by themselves.
pub struct KafkaLog {
    settings: Arc<Settings>,
    partitions: u32,
    stamps: Stamps,
    around: Around,
    /// What this process is in the group, if it is a member.
    membership: Option<(Arc<Assignments>, Arc<Commits>)>,
    producer: Arc<Producer>,
    readings: Arc<RwLock<Vec<Arc<Reading>>>>,
    /// How far care.events was confirmed, per partition.
    confirmed: Arc<Mutex<BTreeMap<PartitionId, Position>>>,
    /// Where stamps asked for may not go below.
    floors: Floors,
    /// The ends of the threads.
    ends: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl KafkaLog {
    /// Returns how many partitions of care.events this process holds.
    pub fn held(&self) -> usize {
        self.membership.as_ref().map_or(0, |(assignments, _)| assignments.held().len())
    }

    /// Returns true once the group has given this process its share of the partitions, be it nothing.
    pub fn has_joined(&self) -> bool {
        self.membership.as_ref().is_some_and(|(assignments, _)| assignments.has_joined())
    }

    /// Returns the newest stamp of topics whose records bear their own; `None` where the brokers stamp.
    pub fn newest_stamp(&self) -> Option<Timestamp> {
        match self.stamps {
            Stamps::Asked => Some(self.floors.newest()),
            Stamps::Appended => None,
        }
    }

    /// Returns why the log is of no use any more, once it is.
    pub fn failure(&self) -> Option<&str> {
        self.around.failure.reason()
    }

    /// Has the ends of the partitions looked at before their time: the clock of a replay has moved, and no record tells so.
    pub fn time_has_moved(&self) {
        self.around.questions.want_ends();
    }

    fn stop(&self) {
        self.readings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .for_each(|reading| reading.stop());
        self.around.questions.stop();
        self.producer.stop();
    }

    /// Leaves the group and ends every thread: what was drained is free for others at once. A member of a fixed name keeps its place in
    /// the group until its session times out, so that a restart moves nothing.
    ///
    /// Bounds: ten seconds; what takes longer ends by itself.
    pub async fn leave(&self) {
        self.stop();
        let ends = std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner));
        let all = future::join_all(ends);
        if let Either::Right(_) = future::select(all, self.around.clock.sleep(LEAVING)).await {
            tracing::warn!("the brokers were not there to be left");
        }
    }

    /// Appends rows of a file to care.events, in order.
    pub(super) fn append_rows(&self, rows: Vec<(NewRecord, Row)>) -> Reply<Vec<Position>, PortError> {
        let outgoing = |(record, row)| Outgoing { row: Some(row), ..Outgoing::of(record) };
        self.append_all(Topic::Events, rows.into_iter().map(outgoing).collect())
    }

    fn append_all(&self, topic: Topic, records: Vec<Outgoing>) -> Reply<Vec<Position>, PortError> {
        let in_range = records.iter().try_for_each(|one| self.in_range(topic, one.record.partition));
        if let Err(error) = in_range.and_then(|()| self.around.failure.check()) {
            return future::ready(Err(error)).boxed();
        }
        let name = self.settings.topic(topic);
        let send = |records| self.producer.append(topic, &name, records);
        let answer = match self.stamps {
            Stamps::Asked => self.floors.raise(topic, (records, self.around.clock.now()), send),
            // The brokers stamp on append, whatever is asked for.
            Stamps::Appended => send(records),
        };
        answer.wait(self.around.metrics.clone(), Arc::clone(&self.around.clock)).boxed()
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.stop();
    }
}

impl LogSource for KafkaLog {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        match &self.membership {
            Some((assignments, _)) => Arc::clone(assignments).next().boxed(),
            None => future::pending().boxed(),
        }
    }

    fn released(&self, partition: PartitionId) {
        if let Some((assignments, _)) = &self.membership {
            assignments.released(partition);
        }
    }

    /// The member's own commit is fenced by the broker; before and after it the group's word is looked at.
    fn prove(&self, partition: PartitionId) -> Reply<(), PortError> {
        let Some((assignments, commits)) = self.membership.clone() else {
            return future::ready(Err(PortError::NotOwned(partition))).boxed();
        };
        let committed = self.committed(Topic::Events, partition);
        let patience = self.around.clock.sleep(self.settings.request_timeout().saturating_mul(3));
        let owns = move || match assignments.held().contains(&partition) {
            true => Ok(()),
            false => Err(PortError::NotOwned(partition)),
        };
        async move {
            owns()?;
            let commit = committed.await?;
            let (answer, heard) = oneshot::channel();
            commits.want(Topic::Events, partition, commit, answer);
            let gone = || PortError::Unavailable("the brokers did not answer in time".into());
            match future::select(heard, patience).await {
                Either::Left((answer, _)) => answer.map_err(|_| gone())??,
                Either::Right(_) => return Err(gone()),
            }
            owns()
        }
        .boxed()
    }

    fn fetch(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Reply<Fetched, PortError> {
        let wait = Duration::from_millis(self.settings.fetch_wait_ms);
        match self.reading(topic) {
            Ok(reading) => {
                let asked = Asked { partition, from, max, wait };
                let Around { questions, clock, .. } = self.around.clone();
                reading.fetch(asked, questions, clock).boxed()
            }
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }

    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, PortError> {
        if let Err(error) = self.in_range(topic, partition) {
            return future::ready(Err(error)).boxed();
        }
        let (answer, heard) = oneshot::channel();
        self.around.questions.ask(Question::End((topic, partition), answer));
        self.answered(heard)
    }

    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), PortError> {
        let Some((assignments, commits)) = &self.membership else {
            let error = PortError::Failed("only a member of the group commits".into());
            return future::ready(Err(error)).boxed();
        };
        if topic == Topic::Events {
            if !assignments.is_held_or_draining(partition) {
                return future::ready(Err(PortError::NotOwned(partition))).boxed();
            }
            self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, commit.position);
        }
        let (answer, heard) = oneshot::channel();
        commits.want(topic, partition, commit, answer);
        self.answered(heard)
    }

    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, PortError> {
        if let Err(error) = self.in_range(topic, partition) {
            return future::ready(Err(error)).boxed();
        }
        let (answer, heard) = oneshot::channel();
        self.around.questions.ask(Question::Committed((topic, partition), answer));
        self.answered(heard)
    }
}

impl LogSink for KafkaLog {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, PortError> {
        self.append_all(topic, records.into_iter().map(Outgoing::of).collect())
    }
}

impl KafkaLog {
    fn in_range(&self, topic: Topic, partition: PartitionId) -> Result<(), PortError> {
        let nowhere = Position(0);
        match partition.0 < self.partitions {
            true => Ok(()),
            false => {
                Err(PortError::OutOfRange { topic, partition, asked: nowhere, start: nowhere, end: nowhere })
            }
        }
    }

    /// Waits for an answer of a thread; patience ends before a caller would think that none can come.
    fn answered<T: Send + 'static>(
        &self,
        heard: oneshot::Receiver<Result<T, PortError>>,
    ) -> Reply<T, PortError> {
        let failure = Arc::clone(&self.around.failure);
        let patience = self.around.clock.sleep(self.settings.request_timeout().saturating_mul(3));
        let unavailable = |text: &str| Err(PortError::Unavailable(text.into()));
        async move {
            failure.check()?;
            match future::select(heard, patience).await {
                Either::Left((Ok(answer), _)) => answer,
                Either::Left((Err(_), _)) => unavailable("too many questions wait, or the log was left"),
                Either::Right(_) => unavailable("the brokers did not answer in time"),
            }
        }
        .boxed()
    }
}
