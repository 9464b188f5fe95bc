//! What an earlier run left in the log: events that are durable and that no row has applied.
//!
//! Read from log and rows, not from what the engine counts, so that a summary can hold the two against each other.

use std::collections::HashMap;

use actors::port::Ports;
use actors::port::log::Topic;
use anyhow::{Context, Result};
use schemas::customer::Customer;
use schemas::ids::{CustomerId, PartitionId, Position};
use smol_str::SmolStr;

/// Records of one fetch.
const FETCH_MAX: usize = 4_000;

/// Returns how many events of the log lie above the mark of their customer's row.
pub async fn count(ports: &Ports) -> Result<u64> {
    let mut open = 0;
    for partition in (0..ports.source.partitions()).map(PartitionId) {
        open += in_partition(ports, partition).await?;
    }
    Ok(open)
}

async fn in_partition(ports: &Ports, partition: PartitionId) -> Result<u64> {
    let lease = ports.store.read_lease(partition).await.context("failed to read a lease")?;
    let end = ports.source.end(Topic::Events, partition).await?;
    let mut marks: HashMap<SmolStr, Option<Position>> = HashMap::new();
    let (mut from, mut open) = (lease.position, 0);
    while from < end {
        let fetched = ports.source.fetch(Topic::Events, partition, from, FETCH_MAX).await?;
        for record in fetched.records.iter().filter(|record| record.kind.is_event()) {
            if !marks.contains_key(&record.key) {
                marks.insert(record.key.clone(), mark(ports, partition, &record.key).await?);
            }
            open += u64::from(marks[&record.key] < Some(record.position));
        }
        from = fetched.next;
    }
    Ok(open)
}

/// Returns the position of the last record that a customer's row has seen.
async fn mark(ports: &Ports, partition: PartitionId, key: &SmolStr) -> Result<Option<Position>> {
    let row = ports.store.read_row(partition, CustomerId::of_key(key.clone())).await?;
    let customer = row.map(|row| Customer::decode(&row.state)).transpose()?;
    Ok(customer.and_then(|customer| customer.high_water()))
}
