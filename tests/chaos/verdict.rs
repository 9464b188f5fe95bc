//! What was found, held against what has to be there.

use std::collections::{BTreeMap, BTreeSet};

use actors::port::store::{Lease, LedgerEntry, LedgerState};
use schemas::decision::{Decision, OutcomeStatus, Outreach, Reason, Verdict as Decided};
use schemas::ids::OutreachId;
use schemas::money::Currency;
use serde_json::{Value, json};

use super::oracle::{Cause, Expected, Totals};
use super::rows::Rows;
use super::story::{CHECKOUT_SCORED, ONCE};
use super::topic::Stored;

/// Differences told in words, at most.
const TOLD_MAX: usize = 12;

/// Everything that a run left behind, once nothing moved any more.
pub struct Found {
    /// Every record of care.outreach that its readers go by, epoch records aside.
    pub outreach: Vec<Outreach>,
    /// How many they do not go by.
    pub unheard: u64,
    /// Every record of care.dead-letter.
    pub dead_letters: Vec<Stored>,
    /// Every line of the channels' files.
    pub delivered: Vec<Outreach>,
    /// Every entry of the ledger.
    pub ledger: Vec<LedgerEntry>,
    /// Decisions of each customer that the store tells.
    pub decisions: Vec<Decision>,
    /// Every row, at rest.
    pub rows: Rows,
    /// Rows in which, as they are stored, something was due long ago.
    pub overdue: BTreeSet<String>,
    /// Rows that, as they are stored, still hold something that is to leave, or has left.
    pub uncleared: u64,
    /// Each partition's lease.
    pub leases: Vec<Lease>,
    /// Where each partition of care.events ends, and how far the group committed.
    pub ends: Vec<(i64, Option<i64>)>,
    /// Where each partition of care.outreach ends, and how far its dispatcher committed.
    pub dispatched: Vec<(i64, i64)>,
    /// Sequence numbers that the log acknowledged, by customer.
    pub acknowledged: BTreeMap<String, BTreeSet<u64>>,
}

/// How many of each are wrong. All zero is what has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events that were acknowledged and are not in the topic or not in a row; outreach that has to be and is not there.
    pub lost: u64,
    /// Events that a row counts too often; outreach that was sent twice or that nothing asked for.
    pub doubled: u64,
    /// Rows that are not what one thread makes of the topic.
    pub state_mismatch: u64,
    /// Records that were set aside, though all are valid.
    pub dead_letters: u64,
    /// Outreach whose ledger entry is missing or not at its end.
    pub ledger: u64,
    /// Outreach without its decision, or of another version of its trigger; decisions to send without outreach.
    pub decisions: u64,
    /// Rows in which something is overdue.
    pub overdue: u64,
    /// Partitions whose lease or commit is not at the end, of care.events or care.outreach.
    pub unconfirmed: u64,
    /// Engines whose memory did not come back to what it was.
    pub memory: u64,
    /// Not wrong: rows that still hold what has left, since their owner ended before it had them cleared. It leaves again when the
    /// customer comes again, by the same id. What had not left would be lost, or a decision missing.
    pub uncleared: u64,
    /// Not wrong: calls of the channel that is never called again, of which nobody knows whether they were made.
    pub unknown: u64,
    /// Not wrong: calls that were made again where that is allowed.
    pub called_again: u64,
    /// Not wrong: what an owner that was none any more relayed behind its successor's epoch record, so that nobody goes by it.
    pub unheard: u64,
    /// Not wrong: outreach that the shop's server did not take in its time twice, and that is posted again in some minutes.
    pub postponed: u64,
    /// What is wrong, in words.
    pub told: Vec<String>,
}

impl Verdict {
    /// Returns true when nothing is wrong.
    pub fn is_clean(&self) -> bool {
        let rows = [self.lost, self.doubled, self.state_mismatch, self.overdue];
        let rest = [self.dead_letters, self.ledger, self.decisions, self.unconfirmed, self.memory];
        rows.iter().chain(&rest).all(|count| *count == 0)
    }

    /// Returns the counts by name.
    pub fn to_json(&self) -> Value {
        json!({
            "lost": self.lost,
            "doubled": self.doubled,
            "state_mismatch": self.state_mismatch,
            "dead_letters": self.dead_letters,
            "ledger": self.ledger,
            "decisions": self.decisions,
            "overdue": self.overdue,
            "unconfirmed": self.unconfirmed,
            "memory": self.memory,
            "uncleared": self.uncleared,
            "unknown": self.unknown,
            "called_again": self.called_again,
            "postponed": self.postponed,
            "unheard": self.unheard,
        })
    }

    fn tell(&mut self, what: String) {
        if self.told.len() < TOLD_MAX {
            self.told.push(what);
        }
    }
}

