//! Says from the log alone whose alias an anonymous id is, who was erased when, and where what a record told has to stand.
//!
//! It knows nothing of marks or lists of aliases. Of an anonymous id it reads whose alias it is (the first user that asks, until that
//! user's erase arrives), of a user when it was erased, by its own command or by one that an alias passed on; a snapshot counts where
//! the user was not erased since it asked.

use std::collections::{BTreeMap, BTreeSet};

use schemas::customer::identity::{Forward, Message, Relay};
use schemas::event::Border;
use schemas::ids::{CustomerId, Position};
use schemas::record::{self, Command, Input, Record};
use schemas::time::Timestamp;

use super::shop::{ANONYMOUS, USERS};
use crate::world::State;

/// Records of one customer, in order.
pub type Records = Vec<Record>;

/// Where what a record told has to stand at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// In this row.
    Row(CustomerId),
    /// Nowhere: it was erased.
    Erased,
}

/// What became of an anonymous id.
#[derive(Default)]
pub struct Story {
    /// Its user.
    pub user: Option<CustomerId>,
    /// Where it was erased, in order: by its own command, or when its user's erase arrived.
    pub forgotten: Vec<Position>,
    /// Users that asked too late, with the number of their request.
    pub refused: Vec<(CustomerId, Position)>,
    /// It asked to be left alone: what no erase takes back, and what its user takes over.
    pub suppressed: bool,
}

/// What became of a user.
#[derive(Default)]
pub struct Tale {
    /// Where it was erased, in order.
    pub erased: Vec<Position>,
    /// Snapshots that it took: whose, where that row became an alias, and where the snapshot came.
    pub taken: Vec<Taken>,
    /// It asked to be left alone, or one of those whom it turned out to be: what no erase takes back.
    pub suppressed: bool,
}

/// A snapshot that a user took.
pub struct Taken {
    pub alias: CustomerId,
    /// Position of the request in the alias's partition.
    pub until: Position,
    /// Position of the snapshot in the user's partition.
    pub at: Position,
}

/// All that the log says of who is who.
pub struct Stories {
    pub told: BTreeMap<CustomerId, Records>,
    pub aliases: BTreeMap<CustomerId, Story>,
    pub users: BTreeMap<CustomerId, Tale>,
}

/// Messages of other rows, each once however often it was relayed.
#[derive(Default)]
struct Seen<'a>(BTreeSet<(&'a CustomerId, Position, u16)>);

impl<'a> Seen<'a> {
    fn new_relay(&mut self, record: &'a Record) -> Option<&'a Relay> {
        let Input::Relay(relay) = &record.input else { return None };
        let sender = &relay.sender;
        self.0.insert((&sender.customer, sender.position, sender.nth)).then_some(relay)
    }
}

impl Story {
    fn of(records: &Records) -> Self {
        let (mut story, mut seen) = (Story::default(), Seen::default());
        for record in records {
            if record.input == Input::Command(Command::Erase) && story.user.is_none() {
                story.forgotten.push(record.position);
            }
            story.suppressed |= record.input == Input::Command(Command::Suppress) && story.user.is_none();
            let Some(relay) = seen.new_relay(record) else { continue };
            let sender = &relay.sender;
            let own = story.user.as_ref() == Some(&sender.customer);
            match relay.message {
                Message::Request if story.user.is_none() => {
                    story.user = Some(sender.customer.clone());
                    story.suppressed = false;
                }
                Message::Request if !own => story.refused.push((sender.customer.clone(), sender.position)),
                Message::Erase if own => {
                    story.user = None;
                    story.forgotten.push(record.position);
                }
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

impl Tale {
    fn of(records: &Records) -> Self {
        let (mut tale, mut seen) = (Tale::default(), Seen::default());
        let mut holds: BTreeSet<&CustomerId> = BTreeSet::new();
        for record in records {
            let mut erased = record.input == Input::Command(Command::Erase);
            tale.suppressed |= record.input == Input::Command(Command::Suppress);
            if let Some(relay) = seen.new_relay(record) {
                let sender = &relay.sender;
                match &relay.message {
                    Message::Snapshot { request, snapshot } if tale.erased.last() < Some(request) => {
                        tale.suppressed |= snapshot.profile.suppressed();
                        holds.insert(&sender.customer);
                        let alias = sender.customer.clone();
                        tale.taken.push(Taken { alias, until: sender.position, at: record.position });
                    }
                    Message::Forward(forward) => {
                        let held = holds.contains(&sender.customer);
                        erased |= held && **forward == Forward::Command(Command::Erase);
                        tale.suppressed |= held && **forward == Forward::Command(Command::Suppress);
                    }
                    Message::Snapshot { .. }
                    | Message::Request
                    | Message::Erase
                    | Message::Refused { .. } => {}
                }
            }
            if erased {
                tale.erased.push(record.position);
                holds.clear();
            }
        }
        tale
    }
}

impl Stories {
    /// Reads the log.
    pub fn of(state: &State) -> Self {
        let mut told: BTreeMap<CustomerId, Records> = BTreeMap::new();
        for stored in state.partitions.iter().flat_map(|partition| &partition.log) {
            let record =
                record::decode(stored, &Border::default()).expect("the world appends what can be read");
            told.entry(CustomerId::of_key(stored.key.clone())).or_default().push(record);
        }
        let aliases = ANONYMOUS.map(CustomerId::anonymous);
        let aliases = aliases.map(|id| (id.clone(), told.get(&id).map(Story::of).unwrap_or_default()));
        let users = USERS.map(CustomerId::user);
        let users = users.map(|id| (id.clone(), told.get(&id).map(Tale::of).unwrap_or_default()));
        Self { aliases: aliases.into(), users: users.into(), told }
    }

    /// Returns where what a record of `who` told has to stand.
    pub fn home(&self, who: &CustomerId, record: &Record) -> Home {
        let row = self.aliases.get(who).and_then(|story| story.user.as_ref()).unwrap_or(who);
        match self.erases(who).last() > Some(&record.position) {
            true => Home::Erased,
            false => Home::Row(row.clone()),
        }
    }

    /// Returns where a customer was erased, in order.
    pub fn erases(&self, who: &CustomerId) -> &[Position] {
        match (self.aliases.get(who), self.users.get(who)) {
            (Some(story), _) => &story.forgotten,
            (None, Some(tale)) => &tale.erased,
            (None, None) => &[],
        }
    }

    /// Returns every record with its customer and its home.
    pub fn homes(&self) -> impl Iterator<Item = (&CustomerId, &Record, Home)> {
        let records =
            self.told.iter().flat_map(|(who, records)| records.iter().map(move |record| (who, record)));
        records.map(|(who, record)| (who, record, self.home(who, record)))
    }

    /// Returns the record of `who` at a position.
    pub fn record(&self, who: &CustomerId, position: Position) -> Option<&Record> {
        let records = self.told.get(who)?;
        let place = records.binary_search_by_key(&position, |record| record.position).ok()?;
        records.get(place)
    }

    /// Returns the stamp of the record of `who` at a position that holds one.
    pub fn stamp(&self, who: &CustomerId, position: Position) -> Timestamp {
        self.record(who, position).map(|record| record.stamp).expect("a record of this customer stands there")
    }
}
