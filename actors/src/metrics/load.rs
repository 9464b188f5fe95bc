//! What is shown of the moment: by partition, and how long queues are.

use prometheus::{IntCounterVec, IntGaugeVec};
use schemas::ids::PartitionId;

use super::Metrics;

/// The bounded queues of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Records that wait for their customer's turn.
    Waiting,
    /// Rows being loaded.
    Loading,
    /// Questions to the predictor.
    Predictor,
    /// Answers in words that wait for a back end.
    Generation,
    /// Operations for the commit thread of the embedded database.
    Commit,
    /// Reads of the embedded database.
    Read,
    /// Records on their way to the brokers.
    Producer,
}

impl Queue {
    /// Returns the name used as label.
    pub fn as_str(self) -> &'static str {
        match self {
            Queue::Waiting => "waiting",
            Queue::Loading => "loading",
            Queue::Predictor => "predictor",
            Queue::Generation => "generation",
            Queue::Commit => "commit",
            Queue::Read => "read",
            Queue::Producer => "producer",
        }
    }
}

#[derive(Clone)]
pub(super) struct Load {
    pub(super) customers_live: IntGaugeVec,
    pub(super) customers_bytes: IntGaugeVec,
    pub(super) rows_dirty: IntGaugeVec,
    pub(super) lag: IntGaugeVec,
    pub(super) dispatching: IntGaugeVec,
    pub(super) queue_len: IntGaugeVec,
    pub(super) queue_refused: IntCounterVec,
}

impl Metrics {
    /// Shows the live customers of a partition and the memory they take.
    pub fn live(&self, partition: PartitionId, customers: usize, bytes: usize) {
        set(&self.load.customers_live, partition, customers);
        set(&self.load.customers_bytes, partition, bytes);
    }

    /// Shows how many rows of a partition differ from the stored ones.
    pub fn dirty(&self, partition: PartitionId, rows: usize) {
        set(&self.load.rows_dirty, partition, rows);
    }

    /// Shows how many records of a partition are appended and not yet safe.
    pub fn lag(&self, partition: PartitionId, records: usize) {
        set(&self.load.lag, partition, records);
    }

    /// Shows how many outreach of a partition are in flight.
    pub fn dispatching(&self, partition: PartitionId, outreach: usize) {
        set(&self.load.dispatching, partition, outreach);
    }

    /// Stops to show a partition whose assignment is over: it is another process's to show.
    pub fn left(&self, partition: PartitionId) {
        let Load { customers_live, customers_bytes, rows_dirty, lag, .. } = &self.load;
        for gauge in [customers_live, customers_bytes, rows_dirty, lag] {
            unset(gauge, &[&partition.0.to_string()]);
        }
    }

    /// Stops to show the outreach of a partition whose dispatcher has ended.
    pub fn dispatched(&self, partition: PartitionId) {
        unset(&self.load.dispatching, &[&partition.0.to_string()]);
    }

    /// Shows the length of a queue.
    pub fn queue(&self, queue: Queue, len: usize) {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        self.load.queue_len.with_label_values(&[queue.as_str()]).set(len);
    }

    /// Shows that one of several queues of a kind has grown or shrunk.
    pub fn queue_moved(&self, queue: Queue, from: usize, to: usize) {
        let by = i64::try_from(to).unwrap_or(i64::MAX) - i64::try_from(from).unwrap_or(i64::MAX);
        if by != 0 {
            self.load.queue_len.with_label_values(&[queue.as_str()]).add(by);
        }
    }

    /// Counts what a full queue turned away.
    pub fn queue_refused(&self, queue: Queue) {
        self.load.queue_refused.with_label_values(&[queue.as_str()]).inc();
    }
}

fn set(gauge: &IntGaugeVec, partition: PartitionId, value: usize) {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    gauge.with_label_values(&[&partition.0.to_string()]).set(value);
}

pub(super) fn unset(gauge: &IntGaugeVec, labels: &[&str]) {
    // The only error is that there is no such series.
    drop(gauge.remove_label_values(labels));
}
