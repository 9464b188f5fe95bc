//! Topics as a plain consumer of no group reads them: everything there is, from the first record on.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long the broker may take for one answer.
const WITHIN: Duration = Duration::from_secs(20);

/// A record as it lies in its topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its partition.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// When the log took it. Units: ms since 1970.
    pub stamp_ms: i64,
    /// Its key.
    pub key: String,
    /// What its header says that it is; `event` without one.
    pub kind: String,
    /// Epoch of the owner that wrote it.
    pub epoch: Option<u64>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Returns what readers of a topic that owners relay to go by, and how many records they do not: those of an owner that was none any more,
/// behind a record of a higher epoch in their partition. `records` are those of each partition in order.
pub fn heard(records: Vec<Stored>) -> (Vec<Stored>, u64) {
    let (mut epochs, all) = (BTreeMap::new(), records.len());
    let is_heard = |record: &Stored| {
        let highest = epochs.entry(record.partition).or_insert(record.epoch);
        *highest = record.epoch.max(*highest);
        record.epoch == *highest
    };
    let heard: Vec<Stored> = records.into_iter().filter(is_heard).collect();
    let unheard = (all - heard.len()) as u64;
    (heard, unheard)
}

/// Asks what a group of consumers committed.
pub struct Group {
    consumer: BaseConsumer,
}

impl Group {
    /// Asks about the group of this name; nobody joins it.
    pub fn new(brokers: &str, group: &str) -> Self {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .create()
            .expect("these settings are legal");
        Self { consumer }
    }

    /// Returns what was committed of each of these partitions; `None` where nothing was.
    ///
    /// Errors: the broker does not answer.
    pub fn committed(&self, topic: &str, partitions: i32) -> Result<Vec<Option<i64>>, String> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let committed =
            self.consumer.committed_offsets(list, WITHIN).map_err(|error| format!("{topic}: {error}"))?;
        let offset = |partition| match committed.find_partition(topic, partition)?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok((0..partitions).map(offset).collect())
    }
}

/// Reads topics of one cluster.
pub struct Reader {
    settings: ClientConfig,
    consumer: BaseConsumer,
}

impl Reader {
    /// Returns a reader; nobody is asked yet.
    pub fn new(brokers: &str) -> Self {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", brokers)
            .set("group.id", "chaos-reader")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error");
        let consumer = settings.create().expect("these settings are legal");
        Self { settings, consumer }
    }

    /// Returns where each partition of a topic ends.
    ///
    /// Errors: the broker does not answer.
    pub fn ends(&self, topic: &str) -> Result<BTreeMap<i32, i64>, String> {
        Ok(self.spans(topic)?.into_iter().map(|(partition, (_, end))| (partition, end)).collect())
    }

    /// Returns where each partition of a topic begins and ends.
    fn spans(&self, topic: &str) -> Result<BTreeMap<i32, (i64, i64)>, String> {
        let said = |error: rdkafka::error::KafkaError| format!("{topic}: {error}");
        let metadata = self.consumer.fetch_metadata(Some(topic), WITHIN).map_err(said)?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let mut spans = BTreeMap::new();
        for partition in partitions.map(|partition| partition.id()) {
            spans.insert(partition, self.consumer.fetch_watermarks(topic, partition, WITHIN).map_err(said)?);
        }
        Ok(spans)
    }

    /// Returns everything that a topic holds, partition by partition, read by a consumer of its own: one that read the same partitions
    /// before may wait for records without end once the broker was away.
    ///
    /// Errors: the broker does not answer, or a partition cannot be read to its end.
    pub fn all(&self, topic: &str) -> Result<Vec<Stored>, String> {
        let said = |error: rdkafka::error::KafkaError| format!("{topic}: {error}");
        let spans = self.spans(topic)?;
        let consumer: BaseConsumer = self.settings.create().map_err(said)?;
        let mut list = TopicPartitionList::new();
        for (partition, (begin, _)) in &spans {
            // By number: a new client that has to ask where a partition begins waits half a second before it does.
            list.add_partition_offset(topic, *partition, Offset::Offset(*begin)).map_err(said)?;
        }
        consumer.assign(&list).map_err(said)?;
        let mut records = Vec::new();
        loop {
            let places = consumer.position().unwrap_or_default();
            let is_left = |(partition, (begin, end)): &(&i32, &(i64, i64))| {
                begin < end && position(&places, topic, **partition).is_none_or(|next| next < *end)
            };
            let Some((partition, (_, end))) = spans.iter().find(is_left) else { break };
            match consumer.poll(WITHIN) {
                Some(message) => records.push(stored(&message.map_err(said)?)),
                None => return Err(format!("{topic}: partition {partition} is not read to its end {end}")),
            }
        }
        records.sort_by_key(|record: &Stored| record.partition);
        Ok(records)
    }
}

/// Returns the offset of the record that comes next.
fn position(places: &TopicPartitionList, topic: &str, partition: i32) -> Option<i64> {
    match places.find_partition(topic, partition)?.offset() {
        Offset::Offset(next) => Some(next),
        _ => None,
    }
}

fn stored(message: &impl Message) -> Stored {
    let header = |name: &str| {
        let headers = message.headers()?;
        let found = headers.iter().find(|header| header.key == name)?;
        found.value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let bytes = |part: Option<&[u8]>| part.unwrap_or_default().to_vec();
    Stored {
        partition: message.partition(),
        offset: message.offset(),
        stamp_ms: message.timestamp().to_millis().unwrap_or_default(),
        key: String::from_utf8_lossy(&bytes(message.key())).into_owned(),
        kind: header("care-kind").unwrap_or_else(|| "event".to_owned()),
        epoch: header("care-epoch").and_then(|epoch| epoch.parse().ok()),
        body: bytes(message.payload()),
    }
}
