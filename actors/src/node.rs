//! A node: the partitions that this process was assigned, each on its arbiter, and what all of them together have done.
//!
//! It follows the log's assignments and decides nothing about what a partition does. A partition that stops for a person to look at
//! ends every wait with the reason: nobody waits for what cannot come.

mod dispatchers;
mod keeper;
mod quiet;
mod seats;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use actix::{Arbiter, System};
use futures_util::future::{self, Either, FutureExt};
use schemas::event::Border;
use schemas::ids::PartitionId;
use schemas::rulebook::Rulebook;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::dispatchers::Dispatchers;
use self::keeper::Keeper;
use self::seats::Seats;
use crate::dispatcher;
use crate::metrics::Metrics;
use crate::partition::actor::Revoke;
use crate::partition::agreed::Agreed;
use crate::partition::board::{Shown, Standing};
#[cfg(not(feature = "ablation"))]
use crate::partition::cell::Cell;
use crate::partition::cell::Take;
use crate::partition::core::{Counts, Levels};
use crate::partition::meter::Meter;
use crate::partition::plan::Plan;
use crate::partition::settings::{Rules, Settings};
use crate::port::Ports;
use crate::port::log::{self, Assignment};

/// Turns that wait in a customer's mailbox. A partition gives a customer one at a time.
pub const MAILBOX: usize = 64;

/// The rules of the protocol that a node keeps, all on in the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeRules {
    /// Those of partitions.
    pub partition: Rules,
    /// Those of dispatchers.
    pub dispatcher: dispatcher::settings::Rules,
}

/// How a node runs.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSettings {
    /// Threads that the partitions are spread over; 0 = one per core.
    pub threads: usize,
    /// Bound of a customer's mailbox.
    pub mailbox: usize,
    /// Bounds and intervals of each partition.
    pub partition: Settings,
    /// Rules of the protocol, all on.
    pub rules: NodeRules,
    /// The dispatcher of each partition.
    pub dispatcher: dispatcher::settings::Settings,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            threads: 0,
            mailbox: MAILBOX,
            partition: Settings::default(),
            rules: NodeRules::default(),
            dispatcher: dispatcher::settings::Settings::default(),
        }
    }
}

/// Why a node cannot start, or what is waited for cannot come.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no actix system on this thread.
    #[error("start a node outside of an actix system")]
    NoSystem,
    /// The operating system gives no thread.
    #[error("start a thread for partitions")]
    Thread(#[from] std::io::Error),
    /// A partition stopped; a person must look.
    #[error("go on: {0}")]
    Stopped(String),
    /// The log does not say where it ends.
    #[error("read the log's end")]
    Log(#[from] log::Error),
}

/// What was not safe when partitions were given up: whoever has them next reads it again from the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Partitions that left something.
    pub partitions: Vec<PartitionId>,
    /// Rows that were not durable.
    pub rows: usize,
    /// Outreach, decisions and messages that were not relayed.
    pub unsent: usize,
}

/// The partitions of this process.
pub struct Node {
    plan: Arc<Plan>,
    seats: Arc<Seats>,
    dispatchers: Arc<Dispatchers>,
    arbiters: Arc<[Thread]>,
    /// Keeps to the store's agreement.
    keeper: Arc<Keeper>,
    /// Follows the assignments.
    follower: JoinHandle<()>,
}

/// A thread of partitions.
struct Thread {
    arbiter: Arbiter,
    meter: Arc<Meter>,
}

/// How customers take their turns.
#[cfg(not(feature = "ablation"))]
const TURN: Take = Cell::turn;
/// How customers take their turns: in builds that show what rules are for they may panic.
#[cfg(feature = "ablation")]
const TURN: Take = crate::ablation::turn;

impl Node {
    /// Starts to follow the log's assignments, on new threads of the actix system that runs on the calling one.
    ///
    /// Errors: `NoSystem` → no actix system runs here · `Thread` → the operating system gives no thread.
    pub fn start(
        ports: Ports,
        book: Arc<Rulebook>,
        border: Border,
        settings: NodeSettings,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let NodeSettings { threads, mailbox, partition, rules, dispatcher } = settings;
        let plan = Plan {
            ports,
            book,
            border,
            settings: partition,
            rules,
            dispatcher,
            metrics,
            mailbox,
            decode: schemas::record::decode,
            take: TURN,
            agreed: Agreed::default(),
        };
        Self::run(plan, threads)
    }

    /// Starts a node of any plan.
    pub(crate) fn run(plan: Plan, threads: usize) -> Result<Self, Error> {
        if System::try_current().is_none() {
            return Err(Error::NoSystem);
        }
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = if threads == 0 { cores() } else { threads };
        let plan = Arc::new(plan);
        let thread = |_| {
            let meter = Meter::new(Arc::clone(&plan.ports.clock), plan.metrics.clone());
            Arbiter::try_new().map(|arbiter| Thread { arbiter, meter: Arc::new(meter) })
        };
        let arbiters: Arc<[Thread]> = (0..threads).map(thread).collect::<Result<_, _>>()?;
        let seats = Arc::new(Seats::default());
        let dispatchers = Arc::new(Dispatchers::new(seats.changed()));
        let keeper = Arc::new(Keeper::new(seats.changed()));
        let rooms = Rooms {
            plan: Arc::clone(&plan),
            seats: Arc::clone(&seats),
            dispatchers: Arc::clone(&dispatchers),
            threads: Arc::clone(&arbiters),
        };
        let kept = Arc::clone(&keeper);
        let follower = actix::spawn(async move {
            // Nobody works on the store before it is known what all go by.
            if kept.begin(&rooms.plan).await {
                future::select(Box::pin(follow(&rooms)), Box::pin(kept.go_on(&rooms.plan))).await;
            }
        });
        Ok(Self { plan, seats, dispatchers, arbiters, keeper, follower })
    }

