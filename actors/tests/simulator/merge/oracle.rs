//! Says of every event where it has to be counted, and compares the rows with it: every message counts once, however often it stands in
//! the log.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::identity::Message;
use schemas::customer::{Customer, Outgoing};
use schemas::ids::CustomerId;
use schemas::record::Input;

use super::shop::USERS;
use super::story::{Home, Stories};
use crate::world::State;

/// Returns what is wrong, each with its class before the colon.
pub fn check(state: &State) -> Vec<String> {
    let mut faults = Vec::new();
    let rows: BTreeMap<CustomerId, Customer> = state
        .rows
        .iter()
        .map(|(who, row)| {
            (who.clone(), Customer::decode(&row.state).expect("rows are written by this codec"))
        })
        .collect();
    let stories = Stories::of(state);
    check_counts(&stories, &rows, &mut faults);
    check_suppressed(&stories, &rows, &mut faults);
    check_aliases(&stories, &rows, &mut faults);
    for (id, row) in &rows {
        for entry in row.outbox() {
            let Outgoing::Relay { to, message } = &entry.body else { continue };
            // What is relayed may wait in a row that nobody asks for until it is cleared.
            let relayed =
                stories.told.get(to).into_iter().flatten().any(
                    |record| matches!(&record.input, Input::Relay(relay) if relay.sender == message.sender),
                );
            if !relayed {
                faults.push(format!("relay stuck: {:?} to {to}", message.sender));
            }
        }
        if row.is_tombstone() && row.profile().counters().all() > 0 {
            faults.push(format!("erased event is back: {id} is erased and counts"));
        }
    }
    if state.dead_letters > 0 {
        faults.push(format!("dead letter: {} of valid records", state.dead_letters));
    }
    faults
}

/// Every event is counted once in its home, however often it was sent, and nowhere else.
fn check_counts(stories: &Stories, rows: &BTreeMap<CustomerId, Customer>, faults: &mut Vec<String>) {
    let mut names: BTreeMap<&str, BTreeSet<CustomerId>> = BTreeMap::new();
    for (_, record, home) in stories.homes() {
        let Input::Event(event) = &record.input else { continue };
        let rows = names.entry(&event.name).or_default();
        if let Home::Row(row) = home {
            rows.insert(row);
        }
    }
    for (name, homes) in &names {
        let counted = |row: &CustomerId| rows.get(row).map_or(0, |row| row.profile().total(name).n);
        let everywhere: u64 = rows.keys().map(counted).sum();
        let home = homes.first();
        match home {
            None if everywhere > 0 => faults.push(format!("erased event is back: {name}")),
            None => {}
            Some(_) if everywhere > 1 => faults.push(format!("event doubled: {name}, {everywhere} times")),
            Some(home) if counted(home) == 1 => {}
            Some(home) if everywhere == 0 => faults.push(format!("event lost: {name} of {home}")),
            Some(home) => faults.push(format!("event misplaced: {name} is not with {home}")),
        }
    }
}

fn check_suppressed(stories: &Stories, rows: &BTreeMap<CustomerId, Customer>, faults: &mut Vec<String>) {
    let of_aliases = stories.aliases.iter().map(|(id, story)| (id, story.suppressed));
    let of_users = stories.users.iter().map(|(id, tale)| (id, tale.suppressed));
    let suppressed: BTreeSet<&CustomerId> =
        of_aliases.chain(of_users).filter(|(_, suppressed)| *suppressed).map(|(id, _)| id).collect();
    for (id, row) in rows {
        match (row.profile().suppressed(), suppressed.contains(id)) {
            (true, false) => faults.push(format!("suppressed by nobody: {id}")),
            (false, true) => faults.push(format!("suppression lost: {id}")),
            (true, true) | (false, false) => {}
        }
    }
}

/// An alias and its user agree, an alias counts nothing itself, whoever asked too late was told.
fn check_aliases(stories: &Stories, rows: &BTreeMap<CustomerId, Customer>, faults: &mut Vec<String>) {
    for (id, story) in &stories.aliases {
        let alias_of = rows.get(id).and_then(Customer::alias_of);
        if alias_of != story.user.as_ref() {
            faults.push(format!("alias of the wrong user: {id} of {alias_of:?}, not {:?}", story.user));
        }
        let counts = rows.get(id).map_or(0, |row| row.profile().counters().all());
        if alias_of.is_some() && counts > 0 {
            faults.push(format!("alias counts: {id} has {counts} events of its own"));
        }
        for user in USERS.map(CustomerId::user) {
            let lists = rows.get(&user).is_some_and(|row| row.merged().contains(id));
            match (lists, alias_of == Some(&user)) {
                (true, false) => faults.push(format!("user without alias: {user} lists {id}")),
                (false, true) => faults.push(format!("alias without user: {id} of {user}")),
                (true, true) | (false, false) => {}
            }
        }
        for (user, request) in &story.refused {
            let answered = stories.told.get(user).into_iter().flatten().any(|record| {
                matches!(&record.input, Input::Relay(relay) if relay.sender.customer == *id
                    && relay.message == Message::Refused { request: *request })
            });
            if !answered {
                faults.push(format!("refusal not told: {user} asked {id}"));
            }
        }
    }
}
