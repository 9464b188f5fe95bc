//! Reads a partition of a topic from a place to the end that it has now: for whoever looks, not for whoever follows.

use actors::port::log::{Error, LogSource, Topic};
use anyhow::Result;
use schemas::ids::{PartitionId, Position};
use schemas::record::LogRecord;

/// Records of one fetch.
const FETCH_MAX: usize = 2_000;

/// Hands every record to `take`, in order. What retention has dropped is passed over.
///
/// Errors: the log does not answer, or what `take` says.
pub async fn each(
    source: &dyn LogSource,
    (topic, partition): (Topic, PartitionId),
    from: Position,
    mut take: impl FnMut(&LogRecord) -> Result<()>,
) -> Result<()> {
    let end = source.end(topic, partition).await?;
    let mut from = from;
    while from < end {
        let fetched = match source.fetch(topic, partition, from, FETCH_MAX).await {
            Err(Error::OutOfRange { start, .. }) if start > from => {
                from = start;
                continue;
            }
            fetched => fetched?,
        };
        fetched.records.iter().filter(|record| record.position < end).try_for_each(&mut take)?;
        from = fetched.next;
    }
    Ok(())
}
