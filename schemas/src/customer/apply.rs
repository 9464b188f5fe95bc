//! The pipeline: what a record, or time alone, does to a row.
//!
//! Marks first (a repeated record changes nothing), then every timer due strictly before the record's stamp, each at its own due
//! instant, then the record. Of several things due at one instant the profile's come first, then scores and triggers. So results never
//! depend on when somebody happened to look at the row.

use super::effects::{Effects, Urgency};
use super::identity::{Forward, Message};
use super::marks::Passage;
use super::outbox::Outgoing;
use super::row::Customer;
use crate::decision::Outcome;
use crate::event::{Event, Timeliness};
use crate::ids::{CustomerId, Position};
use crate::profile::{Folded, Heads, Standing};
use crate::record::{Command, Input, Record, Sender, Stray};
use crate::rulebook::Rulebook;
use crate::score;
use crate::time::Timestamp;
use crate::trigger::machine::{Awaited, Machine, Output, Source};

/// Timers that one call fires at one instant; a row that has more is at fault and goes on with the next call.
const FIRED_AT_ONCE_MAX: u32 = 10_000;

/// One transition under way.
pub(super) struct Turn<'a> {
    pub(super) book: &'a Rulebook,
    pub(super) fx: &'a mut Effects,
    /// What holds the effects: a record, or `None` when time alone brought them.
    pub(super) cause: Option<Position>,
    /// Logical time: the record's stamp, or the timer's due instant.
    pub(super) now: Timestamp,
    /// Position of the record that is, or was last, heard: see `Customer::heard`.
    pub(super) heard: Position,
    /// Messages to other rows that the record has caused so far.
    told: u16,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        book: &'a Rulebook,
        fx: &'a mut Effects,
        cause: Option<Position>,
        row: &Customer,
    ) -> Self {
        Self { book, fx, cause, now: row.clock, heard: row.heard, told: 0 }
    }
}

impl Customer {
    /// Applies a record of the log: fires what is due strictly before its stamp, then does what it says. A record at or below the
    /// row's mark, or a message at or below its sender's, changes nothing.
    pub fn apply(&mut self, book: &Rulebook, record: &Record, fx: &mut Effects) {
        self.lose_tombstone(book);
        if book.rules.high_water_mark && self.high_water.is_some_and(|mark| record.position <= mark) {
            fx.tally.replayed += 1;
            return;
        }
        let now = record.stamp.max(self.clock);
        let looked_at = match now > self.clock {
            true => Heads::NONE,
            false => score::population(&self.profile, now),
        };
        let mut turn = Turn::new(book, fx, Some(record.position), self);
        self.fire_before(now, &mut turn);
        self.high_water = self.high_water.max(Some(record.position));
        self.clock = now;
        turn.now = now;
        turn.fx.touch(Urgency::Quiet);
        match &record.input {
            Input::Event(event) => {
                self.hear(record.position, &mut turn);
                self.told_event(event, &mut turn);
            }
            Input::Relay(relay) => self.told_by_row(relay, record.position, &mut turn),
            Input::Outcome(outcome) => match self.told_outcome(outcome, &mut turn) {
                Awaited::Yes => turn.fx.tally.told += 1,
                Awaited::No => turn.fx.tally.unawaited += 1,
            },
            Input::Command(command) => {
                self.hear(record.position, &mut turn);
                turn.fx.tally.told += 1;
                self.told_command(*command, &mut turn);
            }
            Input::Talk(talk) => self.told_talk(talk, &mut turn),
            Input::Stray(stray) => self.told_stray(stray, record.position, &mut turn),
        }
        self.set_rescore_after_record(looked_at, book);
    }

    /// Notes the record that names what timers, scores and conditions open from now on.
    pub(super) fn hear(&mut self, position: Position, turn: &mut Turn<'_>) {
        self.heard = position;
        turn.heard = position;
    }

