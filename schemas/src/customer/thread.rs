//! The thread of a customer: what is said is numbered here, an answer is asked for here, and here alone it is taken.
//!
//! Messages in quick succession are one burst: the row asks for one answer [`QUIET`] after the last of them, [`BURST_MAX`] after the
//! first at the latest, by log time. The question is noted in the row and named by attempt and ownership epoch; its answer is a record
//! like any other, and is taken only while that question is open. A newer message closes the question, and so does a change of hands.
//! Hence what a thread consists of depends on the log alone, and no word of the bot stands behind a take-over.
//!
//! A thread stays with its row: an alias keeps its own. Who opens a page of the anonymous shopper reads what was said there, and
//! nothing of the identified customer that the shopper is merged into.

mod told;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use super::effects::TalkTally;
use crate::conversation::words::Language;
use crate::conversation::{Context, Owner, QuestionId, Speaker, person};
use crate::ids::OutreachId;
use crate::time::{Span, Timestamp};

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

    /// Returns true when the messages since anybody else spoke ask for a person, or say yes to the offer of one.
    fn asks_for_person(&self) -> bool {
        let other = self.recent.iter().rposition(|turn| turn.speaker != Speaker::Customer);
        let said = &self.recent[other.map_or(0, |other| other + 1)..];
        let before = other.map(|other| &self.recent[other]);
        let offered = before.filter(|turn| turn.speaker == Speaker::Bot).map_or("", |turn| &turn.text);
        said.iter().any(|turn| person::is_asked_for(&turn.text) || person::is_accepted(offered, &turn.text))
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
