//! What a row does about its thread: each kind of record that concerns it, the end of a burst, and the answer that is taken or not.

use smol_str::SmolStr;

use super::{Burst, OPENED_MAX, Open, RECENT_MAX, RECENT_TEXT_MAX, TRIES_MAX, Thread, cut, keep};
use crate::conversation::words::{self, Language};
use crate::conversation::{
    Act, Answered, Change, Context, Made, Opened, Owner, Ownership, Question, QuestionId, Rung, Said,
    Speaker, Spoken, TEXT_MAX, Talk, Turn, TurnId,
};
use crate::customer::apply::Turn as Step;
use crate::customer::effects::Urgency;
use crate::customer::outbox::Outgoing;
use crate::customer::row::Customer;
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// What a new turn says, beside what the thread knows.
struct Words {
    speaker: Speaker,
    act: Act,
    made: Made,
    by: SmolStr,
    text: String,
    lang: SmolStr,
}

impl Customer {
    /// Returns the customer's thread, if anything was ever said.
    pub fn thread(&self) -> Option<&Thread> {
        self.thread.as_deref()
    }

    /// Returns the question that waits for its answer, with what whoever answers may know.
    pub fn question(&self) -> Option<Question> {
        let thread = self.thread()?;
        let open = thread.question?;
        let name = ["first_name", "firstName", "given_name"].into_iter().find_map(|name| {
            match self.profile.traits().get(name) {
                Some(Value::Text(name)) if !name.is_empty() => Some(name.clone()),
                Some(_) | None => None,
            }
        });
        Some(Question {
            customer: self.id.clone(),
            id: open.id,
            at: open.at,
            turns: thread.recent.clone(),
            lang: thread.lang.clone(),
            name: name.filter(|_| thread.proved),
        })
    }

    /// Something was said in the thread, or about it.
    pub(in crate::customer) fn told_talk(&mut self, talk: &Talk, step: &mut Step<'_>) {
        match talk {
            Talk::Said(said) => self.told_said(said, step),
            Talk::Spoken(spoken) => self.told_spoken(spoken, step),
            Talk::Ownership(ownership) => self.told_ownership(ownership, step),
            Talk::Opened(opened) => self.told_opened(opened, step),
            Talk::Seen(seen) => {
                if let Some(thread) = &mut self.thread {
                    thread.seen = seen.number.saturating_add(1).clamp(thread.seen, thread.turns);
                }
            }
            Talk::Answered(answered) => self.told_answered(answered, step),
        }
    }

    fn told_said(&mut self, said: &Said, step: &mut Step<'_>) {
        let thread = self.thread.get_or_insert_default();
        if !thread.hear("said", &said.message) {
            step.fx.tally.talk.repeated += 1;
            return;
        }
        if !thread.count(step.now) {
            step.fx.tally.talk.refused += 1;
            return;
        }
        let language = Language::of(&said.text, &said.lang);
        thread.lang = if said.lang.is_empty() { language.tag().into() } else { said.lang.clone() };
        if Language::of_tag(&thread.lang) != Some(language) && language == Language::Chinese {
            // Who writes Chinese on an English page reads Chinese.
            thread.lang = language.tag().into();
        }
        thread.proved = said.proved;
        let first = thread.burst.map(|burst| burst.first);
        step.fx.tally.talk.coalesced += u32::from(first.is_some());
        thread.close(&mut step.fx.tally.talk);
        if thread.owner == Owner::Bot && step.book.policy.conversation.answered_within.is_some() {
            thread.burst = Some(Burst { first: first.unwrap_or(step.now), last: step.now });
        }
        let words = Words {
            speaker: Speaker::Customer,
            act: Act::Said,
            made: Made::Person,
            by: SmolStr::default(),
            text: said.text.clone(),
            lang: thread.lang.clone(),
        };
        let mut turn = self.turn(words, step);
        turn.message = said.message.clone();
        self.add_turn(turn, step);
    }

