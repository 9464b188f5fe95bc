//! History played into topics that were made for it: every record says of itself which row of which file it is.
//!
//! The log has no place for how far a file is but in a transaction, and a transaction leaves a mark behind the records of every partition
//! it touched: a reader of committed records passes it only when the broker has nothing more to say, a tenth of a second later, and a
//! replay waits for rest behind every event by which one customer speaks to another. So what the topics hold of a file is read from the
//! records' headers, once, when history is opened; it costs what reading them costs, which is what the engine pays anyway.
//!
//! Within a partition the rows of a file lie in their order, since one producer sends them. Across partitions a part of a passage may be
//! missing after a crash: what is there is told by partition, the last record of a passage is sent when all others are acknowledged, and
//! every record bears the log time to which everything before its passage was there, where the clock goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::port::Reply;
use actors::port::clock::Clock;
use actors::port::log::{Error as PortError, LogSource, Topic};
use futures_util::FutureExt;
use futures_util::future;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::topic_partition_list::Offset;
use schemas::ids::PartitionId;
use schemas::time::Timestamp;
use tokio::task::spawn_blocking;

use super::adapter::KafkaLog;
use super::client::{self, Asking};
use super::error::Error;
use super::row::Row;
use super::settings::Settings;
use crate::replay::{Held, Passage, Target};

/// Wait between two looks whether the group has given this process everything.
const LOOK: Duration = Duration::from_millis(20);

/// How long the group may take, beyond the session of a member that was killed.
const JOINING: Duration = Duration::from_secs(30);

/// A log that history is played into, by this process alone.
pub struct History {
    log: Arc<KafkaLog>,
    known: Arc<Mutex<Known>>,
}

/// What the topics hold of files.
#[derive(Debug, Default)]
struct Known {
    /// By source, for every partition the first row that it lacks.
    held: HashMap<u64, Vec<u64>>,
    /// Log time to which everything is in the log.
    reached: Timestamp,
}

impl Known {
    fn note(&mut self, row: &Row, partition: PartitionId, partitions: u32) {
        let held = self.held.entry(row.source).or_insert_with(|| vec![0; partitions as usize]);
        if let Some(rows) = held.get_mut(partition.0 as usize) {
            *rows = (*rows).max(row.number + 1);
        }
        self.reached = self.reached.max(row.reached);
    }
}

impl History {
    /// Waits until the group has given every partition to this process, then reads what care.events holds. By then the session of a
    /// process that was killed is over, and whatever it had sent has arrived.
    ///
    /// Errors: `NotAlone` → another process is in the group · `Brokers` → they do not answer.
    pub async fn open(log: Arc<KafkaLog>, settings: &Settings, clock: &dyn Clock) -> Result<Self, Error> {
        let partitions = log.partitions();
        let patience = JOINING + Duration::from_millis(settings.session_timeout_ms);
        let until = clock.boot() + patience;
        while log.held() < partitions as usize {
            if clock.boot() >= until {
                return Err(Error::NotAlone { group: settings.group.clone(), held: log.held(), partitions });
            }
            clock.sleep(LOOK).await;
        }
        let settings = settings.clone();
        let reading = spawn_blocking(move || read(&settings, partitions));
        let known = reading.await.map_err(|error| Error::Thread(std::io::Error::other(error)))??;
        Ok(Self { log, known: Arc::new(Mutex::new(known)) })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for History {
    fn log(&self) -> &dyn LogSource {
        &*self.log
    }

    fn held(&self, source: u64) -> Reply<Held, PortError> {
        let held = self.known().held.get(&source).cloned().unwrap_or_default();
        future::ready(Ok(Held::by_partition(held))).boxed()
    }

    fn play(&self, passage: Passage) -> Reply<(), PortError> {
        let Passage { source, reached, mut records, .. } = passage;
        let last = records.pop();
        let (log, known) = (Arc::clone(&self.log), Arc::clone(&self.known));
        let partitions = log.partitions();
        async move {
            for part in [records, last.into_iter().collect()] {
                let row = |number| Row { source, number, reached };
                let rows: Vec<_> =
                    part.iter().map(|(number, record)| (row(*number), record.partition)).collect();
                let part = part.into_iter().map(|(number, record)| (record, row(number))).collect();
                log.append_rows(part).await?;
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                rows.iter().for_each(|(row, partition)| known.note(row, *partition, partitions));
            }
            Ok(())
        }
        .boxed()
    }

    fn reached(&self) -> Reply<Timestamp, PortError> {
        future::ready(Ok(self.known().reached)).boxed()
    }
}

/// Reads the rows that the headers of care.events name, from its beginning to the end that it has now.
fn read(settings: &Settings, partitions: u32) -> Result<Known, Error> {
    let failed =
        |source| Error::Brokers { what: "read what was played", brokers: settings.brokers.clone(), source };
    let client: BaseConsumer<Asking> =
        client::reader(settings).create_with_context(Asking::default()).map_err(Error::Client)?;
    let mut known = Known::default();
    let mut places = TopicPartitionList::with_capacity(partitions as usize);
    let name = settings.topic(Topic::Events);
    for partition in 0..partitions {
        let added = places.add_partition_offset(&name, partition as i32, Offset::Beginning);
        added.map_err(failed)?;
    }
    client.assign(&places).map_err(failed)?;
    let mut unread = partitions;
    while unread > 0 {
        match client.poll(settings.request_timeout()) {
            Some(Ok(message)) => {
                let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
                if let Some(row) = headers.filter_map(|header| Row::read(header.key, header.value)).next() {
                    known.note(&row, PartitionId(message.partition() as u32), partitions);
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => unread -= 1,
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(failed(KafkaError::NoMessageReceived)),
        }
    }
    client.unassign().map_err(failed)?;
    Ok(known)
}
