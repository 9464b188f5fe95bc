//! What was decided about a customer, what happened to it, why and why not.
//!
//! The timeline is made of what the row, the decisions and the ledger hold: the latest carts, orders, sessions and words, the last score of
//! each head, decisions, outreach, and that something was said in the thread: what was said is for those who answer there. The events themselves are kept by the log, which is not asked by customer; how many there were of
//! each name stands with the customer.

use schemars::JsonSchema;
use schemas::conversation::{Act, Speaker, Turn};
use schemas::customer::{self, Thread};
use schemas::decision::Decision;
use schemas::time::Timestamp;
use schemas::trigger::describe;
use serde::Serialize;

use super::Views;
use super::answers::{Time, stored, unavailable};
use super::asked::{Asked, parts};
use super::told::{Condition, Decided};
use crate::http::problem::Refusal;
use crate::known::{Found, Why, outreach_of, state_of};
use crate::words::{Amount, Count, Of, meaning};

/// Decisions of a customer that lists go back to; and outreach.
const DEPTH: usize = 1_000;

/// Decisions that are told with a why.
const WHY_MAX: usize = 20;

/// Decisions about a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Decisions {
    /// Newest first.
    decisions: Vec<Decided>,
    /// Where the list goes on, as parameter `cursor`; none at its end.
    next: Option<String>,
    /// True when the list is not longer than it can be followed: 1,000 decisions.
    complete: bool,
}

/// What happened to a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Timeline {
    /// Newest first.
    entries: Vec<Entry>,
    /// Where the list goes on, as parameter `cursor`; none at its end.
    next: Option<String>,
    /// True when it goes back to the beginning; false where there were more than 1,000 decisions, outreach or turns of the thread.
    complete: bool,
}

/// What a thing that happened is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    FirstSeen,
    Session,
    Cart,
    Checkout,
    Order,
    Consent,
    Score,
    Decision,
    Outreach,
    Turn,
}

/// One thing that happened.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    at: Time,
    kind: Kind,
    /// In words.
    words: String,
    /// What it is about: the id of an order, a cart, a decision or an outreach, or a name.
    about: String,
    #[serde(skip)]
    stamp: Timestamp,
}

/// Why a trigger did or did not reach a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct WhyAnswer {
    customer: String,
    /// The id that was asked for, where that is an alias.
    asked_as: Option<String>,
    trigger: String,
    /// Newest first.
    decisions: Vec<Decided>,
    /// Why there may be no decision, and what is open.
    notes: Vec<String>,
    /// What the entry's conditions see now, where they alone decide and nothing was decided yet.
    conditions_now: Vec<Condition>,
    /// What the trigger does, in plain words; none where it is not in force any more.
    words: Option<String>,
}

impl Views {
    /// Returns decisions about the customer of the path.
    ///
    /// Errors: there is no such customer · a parameter is refused · the store does not answer.
    pub(super) async fn decisions(&self, asked: &Asked<'_>) -> Result<Decisions, Refusal> {
        let query = asked.query(&["trigger", "limit", "cursor"])?;
        let (limit, after) = (query.limit()?, query.cursor(|text| Some(owned(parts::<1>(text)?)))?);
        let trigger = query.get("trigger").map(str::to_owned);
        let Found { customer, .. } = self.found(asked).await?;
        let store = &self.known.ports.store;
        let mut all = stored(store.read_decisions(customer.id().clone(), trigger, DEPTH + 1).await)?;
        let complete = all.len() <= DEPTH;
        all.truncate(DEPTH);
        let place = |decision: &Decision| (decision.at.0, decision.id.to_string());
        all.sort_by_key(|decision| std::cmp::Reverse(place(decision)));
        all.retain(|decision| after.as_ref().is_none_or(|after| place(decision) < *after));
        let next = (all.len() > limit).then(|| cursor(place(&all[limit - 1])));
        all.truncate(limit);
        let mut decisions = Vec::with_capacity(all.len());
        for decision in all {
            let entry = Why::sent(store, &decision).await.map_err(unavailable)?;
            decisions.push(Decided::of(&decision, entry.as_ref()));
        }
        Ok(Decisions { decisions, next, complete })
    }

