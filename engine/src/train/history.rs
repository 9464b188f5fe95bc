//! History: event files through the rows of the customers on one thread, in the order of the log, as the engine plays them.
//!
//! It reads by [`crate::replay`], so ids, stamps and order are those of a replay; it folds by [`Customer`], so profiles, timers and
//! questions are those of serving. Rows meet in the log alone, so a row may be looked at as late as its next record: what was due before
//! fires then, each at its own instant. What a row tells another is the log's next record, with the stamp of what caused it, which is
//! when a replay appends it. What leaves the engine is dropped: nothing is sent, so no outcome comes back.

use std::collections::VecDeque;

use actors::port::log::NewRecord;
use rustc_hash::FxHashMap;
use schemas::customer::identity::{Forward, Message, Relay};
use schemas::customer::{Customer, Effects, Outgoing, Tally};
use schemas::event::Event;
use schemas::ids::{CustomerId, Position};
use schemas::profile::Heads;
use schemas::record::{self, Input, LogRecord, Record};
use schemas::rulebook::{Policy, Rulebook};
use schemas::score::{Answer, Ask, Score, ScoreSource};
use schemas::time::{Span, Timestamp};
use smol_str::SmolStr;

use crate::app;
use crate::replay::input::Source;
use crate::replay::read::{self, Reader, Step};
use crate::replay::{self, Error, Format, Held, Report};
use crate::settings::Settings;

/// Customers between two looks at the memory of a row.
const WEIGHED_EVERY: usize = 64;

/// What a history is played by.
#[derive(Clone)]
pub struct Rules {
    /// How files are read; the history has one partition, whatever stands there.
    pub read: read::Rules,
    /// What decides beside the rows: the heads that are asked, and no triggers where nothing is to be sent.
    pub book: Rulebook,
    /// Answers questions, at once; only conditions of triggers read what it says.
    pub answer: fn(&Ask) -> f32,
    /// When every row is handed out, after everything that was due before.
    pub dates: Vec<Timestamp>,
    /// Where the history ends; the stamp of its last record, if that is later.
    pub until: Option<Timestamp>,
}

/// Something that happened while a history was played. A customer's moments come in the order of time; those of two customers do not.
#[derive(Debug)]
pub enum Moment<'a> {
    /// An event was folded into a row: a new one, not one that came again.
    Folded {
        /// The row afterwards.
        row: &'a Customer,
        /// The event.
        event: &'a Event,
        /// Orders that the row knows more than before.
        orders: u32,
        /// Log time.
        now: Timestamp,
    },
    /// Time passed for a row: a timer fired.
    Passed {
        /// The row afterwards.
        row: &'a Customer,
        /// Log time.
        now: Timestamp,
    },
    /// An anonymous row went into that of a user.
    Merged {
        /// The anonymous one.
        from: &'a CustomerId,
        /// The user's row afterwards.
        row: &'a Customer,
    },
    /// A row asked.
    Asked {
        /// The row afterwards.
        row: &'a Customer,
        /// What it asked.
        ask: &'a Ask,
        /// Records of the files that the row could know of then.
        known: u64,
    },
    /// A row at one of the dates. All rows of a date come together.
    Dated {
        /// The row.
        row: &'a Customer,
        /// The date.
        at: Timestamp,
        /// Records of the files that the row could know of then.
        known: u64,
    },
}

/// Takes what happens.
pub type Watch<'a> = &'a mut dyn FnMut(Moment<'_>);

/// What was played.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Rows of the files, counted as a replay does.
    pub rows: replay::Tally,
    /// What records did to the customers' rows.
    pub records: Tally,
    /// Records that the border of the log refused.
    pub refused: u64,
    /// Customers that have a row, anonymous ones among them.
    pub customers: usize,
    /// Questions.
    pub asks: u64,
    /// Approximate memory of all rows. Units: bytes.
    pub bytes: usize,
    /// Stamp of the first record.
    pub first: Option<Timestamp>,
    /// End of the history.
    pub end: Timestamp,
}

/// Rows of all customers, as far as the history was played.
///
/// Bounds: memory of one row per customer, 1 to 4 KB each.
pub struct History {
    rules: Rules,
    rows: FxHashMap<CustomerId, Customer>,
    /// What rows tell each other, to be delivered before the next record.
    told: VecDeque<(CustomerId, Box<Relay>)>,
    /// The log's end, and its time.
    next: Position,
    now: Timestamp,
    /// Records of the files so far.
    known: u64,
    /// Dates that lie ahead, the next one last.
    dates: Vec<Timestamp>,
    /// Memory of what a transition leaves.
    effects: Effects,
    played: Played,
}

