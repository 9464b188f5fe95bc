//! Questions to the predictor: noted in the row, answered once, superseded by a newer one of the same head.

use serde::{Deserialize, Serialize};

use super::apply::Turn;
use super::effects::Urgency;
use super::row::Customer;
use crate::feature;
use crate::ids::Position;
use crate::profile::Heads;
use crate::rulebook::Rulebook;
use crate::score::{Answer, Ask, AskId, Head};

/// The questions of a row that wait for an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Asking {
    /// At most one per head; a newer question takes the place of an older one, and with it whoever waits for the head.
    asks: Vec<Ask>,
    /// What holds each of them: the record that asked, or `None` when a timer did.
    causes: Vec<Option<Position>>,
    /// Questions ever asked.
    attempts: u32,
}

impl Asking {
    pub(super) fn from_parts(asks: Vec<Ask>, causes: Vec<Option<Position>>, attempts: u32) -> Self {
        Self { asks, causes, attempts }
    }

    pub(super) fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// Forgets the open questions; their numbers are not used again.
    pub(super) fn forget(&mut self) {
        self.asks = Vec::new();
        self.causes = Vec::new();
    }

    pub(super) fn weight(&self) -> usize {
        let features: usize = self.asks.iter().map(|ask| ask.features.capacity() * size_of::<f32>()).sum();
        self.asks.capacity() * size_of::<Ask>()
            + self.causes.capacity() * size_of::<Option<Position>>()
            + features
    }

    fn note(&mut self, ask: Ask, cause: Option<Position>) {
        match self.asks.iter().position(|open| open.head == ask.head) {
            Some(place) => {
                self.asks[place] = ask;
                self.causes[place] = cause;
            }
            None => {
                self.asks.push(ask);
                self.causes.push(cause);
            }
        }
    }

    /// Takes the open question out that this answers, with what holds it.
    fn settle(&mut self, answer: &Answer, awaited_only: bool) -> Option<(Ask, Option<Position>)> {
        let answers = |ask: &Ask| ask.head == answer.head && (ask.id == answer.id || !awaited_only);
        let place = self.asks.iter().position(answers)?;
        Some((self.asks.remove(place), self.causes.remove(place)))
    }
}

impl Customer {
    /// Takes a score, if the row waits for this one; a late or repeated answer changes nothing.
    pub fn answer(&mut self, book: &Rulebook, answer: &Answer, fx: &mut super::Effects) {
        let Some((ask, cause)) = self.asking.settle(answer, book.rules.answers_awaited) else {
            fx.tally.unawaited += 1;
            return;
        };
        fx.touch(Urgency::Quiet);
        self.profile.set_score(answer.head, answer.score.clone());
        // Never back in time: a record may have been applied since the row asked.
        self.clock = self.clock.max(ask.at);
        let mut turn = Turn::new(book, fx, cause, self.clock);
        let _ = &mut turn;
    }

    /// Asks for the score of every head in `heads`, as of now.
    pub(super) fn ask(&mut self, heads: Heads, turn: &mut Turn<'_>) {
        if heads.is_empty() {
            return;
        }
        let features = feature::extract(&self.profile, turn.now);
        for head in heads.iter() {
            self.ask_one(head, features.clone(), turn);
        }
    }

    fn ask_one(&mut self, head: Head, features: Vec<f32>, turn: &mut Turn<'_>) {
        self.asking.attempts = self.asking.attempts.wrapping_add(1);
        let id = AskId { position: self.high_water.unwrap_or_default(), attempt: self.asking.attempts };
        let ask = Ask { id, head, at: turn.now, features };
        turn.fx.asks.push(ask.clone());
        self.asking.note(ask, turn.cause);
    }
}
