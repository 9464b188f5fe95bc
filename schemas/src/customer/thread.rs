//! The thread of a customer: what is said is numbered here, an answer is asked for here, and here alone it is taken.
//!
//! Messages in quick succession are one burst: the row asks for one answer [`QUIET`] after the last of them, [`BURST_MAX`] after the
//! first at the latest, by log time. The question is noted in the row and named by attempt and ownership epoch; its answer is a record
//! like any other, and is taken only while that question is open. A newer message closes the question, and so does a change of hands.
//! Hence what a thread consists of depends on the log alone, and no word of the bot stands behind a take-over.
//!
//! A thread stays with its row: an alias keeps its own. Who opens a page of the anonymous shopper reads what was said there, and
//! nothing of the identified customer that the shopper is merged into.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use super::apply::Turn as Step;
use super::effects::{TalkTally, Urgency};
use super::outbox::Outgoing;
use super::row::Customer;
use crate::conversation::words::{self, Language};
use crate::conversation::{
    Act, Answered, Change, Context, Made, Opened, Owner, Ownership, Question, QuestionId, Rung, Said,
    Speaker, Spoken, TEXT_MAX, Talk, Turn, TurnId,
};
use crate::ids::OutreachId;
use crate::time::{Span, Timestamp};
use crate::value::{Properties, Value};

/// Silence after which a burst of messages is answered.
pub const QUIET: Span = Span(1_200);
/// Longest burst.
pub const BURST_MAX: Span = Span(6_000);
/// Times that an answer is asked for before the row says that a person has to answer.
pub const TRIES_MAX: u8 = 3;
/// Messages of the customer within [`RATE`]; further ones are not taken.
pub const RATE_MAX: u16 = 30;
/// What messages are counted in.
pub const RATE: Span = Span(60_000);

/// Turns that the row keeps for the next question; the store has all.
const RECENT_MAX: usize = 8;
/// Of each of them so much. Units: bytes.
const RECENT_TEXT_MAX: usize = 1_024;
/// Ids of messages that are known again.
const HEARD_MAX: usize = 64;
/// Outreach that is known again.
const OPENED_MAX: usize = 16;

/// A customer's thread, as far as the row keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Turns ever made: the number of the next.
    turns: u32,
    /// Questions ever asked.
    attempts: u32,
    /// Changes of hands so far.
    epoch: u32,
    owner: Owner,
    /// Whose hands, while it is a person's.
    agent: SmolStr,
    /// Turns that the customer has seen: the number of the first that it has not.
    seen: u32,
    /// Whether the bot has said what it is.
    introduced: bool,
    /// Whether the shop proved who wrote the last message.
    proved: bool,
    /// Language of the last message.
    lang: SmolStr,
    /// Since when a person is asked for.
    wanted: Option<Timestamp>,
    /// The last turns, oldest first.
    recent: Vec<Context>,
    /// Hashes of the last message ids, oldest first.
    heard: Vec<u64>,
    /// The last outreach, oldest first.
    opened: Vec<OutreachId>,
    burst: Option<Burst>,
    question: Option<Open>,
    rate: Rate,
}

/// Messages that are answered together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Burst {
    first: Timestamp,
    last: Timestamp,
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    id: QuestionId,
    at: Timestamp,
    /// When it is asked again.
    again: Timestamp,
    /// How often it was asked.
    tries: u8,
}

/// Messages since an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Rate {
    since: Timestamp,
    count: u16,
}

/// What a new turn says, beside what the thread knows.
struct Words {
    speaker: Speaker,
    act: Act,
    made: Made,
    by: SmolStr,
    text: String,
    lang: SmolStr,
}

impl Burst {
    fn due(self) -> Timestamp {
        (self.last + QUIET).min(self.first + BURST_MAX)
    }
}

impl Thread {
    /// Returns who answers the customer.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Returns the name of the agent whose hands the thread is in; empty while it is the bot's.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// Returns the ownership epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns how many turns were ever made: the number of the next.
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// Returns the number of the first turn that the customer has not seen.
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// Returns since when a person is asked for, if one is.
    pub fn wanted(&self) -> Option<Timestamp> {
        self.wanted
    }

