//! The shipped models on their own thread, as a running engine has them, and what measurements put around: a brake and a stop-watch.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::batcher::{Batcher, Model, Patience, Priors, Scored, Settings};
use actors::metrics::Metrics;
use actors::port::Reply;
use actors::port::clock::Clock;
use actors::port::predictor::{Error, Predictor};
use anyhow::{Context, Result, ensure};
use engine::clock::SystemClock;
use engine::model::Artefact;
use schemas::profile::Heads;
use schemas::score::{Answer, Ask, Head};

use crate::scoring::shipped;

/// Questions that may wait for the model.
pub const QUEUE_MAX: usize = 4_096;

/// The shipped models.
pub struct Models {
    each: Vec<Artefact>,
    brake: Brake,
}

/// Makes a model slow while it is on. Clones share it.
#[derive(Clone, Default)]
pub struct Brake(Arc<AtomicU64>);

impl Brake {
    /// Lets each row take at least so long.
    pub fn set(&self, per_row: Duration) {
        self.0.store(per_row.as_nanos() as u64, Ordering::Relaxed);
    }

    fn per_row(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl Models {
    /// Reads the shipped models.
    pub fn load(brake: Brake) -> Result<Self> {
        tch::set_num_threads(1);
        let load = |folder| Artefact::load(folder).with_context(|| format!("load {}", folder.display()));
        let each = shipped()?.iter().map(|folder| load(folder)).collect::<Result<Vec<_>>>()?;
        ensure!(!each.is_empty(), "there are no shipped models to measure");
        Ok(Self { each, brake })
    }

    /// Returns the heads that have one.
    pub fn heads(&self) -> Heads {
        self.each.iter().map(|model| model.manifest().head).collect()
    }

    /// Starts the thread that answers.
    pub fn start(self, metrics: &Metrics, patience: Patience) -> Result<Arc<dyn Predictor>> {
        let prior = |head| {
            self.each.iter().map(Artefact::manifest).find(|one| one.head == head).map_or(0.5, |one| one.prior)
        };
        let priors = Arc::new(Priors::new(prior));
        let settings = Settings { queue_max: QUEUE_MAX, batch_max: actors::batcher::BATCH_MAX, patience };
        Ok(Arc::new(Batcher::start(self, priors, settings, (metrics, Arc::new(SystemClock)))?))
    }
}

impl Model for Models {
    fn score(&mut self, head: Head, rows: &[&[f32]]) -> Result<Scored, Error> {
        let until = SystemClock.boot() + self.brake.per_row() * rows.len() as u32;
        let model = self.each.iter().find(|model| model.manifest().head == head);
        let model = model.ok_or(Error::NoModel(head.as_str()))?;
        let scored = Scored { model: model.manifest().version.clone(), values: model.score(rows) };
        // A slow model is busy, it does not rest.
        while SystemClock.boot() < until {
            std::hint::spin_loop();
        }
        Ok(scored)
    }
}

/// A predictor with a stop-watch.
pub struct Watched {
    inner: Arc<dyn Predictor>,
    watch: Watch,
}

/// What a stop-watch saw. Clones share it.
#[derive(Clone, Default)]
pub struct Watch {
    times: Arc<Mutex<Times>>,
    open: Arc<AtomicUsize>,
    open_max: Arc<AtomicUsize>,
}

/// Times of the questions that were answered.
#[derive(Default)]
pub struct Times {
    /// From the question to its answer.
    pub asked: Vec<Duration>,
    /// From the log time of the event that asked to the answer. Units: whole milliseconds, as log time has.
    pub event: Vec<Duration>,
}

impl Watched {
    /// Returns a predictor that notes in `watch`.
    pub fn around(inner: Arc<dyn Predictor>, watch: Watch) -> Arc<dyn Predictor> {
        Arc::new(Self { inner, watch })
    }
}

impl Watch {
    /// Takes what was seen since it was taken last, and the most questions that were open at once.
    pub fn take(&self) -> (Times, usize) {
        let times = std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        (times, self.open_max.swap(self.open.load(Ordering::Relaxed), Ordering::Relaxed))
    }
}

/// A question that is open until it is answered or given up.
struct Open(Watch);

impl Open {
    fn new(watch: Watch) -> Self {
        let open = watch.open.fetch_add(1, Ordering::Relaxed) + 1;
        watch.open_max.fetch_max(open, Ordering::Relaxed);
        Self(watch)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Predictor for Watched {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        let (begun, at) = (SystemClock.boot(), ask.at);
        let open = Open::new(self.watch.clone());
        let asked = self.inner.score(ask);
        Box::pin(async move {
            let answer = asked.await?;
            let mut times = open.0.times.lock().unwrap_or_else(PoisonError::into_inner);
            times.asked.push(SystemClock.boot() - begun);
            let since_event = (SystemClock.now() - at).0.max(0).cast_unsigned();
            times.event.push(Duration::from_millis(since_event));
            drop(times);
            Ok(answer)
        })
    }

    fn prior(&self, head: Head) -> f32 {
        self.inner.prior(head)
    }
}
