//! A log sink that notes when decisions leave the engine and when they are on their topic.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::port::Reply;
use actors::port::clock::Clock;
use actors::port::log::{Error, LogSink, NewRecord, Topic};
use bytes::Bytes;
use engine::clock::SystemClock;
use engine::log::embedded::EmbeddedLog;
use schemas::ids::Position;
use schemas::record::RecordKind;

use crate::world::Around;

/// A decision on its way.
#[derive(Clone, Debug)]
pub struct Left {
    /// The decision as JSON.
    pub body: Bytes,
    /// When its row was durable and the engine handed it on, since boot.
    pub handed_on: Duration,
    /// When it was durable on its topic, since boot.
    pub on_topic: Duration,
}

/// The log, with a look at the decisions.
pub struct Tap {
    log: Arc<EmbeddedLog>,
    left: Decisions,
}

/// What has left so far. Clones share it.
#[derive(Clone, Default)]
pub struct Decisions(Arc<Mutex<Vec<Left>>>);

impl Tap {
    /// Puts a sink before the log that notes in `left`.
    pub fn around(left: Decisions) -> Around {
        Around { sink: Box::new(|log| Arc::new(Self { log, left })), ..Around::default() }
    }
}

impl Decisions {
    /// Takes what has left since it was taken last.
    pub fn take(&self) -> Vec<Left> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, left: impl Iterator<Item = Left>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
    }
}

impl LogSink for Tap {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        if topic != Topic::Decisions {
            return self.log.append(topic, records);
        }
        let decisions = records.iter().filter(|record| record.kind == RecordKind::Decision);
        let bodies: Vec<Bytes> = decisions.map(|record| record.body.clone()).collect();
        let (handed_on, left) = (SystemClock.boot(), self.left.clone());
        let appended = self.log.append(topic, records);
        Box::pin(async move {
            let positions = appended.await?;
            let on_topic = SystemClock.boot();
            left.add(bodies.into_iter().map(|body| Left { body, handed_on, on_topic }));
            Ok(positions)
        })
    }
}
