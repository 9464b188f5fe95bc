//! The actor of one live customer: a cell, and the wall that a panic does not pass. Never awaits, holds no port and no address.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actix::{Actor, ActorContext, Context, Handler, Message, MessageResult};

use super::cell::{Cell, Take};
use super::turn::{Refused, Turn, Turned};

/// Sent by the partition's actor, one at a time per customer, so that the mailbox never fills. The reply says what came of it; a
/// refusal is the actor's last word. A closed mailbox means that the actor is gone, as after a panic.
impl Message for Turn {
    type Result = Result<Box<Turned>, Refused>;
}

/// One live customer, on the thread of its partition.
///
/// What actix does with a panicking handler was looked at: the runtime catches it with the task, the actor is gone, the sender hears
/// that the mailbox is closed, and the neighbours live. What the panic said is lost with it, so it is caught here.
pub struct CustomerActor {
    /// Gone after a panic: what it was in the middle of is not to be looked at again.
    cell: Option<Cell>,
    take: Take,
    /// Bound of the mailbox.
    mailbox: usize,
}

impl CustomerActor {
    /// Returns the actor of a customer whose first turn brings it to life.
    pub fn new(cell: Cell, take: Take, mailbox: usize) -> Self {
        Self { cell: Some(cell), take, mailbox }
    }
}

impl Actor for CustomerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.mailbox);
    }
}

impl Handler<Turn> for CustomerActor {
    type Result = MessageResult<Turn>;

    fn handle(&mut self, turn: Turn, ctx: &mut Self::Context) -> Self::Result {
        let Some(cell) = self.cell.as_mut() else {
            return MessageResult(Err(Refused::Panicked("it had panicked before".to_owned())));
        };
        let take = self.take;
        let outcome = catch_unwind(AssertUnwindSafe(|| take(cell, turn)))
            .unwrap_or_else(|panic| Err(Refused::Panicked(text_of(panic.as_ref()))));
        if outcome.is_err() {
            self.cell = None;
            ctx.stop();
        }
        MessageResult(outcome.map(Box::new))
    }
}

/// Returns what a panic said.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it did not say why".to_owned())
}
