//! The member of the consumer group: follows what the group decides, and commits.
//!
//! A partition that comes is parked at its end, by number, and delivers nothing until its owner says from where to read: nothing starts
//! from what is committed. A partition that goes is announced and stays with this process until the owner has drained it, or a deadline
//! far below the library's own passes; only then the group is told. The thread polls all the while: draining needs the store, the producer
//! and this thread's commits, and none of them waits for the group. (The library delivers nothing for any partition meanwhile.)
//! One that was lost is given back at once: its owner is dropped, the store's fence does the rest.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;
use schemas::ids::{PartitionId, Position};

use super::assignment::Assignments;
use super::commits::Commits;
use super::consumer::{Around, list, places};
use super::context::{Change, Context};
use super::reading::Reading;
use super::settings::{Protocol, Settings};

/// The last commits of a member that leaves are waited for this long.
const LAST_WORD: Duration = Duration::from_secs(2);

/// The library joins a group no sooner than this after it has joined it.
const JOIN_APART: Duration = Duration::from_secs(1);

/// The library's own thread looks at what is due (a heartbeat, another joining) when something comes to it, else once in a second only
/// (librdkafka 2.12.1, `rd_kafka_thread_main`): so often something does.
const STIR_EVERY: Duration = Duration::from_millis(50);

/// A poll while the last commits are awaited.
const POLL_WAIT: Duration = Duration::from_millis(5);

/// The member's own.
pub(super) struct Member {
    settings: Arc<Settings>,
    assignments: Arc<Assignments>,
    commits: Arc<Commits>,
    leaving: Option<Leaving>,
    /// When the library's thread is stirred next, since boot.
    stir_at: Duration,
}

/// Partitions that are to be given up.
struct Leaving {
    partitions: Vec<PartitionId>,
    /// Since boot.
    until: Duration,
}

impl Member {
    /// Returns a member that has joined nothing yet.
    pub(super) fn new(settings: Arc<Settings>, assignments: Arc<Assignments>, commits: Arc<Commits>) -> Self {
        Self { settings, assignments, commits, leaving: None, stir_at: Duration::ZERO }
    }

    /// Joins the group, as this client.
    pub(super) fn join(&self, client: &Arc<BaseConsumer<Context>>, reading: &Reading) -> KafkaResult<()> {
        self.commits.are_by(Some(client));
        client.subscribe(&[&reading.name])
    }

    /// Starts the thread that commits.
    pub(super) fn start(&self, around: &Around) -> std::io::Result<()> {
        Arc::clone(&self.commits).start(Arc::clone(&self.settings), Arc::clone(&around.clock))
    }

    /// Returns true while partitions are being given up.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// The client is given up: what it held is lost.
    pub(super) fn lose(&mut self, client: &BaseConsumer<Context>, reading: &Reading, around: &Around) {
        self.commits.are_by(None);
        let held = self.assignments.held().into_iter().collect();
        self.revoked(client, reading, around, (held, true));
    }

    /// Follows what the group has changed.
    pub(super) fn follow(&mut self, client: &BaseConsumer<Context>, reading: &Reading, around: &Around) {
        let now = around.clock.boot();
        if self.settings.protocol == Protocol::Classic && now >= self.stir_at {
            // Its answer is not of interest.
            drop(client.assignment());
            self.stir_at = now + STIR_EVERY;
        }
        for change in client.context().take_changes() {
            // The library asks for one thing at a time; should it not, the first is done with.
            self.let_go(client);
            match change {
                Change::Assign(partitions) => self.assigned(client, reading, around, &partitions),
                Change::Revoke(partitions, lost) => {
                    self.revoked(client, reading, around, (partitions, lost));
                }
            }
        }
        if let Some(leaving) = &self.leaving {
            let drained = !self.assignments.is_draining(&leaving.partitions);
            let late = around.clock.boot() >= leaving.until;
            if late && !drained {
                tracing::warn!(partitions = ?leaving.partitions, "given up before they were drained");
            }
            if drained {
                self.commits.hurry();
            }
            if drained && !self.commits.is_busy() || late || client.assignment_lost() {
                self.let_go(client);
            }
        }
    }

