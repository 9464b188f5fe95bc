//! The dispatchers of a node, one per partition, beside the partition on its thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::ArbiterHandle;
use futures_util::future;
use schemas::ids::{PartitionId, Position};
use tokio::sync::Notify;

use crate::dispatcher::core::Params;
use crate::dispatcher::protocol::End;
use crate::dispatcher::run::{self, Handle, Shown, Start};
use crate::dispatcher::settings::promises;
use crate::partition::actor::nonce;
use crate::partition::plan::Plan;

/// Every dispatcher of a node, also those that were told to end.
pub(super) struct Dispatchers {
    table: Mutex<BTreeMap<PartitionId, Post>>,
    changed: Arc<Notify>,
}

struct Post {
    handle: Handle,
    /// Told to end.
    given_up: bool,
}

impl Dispatchers {
    /// Returns an empty table whose dispatchers tell `changed` of every change.
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self { table: Mutex::default(), changed }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Post>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the dispatcher of a partition; behind the one before, where that is still ending.
    pub(super) fn take(&self, partition: PartitionId, plan: &Plan, arbiter: &ArbiterHandle) {
        let params = Params {
            partition,
            partitions: plan.ports.source.partitions(),
            settings: plan.dispatcher.clone(),
            rules: plan.rules.dispatcher,
            promises: promises(&plan.ports.channels),
            book: Arc::clone(&plan.book),
            restored: plan.agreed.restored(),
        };
        let (handle, work) = run::start(Start {
            params,
            nonce: nonce(partition),
            ports: plan.ports.clone(),
            metrics: plan.metrics.clone(),
            changed: Arc::clone(&self.changed),
        });
        let before = self.lock().insert(partition, Post { handle, given_up: false });
        // A thread that is gone drops the work, and that shows.
        let _spawned = arbiter.spawn(async move {
            if let Some(before) = before {
                before.handle.stop();
                before.handle.ended().await;
            }
            work.await;
        });
    }

    /// Asks the dispatcher of a partition to finish and to end.
    pub(super) fn give_up(&self, partition: PartitionId) {
        if let Some(post) = self.lock().get_mut(&partition) {
            post.given_up = true;
            post.handle.stop();
        }
    }

    /// Asks all to finish, and resolves when they have ended. Bounded by `Settings::drain`.
    pub(super) async fn stop(&self) {
        let ended: Vec<_> = {
            let mut table = self.lock();
            let stop = |post: &mut Post| {
                post.given_up = true;
                post.handle.stop();
                post.handle.ended()
            };
            table.values_mut().map(stop).collect()
        };
        future::join_all(ended).await;
    }

    /// Returns how far each dispatcher is that was not told to end; `None` while one has something in flight, or has not begun.
    pub(super) fn look(&self) -> Option<Vec<(PartitionId, Position)>> {
        let table = self.lock();
        let at_work = table.iter().filter(|(_, post)| !post.given_up);
        let look = |(partition, post): (&PartitionId, &Post)| {
            let Shown { levels, ended: _ } = post.handle.shown();
            levels.next.filter(|_| levels.open == 0).map(|next| (*partition, next))
        };
        at_work.map(look).collect()
    }

    /// Returns why a dispatcher stopped for a person to look at, if one did.
    pub(super) fn stopped(&self) -> Option<String> {
        self.lock().iter().find_map(|(partition, post)| match post.handle.shown().ended? {
            End::Failed(reason) => Some(format!("dispatcher of partition {} stopped: {reason}", partition.0)),
            End::Stopped => None,
        })
    }
}

#[cfg(test)]
mod tests;