impl Rules {
    /// Returns the rules of a history in which nothing is sent: these heads are asked as the settings have it, and said to be even.
    pub fn new(settings: &Settings, format: Format, heads: Heads) -> Self {
        let read = read::Rules {
            format,
            border: app::border(settings),
            partitions: 1,
            batch_rows: settings.replay.batch_rows,
            batch_span: Span(i64::MAX),
            sort_memory_bytes: settings.replay.sort_memory_mib.saturating_mul(1 << 20),
            scratch: tempfile::env::temp_dir(),
            examples_max: settings.replay.examples_max,
        };
        let policy = Policy { profile: app::profile_of_files(settings, format), ..Policy::default() };
        let book = Rulebook { heads, policy, ..Rulebook::default() };
        Self { read, book, answer: |_| 0.5, dates: Vec::new(), until: None }
    }
}

impl History {
    /// Returns a history of which nothing has been played.
    pub fn new(mut rules: Rules) -> Self {
        rules.read.partitions = 1;
        let mut dates = std::mem::take(&mut rules.dates);
        dates.sort_unstable_by(|a, b| b.cmp(a));
        dates.dedup();
        Self {
            rules,
            rows: FxHashMap::default(),
            told: VecDeque::new(),
            next: Position(0),
            now: Timestamp(i64::MIN),
            known: 0,
            dates,
            effects: Effects::default(),
            played: Played::default(),
        }
    }

    /// Plays the files to their end, in order, and tells `watch` what happens and `report` how far it is.
    ///
    /// Errors: as a replay; never of a log.
    pub fn play(
        mut self,
        sources: &[Source],
        watch: Watch<'_>,
        report: &dyn Report,
    ) -> Result<Played, Error> {
        let mut reader = Reader::new(self.rules.read.clone(), Timestamp(0));
        for source in sources {
            report.begun(&source.path, source.bytes);
            reader.read(source, Held::default(), &mut |step| {
                match step {
                    Step::Batch(batch) => {
                        self.append(batch.records.into_iter().map(|(_, record)| record), watch)
                    }
                    Step::Passed(_) => {}
                    Step::Reached { bytes, rows } => report.reached(bytes, rows),
                }
                Ok(())
            })?;
        }
        let mut played = self.end(watch);
        played.rows = reader.into_tally();
        Ok(played)
    }

    /// Plays records, in order, behind those that were played.
    pub fn append(&mut self, records: impl IntoIterator<Item = NewRecord>, watch: Watch<'_>) {
        for new in records {
            let stamp = new.stamp.unwrap_or(self.now).max(self.now);
            self.reach(stamp, watch);
            self.known += 1;
            let position = self.take_position();
            self.played.first.get_or_insert(stamp);
            let customer = CustomerId::of_key(new.key.clone());
            let stored =
                LogRecord { position, stamp, key: new.key, kind: new.kind, epoch: None, body: new.body };
            match record::decode(&stored, &self.rules.read.border) {
                Ok(record) => self.deliver(customer, &record, watch),
                Err(_) => self.played.refused += 1,
            }
            self.deliver_told(watch);
        }
    }

    /// Moves log time on: dates that it comes to are seen to first.
    fn reach(&mut self, stamp: Timestamp, watch: Watch<'_>) {
        while let Some(date) = self.dates.pop_if(|date| *date <= stamp) {
            self.hand_out(date, watch);
        }
        self.now = stamp;
    }

    fn take_position(&mut self) -> Position {
        let position = self.next;
        self.next = position.next();
        position
    }

    /// Delivers what rows tell each other until they have nothing left to say.
    fn deliver_told(&mut self, watch: Watch<'_>) {
        while let Some((to, relay)) = self.told.pop_front() {
            let record =
                Record { position: self.take_position(), stamp: self.now, input: Input::Relay(relay) };
            self.deliver(to, &record, watch);
        }
    }

    fn deliver(&mut self, to: CustomerId, record: &Record, watch: Watch<'_>) {
        let mut row = self.rows.remove(&to).unwrap_or_else(|| Customer::new(to.clone()));
        // What was due before the record knows nothing of it.
        self.fire(&mut row, (record.stamp, self.known.saturating_sub(1)), watch);
        let orders = row.profile().orders().count();
        let mut effects = std::mem::take(&mut self.effects);
        row.apply(&self.rules.book, record, &mut effects);
        if let Some(moment) = moment(&row, record, (orders, &effects.tally)) {
            watch(moment);
        }
        self.finish(&mut row, (effects, self.known), watch);
        self.rows.insert(to, row);
    }

    /// Fires what is due before `until`, one instant after the other, so that questions are answered in between.
    fn fire(&mut self, row: &mut Customer, (until, known): (Timestamp, u64), watch: Watch<'_>) {
        let mut last = None;
        while let Some(due) = row.next_due().filter(|due| *due < until && last != Some(*due)) {
            // A timer that stays due after its turn is left to what comes next.
            last = Some(due);
            let mut effects = std::mem::take(&mut self.effects);
            row.wake(&self.rules.book, due + Span(1), &mut effects);
            watch(Moment::Passed { row, now: due });
            self.finish(row, (effects, known), watch);
        }
    }