    /// Fires everything that is due strictly before `now`, each at its own due instant.
    pub fn wake(&mut self, book: &Rulebook, now: Timestamp, fx: &mut Effects) {
        self.lose_tombstone(book);
        let mut turn = Turn::new(book, fx, None, self);
        self.fire_before(now, &mut turn);
    }

    /// Returns the instant at which the row has something to do, if nothing else happens.
    pub fn next_due(&self) -> Option<Timestamp> {
        let thread = self.thread.as_ref().and_then(|thread| thread.next_due());
        [self.profile.next_due(), self.triggers.next_due(), self.rescore, thread].into_iter().flatten().min()
    }

    /// Fires what is due strictly before `limit`.
    fn fire_before(&mut self, limit: Timestamp, turn: &mut Turn<'_>) {
        let mut fired = (self.clock, 0);
        while let Some(due) = self.next_due().filter(|due| *due < limit) {
            // What was found due only afterwards happens now, not in the past.
            let now = due.max(self.clock);
            fired = if now == fired.0 { (now, fired.1 + 1) } else { (now, 0) };
            if fired.1 > FIRED_AT_ONCE_MAX {
                return;
            }
            self.clock = now;
            turn.now = now;
            turn.fx.touch(Urgency::Quiet);
            self.fire(due, turn);
        }
    }

    fn fire(&mut self, due: Timestamp, turn: &mut Turn<'_>) {
        for event in self.profile.fire(due, &self.id) {
            self.act_on_derived(&event, turn);
        }
        let asked = self.take_rescore(due, turn.book);
        self.run(turn, |machine| machine.on_time(asked));
        self.set_rescore(turn.book);
        self.thread_on_time(due, turn);
    }

    /// An event that the profile made, a session's end: triggers act on it as on any other. It is named by the last record behind it.
    fn act_on_derived(&mut self, event: &Event, turn: &mut Turn<'_>) {
        let folded = Folded::default();
        let (position, nth) = (turn.heard, 1);
        self.run(turn, |machine| {
            machine.on_event(event, &folded, Source { origin: machine.customer, position, nth });
        });
    }

