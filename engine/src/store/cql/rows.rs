//! Customers' rows: written in batches of one bucket, each row with its own timestamp, read one by one or in key order over all buckets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use actors::metrics::StoreOperation;
use actors::port::store::{Error, Row, RowPage, Written};
use bytes::Bytes;
use futures_util::future;
use schemas::ids::{CustomerId, PartitionId};
use scylla::statement::prepared::PreparedStatement;
use xxhash_rust::xxh3::xxh3_64;

use super::Inner;
use super::batch::{Weighed, batches};
use super::calls::rows;
use super::error::unreadable;
use crate::embedded::value;

/// Rows that a scan takes from one bucket at a time, at least and at most.
const SHARE: std::ops::RangeInclusive<usize> = 8..=500;

/// Returns the bucket of a customer. Fixed for the life of a keyspace, with their number.
pub fn bucket_of(customer: &CustomerId, buckets: u16) -> i16 {
    let bucket = xxh3_64(customer.as_str().as_bytes()) % u64::from(buckets.max(1));
    i16::try_from(bucket).expect("there are at most 4,096 buckets")
}

/// A row as it is bound: partition, bucket, customer, bytes, timestamp.
type Bound<'a> = (i32, i16, &'a str, Bytes, i64);

impl Weighed for Bound<'_> {
    fn bytes(&self) -> usize {
        self.2.len() + self.3.len()
    }
}

impl Inner {
    pub(super) async fn read_row(
        &self,
        partition: PartitionId,
        customer: CustomerId,
    ) -> Result<Option<Row>, Error> {
        let bucket = bucket_of(&customer, self.buckets);
        let key = (self.number(partition)?, bucket, customer.as_str());
        let found = self.calls.execute(StoreOperation::ReadRow, &self.statements.read_row, key).await?;
        let state: Option<(Bytes,)> = rows(found)?.maybe_first_row().map_err(unreadable)?;
        state.map(|(state,)| decode(customer, &state)).transpose()
    }

    pub(super) async fn write_rows(&self, partition: PartitionId, rows: Vec<Row>) -> Result<Written, Error> {
        if rows.is_empty() {
            return Ok(Written { generation: self.tail.ask(&self.calls).await? });
        }
        let number = self.number(partition)?;
        let mut bound: Vec<Bound<'_>> = rows.iter().map(|row| self.bound(number, row)).collect();
        bound.sort_by_key(|(_, bucket, ..)| *bucket);
        let of_buckets = bound.chunk_by(|a, b| a.1 == b.1);
        let batches = of_buckets.flat_map(|of_bucket| batches(of_bucket, self.batch_max));
        // All of them are awaited, also when one fails: the others have been sent.
        let written = future::join_all(batches.map(|batch| self.write_batch(batch))).await;
        written.into_iter().collect::<Result<(), Error>>()?;
        Ok(self.written())
    }

    fn bound<'a>(&self, number: i32, row: &'a Row) -> Bound<'a> {
        let bucket = bucket_of(&row.customer, self.buckets);
        (number, bucket, row.customer.as_str(), value::encode_row(row), row.written_at)
    }

    async fn write_batch(&self, batch: &[Bound<'_>]) -> Result<(), Error> {
        self.counted.batch(batch.len(), batch.iter().map(Weighed::bytes).sum());
        self.calls.execute_together(StoreOperation::WriteRows, &self.statements.write_row, batch).await
    }

    pub(super) async fn scan_rows(
        &self,
        partition: PartitionId,
        from: Option<CustomerId>,
        max: usize,
    ) -> Result<RowPage, Error> {
        let (max, number) = (max.max(1), self.number(partition)?);
        let share = (max / usize::from(self.buckets) + SHARE.start()).min(*SHARE.end());
        let from = from.as_ref().map_or("", CustomerId::as_str);
        let first = (0..self.buckets).map(|bucket| async move {
            let mut lane =
                Lane { number, bucket: bucket as i16, share, rows: VecDeque::new(), is_done: false };
            self.fill(&mut lane, &self.statements.scan_rows_from, from).await.map(|()| lane)
        });
        let mut lanes = future::try_join_all(first).await?;
        let mut heads = BinaryHeap::new();
        heads.extend(lanes.iter().enumerate().filter_map(|(nth, lane)| lane.head(nth)));
        let mut page = RowPage::default();
        while let Some(Reverse((customer, nth))) = heads.pop() {
            if page.rows.len() == max {
                page.next = Some(customer);
                break;
            }
            let lane = &mut lanes[nth];
            page.rows.extend(lane.rows.pop_front());
            if lane.rows.is_empty() && !lane.is_done {
                self.fill(lane, &self.statements.scan_rows_after, customer.as_str()).await?;
            }
            heads.extend(lane.head(nth));
        }
        Ok(page)
    }

    async fn fill(&self, lane: &mut Lane, statement: &PreparedStatement, from: &str) -> Result<(), Error> {
        let values = (lane.number, lane.bucket, from, lane.share as i32);
        let found = rows(self.calls.execute(StoreOperation::ScanRows, statement, values).await?)?;
        for row in found.rows::<(&str, Bytes)>().map_err(unreadable)? {
            let (customer, state) = row.map_err(unreadable)?;
            lane.rows.push_back(decode(CustomerId::user(customer), &state)?);
        }
        lane.is_done = lane.rows.len() < lane.share;
        Ok(())
    }
}

/// One bucket's part of a scan.
struct Lane {
    /// The partition.
    number: i32,
    bucket: i16,
    /// Rows asked for at a time.
    share: usize,
    /// Read and not yet taken.
    rows: VecDeque<Row>,
    /// True when the bucket has no more than these.
    is_done: bool,
}

impl Lane {
    fn head(&self, nth: usize) -> Option<Reverse<(CustomerId, usize)>> {
        self.rows.front().map(|row| Reverse((row.customer.clone(), nth)))
    }
}

fn decode(customer: CustomerId, state: &Bytes) -> Result<Row, Error> {
    value::decode_row(customer, state).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_customers_stay_what_they_were() {
        let buckets = ["", "ada", "anon:7", "客户"].map(|id| bucket_of(&CustomerId::user(id), 16));
        assert_eq!(buckets, [2, 15, 12, 8]);
        let spread = (0..16_000).fold([0; 16], |mut counts, number| {
            counts[bucket_of(&CustomerId::user(&format!("customer-{number}")), 16) as usize] += 1;
            counts
        });
        assert!(spread.iter().all(|count| (850..1_150).contains(count)), "{spread:?}");
    }
}
