//! Reads `care.replies` to its end and goes on: one task per partition, in every process, whoever owns the partition.
//!
//! It begins a little before the end, so that the list of threads is there after a restart; pages need none of that, they read the store. What
//! an owner of an older epoch tells behind a newer one is passed over (invariant I7). A topic that cannot be read cuts the pages off: they come
//! again, and the store has everything.

use std::sync::Arc;
use std::time::Duration;

use actors::port::Kind;
use actors::port::clock::Clock;
use actors::port::log::{Error, Fetched, LogSource, Topic};
use schemas::conversation::Reply;
use schemas::ids::{CustomerId, Epoch, PartitionId, Position};
use schemas::record::{LogRecord, decode_reply};

use super::hub::Hub;
use super::recent::Recent;

/// Records asked for by one fetch.
const FETCH_MAX: usize = 500;

/// Records before the end at which a start begins.
const BACK: u64 = 2_000;

/// Wait after the log did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// What reads.
pub struct Tail {
    /// The log.
    pub source: Arc<dyn LogSource>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whom it tells.
    pub hub: Arc<Hub>,
    /// What it notes.
    pub recent: Arc<Recent>,
}

impl Tail {
    /// Reads a partition until it is dropped.
    pub async fn follow(self: Arc<Self>, partition: PartitionId) {
        let (mut from, mut highest) = (None, Epoch::default());
        loop {
            let at = match from {
                Some(at) => at,
                None => self.begin(partition).await,
            };
            match self.source.fetch(Topic::Replies, partition, at, FETCH_MAX).await {
                Ok(Fetched { records, next, .. }) => {
                    records.iter().for_each(|record| self.tell(record, &mut highest));
                    from = Some(next);
                }
                Err(error) => from = self.after(&error, at).await,
            }
        }
    }

    /// Returns where to begin: a little before the end, but not before the log's beginning.
    async fn begin(&self, partition: PartitionId) -> Position {
        loop {
            match self.source.end(Topic::Replies, partition).await {
                Ok(end) => {
                    let first = Position::first_of(end.log());
                    return Position(end.0.saturating_sub(BACK).max(first.0));
                }
                Err(error) => {
                    tracing::debug!(%error, partition = partition.0, "the end of care.replies is not known");
                    self.clock.sleep(RETRY).await;
                }
            }
        }
    }

    /// Returns where to go on after an error; `None` = begin anew.
    async fn after(&self, error: &Error, at: Position) -> Option<Position> {
        match (error.kind(), error) {
            // Older records were given up meanwhile: what is lost here is in the store.
            (Kind::Reject, Error::OutOfRange { start, .. }) if at < *start => {
                self.hub.clear();
                Some(*start)
            }
            (Kind::Retry | Kind::Anew, _) => {
                self.clock.sleep(RETRY).await;
                Some(at)
            }
            (Kind::Reject | Kind::Fatal, _) => {
                tracing::warn!(%error, "care.replies cannot be read");
                self.hub.clear();
                self.clock.sleep(RETRY).await;
                None
            }
        }
    }

    fn tell(&self, record: &LogRecord, highest: &mut Epoch) {
        if let Some(epoch) = record.epoch {
            if epoch < *highest {
                return;
            }
            *highest = epoch;
        }
        let reply = match decode_reply(record) {
            Ok(Some(reply)) => Arc::new(reply),
            Ok(None) => return,
            Err(rejection) => {
                tracing::warn!(%rejection, position = record.position.0, "care.replies holds what is no reply");
                return;
            }
        };
        match &*reply {
            Reply::Turn(turn) => self.recent.note(turn),
            Reply::Forgotten { .. } => self.recent.forget(&CustomerId::of_key(record.key.clone())),
            Reply::Piece(_) => {}
        }
        self.hub.tell(&record.key, &reply);
    }
}