    fn assigned(
        &self,
        client: &BaseConsumer<Context>,
        reading: &Reading,
        around: &Around,
        partitions: &[PartitionId],
    ) {
        if let Some(strange) = partitions.iter().find(|partition| reading.buffer(**partition).is_none()) {
            around.failure.fail(super::topics::count_changed(
                &reading.name,
                reading.partitions().count(),
                strange.0 + 1,
            ));
        }
        for partition in partitions {
            if let Some(mut buffer) = reading.buffer(*partition) {
                buffer.hold();
            }
        }
        if let Err(error) = client.incremental_assign(&self.parked(client, reading, partitions)) {
            tracing::warn!(%error, ?partitions, "an assignment came too late");
        }
        tracing::info!(?partitions, "assigned by the group");
        around.metrics.log().rebalanced("assigned", partitions.len());
        self.assignments.assigned(partitions);
        self.commits.joined();
        partitions.iter().for_each(|partition| reading.tell(*partition));
        self.may_join_again(client, reading);
    }

    /// Lets the member join again at once, should the group ask for that. Whoever comes new has to: first the others hear of it and give
    /// partitions up, then these are given away. The library would wait [`JOIN_APART`] between the two, while nobody reads those partitions;
    /// but it forgets when it joined last where it hears anew of the brokers (librdkafka 2.12.1, `rd_kafka_parse_Metadata`).
    fn may_join_again(&self, client: &BaseConsumer<Context>, reading: &Reading) {
        if self.settings.protocol == Protocol::Classic {
            let within = self.settings.request_timeout().min(JOIN_APART);
            if let Err(error) = client.fetch_metadata(Some(&reading.name), within) {
                tracing::debug!(%error, "the brokers were not heard of: another joining may take its time");
            }
        }
    }

    /// Returns partitions at their ends: where the least is read for nothing until the owner says from where.
    fn parked(
        &self,
        client: &BaseConsumer<Context>,
        reading: &Reading,
        partitions: &[PartitionId],
    ) -> TopicPartitionList {
        let mut ends = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            let mut element = ends.add_partition(&reading.name, partition.0 as i32);
            element.set_offset(Offset::End).expect("the end is an offset");
        }
        let found = match partitions.is_empty() {
            true => Ok(ends),
            false => client.offsets_for_times(ends, self.settings.request_timeout()),
        };
        let place = |list: &TopicPartitionList, partition: PartitionId| {
            let element = list.find_partition(&reading.name, partition.0 as i32)?;
            match element.offset() {
                Offset::Offset(offset) => u64::try_from(offset).ok().map(Position),
                _ => None,
            }
        };
        let at = partitions.iter().map(|partition| {
            let end = found.as_ref().ok().and_then(|list| place(list, *partition));
            (*partition, end.unwrap_or_default())
        });
        places(&reading.name, &at.collect::<Vec<_>>())
    }

    fn revoked(
        &mut self,
        client: &BaseConsumer<Context>,
        reading: &Reading,
        around: &Around,
        (partitions, lost): (Vec<PartitionId>, bool),
    ) {
        tracing::info!(?partitions, lost, "revoked by the group");
        around.metrics.log().rebalanced(if lost { "lost" } else { "revoked" }, partitions.len());
        for partition in &partitions {
            if let Some(mut buffer) = reading.buffer(*partition) {
                buffer.let_go();
            }
            reading.tell(*partition);
        }
        self.assignments.revoked(&partitions, lost);
        let until = around.clock.boot() + Duration::from_millis(self.settings.release_ms);
        self.leaving = Some(Leaving { partitions, until });
        if lost {
            self.let_go(client);
        }
    }

    /// Tells the group that the revoked partitions are free.
    fn let_go(&mut self, client: &BaseConsumer<Context>) {
        let Some(Leaving { partitions, .. }) = self.leaving.take() else { return };
        let held = client.assignment().unwrap_or_default();
        let name = held.elements().first().map(|element| element.topic().to_owned()).unwrap_or_default();
        let is_held = |partition: &PartitionId| held.find_partition(&name, partition.0 as i32).is_some();
        let partitions: Vec<_> = partitions.into_iter().filter(is_held).collect();
        if let Err(error) = client.incremental_unassign(&list(&name, &partitions)) {
            tracing::warn!(%error, ?partitions, "partitions were not given back");
        }
    }

    /// Sends the last commits, waits a little for their answers, and gives back what is being given up.
    pub(super) fn leave(&mut self, client: &BaseConsumer<Context>, around: &Around) {
        let until = around.clock.boot() + LAST_WORD;
        self.commits.stop();
        while self.commits.is_busy() && around.clock.boot() < until && around.failure.reason().is_none() {
            // What comes now is nobody's any more.
            drop(client.poll(POLL_WAIT));
        }
        self.let_go(client);
        self.commits.are_by(None);
    }
}
