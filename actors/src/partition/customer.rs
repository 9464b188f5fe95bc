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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix::{MailboxError, System};
    use schemas::ids::CustomerId;

    use super::*;
    use crate::partition::turn::{CellId, Encode, Step};

    fn load(customer: &str) -> Turn {
        let steps = vec![Step::Load { customer: CustomerId::user(customer), row: None }];
        Turn { cell: CellId { index: 0, incarnation: 1 }, steps, encode: Encode::No }
    }

    fn customer(take: Take) -> actix::Addr<CustomerActor> {
        CustomerActor::new(Cell::new(Arc::default()), take, 64).start()
    }

    #[test]
    fn a_panic_is_told_and_ends_that_customer_only() {
        System::new().block_on(async {
            let neighbour = customer(Cell::turn);
            let unlucky = customer(|_, turn| panic!("no cell {} today", turn.cell.index));
            let refused = unlucky.send(load("u")).await.expect("an answer").expect_err("a panic");
            assert_eq!(refused, Refused::Panicked("no cell 0 today".to_owned()));
            assert_eq!(unlucky.send(load("u")).await.expect_err("it is gone"), MailboxError::Closed);
            assert!(neighbour.send(load("v")).await.expect("an answer").is_ok());
        });
    }

    /// Panics outside of the wall.
    struct Bare;

    impl Actor for Bare {
        type Context = Context<Self>;
    }

    impl Handler<Turn> for Bare {
        type Result = MessageResult<Turn>;

        fn handle(&mut self, _: Turn, _: &mut Self::Context) -> Self::Result {
            panic!("no wall here")
        }
    }

    #[test]
    fn an_actor_that_panics_in_its_handler_is_gone_and_its_neighbours_live() {
        System::new().block_on(async {
            let (bare, neighbour) = (Bare.start(), customer(Cell::turn));
            assert_eq!(bare.send(load("u")).await.expect_err("it is gone"), MailboxError::Closed);
            assert_eq!(bare.send(load("u")).await.expect_err("it stays gone"), MailboxError::Closed);
            assert!(neighbour.send(load("v")).await.expect("an answer").is_ok());
        });
    }
}
