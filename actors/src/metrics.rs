//! Every metric of the engine: names, units and labels stand here and nowhere else.
//!
//! Names are `care_<room>_<noun>_<unit>[_total]` in base units. Labels are bounded: enums, partitions, and the name of a trigger,
//! of which [`TRIGGER_NAMES_MAX`] are told apart. Never a customer id.

mod collector;
mod conversation;
mod generation;
mod log;
mod make;
mod names;
mod process;
mod pulse;
mod scoring;
mod store;
mod webhook;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::Metric as _;
use prometheus::{
    CounterVec, Encoder, Histogram, IntCounter, IntCounterVec, IntGaugeVec, Registry, TextEncoder,
};
use schemas::decision::{OutcomeStatus, Reason, Verdict};
use schemas::ids::PartitionId;
use schemas::score::{Head, ScoreSource};
use smol_str::SmolStr;

use crate::partition::core::Counts;
use crate::port::log::Topic;

use generation::Generations;
use make::Make;
use webhook::Webhooks;

pub use collector::Collector;
pub use conversation::Conversation;
pub use generation::Generation;
pub use log::Log;
pub use names::{ACCEPTED, APPLIED, DEAD_LETTERS, DECISIONS, DUPLICATE, OUTREACH, REJECTED, SCORES, STAGES};
pub use process::{Disk, Process};
pub use pulse::Pulse;
pub use scoring::{Fate, Scoring};
pub use store::{StoreCalls, StoreLane, StoreOperation};
pub use webhook::Webhook;

/// Trigger names that are told apart; those that come later are counted as `other`.
pub const TRIGGER_NAMES_MAX: usize = 200;

/// Questions that left the predictor, by what became of them. Read by summaries.
pub const QUESTIONS: &str = "care_predictor_questions_total";
const BATCH_ROWS: &str = "care_predictor_batch_rows";
const BATCH_SECONDS: &str = "care_predictor_batch_seconds";

const STORE_SECONDS: &str = "care_store_request_seconds";
const STORE_FAILED: &str = "care_store_requests_failed_total";
const STORE_IN_FLIGHT: &str = "care_store_requests_in_flight";
const STORE_RETRIED: &str = "care_store_requests_retried_total";
const STORE_BATCH_ROWS: &str = "care_store_batch_rows";
const STORE_BATCH_BYTES: &str = "care_store_batch_bytes";

/// Where the engine spends its processor time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the log.
    Fetch,
    /// From bytes to records.
    Decode,
    /// Ordering, bounding, grouping by customer.
    Route,
    /// The customers' turns.
    Fold,
    /// From rows to bytes.
    Encode,
    /// Writing log and store.
    Persist,
    /// Handing on what leaves.
    Relay,
}

impl Stage {
    /// Every stage, in the order an event passes them.
    pub const ALL: [Stage; 7] =
        [Stage::Fetch, Stage::Decode, Stage::Route, Stage::Fold, Stage::Encode, Stage::Persist, Stage::Relay];

    /// Returns the name used as label and in summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Fetch => "fetch",
            Stage::Decode => "decode",
            Stage::Route => "route",
            Stage::Fold => "fold",
            Stage::Encode => "encode",
            Stage::Persist => "persist",
            Stage::Relay => "relay",
        }
    }
}

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

/// One value as a scrape would show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: String,
    /// Label values in the order of the labels' names.
    pub labels: Vec<String>,
    /// Value; of a histogram the number of observations.
    pub value: f64,
}

/// Every metric of one engine. Clones share the values.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    events: Events,
    rows: Rows,
    outcomes: Outcomes,
    load: Load,
    times: Times,
    scoring: Scoring,
    generations: Generations,
    conversation: Conversation,
    log: Log,
    collector: Collector,
    store: StoreCalls,
    webhooks: Webhooks,
    service: process::Service,
    triggers: Arc<Mutex<HashSet<SmolStr>>>,
}

#[derive(Clone)]
struct Events {
    applied: IntCounter,
    replayed: IntCounter,
    duplicate: IntCounter,
    late: IntCounter,
    clamped: IntCounter,
    told: IntCounter,
    unawaited: IntCounter,
    strayed: IntCounter,
    rejected: IntCounterVec,
    dead_letters: IntCounter,
}

#[derive(Clone)]
struct Rows {
    written: IntCounter,
    written_bytes: IntCounter,
    loaded: IntCounter,
    passivated: IntCounter,
    panicked: IntCounter,
    relayed: IntCounterVec,
    leases_lost: IntCounterVec,
}

