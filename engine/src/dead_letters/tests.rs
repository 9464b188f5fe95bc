//! Letters are tried again once, wherever an earlier try was cut short.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use actors::kit::memory::{ManualClock, MemoryLog, MemoryStore, ScriptedPredictor};
use actors::port::Reply;
use actors::port::log::{Error, LogSink};
use schemas::record::LogRecord;
use schemas::time::Timestamp;

use super::*;

const P0: PartitionId = PartitionId(0);

/// A log that takes so many appends and then none.
struct Cut {
    inner: MemoryLog,
    left: AtomicUsize,
}

impl LogSink for Cut {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        match taken {
            Ok(_) => self.inner.append(topic, records),
            Err(_) => Box::pin(std::future::ready(Err(Error::Unavailable("cut".to_owned())))),
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix::System::new().block_on(future)
}

fn letter(key: &str, body: &str, topic: Topic) -> DeadLetter {
    let record = LogRecord {
        position: Position(4),
        stamp: Timestamp(7),
        key: key.into(),
        kind: RecordKind::Event,
        epoch: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    DeadLetter::of(topic, P0, &record, "bad_time", "it is odd")
}

/// Returns a log with three letters: two events, and an outreach.
async fn log() -> MemoryLog {
    let log = MemoryLog::new(1, Arc::new(ManualClock::at(Timestamp(1_000))));
    let letters = [
        letter("a", r#"{"event":"x"}"#, Topic::Events),
        letter("b", "{broken", Topic::Events),
        letter("a", "{}", Topic::Outreach),
    ];
    let records = letters.iter().map(DeadLetter::record).collect();
    log.append(Topic::DeadLetter, records).await.expect("appended");
    log
}

fn ports(log: &MemoryLog, appends: usize) -> Ports {
    Ports {
        source: Arc::new(log.clone()),
        sink: Arc::new(Cut { inner: log.clone(), left: appends.into() }),
        store: Arc::new(MemoryStore::default()),
        predictor: Arc::new(ScriptedPredictor::default()),
        answers: Arc::new(actors::port::answers::Nobody),
        channels: Arc::default(),
        clock: Arc::new(ManualClock::at(Timestamp(1_000))),
    }
}

async fn retry_all(log: &MemoryLog, appends: usize) -> Result<Retried> {
    let ports = ports(log, appends);
    let letters = read(&ports, P0).await?;
    retry(&ports, &letters, (|_: &Lying| true, Repeat::Once), |_| {}).await
}

fn bodies(log: &MemoryLog) -> Vec<Bytes> {
    log.records(Topic::Events, P0).into_iter().map(|record| record.body).collect()
}

#[test]
fn a_letter_goes_back_as_it_came_and_once() {
    block_on(async {
        let log = log().await;
        let first = retry_all(&log, usize::MAX).await.expect("tried");
        assert_eq!((first.retried, first.before, first.refused.values().sum::<u64>()), (2, 0, 1));
        assert_eq!(bodies(&log), [r#"{"event":"x"}"#, "{broken"]);
        assert_eq!(log.records(Topic::Events, P0)[0].key, "a");
        let again = retry_all(&log, usize::MAX).await.expect("tried");
        assert_eq!((again.retried, again.before, again.refused.values().sum::<u64>()), (0, 2, 1));
        assert_eq!(bodies(&log).len(), 2);
        let letters = read(&ports(&log, 0), P0).await.expect("read").letters;
        assert_eq!(letters.iter().map(|lying| lying.retried).collect::<Vec<_>>(), [true, true, false]);
    });
}

#[test]
fn a_try_that_was_cut_short_anywhere_is_finished_by_the_next() {
    // An append of notes, of records, of notes again: the log goes away before each of them.
    for appends in 0..3 {
        block_on(async {
            let log = log().await;
            let cut = retry_all(&log, appends).await.expect_err("cut");
            assert!(format!("{cut:#}").contains("cut"), "{cut:#}");
            retry_all(&log, usize::MAX).await.expect("tried");
            assert_eq!(bodies(&log).len(), 2, "cut after {appends} appends");
        });
    }
}

#[test]
fn a_record_that_is_refused_again_is_left_alone_unless_it_is_to_be_tried_once_more() {
    block_on(async {
        let log = log().await;
        retry_all(&log, usize::MAX).await.expect("tried");
        let again = letter("b", "{broken", Topic::Events).record();
        log.append(Topic::DeadLetter, vec![again]).await.expect("the engine refuses it again");
        let second = retry_all(&log, usize::MAX).await.expect("tried");
        assert_eq!((second.retried, second.before, second.repeated), (0, 2, 1));
        let ports = ports(&log, usize::MAX);
        let letters = read(&ports, P0).await.expect("read");
        assert_eq!(letters.letters.last().map(|lying| (lying.tries, lying.retried)), Some((1, false)));
        let all = (|_: &Lying| true, Repeat::OnceMore);
        let third = retry(&ports, &letters, all, |_| {}).await.expect("tried");
        assert_eq!((third.retried, third.repeated), (1, 0));
        assert_eq!(bodies(&log), [r#"{"event":"x"}"#, "{broken", "{broken"]);
    });
}

#[test]
fn only_what_is_wanted_is_tried() {
    block_on(async {
        let log = log().await;
        let ports = ports(&log, usize::MAX);
        let letters = read(&ports, P0).await.expect("read");
        let wanted = |lying: &Lying| lying.place == Position(1);
        let retried = retry(&ports, &letters, (wanted, Repeat::Once), |_| {}).await.expect("tried");
        assert_eq!((retried.retried, bodies(&log)), (1, vec![Bytes::from_static(b"{broken")]));
    });
}

#[test]
fn bytes_that_were_no_text_are_refused() {
    let damaged = letter("a", "caf\u{fffd}", Topic::Events);
    assert!(unfit(&damaged).is_some_and(|why| why.contains("no text")));
}