    /// Lets the trigger machine do something, sends what it leaves and asks what it asks.
    pub(super) fn run<T>(&mut self, turn: &mut Turn<'_>, act: impl FnOnce(&mut Machine<'_>) -> T) -> T {
        let applying = score::population(&self.profile, turn.now);
        let mut machine = Machine {
            book: turn.book,
            customer: &self.id,
            profile: &mut self.profile,
            state: &mut self.triggers,
            now: turn.now,
            heard: turn.heard,
            applying,
            out: Output::default(),
        };
        let result = act(&mut machine);
        let applying = machine.applying;
        let Output { leaving, asks } = machine.out;
        if turn.book.rules.heads_apply {
            self.asking.keep(applying);
        }
        for body in leaving {
            self.send(body, turn);
        }
        self.ask(asks, turn);
        result
    }

    fn told_event(&mut self, event: &Event, turn: &mut Turn<'_>) {
        if let Some(user) = self.alias_of().cloned() {
            let policy = &turn.book.policy.profile;
            if self.profile.seen(event.message, turn.now) {
                turn.fx.tally.duplicate += 1;
                return;
            }
            self.profile.remember(event.message, turn.now, policy);
            self.count(event, turn);
            self.tell(user, Message::Forward(Box::new(Forward::Event(event.clone()))), turn);
            return;
        }
        let origin = self.id.clone();
        let source = Source { origin: &origin, position: turn.heard, nth: 0 };
        if self.fold(event, source, turn) == Standing::Duplicate {
            turn.fx.tally.duplicate += 1;
            return;
        }
        self.count(event, turn);
        if let Some(anonymous) = &event.anonymous {
            self.identify(anonymous, turn);
        }
    }

    fn count(&self, event: &Event, turn: &mut Turn<'_>) {
        let tally = &mut turn.fx.tally;
        tally.applied += 1;
        match event.timeliness {
            Timeliness::OnTime => {}
            Timeliness::Late => tally.late += 1,
            Timeliness::Clamped => tally.clamped += 1,
        }
    }

    /// Folds an event of this customer, runs the triggers on it and asks for the scores that it moved.
    pub(super) fn fold(&mut self, event: &Event, source: Source<'_>, turn: &mut Turn<'_>) -> Standing {
        let folded = self.profile.fold(event, turn.now, &turn.book.policy.profile);
        match folded.standing {
            Standing::Duplicate => return Standing::Duplicate,
            Standing::Applied | Standing::Late => {}
        }
        if folded.consent_changed {
            turn.fx.touch(Urgency::Urgent);
        }
        turn.fx.links.extend(folded.links.iter().copied());
        self.run(turn, |machine| machine.on_event(event, &folded, source));
        folded.standing
    }

    /// A record that was appended to another partition: taken once, however often it was relayed, and from here on as if it had been
    /// appended here.
    fn told_stray(&mut self, stray: &Stray, position: Position, turn: &mut Turn<'_>) {
        if turn.book.rules.strays_marked {
            match self.rare().marks.pass_stray(&stray.from) {
                Passage::New => {}
                Passage::Repeated | Passage::Full => {
                    turn.fx.tally.replayed += 1;
                    return;
                }
            }
        }
        let awaited = match &stray.told {
            Forward::Event(event) => {
                self.hear(position, turn);
                return self.told_event(event, turn);
            }
            Forward::Command(command) => {
                self.hear(position, turn);
                self.told_command(*command, turn);
                Awaited::Yes
            }
            Forward::Outcome(outcome) => self.told_outcome(outcome, turn),
            Forward::Talk(talk) => return self.told_talk(talk, turn),
        };
        match awaited {
            Awaited::Yes => turn.fx.tally.told += 1,
            Awaited::No => turn.fx.tally.unawaited += 1,
        }
    }

    pub(super) fn told_outcome(&mut self, outcome: &Outcome, turn: &mut Turn<'_>) -> Awaited {
        if let Some(user) = self.alias_of().cloned() {
            self.tell(user, Message::Forward(Box::new(Forward::Outcome(outcome.clone()))), turn);
            return Awaited::Yes;
        }
        self.run(turn, |machine| machine.on_outcome(outcome))
    }

    pub(super) fn told_command(&mut self, command: Command, turn: &mut Turn<'_>) {
        turn.fx.touch(Urgency::Urgent);
        if let Some(user) = self.alias_of().cloned() {
            self.tell(user, Message::Forward(Box::new(Forward::Command(command))), turn);
            return;
        }
        match command {
            Command::Erase => self.erase(turn),
            Command::Suppress => self.set_suppressed(true, turn),
            Command::Unsuppress => self.set_suppressed(false, turn),
        }
    }

    fn set_suppressed(&mut self, suppressed: bool, turn: &mut Turn<'_>) {
        self.profile.set_suppressed(suppressed);
        self.run(turn, |machine| machine.on_profile());
    }

    /// Puts a message to another row into the outbox.
    pub(super) fn tell(&mut self, to: CustomerId, message: Message, turn: &mut Turn<'_>) {
        let sender = Sender {
            customer: self.id.clone(),
            position: self.high_water.unwrap_or_default(),
            nth: turn.told,
        };
        turn.told = turn.told.saturating_add(1);
        let message = Box::new(super::identity::Relay { sender, message });
        self.send(Outgoing::Relay { to, message }, turn);
    }

    /// Puts an entry into the outbox.
    pub(super) fn send(&mut self, body: Outgoing, turn: &mut Turn<'_>) {
        let entry = self.outbox.push(turn.cause, body);
        turn.fx.outbox.push(entry.clone());
        turn.fx.touch(Urgency::Urgent);
    }
}
