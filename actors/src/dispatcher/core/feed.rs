//! Reading: fetches records, ignores those of fenced epochs, sets aside what is no outreach, and begins the rest.

use std::collections::VecDeque;

use schemas::decision::Outreach;
use schemas::ids::{Epoch, Position};
use schemas::record::{LogRecord, RecordKind};

use super::flight::Flight;
use super::{Core, Open, Phase};
use crate::dead_letter::DeadLetter;
use crate::dispatcher::protocol::{Io, Noted};
use crate::port::log::{Commit, Fetched, Topic};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// The next record to be read.
    pub(super) next: Position,
    /// A fetch is under way.
    fetching: bool,
    /// Highest epoch seen below what was committed last.
    committed: Epoch,
    /// Where a higher epoch was seen first, behind that position; rising.
    raises: VecDeque<(Position, Epoch)>,
}

impl Feed {
    /// Goes on from where the last dispatcher came to.
    pub(super) fn start(&mut self, commit: Commit, epoch_kept: bool) {
        self.next = commit.position;
        self.committed = if epoch_kept { commit.epoch } else { Epoch(0) };
    }

    /// Returns the highest epoch seen.
    pub(super) fn epoch(&self) -> Epoch {
        self.raises.back().map_or(self.committed, |(_, epoch)| *epoch)
    }

    /// Returns the highest epoch seen below a position. It is what goes with the position: a higher one, of a record behind it,
    /// would hide the outreach of the epoch before that is still in flight from the next dispatcher.
    pub(super) fn epoch_below(&self, position: Position) -> Epoch {
        let below = self.raises.iter().rev().find(|(at, _)| *at < position);
        below.map_or(self.committed, |(_, epoch)| *epoch)
    }

    /// Forgets what is only needed for positions below this one.
    pub(super) fn forget_below(&mut self, position: Position) {
        while let Some((_, epoch)) = self.raises.pop_front_if(|(at, _)| *at < position) {
            self.committed = epoch;
        }
    }

    /// Notes the epoch of a record; returns true when a higher one stands before it.
    fn is_fenced(&mut self, record: &LogRecord) -> bool {
        let (epoch, highest) = (record.epoch.unwrap_or_default(), self.epoch());
        if epoch > highest {
            self.raises.push_back((record.position, epoch));
        }
        epoch < highest
    }
}

impl Core {
    /// Begins a fetch when none is under way and the window has room.
    pub(super) fn fetch(&mut self) {
        let room = self.params.settings.window.saturating_sub(self.open.len());
        if room > 0 && !self.feed.fetching {
            self.feed.fetching = true;
            self.act(Io::Fetch { from: self.feed.next, max: self.params.settings.fetch_max.min(room) });
        }
    }

    pub(super) fn fetched(&mut self, from: Position, fetched: Fetched) {
        self.feed.fetching = false;
        // What comes while the dispatcher stops is left to the next one.
        if self.phase != Phase::Running || from != self.feed.next {
            return;
        }
        self.feed.next = fetched.next.max(from);
        for record in fetched.records {
            self.take(&record);
        }
    }

    fn take(&mut self, record: &LogRecord) {
        let fenced = self.feed.is_fenced(record);
        if record.kind == RecordKind::Epoch {
            return;
        }
        if fenced && self.params.rules.lower_epochs_ignored {
            return self.count(Noted::Ignored);
        }
        match decode(record) {
            Ok(outreach) => self.open_flight(record.position, outreach),
            Err((reason, message)) => self.set_aside(record, reason, &message),
        }
    }

    /// Appends a record to the dead letters; it holds the position until that is durable.
    fn set_aside(&mut self, record: &LogRecord, reason: &'static str, message: &str) {
        let (partition, position) = (self.params.partition, record.position);
        tracing::warn!(partition = partition.0, position = position.0, reason, message, "dead letter");
        self.count(Noted::DeadLettered);
        self.open.insert(position, Open::Letter);
        let letter = DeadLetter::of(Topic::Outreach, partition, record, reason, message).record();
        self.act(Io::DeadLetter { position, letter });
    }

    /// Takes an outreach up, behind an earlier record of the same id if there is one: two attempts are never in flight at once.
    fn open_flight(&mut self, position: Position, outreach: Outreach) {
        let id = outreach.id;
        let before = self.ids.entry(id).or_default();
        let waits = *before > 0;
        *before += 1;
        self.open.insert(position, Open::Flight(Box::new(Flight::new(outreach, waits))));
        if !waits {
            self.begin(position);
        }
    }
}

/// Returns the outreach that a record holds.
///
/// Errors: a short name of the reason, and the reason in words.
fn decode(record: &LogRecord) -> Result<Outreach, (&'static str, String)> {
    if record.kind != RecordKind::Outreach {
        let kind = record.kind.as_str();
        return Err(("kind", format!("kind is {kind}; legal in care.outreach are outreach and epoch")));
    }
    let outreach: Outreach = serde_json::from_slice(&record.body)
        .map_err(|error| ("body", format!("body is no outreach as this engine writes it: {error}")))?;
    if outreach.customer.as_str() != record.key {
        return Err(("key", "the record's key is not the customer that the outreach names".to_owned()));
    }
    Ok(outreach)
}
