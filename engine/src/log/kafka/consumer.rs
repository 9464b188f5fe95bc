//! The poll thread of one topic: a blocking consumer that never stops polling, whatever its readers do.
//!
//! What it delivers goes to the partitions' buffers; a partition whose buffer is full is paused; one whose reader wants another place is
//! sought. Partition queues are never split (stalls and reorders upstream), and no partition is ever put to a logical offset: an answer to
//! the look-up that comes after a seek would move the consumer to the end behind everybody's back. A client that delivers nothing though
//! there is something to read is given up, and another takes its place.
//!
//! A reader of its own (of care.outreach, dead letters, or of everything for a person who looks) is given partitions by its fetches. The
//! member of the group is given them by the group: see [`super::member`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::{Metrics, Stage};
use actors::port::clock::Clock;
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::Offset;
use rdkafka::{ClientConfig, TopicPartitionList};
use schemas::ids::{PartitionId, Position};
use schemas::record::{LogRecord, headers};
use schemas::time::Timestamp;
use smol_str::SmolStr;

use super::buffer::{Pushed, ToDo};
use super::closing::close;
use super::context::Context;
use super::error::{Error, meaning};
use super::failure::Failure;
use super::member::Member;
use super::reading::Reading;
use super::watch::Questions;

/// A poll without news ends after this long: how soon the thread sees what its readers want.
const POLL_WAIT: Duration = Duration::from_millis(5);

/// Records taken before the readers' wishes are looked at.
const BATCH_MAX: usize = 1_000;

/// Bound of a seek, which is a matter between two threads of the client library.
const SEEK_WAIT: Duration = Duration::from_secs(1);

/// Processor time is told this often.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What a poll thread shares with the rest of the log.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    pub(super) questions: Arc<Questions>,
    pub(super) failure: Arc<Failure>,
}

/// Who gives partitions to the consumer.
pub(super) enum Role {
    /// Its readers; these they have asked for.
    Reader(BTreeSet<PartitionId>),
    /// The group.
    Member(Box<Member>),
}

/// The poll thread's own.
pub(super) struct Consumer {
    config: ClientConfig,
    client: Arc<BaseConsumer<Context>>,
    reading: Arc<Reading>,
    role: Role,
    around: Around,
    /// Processor time that was told, and when.
    told: (Duration, Duration),
}

impl Consumer {
    /// Starts to read a topic in a thread of its own. It ends when the reading is stopped; dropping `ended` says so.
    ///
    /// Errors: `Client` → the library refuses the set-up · `Thread` → the system gives no thread.
    pub(super) fn start(
        config: &ClientConfig,
        reading: Arc<Reading>,
        role: Role,
        around: Around,
    ) -> Result<tokio::sync::oneshot::Receiver<()>, Error> {
        let client = create(config)?;
        if let Role::Member(member) = &role {
            member.join(&client, &reading).map_err(Error::Client)?;
            member.start(&around)?;
        }
        let (ended, heard) = tokio::sync::oneshot::channel();
        let name = format!("kafka-{}", reading.topic.as_str());
        let (config, told) = (config.clone(), (Duration::ZERO, Duration::ZERO));
        let consumer = Self { config, client, reading, role, around, told };
        std::thread::Builder::new().name(name).spawn(move || {
            consumer.run();
            // Nobody may wait any more.
            drop(ended);
        })?;
        Ok(heard)
    }

    fn run(mut self) {
        while !self.reading.is_stopped() && self.around.failure.reason().is_none() {
            self.poll();
            if let Role::Member(member) = &mut self.role {
                member.follow(&self.client, &self.reading, &self.around);
            }
            self.steer();
            self.tell();
        }
        self.client.context().close();
        if let Role::Member(member) = &mut self.role {
            member.leave(&self.client, &self.around);
        }
        self.reading.tell_all();
        close(self.client).wait();
    }

