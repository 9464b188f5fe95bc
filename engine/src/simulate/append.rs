//! From an event of the shop to a record of the log.

use actors::port::log::NewRecord;
use anyhow::{Context, Result};
use bytes::Bytes;
use schemas::event::{Border, customer_of};
use schemas::ids::{CustomerId, PartitionId};
use schemas::record::RecordKind;

use crate::shop::Event;

/// Returns whom an event concerns, and its record in a log of so many partitions; the log's clock is to stamp it.
///
/// Errors: the shop wrote what the engine would not take.
pub fn record(event: &Event, partitions: u32, border: &Border) -> Result<(CustomerId, NewRecord)> {
    let body = event.line.as_bytes();
    let customer = customer_of(body, border).with_context(|| format!("the shop wrote {}", event.line))?;
    let record = NewRecord {
        partition: PartitionId::of(customer.as_str(), partitions),
        key: customer.as_str().into(),
        kind: RecordKind::Event,
        epoch: None,
        stamp: None,
        body: Bytes::copy_from_slice(body),
    };
    Ok((customer, record))
}
