//! What no merge may do, said from the log, the decisions on record and the ledger, without a row.
//!
//! Log time tells before from after across partitions; of what bears one stamp nothing is said.

use std::collections::BTreeMap;

use actors::port::store::LedgerState;
use schemas::customer::identity::{Forward, Message};
use schemas::decision::{Decision, OutcomeStatus, Outreach, Verdict};
use schemas::event::Event;
use schemas::ids::{CustomerId, Position, Slot};
use schemas::record::{Input, Record};
use schemas::time::Timestamp;
use schemas::value::Value;

use super::oracle::Recorded;
use super::shop::{AT_ONCE, CAP, EXIT, WAIT, WAITS};
use crate::merge::story::{Home, Stories, Taken};
use crate::world::State;

/// Names an instance: its trigger and its slot.
type Instance<'a> = (&'a str, &'a CustomerId, Position);

/// Adds what is wrong.
pub fn check(state: &State, stories: &Stories, recorded: &Recorded, faults: &mut Vec<String>) {
    let mut instances: BTreeMap<Instance<'_>, Vec<&Decision>> = BTreeMap::new();
    for decision in recorded.values() {
        instances.entry(instance(&decision.trigger, &decision.slot)).or_default().push(decision);
    }
    for (instance, decisions) in &instances {
        check_opening(stories, *instance, decisions[0], faults);
        check_ends(*instance, decisions, faults);
    }
    check_decided(stories, &instances, faults);
    let exits = exits(stories);
    for entry in state.outbound.ledger.values() {
        let outreach = &state.asked(&entry.outreach);
        let decisions = instances.get(&instance(&outreach.trigger, &outreach.slot));
        let due = decisions.and_then(|decisions| decisions.first()).map(|decision| decision.due);
        if outreach.trigger != AT_ONCE
            && let Some(due) = due
        {
            check_exits(stories, &exits, outreach, due - WAITS, faults);
        }
        check_erased(stories, outreach, faults);
        check_caps(state, stories, outreach, faults);
    }
}

fn instance<'a>(trigger: &'a str, slot: &'a Slot) -> Instance<'a> {
    (trigger, &slot.origin, slot.position)
}

/// A slot names the record that opened the instance, wherever the instance has moved.
fn check_opening(stories: &Stories, instance: Instance<'_>, decision: &Decision, faults: &mut Vec<String>) {
    let (trigger, origin, position) = instance;
    let event = stories.record(origin, position).and_then(event_of);
    let path = if trigger == AT_ONCE || trigger == WAIT { "n" } else { "cart_id" };
    let key = event.and_then(|event| event.properties.get(path)).map(|value| match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => String::new(),
    });
    if key.as_deref() != Some(&decision.key) {
        faults.push(format!("slot names another record: {decision:?}"));
    }
}

/// An instance ends in one recorded state. A deferral may precede it; what became of it may follow where it was sent.
fn check_ends(instance: Instance<'_>, decisions: &[&Decision], faults: &mut Vec<String>) {
    let with = |verdict| decisions.iter().filter(|decision| decision.verdict == verdict).count();
    let (sent, deferred) = (with(Verdict::Sent), with(Verdict::Deferred));
    let others = decisions.len() - sent - deferred;
    if sent > 1 || deferred > 1 || others > 1 {
        faults.push(format!("instance ends twice: {instance:?} {decisions:?}"));
    }
}

/// What each event that was not erased opens is decided, once, by one row.
fn check_decided(
    stories: &Stories,
    instances: &BTreeMap<Instance<'_>, Vec<&Decision>>,
    faults: &mut Vec<String>,
) {
    let mut opened: BTreeMap<(&str, &str), Vec<Instance<'_>>> = BTreeMap::new();
    for (who, record, home) in stories.homes() {
        let Some(event) = event_of(record).filter(|_| home != Home::Erased) else { continue };
        let trigger = match event.name.as_str() {
            "Payment Failed" => AT_ONCE,
            "Product Added" => WAIT,
            _ => continue,
        };
        opened.entry((trigger, &event.message_text)).or_default().push((trigger, who, record.position));
    }
    for (name, places) in opened {
        let decided = places.iter().filter_map(|place| instances.get(place));
        let ended = |all: &&Vec<&Decision>| all.iter().any(|one| one.verdict != Verdict::Deferred);
        match decided.filter(ended).count() {
            0 => faults.push(format!("instance lost: {name:?} opened at {places:?}")),
            1 => {}
            more => faults.push(format!("instance doubled: {name:?} is decided {more} times")),
        }
    }
}

