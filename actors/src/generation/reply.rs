//! The reader's end of a piece of work.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::core::JobId;
use super::pool::Shared;
use super::{Answer, Delta};

/// What comes out of a reply, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// More of the answer.
    Delta(Delta),
    /// The answer is over; nothing comes behind it.
    End(Answer),
}

/// An answer that is being made. Dropping it gives the work up: its permit is free at once.
pub struct Reply {
    pub(super) job: JobId,
    pub(super) shared: Arc<Shared>,
    pub(super) deltas: mpsc::Receiver<Delta>,
    /// Taken when the end was read.
    pub(super) end: Option<oneshot::Receiver<Answer>>,
}

impl Reply {
    /// Resolves with what comes next; `None` behind the end. Whoever drops the future loses nothing.
    pub async fn next(&mut self) -> Option<Said> {
        let end = self.end.as_mut()?;
        if let Some(delta) = self.deltas.recv().await {
            return Some(Said::Delta(delta));
        }
        let answer = end.await.ok();
        self.end = None;
        answer.map(Said::End)
    }

    /// Resolves with the whole text, its citations left out, and how it ended; `None` when the runtime went before the answer.
    pub async fn whole(mut self) -> Option<(String, Answer)> {
        let mut text = String::new();
        loop {
            match self.next().await? {
                Said::Delta(Delta::Text(more)) => text.push_str(&more),
                Said::Delta(Delta::Citation(_)) => {}
                Said::End(answer) => return Some((text, answer)),
            }
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.end.is_some() {
            self.shared.cancel(self.job);
        }
    }
}
