//! A log whose positions carry the number of the log: what lies between an engine and a log that counts from 0.
//!
//! The first log of a shop has number 0, and its positions are offsets. A shop that moved here goes on in a log of a higher number, so its
//! positions lie behind all that it ever named; the log itself, its tools and its displays keep counting from 0.

use std::sync::Arc;

use actors::port::log::{Assignment, Commit, Error, Fetched, LogSink, LogSource, NewRecord, Topic};
use actors::port::{BoxFuture, Reply};
use futures_util::FutureExt;
use schemas::ids::{LogId, PartitionId, Position};

/// A log with its number.
pub struct Numbered<L> {
    inner: Arc<L>,
    /// First position of the log.
    begin: Position,
}

impl<L> Numbered<L> {
    /// Returns a log as the one of that number.
    pub fn new(inner: Arc<L>, log: LogId) -> Self {
        Self { inner, begin: Position::first_of(log) }
    }

    /// Returns where the log has what the shop names so. What lies before the log was never in it: its first record comes next.
    fn offset(&self, position: Position) -> Position {
        Position(position.0.saturating_sub(self.begin.0))
    }
}

/// Returns how the shop names what the log has there.
fn named(begin: Position, offset: Position) -> Position {
    Position(begin.0.saturating_add(offset.0))
}

fn named_error(begin: Position, error: Error) -> Error {
    match error {
        Error::OutOfRange { topic, partition, asked, start, end } => {
            let [asked, start, end] = [asked, start, end].map(|offset| named(begin, offset));
            Error::OutOfRange { topic, partition, asked, start, end }
        }
        Error::Unavailable(_) | Error::NotOwned(_) | Error::ProducerReplaced(_) | Error::Failed(_) => error,
    }
}

impl<L: LogSource> LogSource for Numbered<L> {
    fn partitions(&self) -> u32 {
        self.inner.partitions()
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        self.inner.assignment()
    }

    fn prove(&self, partition: PartitionId) -> Reply<(), Error> {
        self.inner.prove(partition)
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
        let begin = self.begin;
        let fetched = self.inner.fetch(topic, partition, self.offset(from), max);
        let named = move |fetched: Result<Fetched, Error>| {
            let mut fetched = fetched.map_err(|error| named_error(begin, error))?;
            fetched.records.iter_mut().for_each(|record| record.position = named(begin, record.position));
            Ok(Fetched { next: named(begin, fetched.next), ..fetched })
        };
        fetched.map(named).boxed()
    }

    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, Error> {
        let begin = self.begin;
        let end = self.inner.end(topic, partition);
        end.map(move |end| end.map(|end| named(begin, end)).map_err(|error| named_error(begin, error)))
            .boxed()
    }

    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), Error> {
        self.inner.commit(topic, partition, Commit { position: self.offset(commit.position), ..commit })
    }

    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, Error> {
        let begin = self.begin;
        let committed = self.inner.committed(topic, partition);
        let named = move |commit: Commit| Commit { position: named(begin, commit.position), ..commit };
        committed.map(move |committed| committed.map(named)).boxed()
    }
}

impl<L: LogSink> LogSink for Numbered<L> {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        let begin = self.begin;
        let appended = self.inner.append(topic, records);
        let named =
            move |positions: Vec<Position>| positions.into_iter().map(|at| named(begin, at)).collect();
        appended.map(move |appended| appended.map(named)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::memory::{ManualClock, MemoryLog};
    use schemas::record::RecordKind;
    use schemas::time::Timestamp;

    use super::*;

    const P0: PartitionId = PartitionId(0);

    fn record(key: &str) -> NewRecord {
        NewRecord {
            partition: P0,
            key: key.into(),
            kind: RecordKind::Event,
            epoch: None,
            stamp: None,
            body: bytes::Bytes::new(),
        }
    }

    #[tokio::test]
    async fn a_log_of_a_higher_number_begins_behind_every_position_of_the_lower_ones() {
        let inner = Arc::new(MemoryLog::new(1, Arc::new(ManualClock::at(Timestamp(5)))));
        let log = Numbered::new(Arc::clone(&inner), LogId(2));
        let begin = Position::first_of(LogId(2));
        assert_eq!(log.end(Topic::Events, P0).await.expect("memory"), begin);
        assert_eq!(log.committed(Topic::Outreach, P0).await.expect("memory").position, begin);
        let positions = log.append(Topic::Events, vec![record("a"), record("b")]).await.expect("memory");
        assert_eq!(positions, [begin, begin.next()]);
        // Whoever comes with a position of an older log begins at the beginning of this one.
        for from in [Position(0), Position(77), Position::first_of(LogId(1)), begin] {
            let fetched = log.fetch(Topic::Events, P0, from, 9).await.expect("memory");
            let found: Vec<_> = fetched.records.iter().map(|record| record.position).collect();
            assert_eq!((found, fetched.next), (vec![begin, begin.next()], begin.next().next()), "{from}");
        }
        let commit = Commit { position: begin.next(), epoch: Default::default() };
        log.commit(Topic::Outreach, P0, commit).await.expect("memory");
        assert_eq!(log.committed(Topic::Outreach, P0).await.expect("memory"), commit);
        assert_eq!(inner.committed(Topic::Outreach, P0).await.expect("memory").position, Position(1));
    }

    #[tokio::test]
    async fn a_position_behind_the_end_is_told_as_the_shop_names_it() {
        let inner = Arc::new(MemoryLog::new(1, Arc::new(ManualClock::at(Timestamp(5)))));
        let log = Numbered::new(inner, LogId(1));
        let begin = Position::first_of(LogId(1));
        let asked = Position::first_of(LogId(2));
        let refused = log.fetch(Topic::Events, P0, asked, 9).await.expect_err("behind the end");
        assert!(
            matches!(refused, Error::OutOfRange { asked: told, end, .. } if (told, end) == (asked, begin)),
            "{refused}"
        );
    }
}