#[derive(Clone)]
struct Outcomes {
    decisions: IntCounterVec,
    outreach: IntCounterVec,
    outreach_ignored: IntCounter,
    live: IntGaugeVec,
    scores: IntCounterVec,
    labels_dropped: IntCounter,
}

#[derive(Clone)]
struct Load {
    customers_live: IntGaugeVec,
    customers_bytes: IntGaugeVec,
    rows_dirty: IntGaugeVec,
    lag: IntGaugeVec,
    dispatching: IntGaugeVec,
    queue_len: IntGaugeVec,
    queue_refused: IntCounterVec,
}

#[derive(Clone)]
struct Times {
    stage: CounterVec,
    flush: Histogram,
    timer_lateness: Histogram,
    decision_latency: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Returns a set of metrics of its own, all at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Make(&registry);
        let load = Load::new(&make);
        Self {
            events: Events::new(&make),
            rows: Rows::new(&make),
            outcomes: Outcomes::new(&make),
            scoring: Scoring::new(&make, &load),
            generations: Generations::new(&make, &load),
            conversation: Conversation::new(&make),
            log: Log::new(&make),
            collector: Collector::new(&make),
            store: StoreCalls::new(&make),
            webhooks: Webhooks::new(&make),
            load,
            times: Times::new(&make),
            service: process::Service::new(&make),
            triggers: Arc::default(),
            registry,
        }
    }

    /// Counts what a partition has done since it was counted last.
    pub fn counted(&self, since: &Counts) {
        let (events, rows) = (&self.events, &self.rows);
        self.conversation.counted(since);
        for (counter, n) in [
            (&events.applied, since.applied),
            (&events.replayed, since.replayed),
            (&events.duplicate, since.duplicate),
            (&events.late, since.late),
            (&events.clamped, since.clamped),
            (&events.told, since.told),
            (&events.unawaited, since.unawaited),
            (&events.strayed, since.strayed),
            (&rows.loaded, since.loads),
            (&rows.passivated, since.passivated),
            (&rows.panicked, since.panics),
        ] {
            if n > 0 {
                counter.inc_by(n);
            }
        }
    }

    /// Returns what is counted of conversations.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Counts a record that could not be applied, by the short name of the reason.
    pub fn rejected(&self, reason: &'static str) {
        self.events.rejected.with_label_values(&[reason]).inc();
    }

    /// Counts records appended to the dead-letter topic.
    pub fn dead_lettered(&self, records: u64) {
        self.events.dead_letters.inc_by(records);
    }

    /// Counts one acknowledged write of rows.
    pub fn flushed(&self, rows: u64, bytes: u64, took: Duration) {
        self.rows.written.inc_by(rows);
        self.rows.written_bytes.inc_by(bytes);
        self.times.flush.observe(took.as_secs_f64());
    }

    /// Counts acknowledged relays to a topic.
    pub fn relayed(&self, topic: Topic, records: u64) {
        self.rows.relayed.with_label_values(&[topic.as_str()]).inc_by(records);
    }

    /// Counts a lease that another owner took.
    pub fn lease_lost(&self, partition: PartitionId) {
        self.rows.leases_lost.with_label_values(&[&partition.0.to_string()]).inc();
    }

    /// Counts a decision that is durable, and how long after the reading of its record, or the firing of its timer, it was.
    pub fn decided(&self, trigger: &SmolStr, verdict: Verdict, reason: Reason, took: Duration) {
        let trigger = self.trigger_label(trigger);
        let labels = [trigger.as_str(), verdict.as_str(), reason.as_str()];
        self.outcomes.decisions.with_label_values(&labels).inc();
        self.times.decision_latency.observe(took.as_secs_f64());
    }

    /// Shows that a trigger may send: from now on nothing sent is told from nothing known.
    pub fn live_trigger(&self, trigger: &SmolStr) {
        let trigger = self.trigger_label(trigger);
        self.outcomes.live.with_label_values(&[&trigger]).set(1);
        let sent = [trigger.as_str(), Verdict::Sent.as_str(), Reason::Clear.as_str()];
        self.outcomes.decisions.with_label_values(&sent).inc_by(0);
    }

    /// Counts an outreach that a dispatcher brought to an end.
    pub fn outreach_ended(&self, status: &OutcomeStatus) {
        let (outcome, reason) = match status {
            OutcomeStatus::Delivered => ("delivered", ""),
            OutcomeStatus::Withheld(reason) => ("withheld", reason.as_str()),
            OutcomeStatus::Failed => ("failed", ""),
            OutcomeStatus::RetryAt(_) => ("retry", ""),
        };
        self.outcomes.outreach.with_label_values(&[outcome, reason]).inc();
    }

    /// Counts an outreach that a dispatcher ignored: of a lower epoch, or done before.
    pub fn outreach_ignored(&self) {
        self.outcomes.outreach_ignored.inc();
    }

    /// Counts a score by head and by where it comes from.
    pub fn scored(&self, head: Head, source: ScoreSource) {
        let source = match source {
            ScoreSource::Model => "model",
            ScoreSource::Fallback => "fallback",
        };
        self.outcomes.scores.with_label_values(&[head.as_str(), source]).inc();
    }

    /// Returns what is counted of questions on their way through the predictor.
    pub fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    /// Returns what is counted of answers in words by back ends of these names, in their order.
    pub fn generation(&self, backends: &[&str]) -> Generation {
        self.generations.of(backends)
    }

    /// Returns what is counted of a log on servers.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns what is counted of the HTTP server.
    pub fn collector(&self) -> &Collector {
        &self.collector
    }

    /// Returns what is counted of the webhook of a channel.
    pub fn webhook(&self, channel: &str) -> Webhook {
        self.webhooks.of(channel)
    }

    /// Returns what is counted of requests to a store on servers.
    pub fn store(&self) -> &StoreCalls {
        &self.store
    }

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

    /// Adds processor time to a stage.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.times.stage.with_label_values(&[stage.as_str()]).inc_by(took.as_secs_f64());
    }

    /// Notes how long after its due time a timer fired.
    pub fn timer_fired(&self, late: Duration) {
        self.times.timer_lateness.observe(late.as_secs_f64());
    }

    /// Shows what the process uses.
    pub fn process(&self, process: &Process) {
        self.service.process(process);
    }

    /// Shows how full the file system of the data folder is.
    pub fn disk(&self, disk: &Disk) {
        self.service.disk(disk);
    }

    /// Shows whether the service is ready.
    pub fn ready(&self, ready: bool) {
        self.service.ready.set(ready.into());
    }

    /// Shows whether a check of the service's health finds nothing wrong.
    pub fn check(&self, check: &'static str, good: bool) {
        self.service.checks.with_label_values(&[check]).set(good.into());
    }

    /// Returns the time within which this share of the decisions was made, as exactly as the buckets tell; `None` when none was made.
    ///
    /// Bounds: the largest bucket; what took longer counts as that.
    pub fn decision_latency(&self, share: f64) -> Option<Duration> {
        let metric = self.times.decision_latency.metric();
        let histogram = metric.get_histogram();
        let rank = share * histogram.get_sample_count() as f64;
        let mut below = (0.0, 0.0);
        for bucket in histogram.get_bucket() {
            let (bound, count) = (bucket.upper_bound(), bucket.cumulative_count() as f64);
            if count > 0.0 && count >= rank {
                let within = (rank - below.1) / (count - below.1);
                return Some(Duration::from_secs_f64(below.0 + (bound - below.0) * within.clamp(0.0, 1.0)));
            }
            below = (bound, count);
        }
        (histogram.get_sample_count() > 0).then(|| Duration::from_secs_f64(below.0))
    }

    /// Returns everything in the text format of Prometheus.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("a vector takes every byte");
        String::from_utf8(text).expect("the text format is UTF-8")
    }

    /// Returns every value, for summaries.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for family in self.registry.gather() {
            for metric in family.get_metric() {
                let value = match family.get_field_type() {
                    prometheus::proto::MetricType::COUNTER => metric.get_counter().get_value(),
                    prometheus::proto::MetricType::GAUGE => metric.get_gauge().get_value(),
                    prometheus::proto::MetricType::HISTOGRAM => {
                        metric.get_histogram().get_sample_count() as f64
                    }
                    prometheus::proto::MetricType::SUMMARY | prometheus::proto::MetricType::UNTYPED => {
                        continue;
                    }
                };
                let labels = metric.get_label().iter().map(|label| label.value().to_owned()).collect();
                samples.push(Sample { name: family.name().to_owned(), labels, value });
            }
        }
        samples
    }

    /// Returns the label of a trigger: its name, or `other` when too many are known already.
    fn trigger_label(&self, name: &SmolStr) -> SmolStr {
        let mut known = self.triggers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return name.clone();
        }
        if known.len() < TRIGGER_NAMES_MAX {
            known.insert(name.clone());
            return name.clone();
        }
        self.outcomes.labels_dropped.inc();
        SmolStr::new_static("other")
    }
}

fn set(gauge: &IntGaugeVec, partition: PartitionId, value: usize) {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    gauge.with_label_values(&[&partition.0.to_string()]).set(value);
}

fn unset(gauge: &IntGaugeVec, labels: &[&str]) {
    // The only error is that there is no such series.
    drop(gauge.remove_label_values(labels));
}
