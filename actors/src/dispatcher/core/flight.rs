//! One outreach on its way: reserve, look again, call, conclude, report.
//!
//! Every step is one call through the ports; its reply, or what the ledger says instead, is the next step. What is concluded stands
//! in the ledger before it is reported, and is reported before the position passes, so each step may be repeated by whoever comes.

use std::sync::Arc;

use schemas::customer::Customer;
use schemas::customer::recheck::{Rechecked, recheck};
use schemas::decision::{Outcome, OutcomeStatus, Outreach, Reason};
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{RecordKind, encode_outcome};
use schemas::time::Timestamp;
use schemas::value::Properties;

use super::standing::{Standing, Whose, standing};
use super::{Core, Open};
use crate::dispatcher::protocol::{End, Io, Noted};
use crate::dispatcher::settings::Recheck;
use crate::port::agreement::Doubtful;
use crate::port::channel::{Delivery, Repeat};
use crate::port::log::NewRecord;
use crate::port::store::{LedgerChange, LedgerEntry, LedgerStage, LedgerState, Row};

/// An outreach on its way.
pub(super) struct Flight {
    /// What is sent: what the record holds, and from the reservation on what the ledger holds; the content of the first attempt.
    outreach: Outreach,
    /// Whose row asked for this attempt, and is told what becomes of it.
    asked_by: CustomerId,
    /// When the row asked.
    asked_at: Timestamp,
    /// An earlier record of the same id comes first.
    waits: bool,
    /// How the ledger has it, as far as one knows.
    held: Option<(u32, LedgerStage)>,
    /// Another dispatcher had it before, and may have made the call.
    inherited: bool,
    /// The call of another dispatcher was given its time.
    waited: bool,
    /// What it came to here; stands until the ledger says the same, or something else.
    ending: Option<Ending>,
    /// What is reported.
    noted: Option<Noted>,
}

/// What an attempt came to.
#[derive(Clone, Debug)]
struct Ending {
    status: OutcomeStatus,
    provider_ref: Option<String>,
}

impl Flight {
    pub(super) fn new(outreach: Outreach, waits: bool) -> Self {
        Self {
            asked_by: outreach.customer.clone(),
            asked_at: outreach.at,
            outreach,
            waits,
            held: None,
            inherited: false,
            waited: false,
            ending: None,
            noted: None,
        }
    }
}

impl Core {
    fn flight(&mut self, position: Position) -> Option<&mut Flight> {
        match self.open.get_mut(&position)? {
            Open::Flight(flight) => Some(flight),
            Open::Letter => None,
        }
    }

    /// Begins with the reservation: of a first attempt at once, of a later one once the ledger has said what the one before sent.
    pub(super) fn begin(&mut self, position: Position) {
        let rules = self.params.rules;
        let Some(flight) = self.flight(position) else { return };
        let (attempt, origin, id) =
            (flight.outreach.attempt, flight.outreach.slot.origin.clone(), flight.outreach.id);
        match (rules.ledger_reserved, attempt) {
            (false, _) => self.look_again(position),
            (true, 1..) if rules.content_kept => self.act(Io::ReadLedger { position, origin, id }),
            (true, _) => self.reserve(position),
        }
    }

    /// Reserves an outreach in the ledger: the first attempt where there is nothing, a later one where the one before came back.
    fn reserve(&mut self, position: Position) {
        let Some(flight) = self.flight(position) else { return };
        flight.held = flight.outreach.attempt.checked_sub(1).map(|before| (before, LedgerStage::Returned));
        self.change(position, LedgerState::Reserved, None);
    }

    /// Changes the ledger from what one knows of it to `state`.
    fn change(&mut self, position: Position, state: LedgerState, provider_ref: Option<String>) {
        let (nonce, wall) = (self.nonce, self.now.wall);
        let live = self.params.settings.recheck == Recheck::Live;
        let Some(flight) = self.flight(position) else { return };
        let mut outreach = flight.outreach.clone();
        if state == LedgerState::Done(OutcomeStatus::Withheld(Reason::Erased)) {
            outreach.facts = Properties::default();
        }
        let at = if live { wall } else { flight.asked_at };
        let entry = LedgerEntry { outreach, reserver: nonce, state, at, provider_ref };
        let change = Box::new(LedgerChange { expect: flight.held, entry });
        self.act(Io::Change { position, change });
    }

