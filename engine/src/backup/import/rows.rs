//! Rows and the timer index, which customers' partitions of the new log are to find.

use std::collections::HashMap;

use actors::port::store::{Row, TIMER_SLOT_MS, WakeUp};
use schemas::customer::Customer;
use schemas::ids::PartitionId;
use schemas::time::Timestamp;

use super::{BATCH, Error, Moving, corrupt, corrupt_key, entries};
use crate::embedded::tables::Table;
use crate::embedded::{Failure, key, value};

impl Moving<'_> {
    /// Rows go over as they are. Whoever still has to relay something, or waits for a score, is woken: no record of the new log does it.
    pub(super) async fn rows(&mut self) -> Result<(), Error> {
        let mut batches: Batches<Row> = Batches::default();
        let mut waking = Batches::default();
        for entry in entries(self.folder, Table::Rows)? {
            let (key, bytes) = entry?;
            let id = key::row_customer(&key).ok_or_else(|| corrupt_key("row"))?;
            let row = value::decode_row(id.clone(), &bytes).map_err(corrupt)?;
            let customer = Customer::decode(&row.state)
                .map_err(|error| Failure::Corrupt(format!("row of {id}: {error}")))?;
            if let Some(mark) = self.marks.get_mut(id.as_str()) {
                *mark = customer.high_water();
            }
            let partition = self.partition(&id);
            if !customer.outbox().is_empty() || !customer.pending_asks().is_empty() {
                let due = Timestamp(self.cursor.saturating_mul(TIMER_SLOT_MS));
                waking.add(partition, WakeUp { slot: self.cursor, due, customer: id });
            }
            self.report.customers += 1;
            if let Some(rows) = batches.add(partition, row) {
                self.target.store.write_rows(partition, rows).await?;
            }
            self.told(bytes.len())?;
        }
        for (partition, rows) in batches.rest() {
            self.target.store.write_rows(partition, rows).await?;
        }
        self.add_wake_ups(waking).await
    }

    pub(super) async fn wake_ups(&mut self) -> Result<(), Error> {
        let mut batches = Batches::default();
        for entry in entries(self.folder, Table::WakeUps)? {
            let (key, _) = entry?;
            let wake_up = key::wake_up_of(&key).ok_or_else(|| corrupt_key("wake-up"))?;
            let partition = self.partition(&wake_up.customer);
            self.report.wake_ups += 1;
            if let Some(full) = batches.add(partition, wake_up) {
                self.target.store.add_wake_ups(partition, full).await?;
            }
            self.told(key.len())?;
        }
        self.add_wake_ups(batches).await
    }

    async fn add_wake_ups(&self, batches: Batches<WakeUp>) -> Result<(), Error> {
        for (partition, wake_ups) in batches.rest() {
            self.target.store.add_wake_ups(partition, wake_ups).await?;
        }
        Ok(())
    }
}

/// What is written together, by partition.
struct Batches<T>(HashMap<PartitionId, Vec<T>>);

impl<T> Default for Batches<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Batches<T> {
    /// Adds one; returns the batch when it is full.
    fn add(&mut self, partition: PartitionId, one: T) -> Option<Vec<T>> {
        let batch = self.0.entry(partition).or_default();
        batch.push(one);
        (batch.len() >= BATCH).then(|| std::mem::take(batch))
    }

    fn rest(self) -> impl Iterator<Item = (PartitionId, Vec<T>)> {
        self.0.into_iter().filter(|(_, batch)| !batch.is_empty())
    }
}
