//! The actor of one partition: drives the core on its arbiter, holds the one address of every live customer, does what the core asks.
//!
//! It decides nothing about records and rows: every reply becomes an input of the core, every action is carried out. All that is
//! ready is handled in one go: a fetch of two thousand records gives up to two thousand turns, which the customers take one after the
//! other before this actor runs again and finds all replies there.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFuture, Addr, AsyncContext, Context, Handler, Message};
use futures_util::StreamExt;
use futures_util::future::FutureExt;
use futures_util::stream::FuturesUnordered;
use rustc_hash::FxHashMap;
use schemas::conversation::Question;
use schemas::ids::{CustomerId, PartitionId, Position};

use super::board::{Board, Standing};
use super::core::{Core, Levels};
use super::customer::CustomerActor;
use super::meter::Meter;
use super::perform::perform;
use super::plan::Plan;
use super::protocol::{Action, Done, End, Input, Io, Now};
use super::replies::Replies;
use super::report::Report;
use super::turn::{CellId, Turn};
use crate::metrics::Stage;
use crate::port::answers::UnderWay;
use crate::port::log::{self, Topic};
use crate::port::{BoxFuture, Kind, Ports};

/// Inputs handled before others of the thread have their turn.
const INPUTS_MAX: usize = 4_096;
/// Shortest sleep: a time that cannot be kept because something else is awaited must not keep the thread busy.
const SLEEP_MIN: Duration = Duration::from_millis(1);
/// Longest pause between two assignments, and between two proofs of membership.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Sent by the node: the partition is to be given up. The reply says that this is known; the board says when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub(crate) enum Revoke {
    /// There is time to drain.
    Drain,
    /// It is gone already.
    Lost,
}

/// Sent by the node while somebody waits for [`super::core::Levels::is_settled`]. The reply says that the core was told.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Settle;

/// One assigned partition.
pub(crate) struct PartitionActor {
    plan: Arc<Plan>,
    partition: PartitionId,
    /// The state machine of the current assignment.
    core: Core,
    /// The one address of every live customer, by the index of its cell.
    cells: Vec<Option<Addr<CustomerActor>>>,
    /// Calls under way.
    calls: FuturesUnordered<BoxFuture<'static, Input>>,
    /// Questions of threads that are being answered: given up when dropped.
    asked: FxHashMap<CustomerId, UnderWay>,
    /// Turns under way.
    replies: Box<Replies>,
    /// Inputs that are there.
    inbox: VecDeque<Input>,
    /// The core's deadline, as armed.
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    /// A call of this actor's own.
    aside: Option<BoxFuture<'static, Aside>>,
    /// Memory of the core's answers, used again.
    actions: Vec<Action>,
    now: Now,
    /// Turns given since the last rest, and those among them that only ask for the row's bytes.
    given: (usize, usize),
    /// Set by the node's message.
    revoked: Option<Revoke>,
    /// The last assignment is over and the next has not begun.
    is_between: bool,
    /// When the current assignment began, since boot.
    began: Duration,
    /// The pause before the next one: doubled by an assignment that ended early.
    pause: Duration,
    /// The board says how it ended.
    is_over: bool,
    report: Report,
    meter: Arc<Meter>,
    board: Board,
}

/// What a call of the actor's own came to.
enum Aside {
    /// Where the log ends.
    End(Option<Position>),
    /// This process still is a member that owns the partition; an error is for a person.
    Member(Result<(), log::Error>),
}

/// What woke the actor.
enum Woken {
    Core(Input),
    Timer,
    Aside(Aside),
}

impl PartitionActor {
    /// Returns the actor of a partition that was assigned to this process, to be started on the thread of `meter`.
    pub(crate) fn new(plan: Arc<Plan>, partition: PartitionId, meter: Arc<Meter>, board: Board) -> Self {
        Self {
            partition,
            core: plan.core(partition),
            cells: Vec::new(),
            calls: FuturesUnordered::new(),
            asked: FxHashMap::default(),
            replies: Box::new(Replies::new()),
            inbox: VecDeque::new(),
            timer: None,
            aside: None,
            actions: Vec::new(),
            now: Now::default(),
            given: (0, 0),
            revoked: None,
            is_between: false,
            began: Duration::ZERO,
            pause: plan.settings.retry,
            is_over: false,
            report: Report::new(partition, plan.metrics.clone()),
            meter,
            board,
            plan,
        }
    }
}

