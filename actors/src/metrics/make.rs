//! How metrics are made and registered, and the names of those that partitions, rows and dispatchers count in.

use prometheus::{
    CounterVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
};

use super::{
    APPLIED, DEAD_LETTERS, DECISIONS, DUPLICATE, Events, Load, OUTREACH, Outcomes, REJECTED, Rows, SCORES,
    STAGES, Times,
};

/// Buckets of durations from half a millisecond to half a minute. Units: seconds.
const SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// Makes metrics and registers them. Names are constants, so what could fail fails in every test.
pub(super) struct Make<'a>(pub(super) &'a Registry);

impl Make<'_> {
    pub(super) fn register<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        made: prometheus::Result<C>,
    ) -> C {
        let metric = made.expect("names and labels are valid constants");
        self.0.register(Box::new(metric.clone())).expect("each name is registered once");
        metric
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::new(name, help))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::new(name, help))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(IntCounterVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, label: &str) -> IntGaugeVec {
        self.gauges_of(name, help, &[label])
    }

    pub(super) fn gauges_of(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn histogram(&self, name: &str, help: &str) -> Histogram {
        self.histogram_of(name, help, &SECONDS)
    }

    pub(super) fn histograms(&self, name: &str, help: &str, label: &str) -> HistogramVec {
        let opts = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.register(HistogramVec::new(opts, &[label]))
    }

    pub(super) fn histogram_of(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.register(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }
}

impl Events {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            applied: make.counter(APPLIED, "Events folded, or forwarded by an alias"),
            replayed: make
                .counter("care_customer_records_replayed_total", "Records read again and already in the row"),
            duplicate: make.counter(DUPLICATE, "Events whose message id was seen before"),
            late: make.counter("care_customer_events_late_total", "Events older than the late bound"),
            clamped: make
                .counter("care_customer_events_clamped_total", "Events with a stamp in the future, clamped"),
            told: make.counter(
                "care_customer_messages_applied_total",
                "Messages of other rows, outcomes and commands applied",
            ),
            unawaited: make.counter(
                "care_customer_records_unawaited_total",
                "Messages and outcomes that no row waited for",
            ),
            strayed: make.counter(
                "care_partition_records_strayed_total",
                "Records outside their customer's partition, relayed to it",
            ),
            rejected: make.counters(REJECTED, "Records that could not be applied", &["reason"]),
            dead_letters: make.counter(DEAD_LETTERS, "Records appended to the dead-letter topic"),
        }
    }
}

impl Rows {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            written: make.counter("care_partition_rows_written_total", "Customer rows made durable"),
            written_bytes: make
                .counter("care_partition_rows_written_bytes_total", "Bytes of customer rows made durable"),
            loaded: make.counter("care_partition_customers_loaded_total", "Customers that came to life"),
            passivated: make
                .counter("care_partition_customers_passivated_total", "Customers that were put to rest"),
            panicked: make.counter(
                "care_partition_customers_panicked_total",
                "Customers that panicked and were loaded again",
            ),
            relayed: make.counters(
                "care_partition_records_relayed_total",
                "Records relayed from rows to topics",
                &["topic"],
            ),
            leases_lost: make.counters(
                "care_partition_leases_lost_total",
                "Leases that another owner took",
                &["partition"],
            ),
        }
    }
}

impl Outcomes {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            decisions: make.counters(DECISIONS, "Decisions made", &["trigger", "verdict", "reason"]),
            outreach: make.counters(OUTREACH, "Outreach brought to an end", &["outcome", "reason"]),
            outreach_ignored: make.counter(
                "care_dispatcher_outreach_ignored_total",
                "Outreach of a lower epoch or done before",
            ),
            live: make.gauges("care_trigger_live", "1, by trigger that may send", "trigger"),
            scores: make.counters(SCORES, "Scores applied", &["head", "source"]),
            labels_dropped: make.counter(
                "care_metrics_trigger_labels_dropped_total",
                "Decisions counted under the trigger name other",
            ),
        }
    }
}

impl Load {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            customers_live: make.gauges("care_partition_customers_live", "Live customers", "partition"),
            customers_bytes: make.gauges(
                "care_partition_customers_live_bytes",
                "Approximate memory of live customers",
                "partition",
            ),
            rows_dirty: make.gauges(
                "care_partition_rows_dirty",
                "Rows that differ from the stored ones",
                "partition",
            ),
            lag: make.gauges("care_partition_records_lag", "Records appended and not yet safe", "partition"),
            dispatching: make.gauges(
                "care_dispatcher_outreach_in_flight",
                "Outreach between the log and its outcome",
                "partition",
            ),
            queue_len: make.gauges("care_engine_queue_len", "Length of a queue", "queue"),
            queue_refused: make.counters(
                "care_engine_queue_refused_total",
                "What a full queue turned away",
                &["queue"],
            ),
        }
    }
}

impl Times {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let stage = Opts::new(STAGES, "Processor time by stage of an event's path");
        Self {
            stage: make.register(CounterVec::new(stage, &["stage"])),
            flush: make.histogram("care_partition_flush_seconds", "Time until a group of rows was durable"),
            timer_lateness: make.histogram(
                "care_partition_timer_lateness_seconds",
                "Time from a timer's due time to its firing",
            ),
            decision_latency: make.histogram(
                "care_partition_decision_latency_seconds",
                "Time from the reading of a record, or the firing of a timer, to the durable decision",
            ),
        }
    }
}
