//! Identity transitions: requests, snapshots, forwards and erases between rows.
//!
//! Each rule stands where it is needed and can be switched off there ([`super::rules::RowRules`]); a simulator shows what goes wrong
//! without it.

use super::apply::Turn;
use super::effects::Urgency;
use super::identity::{Alias, Erased, Forward, Message, Relay, Snapshot, is_blocked};
use super::marks::Passage;
use super::row::{Customer, Rare};
use crate::ids::{CustomerId, Position};
use crate::profile::Standing;
use crate::record::Sender;
use crate::rulebook::Rulebook;
use crate::trigger::machine::{Awaited, Source};

impl Customer {
    /// An event of this identified customer named an anonymous id: ask that row to become an alias, once.
    pub(super) fn identify(&mut self, anonymous: &CustomerId, turn: &mut Turn<'_>) {
        if self.id.is_anonymous() || !anonymous.is_anonymous() || is_blocked(anonymous) {
            return;
        }
        let number = self.high_water.unwrap_or_default();
        if !self.rare.as_ref().is_none_or(|rare| rare.identity.may_ask(anonymous)) {
            return;
        }
        self.rare().identity.requests.push((anonymous.clone(), number));
        self.tell(anonymous.clone(), Message::Request, turn);
    }

    /// A message of another row.
    pub(super) fn told_by_row(&mut self, relay: &Relay, position: Position, turn: &mut Turn<'_>) {
        match self.pass(relay, turn.book) {
            Passage::New => {}
            Passage::Repeated => {
                turn.fx.tally.replayed += 1;
                return;
            }
            Passage::Full => {
                turn.fx.tally.unawaited += 1;
                return;
            }
        }
        if !relay.message.is_outcome() {
            self.hear(position, turn);
        }
        let from = &relay.sender.customer;
        let awaited = match &relay.message {
            Message::Request => self.told_request(&relay.sender, turn),
            Message::Snapshot { request, snapshot } => self.told_snapshot(from, *request, snapshot, turn),
            Message::Refused { request } => self.told_refused(from, *request),
            Message::Forward(forward) => self.told_forward(&relay.sender, forward, turn),
            Message::Erase => self.told_erase(from, turn),
        };
        match awaited {
            Awaited::Yes => turn.fx.tally.told += 1,
            Awaited::No => turn.fx.tally.unawaited += 1,
        }
    }

    /// Notes the message in the sender's mark.
    fn pass(&mut self, relay: &Relay, book: &Rulebook) -> Passage {
        let rules = &book.rules;
        let marked = match relay.message {
            Message::Request | Message::Refused { .. } | Message::Erase => rules.commands_marked,
            Message::Snapshot { .. } | Message::Forward(_) => true,
        };
        if !marked {
            return Passage::New;
        }
        self.rare().marks.pass(&relay.sender, rules.marks)
    }

    /// A user asks this anonymous row to become its alias. The first one gets all there is, any other is told so.
    fn told_request(&mut self, sender: &Sender, turn: &mut Turn<'_>) -> Awaited {
        if !self.id.is_anonymous() || sender.customer.is_anonymous() {
            return Awaited::No;
        }
        match self.alias_of() {
            Some(user) if *user == sender.customer => return Awaited::No,
            Some(_) => {
                self.tell(sender.customer.clone(), Message::Refused { request: sender.position }, turn);
                return Awaited::Yes;
            }
            None => {}
        }
        let snapshot = Box::new(Snapshot { profile: self.profile.take(), triggers: self.triggers.take() });
        self.asking.forget();
        self.rescore = None;
        let rare = self.rare();
        rare.identity.alias = Some(Alias { user: sender.customer.clone(), request: sender.position });
        self.tell(sender.customer.clone(), Message::Snapshot { request: sender.position, snapshot }, turn);
        Awaited::Yes
    }

