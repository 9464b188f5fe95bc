//! The thread of the model: takes a batch, skips who gave up, asks the model once per head, answers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use schemas::score::{Answer, Score, ScoreSource};

use super::{BATCH_MAX, Message, Model, Patience, Question, Scored, Settings};
use crate::metrics::{Fate, Scoring};
use crate::port::clock::Clock;
use crate::port::predictor::Error;

/// What the thread works with.
pub(super) struct Worker<M> {
    model: M,
    settings: Settings,
    /// What a row of the latest batches took.
    row: Duration,
    scoring: Scoring,
    clock: Arc<dyn Clock>,
}

/// Whether there is more to come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flow {
    Open,
    Stopping,
}

impl<M: Model> Worker<M> {
    pub(super) fn new(model: M, settings: Settings, scoring: Scoring, clock: Arc<dyn Clock>) -> Self {
        Self { model, settings, row: Duration::ZERO, scoring, clock }
    }

    /// Answers until it is stopped, and then what is still queued.
    pub(super) fn run(mut self, questions: &Receiver<Message>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut flow = Flow::Open;
        loop {
            if flow == Flow::Open {
                flow = questions.recv().map_or(Flow::Stopping, |message| take(message, &mut batch));
            }
            let most = self.batch_max();
            while batch.len() < most
                && let Ok(message) = questions.try_recv()
            {
                // Not back to open: who found room before the stop may come after it.
                flow = flow.max(take(message, &mut batch));
            }
            if batch.is_empty() && flow == Flow::Stopping {
                return;
            }
            self.scoring.taken(batch.len());
            self.answer(&mut batch);
        }
    }

    /// Returns how many questions the model answers in time, as far as its latest batches tell.
    fn batch_max(&self) -> usize {
        let most = self.settings.batch_max.clamp(1, BATCH_MAX);
        match self.settings.patience {
            Patience::Endless => most,
            Patience::Bounded(within) => {
                let rows = (within / 2).as_nanos() / self.row.as_nanos().max(1);
                usize::try_from(rows).unwrap_or(most).clamp(1, most)
            }
        }
    }

    /// Returns true for a question whose answer would come too late.
    fn is_late(&self, question: &Question) -> bool {
        match self.settings.patience {
            Patience::Endless => false,
            Patience::Bounded(within) => self.clock.boot().saturating_sub(question.since) > within / 2,
        }
    }

    fn answer(&mut self, batch: &mut Vec<Question>) {
        for late in batch.extract_if(.., |question| self.is_late(question)) {
            self.scoring.ended(Fate::Late);
            // Nobody waits any more: the prior stands in already.
            drop(late.reply.send(Err(Error::Late)));
        }
        batch.sort_by_key(|question| question.ask.head);
        while let Some(last) = batch.last() {
            let head = last.ask.head;
            let from = batch.partition_point(|question| question.ask.head < head);
            let (gone, asked): (Vec<_>, Vec<_>) =
                batch.drain(from..).partition(|question| question.reply.is_closed());
            gone.iter().for_each(|_| self.scoring.ended(Fate::Abandoned));
            if !asked.is_empty() {
                self.run_batch(asked);
            }
        }
    }

    /// Answers questions about one head.
    fn run_batch(&mut self, asked: Vec<Question>) {
        let rows: Vec<&[f32]> = asked.iter().map(|question| &*question.ask.features).collect();
        let (head, begun) = (asked[0].ask.head, self.clock.boot());
        let scored = catch_unwind(AssertUnwindSafe(|| self.model.score(head, &rows)));
        let took = self.clock.boot().saturating_sub(begun);
        self.scoring.ran(rows.len(), took);
        self.row = (self.row * 3 + took / rows.len() as u32) / 4;
        let scored = scored.unwrap_or_else(|panic| {
            let said = words(panic.as_ref());
            tracing::error!(head = head.as_str(), said, "the model panicked; its batch goes by the prior");
            Err(Error::Failed(format!("the model panicked: {said}")))
        });
        let scored = scored.and_then(|scored| match scored.values.len() == rows.len() {
            true => Ok(scored),
            false => {
                Err(Error::Failed(format!("{} answers to {} questions", scored.values.len(), rows.len())))
            }
        });
        for (place, question) in asked.into_iter().enumerate() {
            let answer =
                scored.as_ref().map_err(Clone::clone).and_then(|scored| said(scored, place, &question));
            self.scoring.ended(match &answer {
                Ok(_) => Fate::Answered,
                Err(Error::NoModel(_)) => Fate::NoModel,
                Err(Error::Full) => Fate::Full,
                Err(Error::Late) => Fate::Late,
                Err(Error::Failed(_)) => Fate::Failed,
            });
            // Nobody waits any more: the prior stands in already.
            drop(question.reply.send(answer));
        }
    }
}

/// Takes a question out of the queue, and gives its place there back.
fn take(message: Message, batch: &mut Vec<Question>) -> Flow {
    match message {
        Message::Question(question, place) => {
            batch.push(question);
            drop(place);
            Flow::Open
        }
        Message::Stop => Flow::Stopping,
    }
}

/// Returns the answer to one question, if what the model said is a probability.
fn said(scored: &Scored, place: usize, question: &Question) -> Result<Answer, Error> {
    let (ask, value) = (&question.ask, scored.values[place]);
    if !(0.0..=1.0).contains(&value) {
        return Err(Error::Failed(format!("{} says {value}, which is no probability", scored.model)));
    }
    let score = Score { value, model: scored.model.clone(), source: ScoreSource::Model, at: ask.at };
    Ok(Answer { id: ask.id, head: ask.head, score })
}

/// Returns what a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing")
}