impl Actor for PartitionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.start_core();
        ctx.spawn(Work);
    }
}

impl Handler<Revoke> for PartitionActor {
    type Result = ();

    fn handle(&mut self, revoke: Revoke, _: &mut Self::Context) {
        self.revoked = Some(revoke);
        if self.is_over {
            return self.let_go();
        }
        match revoke {
            Revoke::Lost => self.finish(Standing::Released),
            // Between two assignments there is nothing to drain.
            Revoke::Drain if self.is_between => self.finish(Standing::Released),
            Revoke::Drain => self.inbox.push_back(Input::Revoke),
        }
    }
}

impl Handler<Settle> for PartitionActor {
    type Result = ();

    fn handle(&mut self, _: Settle, _: &mut Self::Context) {
        self.inbox.push_back(Input::Settle);
    }
}

impl PartitionActor {
    fn start_core(&mut self) {
        self.began = self.plan.ports.clock.boot();
        self.inbox.push_back(Input::Start { nonce: nonce(self.partition) });
    }

    /// Handles everything that is ready. Ready when the actor is at its end.
    fn work(&mut self, task: &mut Task<'_>) -> Poll<()> {
        if self.is_over {
            return Poll::Ready(());
        }
        self.look_at_clock();
        let mut is_late = self.is_due();
        for _ in 0..INPUTS_MAX {
            let Some(woken) = self.next(task).or_else(|| is_late.then_some(Woken::Timer)) else {
                self.rest();
                return Poll::Pending;
            };
            // Once: a deadline that has always passed must not keep the thread busy.
            is_late &= !matches!(woken, Woken::Timer);
            match woken {
                Woken::Core(input) => self.feed(input),
                Woken::Timer => self.timer_rang(),
                Woken::Aside(aside) => self.aside_done(aside),
            }
            if self.is_over {
                return Poll::Ready(());
            }
        }
        self.rest();
        task.waker().wake_by_ref();
        Poll::Pending
    }

    fn look_at_clock(&mut self) {
        let clock = &self.plan.ports.clock;
        self.now = Now { wall: clock.now(), boot: clock.boot() };
    }

    /// Returns what is ready: inputs that are there, then replies of customers, of ports, then time.
    fn next(&mut self, task: &mut Task<'_>) -> Option<Woken> {
        if let Some(input) = self.inbox.pop_front() {
            return Some(Woken::Core(input));
        }
        if let Poll::Ready(input) = self.replies.poll_next(task) {
            return Some(Woken::Core(input));
        }
        if !self.calls.is_empty() {
            self.meter.enter(Stage::Persist);
            while let Poll::Ready(Some(input)) = self.calls.poll_next_unpin(task) {
                self.inbox.push_back(input);
            }
            self.meter.enter(Stage::Route);
            if let Some(input) = self.inbox.pop_front() {
                self.look_at_clock();
                return Some(Woken::Core(input));
            }
        }
        if let Some(aside) = &mut self.aside
            && let Poll::Ready(done) = aside.poll_unpin(task)
        {
            self.aside = None;
            return Some(Woken::Aside(done));
        }
        self.arm();
        let (_, timer) = self.timer.as_mut()?;
        timer.poll_unpin(task).is_ready().then_some(Woken::Timer)
    }

    /// Arms the timer for the core's deadline; one that rings earlier is left, and looks again when it rings.
    fn arm(&mut self) {
        let Some(deadline) = self.core.deadline() else { return };
        let span = deadline.saturating_sub(self.now.boot).max(SLEEP_MIN);
        let due = self.now.boot + span;
        if self.timer.as_ref().is_none_or(|(at, _)| due < *at) {
            self.timer = Some((due, self.plan.ports.clock.sleep(span)));
        }
    }

    fn timer_rang(&mut self) {
        self.timer = None;
        self.look_at_clock();
        if self.is_due() {
            self.feed(Input::Tick);
            self.tell();
        }
    }

    /// Returns true when the core's deadline has passed. Whoever was woken by something else need not wait for the timer then.
    fn is_due(&self) -> bool {
        self.core.deadline().is_some_and(|deadline| deadline <= self.now.boot)
    }

