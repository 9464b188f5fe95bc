//! Faults at the ports, and a panic of a customer: accidents that a rule is there for and that hardly ever happen by themselves. They are put
//! in by name (`care serve --inject`), and with all rules kept nothing may come of them.

use std::future::pending;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::port::log::{Assignment, Commit, Error, Fetched, LogSink, LogSource, NewRecord, Topic};
use actors::port::predictor::{Error as NoScore, Predictor};
use actors::port::{BoxFuture, Ports, Reply};
use schemas::ids::{PartitionId, Position};
use schemas::record::RecordKind;
use schemas::score::{Answer, Ask, Head};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep, sleep_until};

/// Faults to put in, none at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// `late-news=MS`: that a partition is gone is heard so long after it was announced. Its owner works on meanwhile, as one does whose
    /// thread is starved.
    late_news: Option<Duration>,
    /// `torn-appends=N`: of every N-th append of several records the first record is lost and the others are in the log.
    torn_appends: Option<u64>,
    /// `slow-marks=MS`: an epoch record is under way for so long.
    slow_marks: Option<Duration>,
    /// `slow-relays=MS`: outreach that is relayed is under way for so long.
    slow_relays: Option<Duration>,
    /// `slow-scores=MS`: a score takes so long.
    slow_scores: Option<Duration>,
    /// `panic-at=N`: the N-th turn of a customer panics, once in the life of a process.
    panic_at: Option<u64>,
}

/// What can be put in, for people.
const LEGAL: &str = "late-news=MS, torn-appends=N, slow-marks=MS, slow-relays=MS, slow-scores=MS, panic-at=N";

impl FromStr for Faults {
    type Err = String;

    /// Reads faults with commas between them.
    ///
    /// Errors: there is no fault of a name · its number is none, or 0.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for fault in text.split(',').filter(|fault| !fault.is_empty()) {
            let (name, number) = fault.split_once('=').unwrap_or((fault, ""));
            let number = number.parse().ok().filter(|number| *number > 0);
            let number: u64 =
                number.ok_or_else(|| format!("{fault}: a number from 1 on; legal are {LEGAL}"))?;
            match name {
                "late-news" => faults.late_news = Some(Duration::from_millis(number)),
                "torn-appends" => faults.torn_appends = Some(number),
                "slow-marks" => faults.slow_marks = Some(Duration::from_millis(number)),
                "slow-relays" => faults.slow_relays = Some(Duration::from_millis(number)),
                "slow-scores" => faults.slow_scores = Some(Duration::from_millis(number)),
                "panic-at" => faults.panic_at = Some(number),
                _ => return Err(format!("there is no fault {name:?}; legal are {LEGAL}")),
            }
        }
        Ok(faults)
    }
}

impl Faults {
    /// Has a customer panic, and returns the ports with the other faults before them. Call it where tasks can be spawned.
    pub fn put_in(self, ports: Ports) -> Ports {
        actors::ablation::panic_at(self.panic_at.unwrap_or(0));
        let Ports { mut source, mut sink, mut predictor, .. } = ports.clone();
        if let Some(delay) = self.late_news {
            source = Arc::new(LateNews::of(source, delay));
        }
        if let Some(every) = self.torn_appends {
            sink = Arc::new(TornAppends { inner: sink, every, appends: AtomicU64::new(0) });
        }
        for (kind, delay) in [(RecordKind::Epoch, self.slow_marks), (RecordKind::Outreach, self.slow_relays)]
        {
            if let Some(delay) = delay {
                sink = Arc::new(Slow { inner: sink, kind, delay });
            }
        }
        if let Some(delay) = self.slow_scores {
            predictor = Arc::new(SlowScores { inner: predictor, delay });
        }
        Ports { source, sink, predictor, ..ports }
    }
}

/// Changes of assignment that wait to be told; more stay with the log.
const CHANGES_MAX: usize = 1_024;