    /// A change of the ledger was applied.
    pub(super) fn applied(&mut self, position: Position, change: &LedgerChange) {
        let Some(flight) = self.flight(position) else { return };
        flight.held = Some((change.entry.outreach.attempt, change.entry.state.stage()));
        match &change.entry.state {
            LedgerState::Reserved => self.look_again(position),
            LedgerState::Calling => self.call(position),
            LedgerState::Returned(status) | LedgerState::Done(status) => {
                let status = status.clone();
                self.report(position, status.clone(), Noted::Ended(status));
            }
        }
    }

    /// Nobody knows whether a change was applied: nothing is concluded before the ledger was read.
    pub(super) fn change_unknown(&mut self, position: Position, change: &LedgerChange) {
        if !self.params.rules.unknown_read_back {
            return self.applied(position, change);
        }
        let pause = self.params.settings.retry;
        self.read_ledger(position, pause);
    }

    fn read_ledger(&mut self, position: Position, pause: std::time::Duration) {
        let Some(flight) = self.flight(position) else { return };
        let (origin, id) = (flight.outreach.slot.origin.clone(), flight.outreach.id);
        self.again(pause, Io::ReadLedger { position, origin, id });
    }

    /// Goes on from what the ledger says.
    pub(super) fn judge(&mut self, position: Position, entry: Option<Box<LedgerEntry>>) {
        let nonce = self.nonce;
        let content_kept = self.params.rules.content_kept;
        let Some(flight) = self.flight(position) else { return };
        let attempt = flight.outreach.attempt;
        let standing = standing(attempt, nonce, entry.as_deref());
        flight.held = entry.as_ref().map(|entry| (entry.outreach.attempt, entry.state.stage()));
        if let Some(entry) = entry {
            match &standing {
                Standing::Reserved(whose) | Standing::Calling(whose) => {
                    flight.inherited |= *whose == Whose::Foreign;
                    flight.outreach = entry.outreach;
                }
                // The row decided anew, by what it knows now. The one before may have arrived all the same: an id names one content.
                Standing::Free if content_kept => flight.outreach = Outreach { attempt, ..entry.outreach },
                Standing::Absent
                | Standing::Free
                | Standing::Over(_)
                | Standing::Passed
                | Standing::OutOfStep => {}
            }
        }
        match standing {
            Standing::Absent if attempt == 0 && flight.ending.is_none() => self.reserve(position),
            Standing::Free => self.reserve(position),
            Standing::Absent => {
                let (id, customer) = (flight.outreach.id, flight.outreach.customer.clone());
                tracing::error!(%id, %customer, attempt, "the ledger lost an outreach; it is not sent again");
                self.conclude(position, OutcomeStatus::Failed);
            }
            Standing::Reserved(_) => self.go_on(position),
            Standing::Calling(whose) => self.meet_call(position, whose),
            Standing::Over(status) => {
                let noted = match flight.ending {
                    Some(_) => Noted::Ended(status.clone()),
                    None => Noted::Ignored,
                };
                self.report(position, status, noted);
            }
            Standing::Passed => {
                self.count(Noted::Ignored);
                self.close(position);
            }
            Standing::OutOfStep => {
                let (id, customer) = (flight.outreach.id, flight.outreach.customer.clone());
                tracing::error!(%id, %customer, attempt, "the ledger has not the attempt before; not sent");
                self.report(position, OutcomeStatus::Failed, Noted::Ended(OutcomeStatus::Failed));
            }
        }
    }

    /// Goes on with an outreach that stands reserved: to its conclusion, where there is one, else to the last look.
    fn go_on(&mut self, position: Position) {
        let Some(flight) = self.flight(position) else { return };
        match flight.ending.take() {
            Some(ending) => self.settle(position, ending),
            None => self.look_again(position),
        }
    }

    /// Goes on with an outreach whose call was about to be made. Another dispatcher's call is given its time; when it has not said
    /// how it ended by then nobody ever will, and the call is not repeated.
    fn meet_call(&mut self, position: Position, whose: Whose) {
        let repeatable = self.promise(position) == Some(Repeat::Idempotent);
        let (never_repeated, deadline) =
            (self.params.rules.calling_never_repeated, self.params.settings.call_deadline);
        let Some(flight) = self.flight(position) else { return };
        let ending = flight.ending.take();
        if whose == Whose::Own || repeatable || !never_repeated {
            return match ending {
                Some(ending) => self.settle(position, ending),
                None => self.call(position),
            };
        }
        match std::mem::replace(&mut flight.waited, true) {
            false => self.read_ledger(position, deadline),
            true => self.conclude(position, OutcomeStatus::Failed),
        }
    }

