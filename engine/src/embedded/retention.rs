//! Drops what the log need not keep: old blocks that everyone has handled, and wake-ups that are done.

use actors::port::log::Topic;
use schemas::ids::{PartitionId, Position};
use schemas::time::Span;

use super::block;
use super::group::{Failure, Group};
use super::key;
use super::tables::Table;
use super::tail::Tail;

/// Blocks dropped from one partition, and wake-ups dropped from one, by one group: the rest waits for the next.
const DROPPED_MAX: usize = 256;

/// Drops blocks of a partition that are handled and whose last record is more than `keep` of log time older than the newest one.
/// Returns where the log starts afterwards. The last block stays: positions are counted on from it.
pub fn drop_blocks(
    group: &mut Group<'_>,
    topic: Topic,
    partition: PartitionId,
    tail: &Tail,
    keep: Span,
) -> Result<Position, Failure> {
    let mut start = tail.extent().start;
    let handled = group.handled(topic, partition)?;
    let prefix = key::topic_partition(topic, partition);
    let Some((_, newest)) =
        group.tables().last(Table::Log, &prefix, &key::block(topic, partition, Position(u64::MAX)))?
    else {
        return Ok(start);
    };
    let newest = decode(Position(0), newest)?.last().map(|record| record.stamp);
    let from = key::block(topic, partition, start);
    let blocks = group.tables().scan(Table::Log, &from, |key| key.starts_with(&prefix));
    let mut blocks = blocks.take(DROPPED_MAX).peekable();
    while let Some(entry) = blocks.next() {
        let (key, bytes) = entry?;
        if blocks.peek().is_none() {
            break;
        }
        let records = decode(key::block_first(&key).unwrap_or_default(), bytes)?;
        let Some((last, newest)) = records.last().zip(newest) else { break };
        if last.stamp >= newest - keep || last.position >= handled {
            break;
        }
        start = last.position.next();
        group.remove(Table::Log, key.to_vec());
    }
    Ok(start)
}

/// Drops wake-ups of a partition with `from <= slot < to`. Returns the slot below which none is left.
pub fn drop_wake_ups(
    group: &mut Group<'_>,
    partition: PartitionId,
    from: i64,
    to: i64,
) -> Result<i64, Failure> {
    let end = key::wake_up_slot(partition, to);
    let first = key::wake_up_slot(partition, from);
    let found = group.tables().scan(Table::WakeUps, &first, |key| key < end.as_slice());
    let mut dropped = 0;
    let mut below = to;
    for entry in found.take(DROPPED_MAX) {
        let (key, _) = entry?;
        dropped += 1;
        below = key::wake_up_of(&key).map_or(to, |wake_up| wake_up.slot);
        group.remove(Table::WakeUps, key.to_vec());
    }
    Ok(if dropped < DROPPED_MAX { to } else { below })
}

fn decode(first: Position, bytes: bytes::Bytes) -> Result<Vec<schemas::record::LogRecord>, Failure> {
    block::decode(first, bytes).map_err(|error| Failure::Corrupt(error.to_string()))
}