    /// Returns how full each partition is, in the order of their numbers.
    pub fn levels(&self) -> Vec<(PartitionId, Levels)> {
        self.seats.shown().into_iter().map(|(partition, shown)| (partition, shown.levels)).collect()
    }

    /// Returns what each partition shows that was not given up, in the order of their numbers.
    pub fn shown(&self) -> Vec<(PartitionId, Shown)> {
        self.seats.shown()
    }

    /// Returns a future that resolves when every thread of partitions has had its turn; one that hangs never has.
    pub fn turned(&self) -> impl Future<Output = ()> + Send + use<> {
        let turn = |thread: &Thread| {
            let (had, waits) = oneshot::channel();
            // Nobody may wait any more.
            thread.arbiter.spawn_fn(move || had.send(()).unwrap_or_default()).then_some(waits)
        };
        let turns: Vec<_> = self.arbiters.iter().filter_map(turn).collect();
        future::join_all(turns).map(drop)
    }

    /// Returns what the partitions have done, those included that were given up since.
    pub fn counts(&self) -> Counts {
        self.seats.counts()
    }

    /// Returns why a partition or its dispatcher stopped for a person to look at, or why this engine may not work on the store.
    pub fn ended(&self) -> Option<String> {
        self.keeper.refused().or_else(|| self.seats.stopped()).or_else(|| self.dispatchers.stopped())
    }

    fn check(&self) -> Result<(), Error> {
        self.ended().map_or(Ok(()), |reason| Err(Error::Stopped(reason)))
    }

    /// Gives up every partition: drains, confirms, releases, and ends the threads. Takes no longer than `Settings::drain`.
    ///
    /// Errors: `Stopped` → a partition had stopped, or stopped while draining; the others are drained all the same.
    pub async fn stop(self) -> Result<(), Error> {
        self.give_up_all().await;
        self.check()
    }

    /// Gives up every partition as [`Node::stop`] does, waits for that so long, and returns what was not safe then.
    ///
    /// Errors: as there.
    pub async fn drain(&self, at_most: Duration) -> (Left, Result<(), Error>) {
        let held: BTreeSet<PartitionId> = self.shown().into_iter().map(|(partition, _)| partition).collect();
        let patience = self.plan.ports.clock.sleep(at_most);
        // A partition that hangs shows what it has until the end.
        future::select(std::pin::pin!(self.give_up_all()), patience).await;
        (self.seats.left(&held), self.check())
    }

    async fn give_up_all(&self) {
        self.follower.abort();
        // Partitions work on while calls that are under way end: who takes them over hears of them once all has ended.
        let calls = std::pin::pin!(self.dispatchers.stop());
        let patience = self.plan.ports.clock.sleep(self.plan.settings.drain / 2);
        let late = match future::select(calls, patience).await {
            Either::Left(_) => None,
            Either::Right(((), calls)) => Some(calls),
        };
        // A partition that is gone has nothing to drain.
        future::join_all(self.seats.send(|_, _| Some(Revoke::Drain))).await;
        if let Some(calls) = late {
            calls.await;
        }
        self.seats.wait(|shown| shown.iter().all(|(_, one)| one.standing != Standing::Working)).await;
    }
}

impl Drop for Node {
    /// Ends the threads. Without [`Node::stop`] before, that is as sudden as the end of the process.
    fn drop(&mut self) {
        self.follower.abort();
        for thread in self.arbiters.iter() {
            thread.arbiter.stop();
        }
    }
}

/// Where what runs per partition finds its place.
struct Rooms {
    plan: Arc<Plan>,
    seats: Arc<Seats>,
    dispatchers: Arc<Dispatchers>,
    threads: Arc<[Thread]>,
}

/// Follows the assignments for ever.
async fn follow(rooms: &Rooms) {
    let seats = &rooms.seats;
    loop {
        let assignment = rooms.plan.ports.source.assignment();
        let change = match future::select(assignment, future::ready(())).await {
            Either::Left((change, _)) => change,
            Either::Right(((), assignment)) => {
                seats.all_heard(true);
                let change = assignment.await;
                seats.all_heard(false);
                change
            }
        };
        match change {
            Assignment::Assigned(partition) => {
                tracing::info!(partition = partition.0, "partition assigned");
                give_up(rooms, partition, Revoke::Lost).await;
                assign(rooms, partition);
            }
            Assignment::Revoked { partition, lost } => {
                tracing::info!(partition = partition.0, lost, "partition revoked");
                let revoke = if lost { Revoke::Lost } else { Revoke::Drain };
                give_up(rooms, partition, revoke).await;
            }
        }
    }
}

/// Starts what runs per assigned partition, on the partition's thread.
fn assign(rooms: &Rooms, partition: PartitionId) {
    let thread = &rooms.threads[partition.0 as usize % rooms.threads.len()];
    let (plan, arbiter) = (&rooms.plan, thread.arbiter.handle());
    rooms.seats.take(partition, Arc::clone(plan), &arbiter, Arc::clone(&thread.meter));
    rooms.dispatchers.take(partition, plan, &arbiter);
}

async fn give_up(rooms: &Rooms, partition: PartitionId, revoke: Revoke) {
    rooms.dispatchers.give_up(partition);
    let told = future::join_all(rooms.seats.send(|held, _| (held == partition).then_some(revoke))).await;
    // A partition that is gone, or stopped for a person, has nothing to give up, and the log is not to wait for it.
    if revoke == Revoke::Drain && !told.iter().any(Result::is_ok) {
        rooms.plan.ports.source.released(partition);
    }
}

#[cfg(test)]
mod tests;