/// Holds what was found against what has to be there; `folded` is what one thread makes of the topic, `found.rows` at rest like it.
pub fn judge(expected: &Expected, folded: &Rows, found: &Found) -> Verdict {
    let mut verdict = Verdict::default();
    judge_events(expected, found, &mut verdict);
    judge_outreach(expected, found, &mut verdict);
    judge_decisions(expected, found, &mut verdict);
    for (customer, row) in folded {
        if found.rows.get(customer) != Some(row) {
            verdict.state_mismatch += 1;
            let held = found.rows.get(customer);
            verdict.tell(format!("the row of {customer} differs: {}", first_difference(row, held)));
        }
    }
    for customer in &found.overdue {
        verdict.overdue += 1;
        verdict.tell(format!("something of {customer} was due long ago"));
    }
    (verdict.uncleared, verdict.unheard) = (found.uncleared, found.unheard);
    for letter in &found.dead_letters {
        verdict.dead_letters += 1;
        verdict.tell(format!("dead letter: {}", String::from_utf8_lossy(&letter.body)));
    }
    for (partition, (lease, (end, committed))) in found.leases.iter().zip(&found.ends).enumerate() {
        if lease.position.0 as i64 != *end || committed.is_some_and(|committed| committed != *end) {
            verdict.unconfirmed += 1;
            verdict.tell(format!(
                "partition {partition} ends at {end}: lease {}, commit {committed:?}",
                lease.position.0
            ));
        }
    }
    for (partition, (end, committed)) in found.dispatched.iter().enumerate() {
        if end != committed {
            verdict.unconfirmed += 1;
            verdict.tell(format!(
                "partition {partition} of care.outreach ends at {end}: dispatched up to {committed}"
            ));
        }
    }
    verdict
}

fn judge_events(expected: &Expected, found: &Found, verdict: &mut Verdict) {
    for (customer, sequences) in &found.acknowledged {
        let arrived = expected.customers.get(customer).map(|totals| &totals.sequences);
        for missing in
            sequences.iter().filter(|number| arrived.is_none_or(|arrived| !arrived.contains(number)))
        {
            verdict.lost += 1;
            verdict.tell(format!("event {missing} of {customer} was acknowledged and is not in the topic"));
        }
    }
    for message in &expected.left_astray {
        verdict.lost += 1;
        verdict.tell(format!("{message} went astray and was not relayed"));
    }
    for (customer, totals) in &expected.customers {
        let held = held(customer, totals, found);
        for (what, expected, held) in compared(totals, &held) {
            let (lost, doubled) = (expected.saturating_sub(held), held.saturating_sub(expected));
            verdict.lost += lost;
            verdict.doubled += doubled;
            if lost + doubled > 0 {
                verdict.tell(format!("{customer}: {what} {held}, the topic says {expected}"));
            }
        }
    }
}

/// Returns what a row says of what the topic was counted for.
fn held(customer: &str, totals: &Totals, found: &Found) -> Totals {
    let Some(row) = found.rows.get(customer) else { return Totals::default() };
    let profile = row.profile();
    Totals {
        events: totals.events.keys().map(|name| (name.clone(), profile.total(name).n)).collect(),
        orders: u64::from(profile.orders().count()),
        order_value: profile.orders().value().of(Currency(*b"EUR")),
        last_offset: row.high_water().map_or(-1, |mark| mark.0 as i64),
        sequences: BTreeSet::new(),
    }
}

fn compared(expected: &Totals, held: &Totals) -> Vec<(String, u64, u64)> {
    let count = |name: &String| held.events.get(name).copied().unwrap_or(0);
    let events = expected.events.iter().map(|(name, number)| (name.clone(), *number, count(name)));
    // An order's value is its number: apart from how many, it says which.
    let values = ("order value".to_owned(), expected.order_value as u64, held.order_value as u64);
    let values = if expected.order_value == held.order_value { (values.0, 0, 0) } else { (values.0, 1, 0) };
    let mark = i64::from(expected.last_offset != held.last_offset) as u64;
    events
        .chain([
            ("orders".to_owned(), expected.orders, held.orders),
            values,
            ("high-water mark".to_owned(), mark, 0),
        ])
        .collect()
}

/// Returns what names an outreach.
pub fn cause(outreach: &Outreach) -> Cause {
    Cause {
        trigger: outreach.trigger.to_string(),
        customer: outreach.customer.to_string(),
        offset: outreach.slot.position.0 as i64,
    }
}

/// Returns the checkouts that were scored and not found worth an outreach, by the engines that ask so much.
pub fn declined(decisions: &[Decision]) -> BTreeSet<Cause> {
    let declined = decisions.iter().filter(|one| {
        one.trigger == CHECKOUT_SCORED
            && one.verdict == Decided::Suppressed
            && one.reason == Reason::Condition
    });
    declined.map(cause_of).collect()
}