    /// Takes what is there, or waits a little for it.
    fn poll(&mut self) {
        let mut wait = POLL_WAIT;
        let mut touched = BTreeSet::new();
        for _ in 0..BATCH_MAX {
            match self.client.poll(wait) {
                Some(Ok(message)) => {
                    let partition = PartitionId(message.partition() as u32);
                    if take(&message, partition, &self.reading, &self.around.metrics) {
                        touched.insert(partition);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    let partition = PartitionId(partition as u32);
                    if let Some(mut buffer) = self.reading.buffer(partition) {
                        buffer.reached_end();
                    }
                    touched.insert(partition);
                }
                Some(Err(error)) => self.failed(&error),
                None => break,
            }
            wait = Duration::ZERO;
        }
        touched.into_iter().for_each(|partition| self.reading.tell(partition));
    }

    fn failed(&self, error: &KafkaError) {
        let reason = self.client.context().voice.last();
        let Around { failure, questions, .. } = &self.around;
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset) if reason.contains("truncat") => {
                failure.fail(format!("{} lost records that were read already: {reason}", self.reading.name));
            }
            // Of which partition, the library does not say: each is held against its extent.
            Some(RDKafkaErrorCode::AutoOffsetReset) => {
                let partitions = self.reading.partitions();
                let doubt =
                    |partition| self.reading.buffer(partition).is_some_and(|mut buffer| buffer.doubt());
                if partitions.filter(|partition| doubt(*partition)).count() > 0 {
                    questions.wake();
                }
            }
            Some(_) | None => match meaning(error) {
                actors::port::log::Error::Failed(text) => failure.fail(format!("{text}: {reason}")),
                // The library goes on by itself, and has said so in its own words.
                other => tracing::debug!(%other, topic = self.reading.name, "reading hindered"),
            },
        }
        if failure.reason().is_some() {
            self.reading.tell_all();
        }
    }

    /// Does for each partition what its readers wish: seeks, pauses, resumes. When the client has lost its way, another is taken.
    fn steer(&mut self) {
        let (mut seeks, mut pauses, mut resumes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut paused, mut still) = (0, Vec::new());
        for partition in self.reading.partitions() {
            let Some(buffer) = self.reading.buffer(partition) else { continue };
            paused += usize::from(buffer.is_paused());
            if buffer.stands_still() {
                still.push(partition);
            }
            match buffer.wanted() {
                ToDo::Nothing => {}
                ToDo::Seek(to) => seeks.push((partition, to)),
                ToDo::Pause => pauses.push(partition),
                ToDo::Resume => resumes.push(partition),
            }
        }
        if !still.is_empty() && !self.is_leaving() {
            return self.replace_client(&still);
        }
        if !seeks.is_empty() {
            self.seek(&seeks);
        }
        self.set_paused(&pauses, true);
        self.set_paused(&resumes, false);
        let paused = paused + pauses.len() - resumes.len();
        self.around.metrics.log().paused(self.reading.topic, paused);
    }

    /// Returns true while the group waits for partitions: the library delivers nothing meanwhile.
    fn is_leaving(&self) -> bool {
        matches!(&self.role, Role::Member(member) if member.is_leaving())
    }

    /// Gives the client up and goes on with another. A member is a new one then: what it held is lost, and comes anew.
    fn replace_client(&mut self, still: &[PartitionId]) {
        let place = self.client.position().ok();
        tracing::error!(
            topic = self.reading.name,
            partitions = ?still,
            ?place,
            "nothing was delivered for a long time though there is something to read: the consumer is replaced"
        );
        self.around.metrics.log().consumer_replaced();
        let new = match create(&self.config) {
            Ok(new) => new,
            Err(error) => return self.around.failure.fail(format!("no other consumer: {error}")),
        };
        let old = std::mem::replace(&mut self.client, new);
        match &mut self.role {
            Role::Reader(given) => given.clear(),
            Role::Member(member) => member.lose(&old, &self.reading, &self.around),
        }
        // It leaves the group before its successor comes.
        old.context().close();
        close(old).wait();
        for partition in self.reading.partitions() {
            if self.reading.buffer(partition).is_some_and(|mut buffer| buffer.begin_anew()) {
                self.around.questions.wake();
            }
        }
        if let Role::Member(member) = &self.role
            && let Err(error) = member.join(&self.client, &self.reading)
        {
            self.around.failure.fail(format!("the group was not joined again: {error}"));
        }
    }

    fn set_paused(&self, partitions: &[PartitionId], paused: bool) {
        if partitions.is_empty() {
            return;
        }
        let list = self.list(partitions);
        let done = if paused { self.client.pause(&list) } else { self.client.resume(&list) };
        match done {
            Ok(()) => {
                for partition in partitions {
                    if let Some(mut buffer) = self.reading.buffer(*partition) {
                        buffer.set_paused(paused);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, paused, "partitions were not paused or resumed"),
        }
    }

    fn seek(&mut self, seeks: &[(PartitionId, Position)]) {
        if let Role::Reader(given) = &mut self.role {
            let new: Vec<_> =
                seeks.iter().copied().filter(|(partition, _)| !given.contains(partition)).collect();
            if !new.is_empty() {
                match self.client.incremental_assign(&places(&self.reading.name, &new)) {
                    Ok(()) => given.extend(new.iter().map(|(partition, _)| *partition)),
                    Err(error) => return tracing::warn!(%error, "partitions cannot be read"),
                }
                new.into_iter().for_each(|(partition, to)| self.sought(partition, to));
                return;
            }
        }
        match self.client.seek_partitions(places(&self.reading.name, seeks), SEEK_WAIT) {
            Ok(done) => {
                for ((partition, to), element) in
                    seeks.iter().zip(done.elements_for_topic(&self.reading.name))
                {
                    match element.error() {
                        Ok(()) => self.sought(*partition, *to),
                        Err(error) => self.seek_failed(*partition, *to, &error),
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "partitions were not sought"),
        }
    }

    fn sought(&self, partition: PartitionId, to: Position) {
        if let Some(mut buffer) = self.reading.buffer(partition) {
            buffer.sought(to);
        }
    }

    /// A partition that the library has given up, after something out of range, is put back at its place.
    fn seek_failed(&self, partition: PartitionId, to: Position, error: &KafkaError) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::State) {
            return tracing::warn!(%error, partition = partition.0, "a partition was not sought");
        }
        let again = self
            .client
            .incremental_unassign(&self.list(&[partition]))
            .and_then(|()| self.client.incremental_assign(&places(&self.reading.name, &[(partition, to)])));
        match again {
            Ok(()) => self.sought(partition, to),
            Err(error) => tracing::warn!(%error, partition = partition.0, "a partition was not put back"),
        }
    }

    fn list(&self, partitions: &[PartitionId]) -> TopicPartitionList {
        list(&self.reading.name, partitions)
    }

    /// Tells the time that reading takes, once in a while.
    fn tell(&mut self) {
        let boot = self.around.clock.boot();
        if boot >= self.told.1 + TELL_EVERY {
            let cpu = self.around.clock.thread_cpu();
            self.around.metrics.stage(Stage::Fetch, cpu.saturating_sub(self.told.0));
            self.told = (cpu, boot);
        }
    }
}

fn create(config: &ClientConfig) -> Result<Arc<BaseConsumer<Context>>, Error> {
    config.create_with_context(Context::default()).map(Arc::new).map_err(Error::Client)
}

/// Puts a record into its partition's buffer; returns true when somebody may wait for it.
fn take(message: &BorrowedMessage<'_>, partition: PartitionId, reading: &Reading, metrics: &Metrics) -> bool {
    let Some(mut buffer) = reading.buffer(partition) else { return false };
    match buffer.push(record(message)) {
        Pushed::Dropped => false,
        Pushed::Taken => true,
        Pushed::Raised => {
            metrics.log().stamp_raised();
            true
        }
    }
}

fn record(message: &BorrowedMessage<'_>) -> LogRecord {
    let payload = Bytes::copy_from_slice(message.payload().unwrap_or_default());
    let named = message.headers().into_iter().flat_map(|headers| headers.iter());
    let named = named.map(|header| (header.key, header.value.unwrap_or_default()));
    let headers::Head { kind, epoch, body } = headers::read(named, payload);
    LogRecord {
        position: Position(u64::try_from(message.offset()).unwrap_or(0)),
        stamp: Timestamp(message.timestamp().to_millis().unwrap_or(0)),
        key: SmolStr::new(String::from_utf8_lossy(message.key().unwrap_or_default())),
        kind,
        epoch,
        body,
    }
}

/// Returns a list of partitions without positions.
pub(super) fn list(name: &str, partitions: &[PartitionId]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(name, partition.0 as i32);
    }
    list
}

/// Returns a list of partitions with the positions to read from.
pub(super) fn places(name: &str, places: &[(PartitionId, Position)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(places.len());
    for (partition, position) in places {
        let offset = Offset::Offset(i64::try_from(position.0).unwrap_or(i64::MAX));
        let mut element = list.add_partition(name, partition.0 as i32);
        element.set_offset(offset).expect("a position is no negative offset");
    }
    list
}

#[cfg(test)]
mod tests;