    /// Returns what the outreach's channel promises; `None` = there is no such channel.
    fn promise(&mut self, position: Position) -> Option<Repeat> {
        let channel = self.flight(position)?.outreach.channel.clone();
        self.params.promises.get(&channel).copied()
    }

    /// Looks at the row before the call, where it is looked at at all.
    fn look_again(&mut self, position: Position) {
        if self.is_doubtful(position) {
            return self.conclude(position, OutcomeStatus::Withheld(Reason::Restored));
        }
        match self.params.settings.recheck {
            Recheck::AsOfDecision => self.approach(position),
            Recheck::Live => {
                let Some(flight) = self.flight(position) else { return };
                let customer = flight.asked_by.clone();
                self.read_row(position, customer);
            }
        }
    }

    /// Returns true for what the shop may have sent already in the time that a restored backup has lost. By the same id only what the
    /// backup knew is sent again: what was opened afterwards is opened by another record now, and no channel can tell that it is the same.
    fn is_doubtful(&mut self, position: Position) -> bool {
        let Some(restored) = self.params.restored.clone() else { return false };
        let takes_once = self.promise(position) == Some(Repeat::Idempotent);
        let Some(flight) = self.flight(position) else { return false };
        let outreach = &flight.outreach;
        let same_id = outreach.slot.position < Position::first_of(restored.log);
        match restored.doubtful {
            Doubtful::Withheld => flight.asked_at <= restored.until && !(takes_once && same_id),
            Doubtful::Sent => false,
        }
    }

    fn read_row(&mut self, position: Position, customer: CustomerId) {
        let partition = PartitionId::of(customer.as_str(), self.params.partitions);
        self.act(Io::ReadRow { position, partition, customer });
    }

    /// The row was read: the customer's, or the user's that the customer is an alias of.
    pub(super) fn row_read(&mut self, position: Position, customer: CustomerId, row: Option<Row>) {
        let row = match row.as_ref().map(|row| Customer::decode(&row.state)).transpose() {
            Ok(row) => row.unwrap_or_else(|| Customer::new(customer.clone())),
            Err(error) => return self.end(End::Failed(format!("a stored row cannot be read: {error}"))),
        };
        let (book, now) = (Arc::clone(&self.params.book), self.now.wall);
        let repeats = self.promise(position) == Some(Repeat::Idempotent);
        let Some(flight) = self.flight(position) else { return };
        let asked = Outreach { at: flight.asked_at, ..flight.outreach.clone() };
        let is_own_row = customer == flight.asked_by;
        let erased = row.erased_after(asked.at);
        if let Some(user) = row.alias_of().filter(|_| is_own_row && !erased) {
            let user = user.clone();
            return self.read_row(position, user);
        }
        let maybe_sent = flight.inherited && repeats;
        match recheck(&asked, &row, &book, now) {
            Rechecked::Clear => self.approach(position),
            // Whoever had it before may have sent it: "withheld" would be a lie.
            Rechecked::Refused(reason) if maybe_sent && reason != Reason::Erased => {
                self.conclude(position, OutcomeStatus::Failed);
            }
            Rechecked::Refused(reason) => self.conclude(position, OutcomeStatus::Withheld(reason)),
            Rechecked::NotBefore(at) => self.conclude(position, OutcomeStatus::RetryAt(at)),
        }
    }

    /// Nothing stands against the call. One that must not be repeated is noted in the ledger first.
    fn approach(&mut self, position: Position) {
        let marks = self.params.rules.calling_never_repeated && self.params.rules.ledger_reserved;
        match self.promise(position) {
            Some(Repeat::AtMostOnce) if marks => self.change(position, LedgerState::Calling, None),
            Some(Repeat::AtMostOnce | Repeat::Idempotent) => self.call(position),
            None => {
                let Some(flight) = self.flight(position) else { return };
                let (id, outreach) = (flight.outreach.id, &flight.outreach);
                tracing::error!(
                    %id,
                    trigger = %outreach.trigger,
                    channel = %outreach.channel,
                    "there is no channel of this name; the outreach failed"
                );
                self.conclude(position, OutcomeStatus::Failed);
            }
        }
    }