    fn told_spoken(&mut self, spoken: &Spoken, step: &mut Step<'_>) {
        let thread = self.thread.get_or_insert_default();
        if !thread.hear("spoken", &spoken.message) {
            step.fx.tally.talk.repeated += 1;
            return;
        }
        let words = Words {
            speaker: Speaker::Agent,
            act: Act::Said,
            made: Made::Person,
            by: spoken.agent.clone(),
            text: spoken.text.clone(),
            lang: SmolStr::default(),
        };
        let mut turn = self.turn(words, step);
        turn.message = spoken.message.clone();
        self.add_turn(turn, step);
    }

    /// The thread changes hands: the epoch rises, what runs is cancelled, and the customer reads who answers from here on. That is a
    /// turn, so that a page which has read it drops what the bot was writing.
    fn told_ownership(&mut self, ownership: &Ownership, step: &mut Step<'_>) {
        let thread = self.thread.get_or_insert_default();
        let language = thread.language();
        let (owner, act, text) = match ownership.change {
            Change::TakeOver => (Owner::Human, Act::TookOver, words::took_over(language, &ownership.agent)),
            Change::HandBack => (Owner::Bot, Act::HandedBack, words::handed_back(language).to_owned()),
        };
        if thread.owner == owner {
            step.fx.tally.talk.repeated += 1;
            return;
        }
        thread.close(&mut step.fx.tally.talk);
        thread.owner = owner;
        thread.epoch = thread.epoch.saturating_add(1);
        thread.wanted = None;
        match owner {
            Owner::Human => thread.agent = ownership.agent.clone(),
            Owner::Bot => {
                thread.agent = SmolStr::default();
                let is_waiting = thread.recent.last().is_some_and(|turn| turn.speaker == Speaker::Customer);
                if is_waiting && step.book.policy.conversation.answered_within.is_some() {
                    thread.burst = Some(Burst { first: step.now, last: step.now });
                }
            }
        }
        let words = Words {
            speaker: Speaker::Agent,
            act,
            made: Made::Template,
            by: ownership.agent.clone(),
            text,
            lang: language.tag().into(),
        };
        let turn = self.turn(words, step);
        self.add_turn(turn, step);
    }

    /// An outreach opens, once; not for whom nothing proactive may be sent to any more.
    fn told_opened(&mut self, opened: &Opened, step: &mut Step<'_>) {
        if self.profile.suppressed() {
            step.fx.tally.talk.refused += 1;
            return;
        }
        let thread = self.thread.get_or_insert_default();
        if thread.opened.contains(&opened.outreach) {
            step.fx.tally.talk.repeated += 1;
            return;
        }
        keep(&mut thread.opened, opened.outreach, OPENED_MAX);
        let words = Words {
            speaker: Speaker::Outreach,
            act: Act::Said,
            made: opened.made,
            by: opened.trigger.clone(),
            text: opened.text.clone(),
            lang: opened.lang.clone(),
        };
        let mut turn = self.turn(words, step);
        turn.outreach = Some(opened.outreach);
        turn.facts = opened.facts.clone();
        self.add_turn(turn, step);
    }

    /// The pool's answer: taken for the question that is open, and for no other.
    fn told_answered(&mut self, answered: &Answered, step: &mut Step<'_>) {
        let id = QuestionId { attempt: answered.attempt, epoch: answered.epoch };
        let awaited_only = step.book.rules.talk_answers_awaited;
        let taken = self.thread.as_mut().filter(|thread| thread.question() == Some(id) || !awaited_only);
        let Some(thread) = taken else {
            step.fx.tally.talk.stale += 1;
            return;
        };
        thread.question = None;
        self.answer_in_thread(answered, step);
    }

    fn answer_in_thread(&mut self, answered: &Answered, step: &mut Step<'_>) {
        let thread = self.thread.get_or_insert_default();
        let language = thread.language();
        if answered.rung == Rung::HandOff {
            thread.wanted = thread.wanted.or(Some(step.now));
        }
        let mut text = String::new();
        if !std::mem::replace(&mut thread.introduced, true) {
            text.push_str(words::introduction(language));
            text.push_str("\n\n");
        }
        match answered.text.trim() {
            "" => text.push_str(words::hand_off(language)),
            said => text.push_str(said),
        }
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        let words = Words {
            speaker: Speaker::Bot,
            act: Act::Said,
            made: Made::Ai,
            by: answered.backend.clone(),
            text,
            lang: thread.lang.clone(),
        };
        let mut turn = self.turn(words, step);
        turn.sources = answered.sources.clone();
        turn.rung = Some(answered.rung);
        self.add_turn(turn, step);
    }

