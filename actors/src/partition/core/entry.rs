//! What the core knows of one live customer. The row itself lives in the cell.

use std::time::Duration;

use schemas::conversation::QuestionId;
use schemas::customer::{Link, Outgoing, Urgency};
use schemas::ids::{CustomerId, Position};
use schemas::score::AskId;
use schemas::time::{Span, Timestamp};

use super::flush::Durable;
use crate::partition::settings::Rules;
use crate::partition::turn::Step;

/// One live customer.
#[derive(Debug)]
pub(super) struct Entry {
    /// Who.
    pub(super) customer: CustomerId,
    /// Which life of the customer this is.
    pub(super) incarnation: u64,
    /// Whether it can take a turn.
    pub(super) state: State,
    /// Steps that wait for the next turn.
    pub(super) queue: Vec<Step>,
    /// First record in `queue`.
    pub(super) queue_first: Option<Position>,
    /// The last record that was queued for this incarnation.
    pub(super) through: Option<Position>,
    /// The turn under way.
    pub(super) turn: Option<InTurn>,
    /// The last record applied.
    pub(super) high_water: Option<Position>,
    /// The stored row was written by this epoch, or there is none.
    pub(super) own: bool,
    /// Counts the changes of the row.
    pub(super) version: u64,
    /// The version that is durable.
    pub(super) acked: u64,
    /// The write of the row that is under way.
    pub(super) sent: Option<Sent>,
    /// The last write of the row that this incarnation saw acknowledged.
    pub(super) durable: Option<Durable>,
    /// Lowest record whose effects only the row in memory holds.
    pub(super) dirty: Option<Position>,
    /// It stands in the list of dirty customers.
    pub(super) listed: bool,
    /// Its row was asked for by a run over quiet rows, and is not acknowledged.
    pub(super) quiet: bool,
    /// Whether the row is to be written as soon as it can, and before which others.
    pub(super) wanted: Urgency,
    /// What waits to be relayed or cleared.
    pub(super) outbox: Vec<Out>,
    /// Scores asked for.
    pub(super) asks: Vec<Asked>,
    /// What its thread asks.
    pub(super) question: Option<QuestionId>,
    /// Index entries whose work is under way.
    pub(super) alarms: Vec<Alarm>,
    /// Values for the link index.
    pub(super) links: Vec<Link>,
    /// Log time that the row has come to.
    pub(super) clock: Timestamp,
    /// The row's next timer.
    pub(super) next_due: Option<Timestamp>,
    /// The timer that was given a turn of its own last.
    pub(super) alone: Option<Timestamp>,
    /// The earliest mark of this customer on the wheel.
    pub(super) wheel_at: Option<Timestamp>,
    /// Approximate memory. Units: bytes.
    pub(super) weight: usize,
    /// When it was asked last, since boot.
    pub(super) used: Duration,
    /// The hold that the ordered holds know.
    pub(super) hold: Option<Position>,
    /// What the core counts as open of this customer.
    pub(super) open: Open,
}

/// What waits for the outside: of one customer, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// Outbox entries that are not relayed.
    pub(super) unsent: usize,
    /// Outbox entries that are relayed and not cleared.
    pub(super) uncleared: usize,
    /// Scores asked for.
    pub(super) asks: usize,
}

impl Open {
    /// Counts a part anew.
    pub(super) fn replace(&mut self, known: Open, now: Open) {
        self.unsent = self.unsent - known.unsent + now.unsent;
        self.uncleared = self.uncleared - known.uncleared + now.uncleared;
        self.asks = self.asks - known.asks + now.asks;
    }
}

/// Whether a customer can take a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its predecessor panicked with a write under way; the row is read when that is settled.
    Settling,
    /// Its row is being read.
    Loading,
    /// It waits for work.
    Idle,
    /// It has a turn.
    Busy,
}

/// A turn under way.
#[derive(Debug, Default)]
pub(super) struct InTurn {
    /// First record.
    pub(super) first: Option<Position>,
    /// Last record.
    pub(super) last: Option<Position>,
    /// Number of records.
    pub(super) records: u32,
    /// Timers are looked at.
    pub(super) wakes: bool,
    /// Index entries that are seen to.
    pub(super) alarms: usize,
    /// Questions answered.
    pub(super) answers: Vec<AskId>,
    /// Outbox entries cleared.
    pub(super) clears: Vec<u64>,
}

/// A write of a row under way: encoded, not acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Version that was encoded.
    pub(super) version: u64,
    /// Lowest record that the write makes safe.
    pub(super) first: Option<Position>,
    /// Highest outbox entry in it.
    pub(super) through: Option<u64>,
}

/// A score asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The question.
    pub(super) id: AskId,
    /// The record that holds the position for it; a timer's question is held by its alarm.
    pub(super) hold: Option<Position>,
}

/// An outbox entry.
#[derive(Debug)]
pub(super) struct Out {
    /// Its number in the row.
    pub(super) number: u64,
    /// The record that holds the position for it.
    pub(super) cause: Option<Position>,
    /// When what caused it was read or fired, since boot.
    pub(super) since: Duration,
    /// Log time of its row when it was there: no earlier than what caused it.
    pub(super) at: Timestamp,
    /// How far it is.
    pub(super) stage: Stage,
    /// What is to be relayed; gone once it is.
    pub(super) body: Option<Outgoing>,
}

