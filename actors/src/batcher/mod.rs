//! Micro-batches: one thread owns the model and answers, together, whatever queued while its last batch ran.
//!
//! A question joins a bounded queue. The thread takes what is there, at most a batch, without waiting for more: under little load a
//! question goes alone, under much load batches fill by themselves. Who gave up before his batch is skipped. What is no probability
//! never leaves: the caller gets an error, and the head's prior stands in, flagged. Nothing here knows what a model is made of, and a
//! predictor that needs no model, as the rule score does, answers at once without a queue.

mod priors;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::FutureExt;
use schemas::score::{Answer, Ask, Head};
use smol_str::SmolStr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub use priors::Priors;

use crate::metrics::{Fate, Metrics, Scoring};
use crate::port::Reply;
use crate::port::clock::Clock;
use crate::port::predictor::{Error, Predictor};

/// Most questions of a batch: beyond it a question costs no less.
///
/// Source: GRU and transformer on one thread, cost per row flat from 64 rows on (measured 2026-11).
pub const BATCH_MAX: usize = 64;

/// A model: used by one thread, which it never leaves.
pub trait Model: Send + 'static {
    /// Answers questions about one head. A panic is one failed batch; the next call finds the model as the panic left it.
    ///
    /// Shape: rows in the order of [`schemas::feature::TABLE`]; as many values, in their order.
    ///
    /// Errors: no model serves the head; it failed.
    fn score(&mut self, head: Head, rows: &[&[f32]]) -> Result<Scored, Error>;
}

/// What a model says.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Version of the model that said all of it.
    pub model: SmolStr,
    /// Probability of each row; what is none is turned into an error of its question.
    pub values: Vec<f32>,
}

/// How long a question may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// An answer is of use for so long, the deadline of whoever asks. A question that finds no room is refused at once, one that waited
    /// half of that too, and a batch is only so large as the model can answer in the other half: a model that is too slow answers some
    /// in time and not all too late. Life does not wait.
    Bounded(Duration),
    /// It waits for room and for its answer: a replay comes to the same scores at any speed.
    Endless,
}

/// Bounds of a batcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Questions that wait for the model.
    pub queue_max: usize,
    /// Questions of a batch; at most [`BATCH_MAX`].
    pub batch_max: usize,
    /// How long a question may take.
    pub patience: Patience,
}

/// A question in the queue.
struct Question {
    ask: Ask,
    /// When it joined, in time since boot.
    since: Duration,
    /// Closed when the caller gave up.
    reply: oneshot::Sender<Result<Answer, Error>>,
}

enum Message {
    /// A question with its place in the queue, given back when it is taken out.
    Question(Question, OwnedSemaphorePermit),
    /// Sent once; what was queued before it is answered.
    Stop,
}

/// A predictor that hands questions to the thread of its model.
pub struct Batcher {
    /// Has room for every question that has a place, and for the stop.
    queue: SyncSender<Message>,
    room: Arc<Semaphore>,
    patience: Patience,
    priors: Arc<Priors>,
    scoring: Scoring,
    clock: Arc<dyn Clock>,
    /// Taken when it is stopped.
    thread: Option<JoinHandle<()>>,
}

impl Batcher {
    /// Starts the thread of a model. `priors` are read whenever a prior is asked for; whoever changes the model changes them.
    ///
    /// Errors: the system gives no thread.
    pub fn start(
        model: impl Model,
        priors: Arc<Priors>,
        settings: Settings,
        around: (&Metrics, Arc<dyn Clock>),
    ) -> std::io::Result<Self> {
        let queue_max = settings.queue_max.clamp(1, Semaphore::MAX_PERMITS);
        let (queue, questions) = sync_channel(queue_max + 1);
        let (scoring, clock) = (around.0.scoring().clone(), around.1);
        let worker = worker::Worker::new(model, settings, scoring.clone(), Arc::clone(&clock));
        let thread = thread::Builder::new().name("model".to_owned()).spawn(move || worker.run(&questions))?;
        let room = Arc::new(Semaphore::new(queue_max));
        let patience = settings.patience;
        Ok(Self { queue, room, patience, priors, scoring, clock, thread: Some(thread) })
    }
}

impl Predictor for Batcher {
    fn score(&self, ask: Ask) -> Reply<Answer, Error> {
        let (queue, scoring) = (self.queue.clone(), self.scoring.clone());
        let asked = (ask, self.clock.boot());
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => enqueue(asked, room, &queue, &scoring),
            Err(_) if self.patience == Patience::Endless => {
                let room = Arc::clone(&self.room);
                Box::pin(async move {
                    let room = room.acquire_owned().await.map_err(|_| stopped())?;
                    enqueue(asked, room, &queue, &scoring).await
                })
            }
            Err(_) => {
                scoring.ended(Fate::Full);
                Box::pin(std::future::ready(Err(Error::Full)))
            }
        }
    }

    fn prior(&self, head: Head) -> f32 {
        self.priors.get(head)
    }
}

/// Puts a question with the time of its asking into the queue.
fn enqueue(
    (ask, since): (Ask, Duration),
    room: OwnedSemaphorePermit,
    queue: &SyncSender<Message>,
    scoring: &Scoring,
) -> Reply<Answer, Error> {
    let (reply, answer) = oneshot::channel();
    scoring.queued();
    if queue.try_send(Message::Question(Question { ask, since, reply }, room)).is_err() {
        scoring.taken(1);
        return Box::pin(std::future::ready(Err(stopped())));
    }
    Box::pin(answer.map(|answer| answer.unwrap_or_else(|_| Err(stopped()))))
}

fn stopped() -> Error {
    Error::Failed("the predictor has stopped".to_owned())
}

impl Drop for Batcher {
    /// Waits until what is queued is answered.
    fn drop(&mut self) {
        self.room.close();
        // Refused only when the thread is gone already.
        drop(self.queue.send(Message::Stop));
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            drop(thread.join());
        }
    }
}