    /// Asks for an answer when the burst is over, and again when none came.
    pub(in crate::customer) fn thread_on_time(&mut self, due: Timestamp, step: &mut Step<'_>) {
        let Some(thread) = &mut self.thread else { return };
        if thread.burst.take_if(|burst| burst.due() <= due).is_some() {
            match thread.asks_for_person() {
                true => return self.hand_off(words::called, step),
                false => return self.ask_for_answer(1, step),
            }
        }
        let Some(open) = thread.question.take_if(|open| open.again <= due) else { return };
        if open.tries < TRIES_MAX {
            return self.ask_for_answer(open.tries + 1, step);
        }
        self.hand_off(words::hand_off, step);
    }

    /// The row answers by itself that a person is asked for.
    fn hand_off(&mut self, said: fn(Language) -> &'static str, step: &mut Step<'_>) {
        let thread = self.thread.get_or_insert_default();
        let answered = Answered {
            attempt: thread.attempts,
            epoch: thread.epoch,
            text: said(thread.language()).to_owned(),
            sources: Vec::new(),
            rung: Rung::HandOff,
            backend: SmolStr::default(),
        };
        self.answer_in_thread(&answered, step);
    }

    fn ask_for_answer(&mut self, tries: u8, step: &mut Step<'_>) {
        let Some(within) = step.book.policy.conversation.answered_within else { return };
        let thread = self.thread.get_or_insert_default();
        thread.attempts = thread.attempts.saturating_add(1);
        let id = QuestionId { attempt: thread.attempts, epoch: thread.epoch };
        thread.question = Some(Open { id, at: step.now, again: step.now + within, tries });
        step.fx.tally.talk.asked += 1;
        step.fx.touch(Urgency::Urgent);
    }

    /// Returns the next turn of the thread.
    fn turn(&mut self, words: Words, step: &Step<'_>) -> Turn {
        let position = self.high_water.unwrap_or_default();
        let thread = self.thread.get_or_insert_default();
        let number = thread.turns;
        let Words { speaker, act, made, by, text, lang } = words;
        Turn {
            id: TurnId::of(&self.id, position, number),
            customer: self.id.clone(),
            number,
            at: step.now,
            speaker,
            act,
            made,
            by,
            text,
            lang,
            sources: Vec::new(),
            rung: None,
            epoch: thread.epoch,
            attempt: thread.attempts,
            message: SmolStr::default(),
            outreach: None,
            facts: Properties::default(),
        }
    }

    /// Adds a turn to the thread, and has it told.
    fn add_turn(&mut self, turn: Turn, step: &mut Step<'_>) {
        let thread = self.thread.get_or_insert_default();
        thread.turns = thread.turns.saturating_add(1);
        let tally = &mut step.fx.tally.talk;
        match (turn.speaker, turn.act) {
            (Speaker::Customer, _) => tally.said += 1,
            (Speaker::Bot, _) => tally.answered += 1,
            (Speaker::Agent, Act::Said) => tally.spoken += 1,
            (Speaker::Agent, Act::TookOver | Act::HandedBack) => tally.changed += 1,
            (Speaker::Outreach, _) => tally.opened += 1,
        }
        if turn.act == Act::Said {
            let text = cut(&turn.text, RECENT_TEXT_MAX).to_owned();
            keep(&mut thread.recent, Context { speaker: turn.speaker, text }, RECENT_MAX);
        }
        self.send(Outgoing::Turn(Box::new(turn)), step);
    }

    /// Forgets what was said, here and in the store.
    pub(in crate::customer) fn forget_thread(&mut self, step: &mut Step<'_>) {
        let Some(thread) = &mut self.thread else { return };
        **thread = thread.forgotten();
        let below = thread.turns;
        if below > 0 {
            self.send(Outgoing::Forgotten { below, at: step.now }, step);
        }
    }
}