fn cause_of(decision: &Decision) -> Cause {
    Cause {
        trigger: decision.trigger.to_string(),
        customer: decision.customer.to_string(),
        offset: decision.slot.position.0 as i64,
    }
}

fn judge_outreach(expected: &Expected, found: &Found, verdict: &mut Verdict) {
    let relayed: BTreeMap<OutreachId, Cause> =
        found.outreach.iter().map(|one| (one.id, cause(one))).collect();
    let ledger: BTreeMap<OutreachId, &LedgerEntry> =
        found.ledger.iter().map(|entry| (entry.outreach.id, entry)).collect();
    let mut lines: BTreeMap<Cause, (BTreeSet<OutreachId>, u64, String)> = BTreeMap::new();
    for one in &found.delivered {
        let (ids, count, channel) = lines.entry(cause(one)).or_default();
        ids.insert(one.id);
        *count += 1;
        *channel = one.channel.to_string();
    }
    for cause in relayed.values().chain(lines.keys()).filter(|cause| !expected.outreach.contains(cause)) {
        verdict.doubled += 1;
        verdict.tell(format!("nothing asks for {cause:?}"));
    }
    let by_cause: BTreeMap<&Cause, OutreachId> = relayed.iter().map(|(id, cause)| (cause, *id)).collect();
    if by_cause.len() != relayed.len() {
        verdict.doubled += (relayed.len() - by_cause.len()) as u64;
        verdict.tell("an outreach has two ids".to_owned());
    }
    for cause in &expected.outreach {
        let entry = by_cause.get(cause).and_then(|id| ledger.get(id));
        let ended = entry.map(|entry| &entry.state);
        // A call that another dispatcher had begun, and that was not answered in its time, is not repeated there.
        let is_once = entry.is_some_and(|entry| entry.outreach.channel == ONCE);
        let unknown = is_once && ended == Some(&LedgerState::Done(OutcomeStatus::Failed));
        verdict.unknown += u64::from(unknown);
        // It is called again in minutes; once that is overdue, its row says so.
        let postponed = matches!(ended, Some(LedgerState::Returned(OutcomeStatus::RetryAt(_))));
        verdict.postponed += u64::from(postponed);
        if !unknown && !postponed && ended != Some(&LedgerState::Done(OutcomeStatus::Delivered)) {
            verdict.ledger += 1;
            verdict.tell(format!("{cause:?} stands in the ledger as {ended:?}"));
        }
        match lines.get(cause) {
            None if unknown || postponed => {}
            None => {
                verdict.lost += 1;
                verdict.tell(format!("{cause:?} was not sent"));
            }
            Some((_, 1, _)) => {}
            Some((_, count, channel)) if channel == ONCE => {
                verdict.doubled += count - 1;
                verdict.tell(format!("{cause:?} was sent {count} times"));
            }
            Some((ids, count, _)) => {
                verdict.called_again += count - 1;
                verdict.doubled += ids.len() as u64 - 1;
            }
        }
    }
}

fn judge_decisions(expected: &Expected, found: &Found, verdict: &mut Verdict) {
    let sent = found.decisions.iter().filter(|decision| decision.verdict == Decided::Sent);
    let decided: BTreeSet<Cause> = sent.map(cause_of).collect();
    let versions: BTreeMap<OutreachId, u32> =
        found.decisions.iter().map(|decision| (decision.id, decision.version)).collect();
    for one in &found.delivered {
        let decided = versions.get(&one.id);
        if decided.is_some_and(|decided| *decided != one.version) {
            verdict.decisions += 1;
            verdict.tell(format!(
                "{:?} was sent by version {}, decided by {decided:?}",
                cause(one),
                one.version
            ));
        }
    }
    for cause in decided.symmetric_difference(&expected.outreach) {
        verdict.decisions += 1;
        let there = if decided.contains(cause) { "and should not be" } else { "not" };
        verdict.tell(format!("a decision to send is {there} in the store: {cause:?}"));
    }
}

/// Names where two rows first differ, in the words of their debug output.
fn first_difference(expected: &impl std::fmt::Debug, held: Option<&impl std::fmt::Debug>) -> String {
    let Some(held) = held else { return "there is none".to_owned() };
    let (expected, held) = (format!("{expected:#?}"), format!("{held:#?}"));
    let pair = expected.lines().zip(held.lines()).enumerate().find(|(_, (a, b))| a != b);
    pair.map_or_else(
        || "in length".to_owned(),
        |(line, (a, b))| format!("line {line}: {} and not {}", b.trim(), a.trim()),
    )
}
