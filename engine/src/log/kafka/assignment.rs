//! Which partitions this process holds, from the poll thread's callbacks to the node and back.
//!
//! Changes wait here until the node asks. A partition to be given up stays with this process until the node says that it has drained it,
//! or a deadline passes; the poll thread goes on polling all the while, so nothing that draining needs can wait for it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actors::port::log::Assignment;
use schemas::ids::PartitionId;
use tokio::sync::Notify;

/// The assignments of this process.
#[derive(Debug, Default)]
pub(super) struct Assignments {
    state: Mutex<State>,
    added: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Changes that the node has not heard. Bounded: a change of a partition takes the place of one that was not heard.
    changes: VecDeque<Assignment>,
    held: BTreeSet<PartitionId>,
    /// Revoked, and not said to be drained.
    draining: BTreeSet<PartitionId>,
    /// A first assignment came, be it of nothing.
    joined: bool,
}

impl Assignments {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The group gave these partitions to this process.
    pub(super) fn assigned(&self, partitions: &[PartitionId]) {
        let mut state = self.lock();
        state.joined = true;
        for partition in partitions {
            state.held.insert(*partition);
            state.draining.remove(partition);
            state.announce(Assignment::Assigned(*partition));
        }
        drop(state);
        self.added.notify_one();
    }

    /// These partitions are to be given up, or are gone already.
    pub(super) fn revoked(&self, partitions: &[PartitionId], lost: bool) {
        let mut state = self.lock();
        for partition in partitions {
            let was_held = state.held.remove(partition);
            if was_held && !lost {
                state.draining.insert(*partition);
            } else {
                state.draining.remove(partition);
            }
            // What the node never heard of needs no draining.
            let unheard = state.changes.contains(&Assignment::Assigned(*partition));
            state.announce(Assignment::Revoked { partition: *partition, lost });
            if unheard {
                state.draining.remove(partition);
            }
        }
        drop(state);
        self.added.notify_one();
    }

    /// The node has drained a partition.
    pub(super) fn released(&self, partition: PartitionId) {
        self.lock().draining.remove(&partition);
    }

    /// Returns true while one of these partitions is being drained.
    pub(super) fn is_draining(&self, partitions: &[PartitionId]) -> bool {
        let state = self.lock();
        partitions.iter().any(|partition| state.draining.contains(partition))
    }

    /// Returns true for a partition that this process holds, or still drains.
    pub(super) fn is_held_or_draining(&self, partition: PartitionId) -> bool {
        let state = self.lock();
        state.held.contains(&partition) || state.draining.contains(&partition)
    }

    /// Returns the partitions that this process holds.
    pub(super) fn held(&self) -> BTreeSet<PartitionId> {
        self.lock().held.clone()
    }

    /// Returns true once the group has given this process its share, be it nothing.
    pub(super) fn has_joined(&self) -> bool {
        self.lock().joined
    }

    /// Resolves with the next change.
    pub(super) async fn next(self: std::sync::Arc<Self>) -> Assignment {
        loop {
            let added = self.added.notified();
            let change = {
                let mut state = self.lock();
                let change = state.changes.pop_front();
                if !state.changes.is_empty() {
                    self.added.notify_one();
                }
                change
            };
            match change {
                Some(change) => return change,
                None => added.await,
            }
        }
    }
}

impl State {
    fn announce(&mut self, change: Assignment) {
        let of = |change: &Assignment| match change {
            Assignment::Assigned(partition) | Assignment::Revoked { partition, .. } => *partition,
        };
        let partition = of(&change);
        self.changes.retain(|unheard| of(unheard) != partition);
        self.changes.push_back(change);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;

    const P: PartitionId = PartitionId(3);

    fn heard(assignments: &Arc<Assignments>) -> Option<Assignment> {
        Arc::clone(assignments).next().now_or_never()
    }

    #[test]
    fn changes_are_heard_in_order_and_once() {
        let all = Arc::new(Assignments::default());
        assert_eq!(heard(&all), None);
        all.assigned(&[P, PartitionId(4)]);
        assert_eq!(heard(&all), Some(Assignment::Assigned(P)));
        assert_eq!(heard(&all), Some(Assignment::Assigned(PartitionId(4))));
        assert_eq!(heard(&all), None);
    }

    #[test]
    fn a_revoked_partition_is_drained_until_the_node_says_so() {
        let all = Arc::new(Assignments::default());
        all.assigned(&[P]);
        assert_eq!(heard(&all), Some(Assignment::Assigned(P)));
        all.revoked(&[P], false);
        assert!(all.is_draining(&[P]));
        assert_eq!(heard(&all), Some(Assignment::Revoked { partition: P, lost: false }));
        all.released(P);
        assert!(!all.is_draining(&[P]));
    }

    #[test]
    fn what_is_lost_or_was_never_heard_of_needs_no_draining() {
        let all = Arc::new(Assignments::default());
        all.assigned(&[P]);
        all.revoked(&[P], false);
        assert!(!all.is_draining(&[P]), "the node did not know of it");
        assert_eq!(heard(&all), Some(Assignment::Revoked { partition: P, lost: false }));
        all.assigned(&[P]);
        assert_eq!(heard(&all), Some(Assignment::Assigned(P)));
        all.revoked(&[P], true);
        assert!(!all.is_draining(&[P]));
    }

    #[test]
    fn a_partition_that_comes_back_is_announced_as_it_is_now() {
        let all = Arc::new(Assignments::default());
        for _ in 0..1_000 {
            all.assigned(&[P]);
            all.revoked(&[P], false);
        }
        all.assigned(&[P]);
        assert_eq!(heard(&all), Some(Assignment::Assigned(P)));
        assert_eq!(heard(&all), None);
    }
}
