//! What is counted of conversations.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec};
use schemas::conversation::Speaker;

use super::Make;
use crate::partition::core::Counts;

/// Counters of what is said, and the time until something is.
#[derive(Clone)]
pub struct Conversation {
    /// In the order of [`Speaker::ALL`].
    turns: [IntCounter; 4],
    hands: IntCounter,
    coalesced: IntCounter,
    questions: IntCounter,
    cancelled: IntCounter,
    stale: IntCounter,
    repeated: IntCounter,
    refused: IntCounter,
    turned_away: IntCounter,
    failed: IntCounterVec,
    first_piece: Histogram,
}

impl Conversation {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let turns = make.counters("care_conversation_turns_total", "Turns of threads", &["speaker"]);
        Self {
            turns: Speaker::ALL.map(|speaker| turns.with_label_values(&[speaker.as_str()])),
            hands: make.counter("care_conversation_hands_changed_total", "Take-overs and hand-backs"),
            coalesced: make
                .counter("care_conversation_messages_coalesced_total", "Messages answered with one before"),
            questions: make.counter("care_conversation_questions_total", "Answers that threads asked for"),
            cancelled: make.counter(
                "care_conversation_questions_cancelled_total",
                "Questions closed by a newer message, a change of hands or an erase",
            ),
            stale: make.counter(
                "care_conversation_answers_stale_total",
                "Answers not taken: their question was not open any more",
            ),
            repeated: make.counter(
                "care_conversation_records_repeated_total",
                "Messages, outreach and changes of hands told before, or changing nothing",
            ),
            refused: make.counter(
                "care_conversation_records_refused_total",
                "Messages above the bound of a minute, outreach for the suppressed",
            ),
            turned_away: make.counter(
                "care_conversation_questions_turned_away_total",
                "Questions left for later: as many as may be were being answered",
            ),
            failed: make.counters(
                "care_conversation_appends_failed_total",
                "Appends of answers and of their pieces that failed",
                &["what"],
            ),
            first_piece: make.histogram(
                "care_conversation_first_piece_seconds",
                "Time from a question to the first piece of its answer",
            ),
        }
    }

    pub(super) fn counted(&self, since: &Counts) {
        let [customer, bot, agent, outreach] = &self.turns;
        for (counter, n) in [
            (customer, since.turns_said),
            (bot, since.turns_answered),
            (agent, since.turns_spoken),
            (outreach, since.turns_opened),
            (&self.hands, since.hands_changed),
            (&self.coalesced, since.coalesced),
            (&self.questions, since.questions),
            (&self.cancelled, since.cancelled),
            (&self.stale, since.stale),
            (&self.repeated, since.repeated),
            (&self.refused, since.refused),
        ] {
            if n > 0 {
                counter.inc_by(n);
            }
        }
    }

    /// Counts a question that was left for later.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Counts an append of a whole answer that failed.
    pub fn answer_failed(&self) {
        self.failed.with_label_values(&["answer"]).inc();
    }

    /// Counts an append of a piece that failed.
    pub fn piece_failed(&self) {
        self.failed.with_label_values(&["piece"]).inc();
    }

    /// Counts the first piece of an answer, so long after the question.
    pub fn first_piece(&self, took: Duration) {
        self.first_piece.observe(took.as_secs_f64());
    }
}
