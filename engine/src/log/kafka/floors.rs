//! Stamps of records that bear their own: on topics made for a replay the brokers keep what they are told, so this process keeps each
//! partition's stamps from going back. One process alone appends there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use actors::port::log::Topic;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::Offset;
use schemas::ids::PartitionId;
use schemas::time::Timestamp;

use super::client::{self, Asking};
use super::error::Error;
use super::row::Outgoing;
use super::settings::Settings;

/// The last stamp of each partition.
#[derive(Debug, Default)]
pub(super) struct Floors {
    last: Mutex<BTreeMap<(Topic, PartitionId), Timestamp>>,
}

impl Floors {
    /// Reads the last record of every partition.
    ///
    /// Errors: `Brokers` → they do not answer.
    pub(super) fn read(settings: &Settings, partitions: u32) -> Result<Self, Error> {
        let failed = |source| Error::Brokers {
            what: "read the last records",
            brokers: settings.brokers.clone(),
            source,
        };
        let client: BaseConsumer<Asking> =
            client::reader(settings).create_with_context(Asking::default()).map_err(Error::Client)?;
        let mut last = BTreeMap::new();
        for topic in Topic::ALL {
            for (partition, stamp) in
                last_of(&client, settings, &settings.topic(topic), partitions).map_err(failed)?
            {
                last.insert((topic, partition), stamp);
            }
        }
        Ok(Self { last: Mutex::new(last) })
    }

    /// Returns the newest stamp of all; the beginning of time for empty topics.
    pub(super) fn newest(&self) -> Timestamp {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.values().copied().max().unwrap_or_default()
    }

    /// Gives records their stamps, those asked for, the clock's for others, none below the partition's last, and hands them to `send`
    /// before anybody else's are stamped: they lie in the log in the order of their stamps.
    pub(super) fn raise<T>(
        &self,
        topic: Topic,
        (mut records, now): (Vec<Outgoing>, Timestamp),
        send: impl FnOnce(Vec<Outgoing>) -> T,
    ) -> T {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for Outgoing { record, stamp, .. } in &mut records {
            let floor = last.entry((topic, record.partition)).or_insert(Timestamp(0));
            *floor = (*floor).max(record.stamp.unwrap_or(now));
            *stamp = Some(*floor);
        }
        send(records)
    }
}

fn last_of(
    client: &BaseConsumer<Asking>,
    settings: &Settings,
    name: &str,
    partitions: u32,
) -> Result<Vec<(PartitionId, Timestamp)>, KafkaError> {
    let all = |offset: Offset| {
        let mut list = TopicPartitionList::with_capacity(partitions as usize);
        for partition in 0..partitions {
            list.add_partition_offset(name, partition as i32, offset)?;
        }
        client.offsets_for_times(list, settings.request_timeout())
    };
    let (starts, ends) = (all(Offset::Beginning)?, all(Offset::End)?);
    let mut places = TopicPartitionList::new();
    for last in ends.elements() {
        let first = starts.find_partition(name, last.partition()).map(|first| first.offset());
        if let (Some(Offset::Offset(start)), Offset::Offset(end)) = (first, last.offset())
            && start < end
        {
            places.add_partition_offset(name, last.partition(), Offset::Offset(end - 1))?;
        }
    }
    let mut wanted = places.count();
    client.assign(&places)?;
    let mut found = Vec::new();
    while wanted > 0 {
        match client.poll(settings.request_timeout()) {
            Some(Ok(message)) => {
                let stamp = Timestamp(message.timestamp().to_millis().unwrap_or(0));
                found.push((PartitionId(message.partition() as u32), stamp));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => wanted -= 1,
            Some(Err(error)) => return Err(error),
            None => return Err(KafkaError::NoMessageReceived),
        }
    }
    client.unassign()?;
    Ok(found)
}