/// A log that tells late what is gone. What it gives comes in its place behind that, so the order stays.
struct LateNews {
    inner: Arc<dyn LogSource>,
    news: Arc<Mutex<Receiver<Assignment>>>,
}

impl LateNews {
    fn of(inner: Arc<dyn LogSource>, delay: Duration) -> Self {
        let ((heard, mut waiting), (tell, news)) = (channel(CHANGES_MAX), channel(CHANGES_MAX));
        let log = Arc::clone(&inner);
        tokio::spawn(async move {
            loop {
                let change = log.assignment().await;
                let delay = if matches!(change, Assignment::Revoked { .. }) { delay } else { Duration::ZERO };
                if heard.send((Instant::now() + delay, change)).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some((due, change)) = waiting.recv().await {
                sleep_until(due).await;
                if tell.send(change).await.is_err() {
                    return;
                }
            }
        });
        Self { inner, news: Arc::new(Mutex::new(news)) }
    }
}

impl LogSource for LateNews {
    fn partitions(&self) -> u32 {
        self.inner.partitions()
    }

    fn assignment(&self) -> BoxFuture<'static, Assignment> {
        let news = Arc::clone(&self.news);
        Box::pin(async move {
            match news.lock().await.recv().await {
                Some(change) => change,
                None => pending().await,
            }
        })
    }

    fn released(&self, partition: PartitionId) {
        self.inner.released(partition);
    }

    fn prove(&self, partition: PartitionId) -> Reply<(), Error> {
        self.inner.prove(partition)
    }

    fn fetch(
        &self,
        topic: Topic,
        partition: PartitionId,
        from: Position,
        max: usize,
    ) -> Reply<Fetched, Error> {
        self.inner.fetch(topic, partition, from, max)
    }

    fn end(&self, topic: Topic, partition: PartitionId) -> Reply<Position, Error> {
        self.inner.end(topic, partition)
    }

    fn commit(&self, topic: Topic, partition: PartitionId, commit: Commit) -> Reply<(), Error> {
        self.inner.commit(topic, partition, commit)
    }

    fn committed(&self, topic: Topic, partition: PartitionId) -> Reply<Commit, Error> {
        self.inner.committed(topic, partition)
    }
}

/// A log that loses the first of several records now and then, and says that it does not know.
struct TornAppends {
    inner: Arc<dyn LogSink>,
    every: u64,
    appends: AtomicU64,
}

impl LogSink for TornAppends {
    fn append(&self, topic: Topic, mut records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        let is_torn = records.len() > 1
            && (self.appends.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.every);
        if !is_torn {
            return self.inner.append(topic, records);
        }
        records.remove(0);
        let appended = self.inner.append(topic, records);
        Box::pin(async move {
            appended.await?;
            Err(Error::Unavailable(
                "of an append the first record is lost (--inject torn-appends)".to_owned(),
            ))
        })
    }
}

/// A log that is slow to take records of a kind.
struct Slow {
    inner: Arc<dyn LogSink>,
    kind: RecordKind,
    delay: Duration,
}

impl LogSink for Slow {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        if records.iter().all(|record| record.kind != self.kind) {
            return self.inner.append(topic, records);
        }
        let (inner, delay) = (Arc::clone(&self.inner), self.delay);
        Box::pin(async move {
            sleep(delay).await;
            inner.append(topic, records).await
        })
    }
}

/// A predictor that takes its time.
struct SlowScores {
    inner: Arc<dyn Predictor>,
    delay: Duration,
}

impl Predictor for SlowScores {
    fn score(&self, ask: Ask) -> Reply<Answer, NoScore> {
        let (inner, delay) = (Arc::clone(&self.inner), self.delay);
        Box::pin(async move {
            sleep(delay).await;
            inner.score(ask).await
        })
    }

    fn prior(&self, head: Head) -> f32 {
        self.inner.prior(head)
    }
}