    /// Hands one input to the core and does what it asks.
    fn feed(&mut self, mut input: Input) {
        match &mut input {
            Input::Refused(cell, _) => self.close(*cell),
            Input::Done(done) => {
                self.report.done(done, self.now.boot);
                self.enter(done);
            }
            Input::Start { .. }
            | Input::Tick
            | Input::Settle
            | Input::Revoke
            | Input::Failed(..)
            | Input::Turned(_) => {}
        }
        let mut actions = std::mem::take(&mut self.actions);
        let wakes = self.core.counts().wakes;
        self.core.handle(self.now, input, &mut actions);
        let woke = self.core.counts().wakes != wakes;
        for action in actions.drain(..) {
            match action {
                Action::Do(io) => self.call(io),
                Action::Turn(turn) => {
                    if woke {
                        self.report.woken(&turn, self.now.wall);
                    }
                    self.give(turn);
                }
                Action::Close(cell) => self.close(cell),
                Action::Ask(question) => self.ask(*question),
                Action::Hush(customer) => drop(self.asked.remove(&customer)),
                Action::End(end) => {
                    self.end(end);
                    break;
                }
            }
        }
        self.actions = actions;
        self.report.routed();
        self.meter.enter(Stage::Route);
    }

    /// Counts the time of what follows for the stage of a reply.
    fn enter(&mut self, done: &Done) {
        match done {
            Done::Fetched { fetched, .. } if !fetched.records.is_empty() => {
                self.meter.enter(Stage::Decode);
                self.core.decode_ahead(fetched);
                self.meter.enter(Stage::Route);
            }
            Done::RowsWritten { .. } | Done::Indexed { .. } => self.meter.enter(Stage::Persist),
            Done::Relayed { .. } | Done::StraysRelayed => self.meter.enter(Stage::Relay),
            Done::Fetched { .. }
            | Done::Lease(_)
            | Done::LeaseCas { .. }
            | Done::Generation(_)
            | Done::Commit(_)
            | Done::EpochRecords
            | Done::Row { .. }
            | Done::WakeUps { .. }
            | Done::Scored { .. }
            | Done::DeadLettered(_)
            | Done::Committed => {}
        }
    }

    fn call(&mut self, io: Io) {
        self.report.asked(&io, self.now.boot);
        self.calls.push(perform(io, self.partition, &self.plan.ports));
    }

    fn give(&mut self, turn: Turn) {
        let (cell, index) = (turn.cell, turn.cell.index as usize);
        self.report.turn();
        self.given.0 += 1;
        self.given.1 += usize::from(turn.steps.is_empty());
        if self.cells.len() <= index {
            self.cells.resize_with(index + 1, || None);
        }
        let address = self.cells[index].get_or_insert_with(|| self.plan.customer().start());
        self.replies.push(cell, address.send(turn));
    }

    /// Has a question answered; the one before, if it still is, is given up.
    fn ask(&mut self, question: Question) {
        let customer = question.customer.clone();
        self.asked.insert(customer, self.plan.ports.answers.answer(question));
    }

    fn close(&mut self, cell: CellId) {
        self.cells[cell.index as usize] = None;
    }

    /// Nothing is ready: shows where the partition stands. What runs until the next time are the customers' turns.
    fn rest(&mut self) {
        let (given, encodings) = std::mem::take(&mut self.given);
        let (levels, at_work) = (self.core.levels(), self.core.epoch().is_some());
        let counts = self.report.counted(*self.core.counts());
        self.report.rested(&levels);
        self.board.show(|shown| (shown.levels, shown.counts, shown.at_work) = (levels, counts, at_work));
        self.meter.enter(if encodings * 2 > given { Stage::Encode } else { Stage::Fold });
    }

    /// Once per tick: what is too dear for every batch.
    fn tell(&mut self) {
        self.report.levels(&self.core.levels());
        self.meter.tell();
        if self.aside.is_none() {
            let end = self.plan.ports.source.end(Topic::Events, self.partition);
            self.aside = Some(end.map(|end| Aside::End(end.ok())).boxed());
        }
    }

    fn aside_done(&mut self, aside: Aside) {
        match aside {
            Aside::End(Some(end)) => self.report.lag(self.core.levels().confirmed, end),
            Aside::End(None) => {}
            Aside::Member(Ok(())) => {
                self.is_between = false;
                self.look_at_clock();
                self.start_core();
            }
            Aside::Member(Err(error)) => self.stop_for_a_person(error.to_string()),
        }
    }