    /// Hands out what a transition asked, answers it, and notes what is to be told to other rows.
    fn finish(&mut self, row: &mut Customer, left: (Effects, u64), watch: Watch<'_>) {
        let (mut effects, known) = left;
        loop {
            // What the transition superseded itself reaches no predictor.
            effects.asks.retain(|ask| row.pending_asks().iter().any(|open| open.id == ask.id));
            if effects.asks.is_empty() {
                break;
            }
            for ask in &effects.asks {
                self.played.asks += 1;
                watch(Moment::Asked { row, ask, known });
            }
            self.answer(row, &mut effects);
        }
        if !effects.outbox.is_empty() {
            let numbers: Vec<u64> = effects.outbox.iter().map(|entry| entry.number).collect();
            row.clear(&numbers);
        }
        for entry in effects.outbox.drain(..) {
            match entry.body {
                Outgoing::Relay { to, message } => self.told.push_back((to, message)),
                Outgoing::Outreach(_)
                | Outgoing::Decision(_)
                | Outgoing::Turn(_)
                | Outgoing::Forgotten { .. } => {}
            }
        }
        self.played.records.add(&effects.tally);
        effects.clear();
        self.effects = effects;
    }

    /// Answers all that was asked, in the order of asking; what the answers ask is left in `effects`.
    fn answer(&self, row: &mut Customer, effects: &mut Effects) {
        for ask in std::mem::take(&mut effects.asks) {
            let value = (self.rules.answer)(&ask);
            let model = SmolStr::new_static("history");
            let score = Score { value, model, source: ScoreSource::Model, at: ask.at };
            row.answer(&self.rules.book, &Answer { id: ask.id, head: ask.head, score }, effects);
        }
    }

    /// Hands out every row as of `date`, in the order of the customers.
    fn hand_out(&mut self, date: Timestamp, watch: Watch<'_>) {
        for id in self.wake_all(date, watch) {
            watch(Moment::Dated { row: &self.rows[&id], at: date, known: self.known });
        }
    }

    /// Fires what is due before `until` in every row, and returns the customers in order.
    fn wake_all(&mut self, until: Timestamp, watch: Watch<'_>) -> Vec<CustomerId> {
        let mut ids: Vec<CustomerId> = self.rows.keys().cloned().collect();
        ids.sort_unstable();
        for id in &ids {
            let Some(mut row) = self.rows.remove(id) else { continue };
            self.fire(&mut row, (until, self.known), watch);
            self.rows.insert(id.clone(), row);
        }
        ids
    }

    /// Ends the history: what was due before its end fires, and the dates that are left are seen to.
    pub fn end(mut self, watch: Watch<'_>) -> Played {
        let end = self.now.max(self.rules.until.unwrap_or(self.now));
        while let Some(date) = self.dates.pop_if(|date| *date <= end) {
            self.hand_out(date, watch);
        }
        self.wake_all(end, watch);
        while let Some(date) = self.dates.pop() {
            self.hand_out(date, watch);
        }
        let weighed = self.rows.values().step_by(WEIGHED_EVERY).map(Customer::weight);
        self.played.bytes = weighed.sum::<usize>().saturating_mul(WEIGHED_EVERY.min(self.rows.len()));
        (self.played.customers, self.played.end) = (self.rows.len(), end);
        self.played
    }
}

/// Returns what a record was to a row, if it was an event that is new to it, or a merge.
fn moment<'a>(row: &'a Customer, record: &'a Record, before: (u32, &Tally)) -> Option<Moment<'a>> {
    let (orders, tally) = before;
    let event: &Event = match &record.input {
        Input::Event(event) => event,
        Input::Relay(relay) => match &relay.message {
            Message::Forward(forward) => event_in(forward)?,
            Message::Snapshot { .. } if tally.told > 0 => {
                return Some(Moment::Merged { from: &relay.sender.customer, row });
            }
            Message::Snapshot { .. } | Message::Request | Message::Refused { .. } | Message::Erase => {
                return None;
            }
        },
        Input::Stray(stray) => event_in(&stray.told)?,
        Input::Outcome(_) | Input::Command(_) | Input::Talk(_) => return None,
    };
    let is_new = tally.applied + tally.told > 0 && tally.duplicate == 0 && row.alias_of().is_none();
    let orders = row.profile().orders().count().saturating_sub(orders);
    is_new.then_some(Moment::Folded { row, event, orders, now: record.stamp })
}

fn event_in(forward: &Forward) -> Option<&Event> {
    match forward {
        Forward::Event(event) => Some(event),
        Forward::Outcome(_) | Forward::Command(_) | Forward::Talk(_) => None,
    }
}
