//! What lies behind the owners: care.outreach, the ledger, two channels, and the outcomes that come back.
//!
//! Stand-in rows do not read outcomes. Where one says "again", the world asks for the next attempt as a row would: once, under the
//! highest epoch that relayed anything.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use actors::port::BoxFuture;
use actors::port::channel::{Channel, Channels, Delivery, Repeat};
use actors::port::log::{Commit, Fetched, NewRecord};
use actors::port::store::{Cas, LedgerChange, LedgerEntry, LedgerState};
use bytes::Bytes;
use schemas::customer::Customer;
use schemas::decision::{Outcome, OutcomeStatus, Outreach};
use schemas::ids::{CustomerId, OutreachId, PartitionId, Position};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::flight::{What, submit};
use crate::run::Scores;
use crate::world::{STEP, Shared, State, trace};

/// Processes from this number on are dispatchers.
pub const DISPATCHERS: usize = 1 << 32;
/// A channel that knows an id again.
pub const IDEMPOTENT: &str = "console";
/// A channel that sends what it is handed.
pub const AT_MOST_ONCE: &str = "pager";
/// Attempts of one outreach for which a channel may say "not now".
const AGAIN_MAX: u32 = 3;

/// Everything behind the owners.
#[derive(Default)]
pub struct Outbound {
    /// Partitions of care.outreach.
    pub lanes: Vec<Lane>,
    /// Dispatchers so far.
    pub dispatchers: usize,
    /// By the customer that the store files it under, too: another customer's dispatcher does not find it there.
    pub ledger: BTreeMap<LedgerKey, LedgerEntry>,
    /// Appended to care.decisions, in order.
    pub decisions: Vec<Bytes>,
    /// Attempts that were reserved when the store had the customer erased since the decision.
    pub erased: BTreeSet<(OutreachId, u32)>,
    /// Channel calls, in order.
    pub calls: Vec<Call>,
    /// What was reported, by id and attempt.
    pub outcomes: BTreeMap<(OutreachId, u32), Vec<OutcomeStatus>>,
    /// Why dispatchers stopped for a person.
    pub failed: Vec<String>,
}

/// Where the store has an outreach.
pub type LedgerKey = (CustomerId, OutreachId);

/// A partition of care.outreach.
#[derive(Default)]
pub struct Lane {
    pub records: Vec<LogRecord>,
    /// How far the group's dispatcher came.
    pub committed: Commit,
    /// Number of the group's dispatcher.
    pub dispatcher: usize,
}

impl Lane {
    /// Returns true when the group's dispatcher has committed all there is.
    pub fn is_done(&self) -> bool {
        self.committed.position.0 == self.records.len() as u64
    }
}

/// A channel call.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: OutreachId,
    pub trigger: String,
    pub position: u64,
    pub body: u64,
    /// Everything that it says, in a number.
    pub content: u64,
    /// Something reached the customer.
    pub sent: bool,
    /// The customer was erased between the decision and the reservation.
    pub erased: bool,
}

impl State {
    pub fn lane(&mut self, partition: PartitionId) -> &mut Lane {
        &mut self.outbound.lanes[partition.0 as usize]
    }

    /// Appends to care.outreach.
    pub fn append_outreach(&mut self, process: usize, record: NewRecord) {
        let (stamp, partition) = (Timestamp(self.now), record.partition);
        let position = Position(self.lane(partition).records.len() as u64);
        trace!(
            self,
            "outreach[{position}] of {} = {:?} of process {process} {:?}",
            partition.0,
            record.kind,
            record.epoch
        );
        self.lane(partition).records.push(LogRecord {
            position,
            stamp,
            key: record.key,
            kind: record.kind,
            epoch: record.epoch,
            body: record.body,
        });
    }

    pub fn fetch_outreach(&mut self, partition: PartitionId, from: Position, max: usize) -> Fetched {
        let records = &self.lane(partition).records;
        let (start, len) = (from.0 as usize, records.len());
        let end = (start + max).min(len);
        let records = records.get(start..end).unwrap_or_default().to_vec();
        Fetched { records, next: Position(end.max(start) as u64), end_at: None }
    }

    /// The broker takes the commit of the group's dispatcher only.
    pub fn commit_outreach(&mut self, process: usize, partition: PartitionId, commit: Commit) {
        if process == DISPATCHERS + self.lane(partition).dispatcher {
            trace!(
                self,
                "outreach of {} committed: {} epoch {}", partition.0, commit.position, commit.epoch.0
            );
            self.lane(partition).committed = commit;
        }
    }

