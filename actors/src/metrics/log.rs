//! What is counted of a log on servers: how far reading is behind, what is held back, and what the servers did to this process.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGaugeVec};
use schemas::ids::PartitionId;

use super::Make;
use super::load::unset;
use crate::port::log::Topic;

/// Gauges and counters of a log on servers.
#[derive(Clone)]
pub struct Log {
    unread: IntGaugeVec,
    paused: IntGaugeVec,
    margin: IntGaugeVec,
    rebalanced: IntCounterVec,
    raised: IntCounter,
    replaced: IntCounter,
    consumers_replaced: IntCounter,
    appended: HistogramVec,
}

impl Log {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            unread: make.gauges_of(
                "care_log_records_unread",
                "Records that a partition holds and no reader has taken",
                &["topic", "partition"],
            ),
            paused: make.gauges(
                "care_log_partitions_paused",
                "Partitions that are not read because their buffer is full",
                "topic",
            ),
            margin: make.gauges(
                "care_log_retention_margin_records",
                "Records between what retention takes next and the confirmed position",
                "partition",
            ),
            rebalanced: make.counters(
                "care_log_partitions_moved_total",
                "Partitions that the group gave to this process, asked back, or took away",
                &["change"],
            ),
            raised: make.counter(
                "care_log_stamps_raised_total",
                "Records stamped before a time that was over: raised to it",
            ),
            replaced: make
                .counter("care_log_producers_replaced_total", "Producers that were given up and replaced"),
            consumers_replaced: make.counter(
                "care_log_consumers_replaced_total",
                "Consumers that delivered nothing though there was something to read, or were not answered though another was: replaced",
            ),
            appended: make.histograms(
                "care_log_append_seconds",
                "Time until an append was acknowledged",
                "topic",
            ),
        }
    }

    /// Shows how many records of a partition nobody has taken.
    pub fn unread(&self, topic: Topic, partition: PartitionId, records: u64) {
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        self.unread.with_label_values(&[topic.as_str(), &partition.0.to_string()]).set(records);
    }

    /// Stops to show that of a partition which nobody here reads any more.
    pub fn not_read(&self, topic: Topic, partition: PartitionId) {
        unset(&self.unread, &[topic.as_str(), &partition.0.to_string()]);
    }

    /// Shows how many partitions of a topic are paused.
    pub fn paused(&self, topic: Topic, partitions: usize) {
        let partitions = i64::try_from(partitions).unwrap_or(i64::MAX);
        self.paused.with_label_values(&[topic.as_str()]).set(partitions);
    }

    /// Shows how far a confirmed position is from what retention takes next.
    pub fn retention_margin(&self, partition: PartitionId, records: u64) {
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        self.margin.with_label_values(&[&partition.0.to_string()]).set(records);
    }

    /// Stops to show that of a partition which others confirm from now on.
    pub fn no_retention_margin(&self, partition: PartitionId) {
        unset(&self.margin, &[&partition.0.to_string()]);
    }

    /// Counts partitions that moved: `assigned`, `revoked` or `lost`.
    pub fn rebalanced(&self, change: &'static str, partitions: usize) {
        self.rebalanced.with_label_values(&[change]).inc_by(partitions as u64);
    }

    /// Counts a record whose stamp was raised.
    pub fn stamp_raised(&self) {
        self.raised.inc();
    }

    /// Counts a producer that was replaced.
    pub fn producer_replaced(&self) {
        self.replaced.inc();
    }

    /// Counts a consumer that was replaced.
    pub fn consumer_replaced(&self) {
        self.consumers_replaced.inc();
    }

    /// Notes how long an append took.
    pub fn appended(&self, topic: Topic, took: Duration) {
        self.appended.with_label_values(&[topic.as_str()]).observe(took.as_secs_f64());
    }
}