    fn call(&mut self, position: Position) {
        let deadline = self.params.settings.call_deadline;
        let Some(flight) = self.flight(position) else { return };
        let outreach = Box::new(flight.outreach.clone());
        self.act(Io::Call { position, outreach, deadline });
    }

    /// The channel answered, or nobody knows.
    pub(super) fn called(&mut self, position: Position, answer: Option<Delivery>) {
        let promise = self.promise(position);
        let again = self.params.settings.retry_after;
        let instant = self.instant(position);
        let Some(flight) = self.flight(position) else { return };
        let (status, provider_ref) = match (answer, promise) {
            (Some(Delivery::Delivered(reference)), _) => (OutcomeStatus::Delivered, reference),
            (Some(Delivery::Refused(reason)), _) => {
                let (id, channel) = (flight.outreach.id, &flight.outreach.channel);
                tracing::warn!(%id, %channel, reason, "the channel refused an outreach for good");
                (OutcomeStatus::Failed, None)
            }
            (Some(Delivery::RetryAt(at)), _) => (OutcomeStatus::RetryAt(at), None),
            (None, Some(Repeat::Idempotent)) => (OutcomeStatus::RetryAt(instant + again), None),
            (None, Some(Repeat::AtMostOnce) | None) => (OutcomeStatus::Failed, None),
        };
        self.settle(position, Ending { status, provider_ref });
    }

    fn conclude(&mut self, position: Position, status: OutcomeStatus) {
        self.settle(position, Ending { status, provider_ref: None });
    }

    /// Has the ledger say what it came to.
    fn settle(&mut self, position: Position, ending: Ending) {
        let in_ledger = self.params.rules.ledger_reserved;
        let Some(flight) = self.flight(position) else { return };
        flight.ending = Some(ending.clone());
        let Ending { status, provider_ref } = ending;
        if !in_ledger {
            return self.report(position, status.clone(), Noted::Ended(status));
        }
        let state = match &status {
            OutcomeStatus::RetryAt(_) => LedgerState::Returned(status),
            OutcomeStatus::Delivered | OutcomeStatus::Withheld(_) | OutcomeStatus::Failed => {
                LedgerState::Done(status)
            }
        };
        self.change(position, state, provider_ref);
    }

    /// Tells the row, in the words of the ledger; told twice it counts once.
    fn report(&mut self, position: Position, status: OutcomeStatus, noted: Noted) {
        let at = self.instant(position);
        let partitions = self.params.partitions;
        let stamp = (self.params.settings.recheck == Recheck::AsOfDecision).then_some(at);
        let Some(flight) = self.flight(position) else { return };
        flight.noted = Some(noted);
        let (Outreach { id, attempt, .. }, customer) = (&flight.outreach, &flight.asked_by);
        let record = NewRecord {
            partition: PartitionId::of(customer.as_str(), partitions),
            key: customer.as_str().into(),
            kind: RecordKind::Outcome,
            epoch: None,
            stamp,
            body: encode_outcome(&Outcome { id: *id, attempt: *attempt, status, at }),
        };
        self.act(Io::Report { position, record });
    }

    pub(super) fn reported(&mut self, position: Position) {
        if let Some(noted) = self.flight(position).and_then(|flight| flight.noted.take()) {
            self.count(noted);
        }
        self.close(position);
    }

    /// Returns the instant at which what is done counts as done.
    fn instant(&mut self, position: Position) -> Timestamp {
        let wall = self.now.wall;
        match (self.params.settings.recheck, self.open.get(&position)) {
            (Recheck::AsOfDecision, Some(Open::Flight(flight))) => flight.asked_at,
            (Recheck::AsOfDecision | Recheck::Live, _) => wall,
        }
    }

    /// A record is at its end; the next of the same id begins.
    fn close(&mut self, position: Position) {
        let Some(Open::Flight(flight)) = self.open.remove(&position) else { return };
        let id = flight.outreach.id;
        let Some(left) = self.ids.get_mut(&id) else { return };
        *left -= 1;
        if *left == 0 {
            self.ids.remove(&id);
            return;
        }
        let next = self.open.iter_mut().find_map(|(position, open)| match open {
            Open::Flight(flight) if flight.outreach.id == id && flight.waits => {
                flight.waits = false;
                Some(*position)
            }
            Open::Flight(_) | Open::Letter => None,
        });
        if let Some(next) = next {
            self.begin(next);
        }
    }
}
