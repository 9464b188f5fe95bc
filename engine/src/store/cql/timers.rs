//! The index of timers: one CQL partition per slot, and a directory of the slots that hold anything.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{Error, WakeUp, Written};
use futures_util::{StreamExt, TryStreamExt, future, stream};
use schemas::ids::{CustomerId, PartitionId};
use schemas::time::Timestamp;
use scylla::value::CqlTimestamp;

use super::Inner;
use super::batch::{Weighed, batches};

/// Slots that one scan reads at the same time.
const SLOTS_AT_ONCE: usize = 16;

/// A slot of the directory as it is bound: partition, slot, time to live.
type BoundSlot = (i32, i64, i32);

/// A wake-up as it is bound: partition, slot, due time, customer, time to live.
type Bound<'a> = (i32, i64, CqlTimestamp, &'a str, i32);

impl Weighed for Bound<'_> {
    fn bytes(&self) -> usize {
        self.3.len() + size_of::<i64>()
    }
}

impl Weighed for BoundSlot {
    fn bytes(&self) -> usize {
        size_of::<i64>()
    }
}

impl Inner {
    pub(super) async fn add_wake_ups(
        &self,
        partition: PartitionId,
        wake_ups: Vec<WakeUp>,
    ) -> Result<Written, Error> {
        let (number, ttl) = (self.number(partition)?, self.ttl.timer);
        let bound =
            wake_ups.iter().map(|of| (number, of.slot, CqlTimestamp(of.due.0), of.customer.as_str(), ttl));
        let mut bound: Vec<Bound<'_>> = bound.collect();
        bound.sort_by_key(|(_, slot, ..)| *slot);
        let of_slots: Vec<&[Bound<'_>]> = bound.chunk_by(|a, b| a.1 == b.1).collect();
        let slots: Vec<BoundSlot> =
            of_slots.iter().map(|of_slot| (number, of_slot[0].1, self.ttl.slot)).collect();
        let (calls, of) = (&self.calls, &self.statements);
        let listed = batches(&slots, self.batch_max)
            .map(|batch| calls.execute_together(StoreOperation::AddWakeUps, &of.add_slot, batch));
        let added = of_slots
            .iter()
            .flat_map(|of_slot| batches(of_slot, self.batch_max))
            .map(|batch| calls.execute_together(StoreOperation::AddWakeUps, &of.add_wake_up, batch));
        // Nothing may be concluded from one without the other, and all are awaited: they have been sent.
        let (listed, added) = future::join(future::join_all(listed), future::join_all(added)).await;
        listed.into_iter().chain(added).collect::<Result<(), Error>>()?;
        Ok(self.written())
    }

    pub(super) async fn scan_wake_ups(
        &self,
        partition: PartitionId,
        from: i64,
        to: i64,
    ) -> Result<Vec<WakeUp>, Error> {
        let number = self.number(partition)?;
        let mut slots = Vec::new();
        let asked = (&self.statements.scan_slots, (number, from, to));
        let take = |(slot,): (i64,)| {
            slots.push(slot);
            Ok(ControlFlow::Continue(()))
        };
        self.calls.read_pages(StoreOperation::ScanWakeUps, asked, take).await?;
        let of_slots = slots.into_iter().map(|slot| self.wake_ups_of(number, slot));
        let found: Vec<Vec<WakeUp>> = stream::iter(of_slots).buffered(SLOTS_AT_ONCE).try_collect().await?;
        Ok(found.concat())
    }

    async fn wake_ups_of(&self, number: i32, slot: i64) -> Result<Vec<WakeUp>, Error> {
        let mut found = Vec::new();
        let asked = (&self.statements.scan_wake_ups, (number, slot));
        let take = |(due, customer): (CqlTimestamp, String)| {
            let customer = CustomerId::user(&customer);
            found.push(WakeUp { slot, due: Timestamp(due.0), customer });
            Ok(ControlFlow::Continue(()))
        };
        self.calls.read_pages(StoreOperation::ScanWakeUps, asked, take).await?;
        Ok(found)
    }
}
