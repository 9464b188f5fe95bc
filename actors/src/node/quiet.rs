//! Waiting until nothing is left to do.
//!
//! What one partition relays is a record of another, so one look is not enough: the partitions are looked at, then the ends of the
//! log are read, then they are looked at again. If nothing moved in between, and everything was read to an end that was there after
//! the first look, then nothing is under way anywhere.

use std::collections::BTreeMap;

use futures_util::future;
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;

use super::{Error, Node};
use crate::partition::actor::Settle;
use crate::partition::board::{Shown, Standing};
use crate::partition::core::Levels;
use crate::port::Kind;
use crate::port::log::Topic;

/// A partition without anything to do, as one look saw it: where it reads, and how many turns it has given.
type Look = (PartitionId, Position, u64);

impl Node {
    /// Returns true when every partition has read care.events to its end, every dispatcher care.outreach, and nothing is under way or
    /// due; rows may wait for their flush.
    ///
    /// Errors: `Stopped` → a partition stopped · `Log` → the log does not say where it ends.
    pub async fn is_quiet(&self) -> Result<bool, Error> {
        self.is_all(&Levels::is_quiet).await
    }

    /// Resolves when [`Node::is_quiet`].
    ///
    /// Errors: as there.
    pub async fn quiet(&self) -> Result<(), Error> {
        self.wait_for(&Levels::is_quiet).await
    }

    /// Resolves when [`Node::is_quiet`], and every partition knows that log time has come to `at`: what was due before it has fired,
    /// and what came of that is done.
    ///
    /// Errors: as there.
    pub async fn quiet_at(&self, at: Timestamp) -> Result<(), Error> {
        self.wait_for(&move |levels| levels.is_quiet() && levels.log_time >= Some(at)).await
    }

    async fn wait_for(&self, wanted: &(dyn Fn(&Levels) -> bool + Sync)) -> Result<(), Error> {
        let changed = self.seats.changed();
        loop {
            let change = changed.notified();
            tokio::pin!(change);
            change.as_mut().enable();
            if self.is_all(wanted).await? {
                return Ok(());
            }
            change.await;
        }
    }

    /// Resolves when everything is quiet, every row is durable and every position confirmed; hastens what would wait for its time.
    ///
    /// Errors: as [`Node::is_quiet`].
    pub async fn settle(&self) -> Result<(), Error> {
        let changed = self.seats.changed();
        let mut hastened = BTreeMap::new();
        loop {
            let change = changed.notified();
            tokio::pin!(change);
            change.as_mut().enable();
            if self.is_all(&Levels::is_settled).await? {
                return Ok(());
            }
            // A partition that is gone says so on its board.
            future::join_all(self.seats.send(|partition, shown| hasten(&mut hastened, partition, shown)))
                .await;
            change.await;
        }
    }

    /// Returns true when `wanted` holds for every partition and all have read to the end.
    async fn is_all(&self, wanted: &(dyn Fn(&Levels) -> bool + Sync)) -> Result<bool, Error> {
        self.check()?;
        let Some(before) = self.look(wanted) else { return Ok(false) };
        let Some(dispatched) = self.dispatchers.look() else { return Ok(false) };
        let events = before.iter().map(|(partition, next, _)| (Topic::Events, *partition, *next));
        let outreach = dispatched.iter().map(|(partition, next)| (Topic::Outreach, *partition, *next));
        let places: Vec<_> = events.chain(outreach).collect();
        // All at once: a log on servers answers them together.
        let ends = places.iter().map(|(topic, partition, _)| self.plan.ports.source.end(*topic, *partition));
        for (end, (_, _, next)) in future::join_all(ends).await.into_iter().zip(&places) {
            match end {
                Ok(end) if end <= *next => {}
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == Kind::Retry => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        self.check()?;
        let nothing_moved = self.look(wanted).is_some_and(|after| after == before)
            && self.dispatchers.look() == Some(dispatched);
        Ok(nothing_moved)
    }

    /// Looks at every partition once; `None` when one has not begun or `wanted` does not hold for it.
    fn look(&self, wanted: &(dyn Fn(&Levels) -> bool + Sync)) -> Option<Vec<Look>> {
        if !self.seats.has_heard_all() {
            return None;
        }
        let look = |(partition, shown): (PartitionId, Shown)| {
            let all_done = shown.at_work && wanted(&shown.levels) && shown.standing == Standing::Working;
            all_done.then_some((partition, shown.levels.next, shown.counts.turns))
        };
        self.seats.shown().into_iter().map(look).collect()
    }
}

/// Returns the message to a partition that has nothing to do but to become durable, once per step on the way there.
fn hasten(
    hastened: &mut BTreeMap<PartitionId, Levels>,
    partition: PartitionId,
    shown: &Shown,
) -> Option<Settle> {
    let levels = shown.levels;
    let waits = levels.is_quiet() && levels.groups == 0 && !levels.is_settled();
    (waits && hastened.insert(partition, levels) != Some(levels)).then_some(Settle)
}
