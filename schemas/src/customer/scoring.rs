//! Questions to the predictor: noted in the row, answered once, superseded by a newer one of the same head, dropped when the head
//! applies no more. When heads are asked by their schedule is derived from the profile; the row keeps the next of these instants alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::apply::Turn;
use super::effects::Urgency;
use super::row::Customer;
use crate::feature;
use crate::ids::Position;
use crate::profile::Heads;
use crate::rulebook::Rulebook;
use crate::score::{self, Answer, Ask, AskId, Head, Score};
use crate::time::Timestamp;

/// The questions of a row that wait for an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Asking {
    /// In the order in which they were asked, at most one per head; with a newer question goes whoever waits for the head.
    asks: Vec<Ask>,
    /// Who asked each of them.
    askers: Vec<Asker>,
    /// Questions ever asked.
    attempts: u32,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asker {
    /// What holds the question: the record that asked, or `None` when a timer did.
    pub(super) cause: Option<Position>,
    /// The row's last event or message then: it names what the answer opens.
    pub(super) heard: Position,
}

impl Asking {
    pub(super) fn from_parts(asks: Vec<Ask>, askers: Vec<Asker>, attempts: u32) -> Self {
        Self { asks, askers, attempts }
    }

    /// Returns true when every question has its asker; only damaged bytes make it false.
    pub(super) fn is_whole(&self) -> bool {
        self.asks.len() == self.askers.len()
    }

    pub(super) fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// Forgets the open questions; their numbers are not used again.
    pub(super) fn forget(&mut self) {
        self.asks = Vec::new();
        self.askers = Vec::new();
    }

    pub(super) fn weight(&self) -> usize {
        let features: usize = self.asks.iter().map(|ask| size_of_val(&*ask.features)).sum();
        self.asks.capacity() * size_of::<Ask>() + self.askers.capacity() * size_of::<Asker>() + features
    }

    /// Drops the questions about all other heads: whoever waited for them waits no more, and their answers come to nobody.
    pub(super) fn keep(&mut self, heads: Heads) {
        if self.asks.iter().all(|ask| heads.contains(ask.head)) {
            return;
        }
        let stays: Vec<bool> = self.asks.iter().map(|ask| heads.contains(ask.head)).collect();
        let (mut of_asks, mut of_askers) = (stays.iter(), stays.iter());
        self.asks.retain(|_| of_asks.next() == Some(&true));
        self.askers.retain(|_| of_askers.next() == Some(&true));
        if self.asks.is_empty() {
            self.forget();
        }
    }

    fn note(&mut self, ask: Ask, asker: Asker) {
        if let Some(place) = self.asks.iter().position(|open| open.head == ask.head) {
            self.asks.remove(place);
            self.askers.remove(place);
        }
        self.asks.push(ask);
        self.askers.push(asker);
    }

    /// Takes the open question out that this answers, with who asked.
    fn settle(&mut self, answer: &Answer, awaited_only: bool) -> Option<(Ask, Asker)> {
        let answers = |ask: &Ask| ask.head == answer.head && (ask.id == answer.id || !awaited_only);
        let place = self.asks.iter().position(answers)?;
        let settled = (self.asks.remove(place), self.askers.remove(place));
        if self.asks.is_empty() {
            self.forget();
        }
        Some(settled)
    }
}

impl Customer {
    /// Takes a score, if the row waits for this one; a late or repeated answer changes nothing.
    pub fn answer(&mut self, book: &Rulebook, answer: &Answer, fx: &mut super::Effects) {
        let Some((ask, asker)) = self.asking.settle(answer, book.rules.answers_awaited) else {
            fx.tally.unawaited += 1;
            return;
        };
        fx.touch(Urgency::Quiet);
        if !book.rules.heads_apply || score::applies(answer.head, &self.profile, self.clock) {
            self.profile.set_score(answer.head, Score { at: ask.at, ..answer.score.clone() });
        }
        // Never back in time: a record may have been applied since the row asked.
        self.clock = self.clock.max(ask.at);
        let mut turn = Turn::new(book, fx, asker.cause, self);
        turn.heard = asker.heard;
        self.run(&mut turn, |machine| machine.on_score(answer.head, ask.id.attempt));
    }

    /// Returns when a head in force is asked next, if nothing else happens; `None` when only an event or a trigger asks it.
    pub fn next_asked(&self, head: Head, book: &Rulebook) -> Option<Timestamp> {
        let in_force = book.heads_in_force().contains(head);
        let is_now = || self.is_to_look() && score::is_due(head, &self.id, &self.profile, self.clock);
        let next = || match is_now() {
            true => Some(self.clock),
            false => score::next_due(head, &self.id, &self.profile, self.clock),
        };
        in_force.then(next)?
    }

    /// Notes when heads are to be looked at next, after a record: what happens at an instant comes before the look that is due then. A
    /// record that is told late, an outcome above all, moves no clock: for the heads that applied at that instant before it, `looked_at`,
    /// the look is still to come or was taken, and is not taken twice.
    pub(super) fn set_rescore_after_record(&mut self, looked_at: Heads, book: &Rulebook) {
        let is_due = |head| score::is_due(head, &self.id, &self.profile, self.clock);
        if book.rules.heads_timed && book.heads_in_force().without(looked_at).iter().any(is_due) {
            self.rescore = Some(self.clock);
        }
        self.set_rescore(book);
    }

    /// Notes when heads are to be looked at next, unless a look is due that was not taken.
    pub(super) fn set_rescore(&mut self, book: &Rulebook) {
        if self.is_to_look() {
            return;
        }
        let (now, profile) = (self.clock, &self.profile);
        let looks = book.heads_in_force().iter().flat_map(|head| {
            [score::next_due(head, &self.id, profile, now), score::changes(head, profile, now)]
        });
        self.rescore = looks.flatten().min().filter(|_| book.rules.heads_timed);
    }

    /// Takes the look at heads that is due, if one is, and returns the heads whose schedule it is.
    pub(super) fn take_rescore(&mut self, due: Timestamp, book: &Rulebook) -> Heads {
        if self.rescore.take_if(|at| *at <= due).is_none() {
            return Heads::NONE;
        }
        let is_due = |head: &Head| score::is_due(*head, &self.id, &self.profile, due);
        book.heads_in_force().iter().filter(is_due).collect()
    }

    fn is_to_look(&self) -> bool {
        self.rescore.is_some_and(|due| due <= self.clock)
    }

    /// Asks for the score of every head in `heads`, as of now.
    pub(super) fn ask(&mut self, heads: Heads, turn: &mut Turn<'_>) {
        if heads.is_empty() {
            return;
        }
        let features = feature::extract(&self.profile, turn.now);
        for head in heads.iter() {
            self.ask_one(head, Arc::clone(&features), turn);
        }
    }

    fn ask_one(&mut self, head: Head, features: Arc<[f32]>, turn: &mut Turn<'_>) {
        self.asking.attempts = self.asking.attempts.wrapping_add(1);
        let id = AskId { position: self.high_water.unwrap_or_default(), attempt: self.asking.attempts };
        let ask = Ask { id, head, at: turn.now, features };
        turn.fx.asks.push(ask.clone());
        self.asking.note(ask, Asker { cause: turn.cause, heard: turn.heard });
    }
}