/// An exit: when it happened, and when the row had it.
struct Exit {
    happened: Timestamp,
    seen: Timestamp,
}

/// Returns the exits that each customer has heard of: its own, those that an alias passed on, those that a snapshot brought.
fn exits(stories: &Stories) -> BTreeMap<&CustomerId, Vec<Exit>> {
    let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut exits: BTreeMap<&CustomerId, Vec<Exit>> = BTreeMap::new();
    let is_exit = |event: &&Event| event.name == EXIT;
    let all = || stories.told.iter().flat_map(|(who, all)| all.iter().map(move |record| (who, record)));
    for (_, record) in all() {
        if let Some(event) = event_of(record).filter(is_exit) {
            let known = first.entry(&event.message_text).or_insert(record.stamp);
            *known = record.stamp.min(*known);
        }
    }
    // One that is sent again is none.
    let is_first = |event: &Event, stamp: Timestamp| first.get(event.message_text.as_str()) == Some(&stamp);
    for (who, record) in all() {
        if let Some(event) = event_of(record).filter(is_exit)
            && is_first(event, record.stamp)
        {
            exits.entry(who).or_default().push(Exit { happened: record.stamp, seen: record.stamp });
        }
    }
    for (user, tale) in &stories.users {
        let taken = tale.taken.iter().flat_map(|taken| {
            let seen = stories.stamp(user, taken.at);
            let before = brought(stories, taken);
            let stamps = before.filter_map(event_of_stamp).filter(|(event, _)| is_exit(event));
            stamps
                .filter(|(event, at)| is_first(event, *at))
                .map(move |(_, happened)| Exit { happened, seen })
        });
        let taken: Vec<Exit> = taken.collect();
        exits.entry(user).or_default().extend(taken);
    }
    for (who, record) in all() {
        if let Some(event) = forwarded(record).filter(is_exit)
            && is_first(event, event.at)
            && stories.home(who, record) != Home::Erased
        {
            exits.entry(who).or_default().push(Exit { happened: event.at, seen: record.stamp });
        }
    }
    exits
}

/// Returns the records of an alias whose effects a snapshot brought: those since it was erased last.
fn brought<'a>(stories: &'a Stories, taken: &'a Taken) -> impl Iterator<Item = &'a Record> {
    let erases = stories.erases(&taken.alias).iter();
    let since = erases.filter(|at| **at < taken.until).max();
    let records = stories.told.get(&taken.alias).into_iter().flatten();
    records.filter(move |record| record.position < taken.until && Some(&record.position) > since)
}

/// Nothing is sent by a row that saw an exit since the entry.
fn check_exits(
    stories: &Stories,
    exits: &BTreeMap<&CustomerId, Vec<Exit>>,
    outreach: &Outreach,
    entered: Timestamp,
    faults: &mut Vec<String>,
) {
    let who = &outreach.customer;
    let forgotten = |exit: &&Exit| is_erased_within(stories, who, exit.seen, outreach.at);
    let counts = |exit: &&Exit| exit.happened > entered && exit.seen < outreach.at && !forgotten(exit);
    if let Some(exit) = exits.get(who).into_iter().flatten().find(counts) {
        faults.push(format!(
            "sent after an exit: {outreach:?} entered {entered:?}, exit {:?} seen {:?}",
            exit.happened, exit.seen
        ));
    }
}

