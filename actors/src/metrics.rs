//! Every metric of the engine: names, units and labels stand here and nowhere else.
//!
//! Names are `care_<room>_<noun>_<unit>[_total]` in base units. Labels are bounded: enums, partitions, and the name of a trigger,
//! of which [`TRIGGER_NAMES_MAX`] are told apart. Never a customer id.

mod collector;
mod conversation;
mod generation;
mod load;
mod log;
mod make;
mod names;
mod process;
mod pulse;
mod scoring;
mod store;
mod told;
mod webhook;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{CounterVec, Histogram, IntCounter, IntCounterVec, IntGaugeVec, Registry};
use schemas::decision::{OutcomeStatus, Reason, Verdict};
use schemas::ids::PartitionId;
use schemas::score::{Head, ScoreSource};
use smol_str::SmolStr;

use crate::partition::core::Counts;
use crate::port::log::Topic;

use generation::Generations;
use load::Load;
use make::Make;
use webhook::Webhooks;

pub use collector::Collector;
pub use conversation::Conversation;
pub use generation::Generation;
pub use load::Queue;
pub use log::Log;
pub use names::{
    ACCEPTED, APPLIED, DEAD_LETTERS, DECISIONS, DUPLICATE, OUTREACH, PAGES, REJECTED, SCORES, STAGES,
};
pub use process::{Disk, Process};
pub use pulse::Pulse;
pub use scoring::{Fate, Scoring};
pub use store::{StoreCalls, StoreLane, StoreOperation};
pub use told::Sample;
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
