//! One call of a back end: takes its pieces as they come and hands them to the reader.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use smol_str::SmolStr;
use tokio::sync::mpsc;
use tracing::Instrument;

use super::core::{Attempt, JobId};
use super::pool::Shared;
use super::{Delta, Rung};
use crate::port::generator::{Error, Finish, Generator, Piece, Request, Usage};
use crate::trace;

/// How a call ended for its task.
pub(super) enum Outcome {
    /// The back end said so.
    Answered(Finish, Usage),
    /// The back end failed.
    Failed(Error),
    /// The reader took nothing in time.
    SlowReader,
    /// The work was stopped meanwhile: nobody wants to know.
    Stopped,
}

/// A call that is to be made.
pub(super) struct Call {
    pub job: JobId,
    pub attempt: Attempt,
    pub backend: SmolStr,
    pub rung: Rung,
    pub generator: Arc<dyn Generator>,
    pub request: Arc<Request>,
    pub deltas: mpsc::Sender<Delta>,
}

/// Makes a call, and tells the pool how it ended. A back end that panics has failed.
pub(super) async fn run(shared: Arc<Shared>, call: Call) {
    let of = (call.backend.as_str(), call.rung, call.attempt.0);
    let span = trace::attempt(&call.generator.writer(), of, call.request.tokens_max);
    let outcome = AssertUnwindSafe(write(&shared, &call).instrument(span.clone())).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Outcome::Failed(Error::Broke("it panicked".to_owned())));
    match &outcome {
        Outcome::Answered(finish, usage) => trace::answered(&span, finish, *usage),
        Outcome::Failed(error) => trace::failed(&span, error),
        Outcome::SlowReader | Outcome::Stopped => {}
    }
    drop(span);
    let Call { job, attempt, deltas, .. } = call;
    // The reader sees the end only when no sender is left.
    drop(deltas);
    shared.ended(job, attempt, outcome);
}

async fn write(shared: &Shared, call: &Call) -> Outcome {
    let mut pieces = call.generator.generate(Arc::clone(&call.request));
    while let Some(piece) = pieces.next().await {
        let delta = match piece {
            Ok(Piece::Text(text)) if text.is_empty() => continue,
            Ok(Piece::Text(text)) => Delta::Text(text),
            Ok(Piece::Citation(citation)) => Delta::Citation(citation),
            Ok(Piece::End(finish, usage)) => return Outcome::Answered(finish, usage),
            Err(error) => return Outcome::Failed(error),
        };
        let room = match call.deltas.try_reserve() {
            Ok(room) => room,
            Err(mpsc::error::TrySendError::Closed(())) => return Outcome::Stopped,
            Err(mpsc::error::TrySendError::Full(())) => {
                let patience = shared.clock.sleep(shared.settings.reader_patience);
                match select(Box::pin(call.deltas.reserve()), patience).await {
                    Either::Left((Ok(room), _)) => room,
                    Either::Left((Err(_), _)) => return Outcome::Stopped,
                    Either::Right(_) => return Outcome::SlowReader,
                }
            }
        };
        if !shared.hand(call, delta, room) {
            return Outcome::Stopped;
        }
    }
    Outcome::Failed(Error::Cut)
}
