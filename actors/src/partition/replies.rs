//! The replies to turns under way, awaited one after the other without memory per turn.
//!
//! All customers of a partition run on its thread, in the order in which they were given their turns: when the first reply is there,
//! so are mostly the others. Awaiting them one by one wakes the partition once per batch.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix::MailboxError;
use actix::dev::Request;

use super::customer::CustomerActor;
use super::protocol::Input;
use super::turn::{CellId, Refused, Turn};

/// A turn under way.
type Asked = Request<CustomerActor, Turn>;

/// The turns under way, in the order in which they were given.
pub(super) struct Replies {
    /// The first of them, in its place for being awaited.
    first: Pin<Box<Option<Asked>>>,
    /// Whose it is.
    cell: Option<CellId>,
    later: VecDeque<(CellId, Asked)>,
}

impl Replies {
    pub(super) fn new() -> Self {
        Self { first: Box::pin(None), cell: None, later: VecDeque::new() }
    }

    /// Adds a turn that was given.
    pub(super) fn push(&mut self, cell: CellId, asked: Asked) {
        self.later.push_back((cell, asked));
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.first.as_mut().set(None);
        self.cell = None;
        self.later.clear();
    }

    /// Returns the next reply; pending while there is none, or no turn under way.
    pub(super) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Input> {
        if self.cell.is_none() {
            let Some((cell, asked)) = self.later.pop_front() else { return Poll::Pending };
            self.first.as_mut().set(Some(asked));
            self.cell = Some(cell);
        }
        let (Some(first), Some(cell)) = (self.first.as_mut().as_pin_mut(), self.cell) else {
            return Poll::Pending;
        };
        let reply = ready!(first.poll(task));
        self.cell = None;
        Poll::Ready(match reply {
            Ok(Ok(turned)) => Input::Turned(turned),
            Ok(Err(refused)) => Input::Refused(cell, refused),
            Err(MailboxError::Closed | MailboxError::Timeout) => {
                Input::Refused(cell, Refused::Panicked("its actor is gone".to_owned()))
            }
        })
    }
}