    /// An outcome is appended to care.events.
    pub fn note_outcome(&mut self, record: NewRecord) {
        let outcome: Outcome =
            serde_json::from_slice(&record.body).expect("dispatchers write outcomes as JSON");
        let told = self.outbound.outcomes.entry((outcome.id, outcome.attempt)).or_default();
        told.push(outcome.status.clone());
        let first = told.len() == 1;
        if self.scores != Scores::Differ {
            return self.append_event(record.partition, record.key, record.kind, record.body);
        }
        if first && matches!(outcome.status, OutcomeStatus::RetryAt(_)) {
            self.ask_again(&outcome);
        }
    }

    fn ask_again(&mut self, outcome: &Outcome) {
        let Some(entry) = self.outbound.entry(outcome.id) else { return };
        let mut outreach = Outreach { attempt: outcome.attempt + 1, ..entry.outreach.clone() };
        // The row decides anew, by what it knows then.
        outreach.facts.0.push(("attempt".into(), Value::Number(f64::from(outreach.attempt))));
        let epoch = self.lane(PartitionId(0)).records.iter().filter_map(|record| record.epoch).max();
        let body = serde_json::to_vec(&outreach).expect("an outreach is JSON");
        let record = NewRecord {
            partition: Default::default(),
            key: outreach.customer.as_str().into(),
            kind: RecordKind::Outreach,
            epoch,
            stamp: None,
            body: body.into(),
        };
        self.append_outreach(0, record);
    }

    pub fn cas_ledger(&mut self, change: &LedgerChange) -> Cas<Option<Box<LedgerEntry>>> {
        let id = change.entry.outreach.id;
        let key = (change.entry.filed_under().clone(), id);
        let held = self.outbound.ledger.get(&key);
        let applies = held.map(|entry| (entry.outreach.attempt, entry.state.stage())) == change.expect;
        let verdict = if applies { "becomes" } else { "does not become" };
        let refused = (!applies).then(|| held.cloned().map(Box::new));
        let (attempt, state) = (change.entry.outreach.attempt, &change.entry.state);
        trace!(self, "ledger: {id} {verdict} {attempt} {state:?}");
        match refused {
            Some(held) => Cas::Refused(held),
            None => {
                if *state == LedgerState::Reserved && self.is_erased(&change.entry.outreach) {
                    self.outbound.erased.insert((id, attempt));
                }
                self.outbound.ledger.insert(key, change.entry.clone());
                Cas::Applied
            }
        }
    }

    /// Returns true when the store says that the customer was erased after the decision, or the user that the customer is an alias of. Rows
    /// of an earlier owner say nothing: one that came late is written over by what its successor had read before.
    fn is_erased(&self, outreach: &Outreach) -> bool {
        // Rows of the world of one partition are none of the product's, and a store that loses its tail forgets an erase.
        if self.partitions.len() == 1 || self.odds.tail_loss {
            return false;
        }
        let row = |customer: &CustomerId| {
            let partition = PartitionId::of(customer.as_str(), self.partitions.len() as u32);
            let epoch = self.partitions[partition.0 as usize].lease.epoch;
            let row = self.rows.get(customer).filter(|row| row.epoch == epoch)?;
            Some(Customer::decode(&row.state).expect("rows are written by this codec"))
        };
        let asked = self.asked(outreach);
        let own = row(&asked.customer);
        let user = own.as_ref().and_then(Customer::alias_of).and_then(row);
        own.iter().chain(&user).any(|row| row.erased_after(asked.at))
    }

    /// Returns an attempt as its row asked for it: what is sent is the content of the first.
    pub fn asked(&self, sent: &Outreach) -> Outreach {
        let records = self.outbound.lanes.iter().flat_map(|lane| lane.records.iter().rev());
        let outreach = records.filter(|record| record.kind == RecordKind::Outreach).map(|record| {
            serde_json::from_slice::<Outreach>(&record.body).expect("rows write outreach as JSON")
        });
        let is_it = |one: &Outreach| one.id == sent.id && one.attempt == sent.attempt;
        outreach.into_iter().find(is_it).unwrap_or_else(|| sent.clone())
    }

    /// A call reaches its channel.
    fn deliver_outreach(&mut self, repeat: Repeat, outreach: &Outreach) -> Delivery {
        let body = match outreach.facts.get("body") {
            Some(Value::Number(body)) => *body as u64,
            _ => 0,
        };
        let known = self.outbound.calls.iter().any(|call| call.id == outreach.id && call.sent);
        let known = known && repeat == Repeat::Idempotent;
        let odds = self.odds.reply_lost;
        let again = !known && outreach.attempt < AGAIN_MAX && self.chance.percent(odds);
        trace!(self, "channel: {} attempt {} body {body} again {again}", outreach.id, outreach.attempt);
        let erased = self.outbound.erased.contains(&(outreach.id, outreach.attempt));
        self.outbound.calls.push(Call {
            id: outreach.id,
            trigger: outreach.trigger.to_string(),
            position: outreach.slot.position.0,
            body,
            content: content_of(outreach),
            sent: !again && !known,
            erased,
        });
        match again {
            true => Delivery::RetryAt(Timestamp(self.now + STEP)),
            false => Delivery::Delivered(None),
        }
    }

