//! What the feed tells of: decisions and outreach, read from the end of their topics while somebody listens.

use std::sync::Arc;
use std::time::Duration;

use actors::port::log::{Error, Topic};
use futures_util::future;
use schemars::JsonSchema;
use schemas::decision::{Decision, Outreach};
use schemas::ids::{PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use serde::Serialize;
use tokio::task::JoinHandle;

use super::Known;
use super::answers::Time;
use super::feed::Feed;
use super::told::Decided;

/// Records of one fetch.
const FETCH_MAX: usize = 500;

/// Between looks whether somebody listens, and after a log that does not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// An outreach on its way.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct OnItsWay {
    id: String,
    customer: String,
    trigger: String,
    channel: String,
    category: String,
    attempt: u32,
    at: Time,
}

/// Begins to read.
pub(super) fn start(known: &Arc<Known>, feed: &Arc<Feed>) -> Vec<JoinHandle<()>> {
    let of_topic = |topic| {
        let (known, feed) = (known.clone(), feed.clone());
        actix_web::rt::spawn(async move {
            let partitions = (0..known.ports.source.partitions()).map(PartitionId);
            future::join_all(partitions.map(|partition| follow(&known, &feed, (topic, partition)))).await;
        })
    };
    [Topic::Decisions, Topic::Outreach].into_iter().map(of_topic).collect()
}

/// Tells what is appended to a partition, from whenever somebody begins to listen.
async fn follow(known: &Known, feed: &Feed, of: (Topic, PartitionId)) {
    let (source, clock) = (&known.ports.source, &known.ports.clock);
    let mut from: Option<Position> = None;
    loop {
        if !feed.is_heard() {
            from = None;
            clock.sleep(PAUSE).await;
            continue;
        }
        let read = match from {
            None => source.end(of.0, of.1).await,
            Some(place) => source.fetch(of.0, of.1, place, FETCH_MAX).await.map(|fetched| {
                fetched.records.iter().for_each(|record| tell(record, feed));
                fetched.next
            }),
        };
        from = match read {
            Ok(next) => Some(next),
            Err(Error::OutOfRange { .. }) => None,
            Err(
                Error::Unavailable(_) | Error::NotOwned(_) | Error::ProducerReplaced(_) | Error::Failed(_),
            ) => {
                clock.sleep(PAUSE).await;
                from
            }
        };
    }
}

fn tell(record: &LogRecord, feed: &Feed) {
    match record.kind {
        RecordKind::Decision => {
            if let Ok(decision) = serde_json::from_slice::<Decision>(&record.body) {
                feed.tell("decision", &Decided::of(&decision, None));
            }
        }
        RecordKind::Outreach => {
            if let Ok(outreach) = serde_json::from_slice::<Outreach>(&record.body) {
                feed.tell("outreach", &OnItsWay::of(&outreach));
            }
        }
        RecordKind::Event
        | RecordKind::Relay
        | RecordKind::Talk
        | RecordKind::Reply
        | RecordKind::Outcome
        | RecordKind::Epoch
        | RecordKind::Command
        | RecordKind::CloudEvent
        | RecordKind::Stray
        | RecordKind::DeadLetter
        | RecordKind::Unknown => {}
    }
}

impl OnItsWay {
    fn of(outreach: &Outreach) -> Self {
        Self {
            id: outreach.id.to_string(),
            customer: outreach.customer.to_string(),
            trigger: outreach.trigger.to_string(),
            channel: outreach.channel.to_string(),
            category: outreach.category.as_str().to_owned(),
            attempt: outreach.attempt,
            at: outreach.at.into(),
        }
    }
}
