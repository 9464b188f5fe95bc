//! Questions and answers: asked when a proposal reads a score, answered at once or behind later events.

use super::*;

impl Model<'_> {
    /// Returns how many questions were ever asked.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Answers the questions up to this one, in the order of their heads' first.
    pub fn answer(&mut self, up_to: u32) {
        while let Some(place) = self.asks.iter().position(|ask| ask.attempt <= up_to) {
            let ask = self.asks.remove(place);
            self.told_score(ask);
        }
    }

    pub(super) fn answer_at_once(&mut self) {
        match self.scores.come {
            Come::AtOnce => self.answer(u32::MAX),
            Come::Later => {}
        }
    }

    pub(super) fn told_score(&mut self, Ask { head, at, attempt, record }: Ask) {
        let value = self.scores.value(head, at);
        self.known.retain(|(known, ..)| *known != head);
        self.known.push((head, value, at));
        let mut proposed = Vec::new();
        for crossing in self.crossings.clone().into_iter().filter(|crossing| crossing.head == head) {
            let set = self.latches.contains(&crossing);
            if set && value < crossing.rearms_below {
                self.latches.retain(|latch| *latch != crossing);
            } else if !set && value > crossing.rises_above {
                self.latches.push(crossing);
                for place in 0..self.triggers.len() {
                    if self.triggers[place].entry == Entry::Crossing(crossing) {
                        let key = self.standing_key(place);
                        self.enter(place, key, (record, attempt as u16), None, &mut proposed);
                    }
                }
            }
        }
        let now_heard = std::mem::replace(&mut self.record, record);
        self.cross(|condition| condition.heads().contains(head), &mut proposed);
        self.record = now_heard;
        for open in &mut self.open {
            open.awaits = open.awaits.without(Heads::of(&[head]));
        }
        self.settle(proposed, Heads::NONE);
    }

    pub(super) fn standing_key(&self, place: usize) -> Option<SmolStr> {
        match self.triggers[place].key {
            Key::Customer => Some(SmolStr::default()),
            Key::Cart => self.carts.current(),
            Key::Order | Key::Property(_) => None,
        }
    }

    /// Asks for these scores.
    pub(super) fn ask(&mut self, heads: Heads) {
        for head in heads.iter() {
            self.attempts += 1;
            let ask = Ask { head, at: self.clock, attempt: self.attempts, record: self.record };
            self.asks.retain(|open| open.head != head);
            self.asks.push(ask);
        }
    }

    /// Holds what is paused, asks for what is read and not fresh, and decides what waits for nothing.
    pub(super) fn settle(&mut self, mut proposed: Vec<Open>, moved: Heads) {
        let waited = self.take(|open, _| open.awaits.is_empty() && open.look == WAITED);
        let clock = self.clock;
        for mut open in proposed.extract_if(.., |open| self.modes[open.trigger] == Mode::Paused) {
            open.look = clock + PAUSE_LOOK;
            self.open.push(open);
        }
        let mut needed = Heads::NONE;
        for head in proposed.iter().flat_map(|open| self.triggers[open.trigger].when.heads().iter()) {
            let fresh = self.known.iter().any(|(known, _, at)| *known == head && *at == clock);
            if self.applies(head) && (moved.contains(head) || !fresh) {
                needed = needed.union(Heads::of(&[head]));
            }
        }
        let mut decided = waited;
        for mut open in proposed {
            if needed.is_empty() {
                decided.push(open);
            } else {
                (open.awaits, open.look) = (needed, WAITED);
                self.open.push(open);
            }
        }
        self.arbitrate(decided);
        self.ask(moved.union(needed));
    }
}