/// The way of an outbox entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its row is not acknowledged in this epoch.
    Waiting,
    /// On its way.
    Queued,
    /// The relay was acknowledged when so many confirmations had begun.
    Relayed {
        /// Confirmations begun before.
        confirmations: u64,
    },
    /// The row is being told to drop it.
    Clearing,
}

/// An index entry that woke the customer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alarm {
    /// When it was due.
    pub(super) due: Timestamp,
    /// The version after its work, when done in memory.
    pub(super) version: Option<u64>,
}

impl Entry {
    /// Returns a customer whose row is still to be read.
    pub(super) fn new(customer: CustomerId, incarnation: u64, used: Duration) -> Self {
        Self {
            customer,
            incarnation,
            state: State::Loading,
            queue: Vec::new(),
            queue_first: None,
            through: None,
            turn: None,
            high_water: None,
            own: false,
            version: 0,
            acked: 0,
            sent: None,
            durable: None,
            dirty: None,
            listed: false,
            quiet: false,
            wanted: Urgency::Clean,
            outbox: Vec::new(),
            asks: Vec::new(),
            question: None,
            alarms: Vec::new(),
            links: Vec::new(),
            clock: Timestamp::default(),
            next_due: None,
            alone: None,
            wheel_at: None,
            weight: 0,
            used,
            hold: None,
            open: Open::default(),
        }
    }

    /// Takes the steps of one instant for the next turn, where scores are waited for: with questions open their answers only, all at
    /// once in the order of the questions, else one step, and before it a timer that is due earlier. So what a customer comes to does
    /// not depend on what is read together, nor on which answer comes first.
    pub(super) fn take_instant(&mut self, steps: &mut Vec<Step>) {
        let is_answered = |ask: &Asked| self.queue.iter().any(|step| answers(step) == Some(ask.id));
        let complete = self.asks.iter().all(is_answered);
        let settles = |step: &Step| complete && answers(step).is_some() || matches!(step, Step::Clear(_));
        steps.extend(self.queue.extract_if(.., |step| settles(step)));
        steps.sort_by_key(answers);
        let until = match self.queue.first() {
            Some(_) if !steps.is_empty() || !self.asks.is_empty() => return,
            Some(Step::Record(record)) => Some(record.stamp),
            Some(Step::Wake { now, .. }) => Some(*now),
            Some(Step::Load { .. } | Step::Answer(_) | Step::Clear(_)) => None,
            None => return,
        };
        match self.next_due {
            // A timer that stays due after its turn is left to the step that waits.
            Some(due) if Some(due) < until && self.alone != Some(due) => {
                self.alone = Some(due);
                steps.push(Step::Wake { now: due + Span(1), due, entry: None });
            }
            Some(_) | None => steps.push(self.queue.remove(0)),
        }
    }

    /// Returns the lowest record whose effects are not safe.
    pub(super) fn lowest(&self, rules: &Rules) -> Option<Position> {
        let turn = self.turn.as_ref().and_then(|turn| turn.first);
        let sent = self.sent.as_ref().and_then(|sent| sent.first);
        let mut lowest = min(min(self.queue_first, turn), min(self.dirty, sent));
        if rules.position_waits_for_relay {
            let waits = |out: &&Out| matches!(out.stage, Stage::Waiting | Stage::Queued);
            lowest = min(lowest, self.outbox.iter().filter(waits).filter_map(|out| out.cause).min());
        }
        if rules.position_waits_for_score {
            lowest = min(lowest, self.asks.iter().filter_map(|ask| ask.hold).min());
        }
        lowest
    }

    /// Counts what waits for the outside.
    pub(super) fn open_now(&self) -> Open {
        let waits = |out: &&Out| matches!(out.stage, Stage::Waiting | Stage::Queued);
        let unsent = self.outbox.iter().filter(waits).count();
        Open { unsent, uncleared: self.outbox.len() - unsent, asks: self.asks.len() }
    }

    /// Returns true when everything in the outbox was relayed.
    pub(super) fn relayed(&self) -> bool {
        self.outbox.iter().all(|out| matches!(out.stage, Stage::Relayed { .. } | Stage::Clearing))
    }

    /// Returns true when the row in memory differs from the durable one.
    pub(super) fn is_dirty(&self) -> bool {
        self.version > self.acked
    }

    /// Returns true when nothing is lost by dropping the customer. A question of its thread stays open in the row, and its answer, a record,
    /// brings the customer back: who waits for one must not keep out those before it in the log.
    pub(super) fn is_clean(&self) -> bool {
        self.state == State::Idle
            && self.queue.is_empty()
            && !self.is_dirty()
            && self.sent.is_none()
            && self.asks.is_empty()
            && self.alarms.is_empty()
            && self.relayed()
    }
}

/// Returns which question a step answers.
fn answers(step: &Step) -> Option<AskId> {
    match step {
        Step::Answer(answer) => Some(answer.id),
        Step::Load { .. } | Step::Record(_) | Step::Wake { .. } | Step::Clear(_) => None,
    }
}

/// Returns the lower of two holds.
pub(super) fn min(a: Option<Position>, b: Option<Position>) -> Option<Position> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
