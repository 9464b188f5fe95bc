//! The partitions of a node, and what they show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::dev::{Request, ToEnvelope};
use actix::{Actor, Addr, ArbiterHandle, Handler, Message};
use schemas::ids::PartitionId;
use tokio::sync::Notify;

use super::Left;
use crate::partition::actor::PartitionActor;
use crate::partition::board::{Board, Shown, Standing};
use crate::partition::core::Counts;
use crate::partition::meter::Meter;
use crate::partition::plan::Plan;

/// Every partition that this process was assigned, with the one address of its actor.
#[derive(Default)]
pub(super) struct Seats {
    tables: Mutex<Tables>,
    /// Every change that the log has announced so far was heard.
    heard: AtomicBool,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Tables {
    seats: BTreeMap<PartitionId, Seat>,
    /// What partitions have done whose seats others took.
    gone: Counts,
}

struct Seat {
    address: Addr<PartitionActor>,
    board: Board,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the actor of a partition.
    pub(super) fn take(
        &self,
        partition: PartitionId,
        plan: Arc<Plan>,
        arbiter: &ArbiterHandle,
        meter: Arc<Meter>,
    ) {
        let board = Board::new(Arc::clone(&self.changed));
        let shown = board.clone();
        let address = PartitionActor::start_in_arbiter(arbiter, move |_| {
            PartitionActor::new(plan, partition, meter, shown)
        });
        let mut tables = self.lock();
        if let Some(before) = tables.seats.insert(partition, Seat { address, board }) {
            let counts = before.board.shown().counts;
            tables.gone = tables.gone + counts;
        }
    }

    /// Sends to every partition at work what `message` returns for it; the replies are to be awaited.
    pub(super) fn send<M>(
        &self,
        mut message: impl FnMut(PartitionId, &Shown) -> Option<M>,
    ) -> Vec<Request<PartitionActor, M>>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        PartitionActor: Handler<M>,
        <PartitionActor as Actor>::Context: ToEnvelope<PartitionActor, M>,
    {
        let tables = self.lock();
        let requests = tables.seats.iter().filter_map(|(partition, seat)| {
            let shown = seat.board.shown();
            let at_work = shown.standing == Standing::Working;
            let message = at_work.then(|| message(*partition, &shown)).flatten()?;
            Some(seat.address.send(message))
        });
        requests.collect()
    }

    /// Notes whether there are changes of assignment that were announced and not followed.
    pub(super) fn all_heard(&self, heard: bool) {
        self.heard.store(heard, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Returns true when every change announced so far was followed.
    pub(super) fn has_heard_all(&self) -> bool {
        self.heard.load(Ordering::Acquire)
    }

    /// Returns what every partition shows that was not given up.
    pub(super) fn shown(&self) -> Vec<(PartitionId, Shown)> {
        let tables = self.lock();
        let shown = tables.seats.iter().map(|(partition, seat)| (*partition, seat.board.shown()));
        shown.filter(|(_, shown)| shown.standing != Standing::Released).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        let tables = self.lock();
        tables.seats.values().fold(tables.gone, |sum, seat| sum + seat.board.shown().counts)
    }

    /// Returns why a partition stopped for a person to look at, if one did.
    pub(super) fn stopped(&self) -> Option<String> {
        self.shown().into_iter().find_map(|(partition, shown)| match shown.standing {
            Standing::Stopped(reason) => Some(format!("partition {} stopped: {reason}", partition.0)),
            Standing::Working | Standing::Released => None,
        })
    }

    /// Returns what these partitions had not made safe when they ended, or have not yet.
    pub(super) fn left(&self, partitions: &BTreeSet<PartitionId>) -> Left {
        let tables = self.lock();
        let mut left = Left::default();
        for (partition, seat) in tables.seats.iter().filter(|(partition, _)| partitions.contains(partition)) {
            let shown = seat.board.shown();
            let levels = if shown.standing == Standing::Working { shown.levels } else { shown.left };
            if levels.dirty + levels.unsent + levels.strays > 0 {
                left.partitions.push(*partition);
                left.rows += levels.dirty;
                left.unsent += levels.unsent + levels.strays;
            }
        }
        left
    }

    /// Resolves at the next change of what is shown; to be asked for before looking.
    pub(super) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Resolves when what all partitions show is as wanted.
    pub(super) async fn wait(&self, wanted: impl Fn(&[(PartitionId, Shown)]) -> bool) {
        let changed = self.changed();
        loop {
            let change = changed.notified();
            tokio::pin!(change);
            change.as_mut().enable();
            if wanted(&self.shown()) {
                return;
            }
            change.await;
        }
    }
}