    /// Returns what happened to the customer of the path.
    ///
    /// Errors: as [`Views::decisions`].
    pub(super) async fn timeline(&self, asked: &Asked<'_>) -> Result<Timeline, Refusal> {
        let query = asked.query(&["limit", "cursor"])?;
        let (limit, after) = (query.limit()?, query.cursor(|text| Some(owned(parts::<1>(text)?)))?);
        let Found { customer, .. } = self.found(asked).await?;
        let store = &self.known.ports.store;
        let decisions = stored(store.read_decisions(customer.id().clone(), None, DEPTH + 1).await)?;
        let outreach = outreach_of(store, &customer, DEPTH + 1).await.map_err(unavailable)?;
        let said = customer.thread().map_or(0, Thread::turns);
        let from = said.saturating_sub(DEPTH as u32);
        let turns = stored(store.read_turns(customer.id().clone(), from, DEPTH).await)?;
        let complete = decisions.len() <= DEPTH && outreach.len() <= DEPTH && from == 0;
        let mut entries = of_row(&customer, self.known.ports.clock.now());
        entries.extend(decisions.iter().take(DEPTH).map(|decision| {
            let Decision { trigger, key, verdict, reason, .. } = decision;
            let words = format!("{trigger}{}: {}, {}", Of(key), verdict.as_str(), meaning(*reason));
            Entry::new(decision.at, Kind::Decision, (words, decision.id.to_string()))
        }));
        entries.extend(outreach.iter().take(DEPTH).map(|entry| {
            let (trigger, channel) = (&entry.outreach.trigger, &entry.outreach.channel);
            let words = format!("{trigger} by {channel}: {}", state_of(entry));
            Entry::new(entry.at, Kind::Outreach, (words, entry.outreach.id.to_string()))
        }));
        entries.extend(
            turns.iter().map(|turn| Entry::new(turn.at, Kind::Turn, (of_turn(turn), turn.id.to_string()))),
        );
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.place()));
        entries.retain(|entry| after.as_ref().is_none_or(|after| entry.place() < *after));
        let next = (entries.len() > limit).then(|| cursor(entries[limit - 1].place()));
        entries.truncate(limit);
        Ok(Timeline { entries, next, complete })
    }

    /// Returns why the trigger of the path did or did not reach the customer of the path.
    ///
    /// Errors: there is no such customer, no such trigger · the store does not answer.
    pub(super) async fn why(&self, asked: &Asked<'_>) -> Result<WhyAnswer, Refusal> {
        let query = asked.query(&["limit"])?;
        let limit = query.number("limit", 1..=WHY_MAX)?.unwrap_or(3);
        let (found, name) = (self.found(asked).await?, asked.part("trigger")?);
        let (store, now) = (&self.known.ports.store, self.known.ports.clock.now());
        let why = Why::read(store, (found, (&name, limit)), (&self.known.book, now)).await;
        let why = why.map_err(unavailable)?.ok_or_else(super::triggers::unknown)?;
        Ok(WhyAnswer {
            customer: why.found.customer.id().to_string(),
            asked_as: why.found.alias.map(|alias| alias.to_string()),
            trigger: name,
            decisions: why.decisions.iter().map(|(of, entry)| Decided::of(of, entry.as_ref())).collect(),
            notes: why.notes,
            conditions_now: why.now.iter().map(Condition::of).collect(),
            words: why.trigger.as_ref().map(describe),
        })
    }
}

fn owned(([at], behind): ([i64; 1], &str)) -> (i64, String) {
    (at, behind.to_owned())
}

fn cursor((at, behind): (i64, String)) -> String {
    format!("{at}.{behind}")
}

impl Entry {
    fn new(at: Timestamp, kind: Kind, (words, about): (String, String)) -> Self {
        Self { at: at.into(), kind, words, about, stamp: at }
    }

    /// Returns what orders entries, the same at every asking.
    fn place(&self) -> (i64, String) {
        (self.stamp.0, format!("{}.{}", self.kind as u8, self.about))
    }
}

/// Returns who did what in the thread.
fn of_turn(turn: &Turn) -> String {
    let by = match turn.speaker {
        Speaker::Customer => "the customer".to_owned(),
        Speaker::Bot => "the assistant".to_owned(),
        Speaker::Agent => turn.by.to_string(),
        Speaker::Outreach => return format!("{} opened in the thread", turn.by),
    };
    match (turn.act, turn.speaker) {
        (Act::TookOver, _) => format!("{by} took the thread over"),
        (Act::HandedBack, _) => format!("{by} handed the thread back"),
        (Act::Said, Speaker::Bot) => format!("{by} answered"),
        (Act::Said, _) => format!("{by} wrote"),
    }
}

/// Returns what the row of a customer says that happened.
fn of_row(customer: &customer::Customer, now: Timestamp) -> Vec<Entry> {
    let profile = customer.profile();
    let mut entries = Vec::new();
    let mut add = |at, kind, words: String, about: &str| {
        entries.push(Entry::new(at, kind, (words, about.to_owned())));
    };
    if let Some(at) = profile.first_seen() {
        add(at, Kind::FirstSeen, "seen for the first time".to_owned(), "");
    }
    let sessions = profile.sessions();
    for session in sessions.last().into_iter().chain(sessions.open()) {
        let (events, views) = (Count(session.events.into(), "event"), session.product_views);
        add(session.started, Kind::Session, format!("a visit: {events}, {views} products viewed"), "");
    }
    for cart in profile.carts().open(now) {
        let (items, value) = (Count(cart.items().into(), "item"), Amount(cart.value()));
        add(cart.changed, Kind::Cart, format!("cart {}: {items}, {value}", cart.key), &cart.key);
        if let Some(at) = cart.checkout {
            add(at, Kind::Checkout, format!("checkout of cart {} begun", cart.key), &cart.key);
        }
    }
    for order in profile.orders().latest() {
        let value = Amount(schemas::money::Money { minor: order.value(), currency: order.currency });
        let cancelled = if order.cancelled { ", cancelled since" } else { "" };
        add(order.placed, Kind::Order, format!("order {}: {value}{cancelled}", order.id), &order.id);
    }
    for word in profile.consents().iter() {
        let channel = if word.channel.is_empty() { "all channels" } else { &word.channel };
        let words = format!("{} on {channel}: {}", word.purpose, word.consent.as_str());
        add(word.at, Kind::Consent, words, &format!("{} {}", word.purpose, word.channel));
    }
    for head in schemas::score::Head::ALL {
        if let Some(score) = profile.score(head) {
            let words = format!("{} {:.2} by {}", head.as_str(), score.value, score.model);
            add(score.at, Kind::Score, words, head.as_str());
        }
    }
    entries
}