    /// The assignment is over: everything of it is dropped, its unfinished writes are fenced.
    fn end(&mut self, end: End) {
        match end {
            End::Released => self.finish(Standing::Released),
            End::LeaseLost | End::LeaseExpired | End::StoreLostTail | End::Interrupted(_) => {
                tracing::warn!(partition = self.partition.0, reason = ?end, "assignment over");
                if end == End::LeaseLost {
                    self.report.lease_lost();
                }
                match self.revoked {
                    Some(_) => self.finish(Standing::Released),
                    None => self.assign_anew(),
                }
            }
            End::TooManyInvalid => self.stop_for_a_person("too many records are invalid".to_owned()),
            End::Failed(reason) => self.stop_for_a_person(reason),
        }
    }

    fn stop_for_a_person(&mut self, reason: String) {
        tracing::error!(partition = self.partition.0, reason, "partition stopped");
        self.finish(Standing::Stopped(reason));
    }

    /// Begins again with a new core after a pause, once the log has proven that this process still is a member. While it has not,
    /// nothing is begun: the end of that is a revocation, which the node tells.
    fn assign_anew(&mut self) {
        self.drop_assignment();
        self.is_between = true;
        if self.now.boot >= self.began + self.plan.settings.lease {
            self.pause = self.plan.settings.retry;
        }
        let pause = self.pause;
        self.pause = longer(pause);
        let (ports, partition) = (self.plan.ports.clone(), self.partition);
        self.aside = Some(prove_membership(ports, partition, pause).map(Aside::Member).boxed());
    }

    fn drop_assignment(&mut self) {
        self.rest();
        self.core = self.plan.core(self.partition);
        self.cells.clear();
        self.calls.clear();
        self.replies.clear();
        self.inbox.clear();
        self.asked.clear();
        (self.timer, self.aside) = (None, None);
        self.report.ended();
        self.meter.tell();
        self.board.show(|shown| (shown.levels, shown.at_work) = (Levels::default(), false));
    }

    fn finish(&mut self, standing: Standing) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        let left = self.core.levels();
        self.drop_assignment();
        self.let_go();
        self.board.show(|shown| (shown.standing, shown.left) = (standing, left));
    }

    /// Tells the log, where it waits for that, that nothing works on the partition any more.
    fn let_go(&self) {
        match self.revoked {
            Some(Revoke::Drain) => self.plan.ports.source.released(self.partition),
            Some(Revoke::Lost) | None => {}
        }
    }
}

impl Drop for PartitionActor {
    /// A partition that is gone without a word, by a panic of its own, must not look as if it were at work.
    fn drop(&mut self) {
        if !self.is_over {
            let reason = "its actor is gone: it panicked, or its thread was stopped".to_owned();
            self.board.show(|shown| shown.standing = Standing::Stopped(reason));
        }
    }
}

/// The work of the actor, as a future of its context.
struct Work;

impl ActorFuture<PartitionActor> for Work {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut PartitionActor,
        ctx: &mut Context<PartitionActor>,
        task: &mut Task<'_>,
    ) -> Poll<()> {
        let worked = actor.work(task);
        if worked.is_ready() {
            ctx.stop();
        }
        worked
    }
}

/// Resolves after a pause when the log has proven that this process is a member that owns the partition; it is asked less and less often.
///
/// Errors: what no asking again mends.
async fn prove_membership(
    ports: Ports,
    partition: PartitionId,
    mut pause: Duration,
) -> Result<(), log::Error> {
    loop {
        ports.clock.sleep(pause).await;
        match ports.source.prove(partition).await {
            Err(error) if matches!(error.kind(), Kind::Retry | Kind::Anew) => {
                tracing::debug!(partition = partition.0, %error, "membership not proven");
            }
            proven => return proven,
        }
        pause = longer(pause);
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(PAUSE_MAX.max(pause))
}

/// Returns a value that no other assignment has, from what the operating system gives every hash map of the standard library.
pub(crate) fn nonce(partition: PartitionId) -> u128 {
    let half = |part: u8| u128::from(RandomState::new().hash_one((partition.0, part)));
    half(0) << 64 | half(1)
}