    /// A row that became an alias sends all it had. It is folded for the open request that it names, and for no other: an erase in
    /// between has closed that one.
    fn told_snapshot(
        &mut self,
        from: &CustomerId,
        request: Position,
        snapshot: &Snapshot,
        turn: &mut Turn<'_>,
    ) -> Awaited {
        let rules = &turn.book.rules;
        let open = self.rare().identity.request_to(from);
        let good = match rules.snapshot_names_request {
            true => open == Some(request),
            false => open.is_some() || !rules.unlisted_forward_dropped,
        };
        if !good {
            return Awaited::No;
        }
        let identity = &mut self.rare().identity;
        identity.close_request(from);
        if !identity.merged.contains(from) {
            identity.merged.push(from.clone());
        }
        self.run(turn, |machine| machine.merge(snapshot.triggers.clone(), snapshot.profile.clone()));
        // It may bring a consent withdrawn, or a suppression.
        turn.fx.touch(Urgency::Urgent);
        Awaited::Yes
    }

    /// The asked row is another user's alias.
    fn told_refused(&mut self, from: &CustomerId, request: Position) -> Awaited {
        let identity = &mut self.rare().identity;
        if identity.request_to(from) != Some(request) {
            return Awaited::No;
        }
        identity.close_request(from);
        identity.refused.push(from.clone());
        Awaited::Yes
    }

    /// An alias passes on what it was told.
    fn told_forward(&mut self, sender: &Sender, forward: &Forward, turn: &mut Turn<'_>) -> Awaited {
        if turn.book.rules.unlisted_forward_dropped && !self.merged().contains(&sender.customer) {
            return Awaited::No;
        }
        match forward {
            Forward::Event(event) => {
                let mut event = event.clone();
                event.customer = self.id.clone();
                let source = Source { origin: &sender.customer, position: sender.position, nth: 0 };
                match self.fold(&event, source, turn) {
                    Standing::Applied | Standing::Late => {}
                    Standing::Duplicate => turn.fx.tally.duplicate += 1,
                }
            }
            Forward::Outcome(outcome) => return self.told_outcome(outcome, turn),
            Forward::Command(command) => self.told_command(*command, turn),
            // A thread stays with its row: no alias passes it on.
            Forward::Talk(_) => return Awaited::No,
        }
        Awaited::Yes
    }

    /// The user of this alias was erased: forget everything, and be nobody's alias any more.
    fn told_erase(&mut self, from: &CustomerId, turn: &mut Turn<'_>) -> Awaited {
        if self.alias_of() != Some(from) {
            return Awaited::No;
        }
        self.forget(turn);
        Awaited::Yes
    }

    /// Forgets the customer and tells the aliases to do the same: those that were merged, and those that were asked.
    pub(super) fn erase(&mut self, turn: &mut Turn<'_>) {
        let rules = &turn.book.rules;
        let mut aliases = Vec::new();
        if let Some(rare) = self.rare.as_mut().filter(|_| rules.erase_reaches_aliases) {
            aliases.append(&mut rare.identity.merged);
            if rules.erase_includes_pending {
                aliases.extend(rare.identity.requests.drain(..).map(|(asked, _)| asked));
            }
        }
        self.forget(turn);
        for alias in aliases {
            self.tell(alias, Message::Erase, turn);
        }
    }

    /// Leaves of the row its marks, its counters, what keeps two rows in agreement, and that nothing may be sent: who asked for that
    /// and is heard of again has not taken it back.
    fn forget(&mut self, turn: &mut Turn<'_>) {
        let suppressed = self.profile.suppressed();
        self.profile.erase();
        self.profile.set_suppressed(suppressed);
        self.triggers.take();
        self.asking.forget();
        self.rescore = None;
        turn.fx.withdrawn.extend(self.outbox.erase());
        self.forget_thread(turn);
        turn.fx.touch(Urgency::Urgent);
        let at = turn.now;
        let rare = self.rare();
        let marks = std::mem::take(&mut rare.marks);
        *rare = Rare { marks, erased: Some(Erased { at }), ..Rare::default() };
    }

    /// Where erased rows are not kept, a row that has nothing left to say is gone, marks and all.
    pub(super) fn lose_tombstone(&mut self, book: &Rulebook) {
        if !book.rules.erased_row_kept && self.is_tombstone() && self.outbox().is_empty() {
            *self = Customer::new(self.id.clone());
        }
    }
}
