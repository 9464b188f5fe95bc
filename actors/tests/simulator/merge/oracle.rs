//! Says from the log alone where every event has to be counted, and compares the rows with it.
//!
//! It knows nothing of marks, requests' numbers or listed aliases. Of an anonymous id it reads whose alias it is (the first user that
//! asks, until that user's erase arrives), of a user when it was erased last; every message counts once, however often it stands there.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::identity::Message;
use schemas::customer::{Customer, Outgoing};
use schemas::event::Border;
use schemas::ids::{CustomerId, Position};
use schemas::record::{self, Command, Input, Record};

use super::shop::{ANONYMOUS, USERS};
use crate::world::State;

/// Records of one customer, in order.
type Records = Vec<Record>;

/// Where what a record told has to stand at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Home {
    /// In this row.
    Row(CustomerId),
    /// Nowhere: it was erased.
    Erased,
}

/// What became of an anonymous id.
#[derive(Default)]
struct Story {
    /// Its user.
    user: Option<CustomerId>,
    /// Where its user's erase arrived last.
    forgotten: Option<Position>,
    /// Users that asked too late, with the number of their request.
    refused: Vec<(CustomerId, Position)>,
}

impl Story {
    fn of(records: &Records) -> Self {
        let (mut story, mut seen) = (Story::default(), BTreeSet::new());
        for record in records {
            let Input::Relay(relay) = &record.input else { continue };
            let sender = &relay.sender;
            if !seen.insert((sender.customer.clone(), sender.position, sender.nth)) {
                continue;
            }
            let own = story.user.as_ref() == Some(&sender.customer);
            match relay.message {
                Message::Request if story.user.is_none() => story.user = Some(sender.customer.clone()),
                Message::Request if !own => story.refused.push((sender.customer.clone(), sender.position)),
                Message::Erase if own => (story.user, story.forgotten) = (None, Some(record.position)),
                Message::Request
                | Message::Erase
                | Message::Snapshot { .. }
                | Message::Refused { .. }
                | Message::Forward(_) => {}
            }
        }
        story
    }
}

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
    let told = by_customer(state);
    let stories: BTreeMap<CustomerId, Story> = ANONYMOUS
        .iter()
        .map(|id| CustomerId::anonymous(id))
        .map(|id| (id.clone(), told.get(&id).map(Story::of).unwrap_or_default()))
        .collect();
    let homes = homes(&told, &stories);
    check_counts(&told, &homes, &rows, &mut faults);
    check_suppressed(&told, &homes, &rows, &mut faults);
    check_aliases(&told, &stories, &rows, &mut faults);
    for (id, row) in &rows {
        for entry in row.outbox() {
            let Outgoing::Relay { to, message } = &entry.body else { continue };
            // What is relayed may wait in a row that nobody asks for until it is cleared.
            let relayed =
                told.get(to).into_iter().flatten().any(
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

fn by_customer(state: &State) -> BTreeMap<CustomerId, Records> {
    let mut told: BTreeMap<CustomerId, Records> = BTreeMap::new();
    for stored in state.partitions.iter().flat_map(|partition| &partition.log) {
        let record = record::decode(stored, &Border::default()).expect("the world appends what can be read");
        told.entry(CustomerId::of_key(stored.key.clone())).or_default().push(record);
    }
    told
}

/// Where the records of each customer have to stand, in order.
type Homes = BTreeMap<CustomerId, Vec<Home>>;

fn homes(told: &BTreeMap<CustomerId, Records>, stories: &BTreeMap<CustomerId, Story>) -> Homes {
    let home = |who: &CustomerId, records: &Records, record: &Record| {
        let (erased, row) = match stories.get(who) {
            Some(story) => (story.forgotten, story.user.as_ref().unwrap_or(who)),
            None => (last_erase(records), who),
        };
        if erased > Some(record.position) { Home::Erased } else { Home::Row(row.clone()) }
    };
    told.iter()
        .map(|(who, records)| {
            (who.clone(), records.iter().map(|record| home(who, records, record)).collect())
        })
        .collect()
}

fn last_erase(records: &Records) -> Option<Position> {
    let erases = records.iter().filter(|record| matches!(record.input, Input::Command(Command::Erase)));
    erases.map(|record| record.position).next_back()
}

/// Every event is counted once in its home, however often it was sent, and nowhere else.
fn check_counts(
    told: &BTreeMap<CustomerId, Records>,
    homes: &Homes,
    rows: &BTreeMap<CustomerId, Customer>,
    faults: &mut Vec<String>,
) {
    let mut names: BTreeMap<&str, BTreeSet<&CustomerId>> = BTreeMap::new();
    for (who, records) in told {
        for (record, home) in records.iter().zip(&homes[who]) {
            let Input::Event(event) = &record.input else { continue };
            let rows = names.entry(&event.name).or_default();
            if let Home::Row(row) = home {
                rows.insert(row);
            }
        }
    }
    for (name, homes) in &names {
        let counted = |row: &CustomerId| rows.get(row).map_or(0, |row| row.profile().total(name).n);
        let everywhere: u64 = rows.keys().map(counted).sum();
        let home = homes.first().copied();
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

fn check_suppressed(
    told: &BTreeMap<CustomerId, Records>,
    homes: &Homes,
    rows: &BTreeMap<CustomerId, Customer>,
    faults: &mut Vec<String>,
) {
    let mut suppressed: BTreeSet<&CustomerId> = BTreeSet::new();
    for (who, records) in told {
        for (record, home) in records.iter().zip(&homes[who]) {
            if let (Input::Command(Command::Suppress), Home::Row(row)) = (&record.input, home) {
                suppressed.insert(row);
            }
        }
    }
    for (id, row) in rows {
        match (row.profile().suppressed(), suppressed.contains(id)) {
            (true, false) => faults.push(format!("erased event is back: {id} is suppressed")),
            (false, true) => faults.push(format!("suppression lost: {id}")),
            (true, true) | (false, false) => {}
        }
    }
}

/// An alias and its user agree, an alias counts nothing itself, whoever asked too late was told.
fn check_aliases(
    told: &BTreeMap<CustomerId, Records>,
    stories: &BTreeMap<CustomerId, Story>,
    rows: &BTreeMap<CustomerId, Customer>,
    faults: &mut Vec<String>,
) {
    for (id, story) in stories {
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
            let answered = told.get(user).into_iter().flatten().any(|record| {
                matches!(&record.input, Input::Relay(relay) if relay.sender.customer == *id
                    && relay.message == Message::Refused { request: *request })
            });
            if !answered {
                faults.push(format!("refusal not told: {user} asked {id}"));
            }
        }
    }
}
