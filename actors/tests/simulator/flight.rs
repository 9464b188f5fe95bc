//! Calls in flight: delivered in any order, late, twice, or never; their replies may be lost.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use actors::port::BoxFuture;

use crate::chance::Chance;
use crate::outbound::DISPATCHERS;
use crate::run::Scores;
use crate::world::{Shared, State, locked};

/// An operation in flight.
pub struct Operation {
    process: usize,
    what: What,
    deliver: Box<dyn FnMut(&mut State) + Send>,
    lose: Box<dyn FnMut() + Send>,
}

/// Classes of operations, for the odds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Read,
    Score,
    Lease,
    Write,
    /// An epoch record.
    Mark,
    /// Any other record.
    Append,
    /// A change of the ledger.
    Ledger,
    /// A call of a channel.
    Call,
}

/// Whose operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Owners,
    Dispatchers,
}

impl State {
    /// Delivers one operation in flight of one side, chosen by chance; a slow one stays in flight.
    pub fn deliver_any(&mut self, side: Side) {
        let of = |operation: &Operation| match operation.process >= DISPATCHERS {
            true => Side::Dispatchers,
            false => Side::Owners,
        };
        let in_flight = self.operations.iter().filter(|one| of(one) == side).count();
        if in_flight == 0 {
            return;
        }
        let nth = self.chance.below(in_flight);
        let mut places = (0..self.operations.len()).filter(|at| of(&self.operations[*at]) == side);
        let at = places.nth(nth).expect("there are as many as were counted");
        let slow = self.odds.slow == Some(self.operations[at].what);
        if !slow || self.chance.percent(20) {
            self.deliver(at);
        }
    }

    fn deliver(&mut self, at: usize) {
        let mut operation = self.operations.swap_remove(at);
        let odds = match operation.what {
            What::Lease | What::Ledger => self.odds.lease_reply_lost,
            What::Read | What::Score | What::Write | What::Mark | What::Append | What::Call => {
                self.odds.reply_lost
            }
        };
        // A predictor that always says the same is waited for.
        let certain = operation.what == What::Score && self.scores != Scores::Differ;
        if certain || !self.chance.percent(odds) {
            (operation.deliver)(self);
            // A write may arrive a second time.
            if operation.what == What::Write && self.chance.percent(3) {
                self.operations.push(operation);
            }
            return;
        }
        // The reply is lost. The write may have come, may come later, or never comes.
        (operation.lose)();
        match self.chance.below(3) {
            0 => {
                (operation.deliver)(self);
            }
            1 if matches!(
                operation.what,
                What::Write | What::Mark | What::Append | What::Ledger | What::Call
            ) =>
            {
                self.operations.push(operation)
            }
            _ => {}
        }
    }

    /// A process died: what it had in flight comes all the same, or not.
    pub fn died(&mut self, process: usize) {
        if self.chance.percent(50) {
            self.operations.retain(|operation| operation.process != process);
        }
    }

    /// Everything in flight comes or is lost.
    pub fn settle(&mut self) {
        while !self.operations.is_empty() {
            let at = self.chance.below(self.operations.len());
            if self.chance.percent(80) {
                self.deliver(at);
            } else {
                self.operations.swap_remove(at);
            }
        }
    }
}

/// Puts an operation in flight and returns the future of its reply.
pub fn submit<T, E, Effect>(
    shared: &Shared,
    process: usize,
    what: What,
    lost: fn() -> E,
    mut effect: Effect,
) -> actors::port::Reply<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    Effect: FnMut(&mut State) -> Result<T, E> + Send + 'static,
{
    let slot: Arc<Mutex<Option<Result<T, E>>>> = Arc::default();
    let (delivered, dropped) = (Arc::clone(&slot), Arc::clone(&slot));
    let put = |slot: &Mutex<Option<Result<T, E>>>, reply| {
        *slot.lock().expect("nothing panics while it holds a reply") = Some(reply);
    };
    let operation = Operation {
        process,
        what,
        deliver: Box::new(move |state| {
            let reply = effect(state);
            let mut slot = delivered.lock().expect("nothing panics while it holds a reply");
            if slot.is_none() {
                *slot = Some(reply);
            }
        }),
        lose: Box::new(move || put(&dropped, Err(lost()))),
    };
    locked(shared).operations.push(operation);
    Box::pin(std::future::poll_fn(move |_: &mut Context<'_>| {
        match slot.lock().expect("nothing panics while it holds a reply").take() {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        }
    }))
}

/// Returns a reply that is there, from a call of a process chosen by chance.
pub fn reply<T>(calls: &mut Vec<BoxFuture<'static, T>>, chance: &mut Chance) -> Option<T> {
    let count = calls.len();
    let start = chance.below(count);
    for offset in 0..count {
        let at = (start + offset) % count;
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(reply) = calls[at].as_mut().poll(&mut context) {
            drop(calls.swap_remove(at));
            return Some(reply);
        }
    }
    None
}