/// Nothing that a row knew when it was erased is decided afterwards.
fn check_erased(stories: &Stories, outreach: &Outreach, faults: &mut Vec<String>) {
    let (who, slot) = (&outreach.customer, &outreach.slot);
    let arrived = if *who == slot.origin {
        Some(stories.stamp(who, slot.position))
    } else {
        let taken = stories.users.get(who).into_iter().flat_map(|tale| &tale.taken);
        let brings = |one: &&Taken| {
            one.alias == slot.origin && brought(stories, one).any(|record| record.position == slot.position)
        };
        let snapshot = taken.filter(brings).map(|one| stories.stamp(who, one.at));
        let sent = |record: &&Record| {
            matches!(&record.input, Input::Relay(relay) if forwarded(record).is_some()
                && relay.sender.customer == slot.origin && relay.sender.position == slot.position)
        };
        let forward = stories.told.get(who).into_iter().flatten().filter(sent).map(|record| record.stamp);
        snapshot.chain(forward).min()
    };
    match arrived {
        None => faults.push(format!("outreach of nowhere: {outreach:?}")),
        Some(arrived) if is_erased_within(stories, who, arrived, outreach.at) => {
            faults.push(format!("decided after the erase: {outreach:?}"));
        }
        Some(_) => {}
    }
}

/// Returns true when `who` was erased after `from` and before `until`.
fn is_erased_within(stories: &Stories, who: &CustomerId, from: Timestamp, until: Timestamp) -> bool {
    let stamps = stories.erases(who).iter().map(|at| stories.stamp(who, *at));
    stamps.into_iter().any(|stamp| stamp > from && stamp < until)
}

/// Of what reached a customer, no more than the cap lies in a window, whichever row sent it: what another row sent counts from its
/// snapshot on. What an erase lets one forget does not count, nor what came back at any time.
fn check_caps(state: &State, stories: &Stories, outreach: &Outreach, faults: &mut Vec<String>) {
    let (max, within) = CAP;
    let (who, now) = (&outreach.customer, outreach.at);
    let known = |other: &&Outreach| {
        let (by, at) = (&other.customer, other.at);
        if at > now || at <= now - within {
            return false;
        }
        let since = if by == who {
            at
        } else {
            let taken = stories.users.get(who).into_iter().flat_map(|tale| &tale.taken);
            let brings = |one: &&Taken| one.alias == *by && stories.stamp(by, one.until) > at;
            let Some(taken) = taken.filter(brings).min_by_key(|one| one.until) else { return false };
            let (turned, seen) = (stories.stamp(by, taken.until), stories.stamp(who, taken.at));
            if seen >= now || erased_at_or_within(stories, by, at, turned) {
                return false;
            }
            seen
        };
        !erased_at_or_within(stories, who, since, now)
    };
    let delivered = state
        .outbound
        .ledger
        .values()
        .filter(|entry| entry.state == LedgerState::Done(OutcomeStatus::Delivered));
    let delivered: Vec<Outreach> = delivered.map(|entry| state.asked(&entry.outreach)).collect();
    let within_window: Vec<&Outreach> = delivered.iter().filter(known).collect();
    if within_window.len() > max && within_window.iter().any(|one| one.id == outreach.id) {
        faults.push(format!("cap exceeded: {within_window:?}"));
    }
}

/// Returns true when `who` was erased from `from` to `until`, at either instant too.
fn erased_at_or_within(stories: &Stories, who: &CustomerId, from: Timestamp, until: Timestamp) -> bool {
    stories.erases(who).iter().map(|at| stories.stamp(who, *at)).any(|at| at >= from && at <= until)
}

fn event_of(record: &Record) -> Option<&Event> {
    match &record.input {
        Input::Event(event) => Some(event),
        Input::Relay(_) | Input::Outcome(_) | Input::Command(_) | Input::Stray(_) | Input::Talk(_) => None,
    }
}

fn event_of_stamp(record: &Record) -> Option<(&Event, Timestamp)> {
    event_of(record).map(|event| (event, record.stamp))
}

fn forwarded(record: &Record) -> Option<&Event> {
    let Input::Relay(relay) = &record.input else { return None };
    match &relay.message {
        Message::Forward(forward) => match &**forward {
            Forward::Event(event) => Some(event),
            Forward::Outcome(_) | Forward::Command(_) | Forward::Talk(_) => None,
        },
        Message::Request | Message::Snapshot { .. } | Message::Refused { .. } | Message::Erase => None,
    }
}