    /// Returns the last turns, oldest first; long ones are cut.
    pub fn recent(&self) -> &[Context] {
        &self.recent
    }

    /// Returns the question that waits for its answer.
    pub fn question(&self) -> Option<QuestionId> {
        self.question.map(|open| open.id)
    }

    /// Returns true when nothing was said since the customer was erased.
    pub(super) fn is_blank(&self) -> bool {
        self.recent.is_empty() && self.opened.is_empty() && self.question.is_none() && self.burst.is_none()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let burst = self.burst.map(Burst::due);
        [burst, self.question.map(|open| open.again)].into_iter().flatten().min()
    }

    pub(super) fn weight(&self) -> usize {
        let texts: usize = self.recent.iter().map(|turn| turn.text.capacity()).sum();
        size_of::<Self>()
            + texts
            + self.recent.capacity() * size_of::<Context>()
            + self.heard.capacity() * size_of::<u64>()
            + self.opened.capacity() * size_of::<OutreachId>()
    }

    /// Returns what an erase leaves: counters, so that no number, attempt or epoch is ever used twice.
    pub(super) fn forgotten(&self) -> Self {
        let Thread { turns, attempts, epoch, .. } = *self;
        // The bot's again, which is a change where it was a person's.
        let epoch = epoch.saturating_add(u32::from(self.owner == Owner::Human));
        Self { turns, attempts, epoch, seen: turns, ..Self::default() }
    }

    /// Notes a message id and tells whether it is new.
    fn hear(&mut self, kind: &str, message: &str) -> bool {
        let hash = xxh3_64(format!("{kind} {message}").as_bytes());
        let is_new = !self.heard.contains(&hash);
        if is_new {
            keep(&mut self.heard, hash, HEARD_MAX);
        }
        is_new
    }

    /// Counts a message of the customer and tells whether it is within the bound.
    fn count(&mut self, now: Timestamp) -> bool {
        if now >= self.rate.since + RATE {
            self.rate = Rate { since: now, count: 0 };
        }
        self.rate.count = self.rate.count.saturating_add(1);
        self.rate.count <= RATE_MAX
    }

    /// Closes the question that is open: whatever is answered to it is not taken any more.
    fn close(&mut self, tally: &mut TalkTally) {
        self.burst = None;
        tally.cancelled += u32::from(self.question.take().is_some());
    }

    fn language(&self) -> Language {
        Language::of_tag(&self.lang).unwrap_or(Language::English)
    }
}

/// Appends to a list that is kept short.
fn keep<T>(list: &mut Vec<T>, one: T, max: usize) {
    if list.len() >= max {
        list.remove(0);
    }
    list.push(one);
}

/// Returns the text up to so many bytes.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
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
    pub(super) fn told_talk(&mut self, talk: &Talk, step: &mut Step<'_>) {
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
        thread.lang = if said.lang.is_empty() { language.tag() } else { said.lang.clone() };
        if Language::of_tag(&thread.lang) != Some(language) && language == Language::Chinese {
            // Who writes Chinese on an English page reads Chinese.
            thread.lang = language.tag();
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
            lang: language.tag(),
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
    pub(super) fn thread_on_time(&mut self, due: Timestamp, step: &mut Step<'_>) {
        let Some(thread) = &mut self.thread else { return };
        if thread.burst.take_if(|burst| burst.due() <= due).is_some() {
            return self.ask_for_answer(1, step);
        }
        let Some(open) = thread.question.take_if(|open| open.again <= due) else { return };
        if open.tries < TRIES_MAX {
            return self.ask_for_answer(open.tries + 1, step);
        }
        let (QuestionId { attempt, epoch }, text) = (open.id, String::new());
        let answered = Answered {
            attempt,
            epoch,
            text,
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
    pub(super) fn forget_thread(&mut self, step: &mut Step<'_>) {
        let Some(thread) = &mut self.thread else { return };
        **thread = thread.forgotten();
        let below = thread.turns;
        if below > 0 {
            self.send(Outgoing::Forgotten { below, at: step.now }, step);
        }
    }
}
