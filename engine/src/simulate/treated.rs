//! Who was treated: everybody whom a trigger chose, the arm that chance put them in with its probability, and every outreach that
//! reached its shopper.

use std::sync::{Arc, Mutex, PoisonError};

use actors::port::Reply;
use actors::port::log::{Error, LogSink, NewRecord, Topic};
use rustc_hash::{FxHashMap, FxHashSet};
use schemas::decision::{Category, Decision, Outreach, Reason, Verdict};
use schemas::ids::{CustomerId, OutreachId, Position};
use schemas::record::RecordKind;
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;
use smol_str::SmolStr;

/// What became of a shopper whom a trigger chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arm {
    /// Held back by the trigger's own control arm.
    Holdout,
    /// Held back by the global control group.
    GlobalControl,
    /// In no control arm: to be contacted, at once or when caps and quiet hours allow.
    Offered,
    /// The outreach was delivered; said beside [`Arm::Offered`], which came before or with it.
    Contacted,
}

/// What happened to a shopper whom a trigger chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Treated {
    /// The outreach, whether or not it left.
    pub id: OutreachId,
    /// Log time of the decision.
    pub at: Timestamp,
    /// Whom.
    pub customer: CustomerId,
    /// Name of the trigger.
    pub trigger: SmolStr,
    /// Purpose.
    pub category: Category,
    /// Name of the channel.
    pub channel: SmolStr,
    /// Template of the outreach.
    pub template: SmolStr,
    /// Key of the instance, such as the cart; empty without key.
    pub key: SmolStr,
    /// Contacted, or held back.
    pub arm: Arm,
    /// Probability with which the policy chose this arm. Units: (0, 1].
    pub propensity: f32,
}

/// Decisions as they were relayed, each once. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Decisions(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    waiting: Vec<Decision>,
    ids: FxHashSet<OutreachId>,
}

impl Decisions {
    /// Takes what has come since the last look, in no particular order.
    pub fn take(&self) -> Vec<Decision> {
        std::mem::take(&mut self.lock().waiting)
    }

    /// Returns a sink that notes the decisions among what it appends.
    pub fn tap(&self, inner: Arc<dyn LogSink>) -> Arc<dyn LogSink> {
        Arc::new(Tap { inner, decisions: self.clone() })
    }

    fn note(&self, decision: Decision) {
        let mut seen = self.lock();
        // A relay that was made again after a retry is the same decision.
        if seen.ids.insert(decision.id) {
            seen.waiting.push(decision);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Tap {
    inner: Arc<dyn LogSink>,
    decisions: Decisions,
}

impl LogSink for Tap {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        let decisions = records.iter().filter(|record| record.kind == RecordKind::Decision);
        // A record that this process wrote and cannot read would be told by the dispatcher and by `care why`.
        decisions
            .filter_map(|record| serde_json::from_slice(&record.body).ok())
            .for_each(|decision| self.decisions.note(decision));
        self.inner.append(topic, records)
    }
}

/// Joins what was delivered with what was decided.
#[derive(Debug, Default)]
pub struct Join {
    /// Probability and key of those that were offered and are not contacted, by the id of their outreach.
    offered: FxHashMap<OutreachId, (f32, SmolStr)>,
    /// How many outreach were decided.
    sent: u64,
}

impl Join {
    /// Returns who was treated, in an order that depends on nothing but what was decided.
    pub fn join(&mut self, book: &Rulebook, decided: &[Decision], delivered: Vec<Outreach>) -> Vec<Treated> {
        let mut treated = Vec::new();
        for decision in decided {
            self.sent += u64::from(decision.verdict == Verdict::Sent);
            let Some(arm) = arm(decision) else { continue };
            let id = OutreachId::of(&decision.trigger, &decision.slot);
            if arm == Arm::Offered
                && self.offered.insert(id, (decision.propensity, decision.key.clone())).is_some()
            {
                // It was deferred before: offered once.
                continue;
            }
            treated.extend(chosen(book, decision, id, arm));
        }
        for outreach in delivered {
            let (propensity, key) = self.offered.remove(&outreach.id).unwrap_or((1.0, SmolStr::default()));
            treated.push(contacted(outreach, propensity, key));
        }
        treated.sort_by(|a, b| {
            (a.at, &a.customer, &a.trigger, a.arm).cmp(&(b.at, &b.customer, &b.trigger, b.arm))
        });
        treated
    }

    /// Returns how many outreach were decided.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

/// Returns the arm that a decision puts its shopper in; `None` for one that chose nobody.
fn arm(decision: &Decision) -> Option<Arm> {
    match decision.verdict {
        Verdict::Sent | Verdict::Deferred => Some(Arm::Offered),
        Verdict::Withheld | Verdict::Suppressed | Verdict::Expired | Verdict::Failed => {
            let of = decision.reason;
            // With `on_cap: drop` it is not even deferred; chance had chosen it all the same.
            let is_offered = of == Reason::Cap || of == Reason::QuietHours;
            (of == Reason::Holdout)
                .then_some(Arm::Holdout)
                .or((of == Reason::GlobalControl).then_some(Arm::GlobalControl))
                .or(is_offered.then_some(Arm::Offered))
        }
    }
}

/// Returns a shopper who was chosen; `None` when the trigger is no longer there to say for what.
fn chosen(book: &Rulebook, decision: &Decision, id: OutreachId, arm: Arm) -> Option<Treated> {
    let trigger = book.triggers.get(&decision.trigger)?;
    Some(Treated {
        id,
        at: decision.at,
        customer: decision.customer.clone(),
        trigger: decision.trigger.clone(),
        category: trigger.policy.category,
        channel: trigger.action.channel.clone(),
        template: trigger.action.template.clone(),
        key: decision.key.clone(),
        arm,
        propensity: decision.propensity,
    })
}

fn contacted(outreach: Outreach, propensity: f32, key: SmolStr) -> Treated {
    Treated {
        id: outreach.id,
        at: outreach.at,
        customer: outreach.customer,
        trigger: outreach.trigger,
        category: outreach.category,
        channel: outreach.channel,
        template: outreach.template,
        key,
        arm: Arm::Contacted,
        propensity,
    }
}