    /// Returns true when the ledger says that nobody knows whether an at-most-once channel was called.
    pub fn is_unknown(&self, id: OutreachId) -> bool {
        self.outbound.entry(id).is_some_and(|entry| {
            entry.outreach.channel == AT_MOST_ONCE && entry.state == LedgerState::Done(OutcomeStatus::Failed)
        })
    }
}

/// Returns what an outreach says, in a number; which attempt it is says nothing.
fn content_of(outreach: &Outreach) -> u64 {
    let content = Outreach { attempt: 0, ..outreach.clone() };
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(&content).expect("an outreach is JSON").hash(&mut hasher);
    hasher.finish()
}

impl Outbound {
    /// Returns the ledger's entry of an outreach, whoever it is filed under.
    pub fn entry(&self, id: OutreachId) -> Option<&LedgerEntry> {
        self.ledger.iter().find(|((_, held), _)| *held == id).map(|(_, entry)| entry)
    }
}

/// Returns the channels as a process reaches them.
pub fn channels(shared: &Shared, process: usize) -> Channels {
    let one = |repeat| Arc::new(Wire { shared: Arc::clone(shared), process, repeat }) as Arc<dyn Channel>;
    Channels::from([
        (IDEMPOTENT.into(), one(Repeat::Idempotent)),
        (AT_MOST_ONCE.into(), one(Repeat::AtMostOnce)),
    ])
}

struct Wire {
    shared: Shared,
    process: usize,
    repeat: Repeat,
}

impl Channel for Wire {
    fn repeat(&self) -> Repeat {
        self.repeat
    }

    fn deliver(&self, outreach: Outreach) -> BoxFuture<'static, Delivery> {
        let repeat = self.repeat;
        let answer = submit(
            &self.shared,
            self.process,
            What::Call,
            || (),
            move |state| Ok(state.deliver_outreach(repeat, &outreach)),
        );
        Box::pin(async move {
            match answer.await {
                Ok(delivery) => delivery,
                // An answer that is lost is waited for until the deadline.
                Err(()) => std::future::pending().await,
            }
        })
    }
}

/// Returns what is wrong with what left and what came back, each with its class before the colon.
pub fn check(state: &State) -> Vec<String> {
    let out = &state.outbound;
    let mut faults: Vec<String> =
        out.failed.iter().map(|why| format!("stopped for a person: dispatcher {why}")).collect();
    let mut sent: BTreeMap<OutreachId, (u32, BTreeSet<u64>)> = BTreeMap::new();
    for call in &out.calls {
        let (times, contents) = sent.entry(call.id).or_default();
        *times += u32::from(call.sent);
        contents.insert(call.content);
        if call.erased {
            faults.push(format!("sent to the erased: {} {}", call.trigger, call.id));
        }
    }
    for (id, (times, contents)) in sent {
        if times > 1 {
            faults.push(format!("outreach sent again: {id} {times} times"));
        }
        if contents.len() > 1 {
            faults.push(format!("one id of two contents: {id} {contents:?}"));
        }
    }
    let mut filed: BTreeSet<OutreachId> = BTreeSet::new();
    for ((_, id), entry) in &out.ledger {
        if !filed.insert(*id) {
            faults.push(format!("outreach filed twice: {id}"));
        }
        match &entry.state {
            LedgerState::Reserved | LedgerState::Calling => {
                faults.push(format!("outreach not ended: {id} {:?}", entry.state));
            }
            LedgerState::Returned(status) | LedgerState::Done(status) => {
                let told = out.outcomes.get(&(*id, entry.outreach.attempt)).cloned().unwrap_or_default();
                if told.is_empty() || told.iter().any(|one| one != status) {
                    faults.push(format!("outcome differs from ledger: {id} {status:?} told {told:?}"));
                }
            }
        }
    }
    for (partition, lane) in out.lanes.iter().enumerate().filter(|(_, lane)| !lane.is_done()) {
        let (done, all) = (lane.committed.position, lane.records.len());
        faults.push(format!("outreach left: {done} of {all} of partition {partition}"));
    }
    faults
}
