//! The row of the simulated shop: the same marks, timers, outbox and questions as a customer's row, and nothing else.
//!
//! It keeps everything it ever did, so that the end of a run can be compared with the log. A decision's body is drawn by chance: a
//! decision made twice differs, as it does when a score is asked twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actors::partition::turn::{Arm, Asking, Encode, Encoded, Loaded, Step, Turn, Turned};
use schemas::customer::{Effects, OutboxEntry, Outgoing, Urgency};
use schemas::decision::{Category, Outreach};
use schemas::event::Event;
use schemas::ids::{CustomerId, OutreachId, Position, Slot};
use schemas::record::{Input, Record};
use schemas::score::{Answer, Ask, AskId, Head};
use schemas::time::{Span, Timestamp};
use schemas::value::{Properties, Value};

use crate::chance::Chance;
use crate::outbound::{AT_MOST_ONCE, IDEMPOTENT};
use crate::world::STEP;

/// What a trigger of the shop reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Counts only.
    Plain,
    /// Sends at once.
    Fire,
    /// Asks for a score; the score decides.
    Score,
    /// Sends when this many milliseconds have passed without an exit.
    Wait(i64),
    /// Ends every wait.
    Exit,
}

impl Kind {
    pub fn encode(self) -> String {
        match self {
            Kind::Plain => "plain".into(),
            Kind::Fire => "fire".into(),
            Kind::Score => "score".into(),
            Kind::Wait(ms) => format!("{ms}"),
            Kind::Exit => "exit".into(),
        }
    }

    pub fn decode(text: &str) -> Option<Self> {
        Some(match text {
            "plain" => Kind::Plain,
            "fire" => Kind::Fire,
            "score" => Kind::Score,
            "exit" => Kind::Exit,
            ms => Kind::Wait(ms.parse().ok()?),
        })
    }
}

/// What names an outreach of the shop: which kind of trigger, and the record that opened it.
pub type Name = (&'static str, u64);

/// The row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub high_water: Option<Position>,
    pub clock: Timestamp,
    pub indexed: Option<Timestamp>,
    pub timers: Vec<(Timestamp, u64)>,
    pub outbox: Vec<OutboxEntry>,
    pub asks: Vec<Ask>,
    pub applied: Vec<u64>,
    pub scored: BTreeSet<u64>,
    pub fired: BTreeSet<u64>,
    pub decided: BTreeMap<OutreachId, (Name, u64)>,
    numbers: u64,
}

/// Rules of the row that can be taken away.
#[derive(Clone, Copy, Debug)]
pub struct RowRules {
    /// A record at or below the high-water mark changes nothing (I3).
    pub high_water_mark: bool,
    /// An outreach's id is made of the record that opened it (I5).
    pub slot_ids: bool,
    /// What a score decides is held by the record that asked.
    pub score_named_as_cause: bool,
}

/// One live customer of the shop.
pub struct Cell {
    pub row: Row,
    pub incarnation: u64,
    customer: CustomerId,
    rules: RowRules,
}

/// Makes rows into bytes and back: an index into everything ever written.
pub trait Shelf {
    fn put(&mut self, row: Row) -> bytes::Bytes;
    fn get(&self, bytes: &[u8]) -> Arc<Row>;
}

impl Cell {
    pub fn new(incarnation: u64, rules: RowRules) -> Self {
        Self { row: Row::default(), incarnation, customer: CustomerId::user(""), rules }
    }

    /// Returns what stands in a trace about the row.
    pub fn describe(&self) -> String {
        let row = &self.row;
        let high_water = row.high_water.map(|at| at.0);
        format!(
            "{}: high water {high_water:?}, {} timers, {} questions, {} to leave, indexed {:?}",
            self.customer,
            row.timers.len(),
            row.asks.len(),
            row.outbox.len(),
            row.indexed.map(|at| at.0 / STEP)
        )
    }

    pub fn turn(&mut self, turn: Turn, shelf: &mut impl Shelf, chance: &mut Chance) -> Turned {
        let Turn { cell, mut steps, encode } = turn;
        let (mut effects, mut loaded) = (Effects::default(), None);
        for step in steps.drain(..) {
            match step {
                Step::Load { customer, row } => {
                    self.customer = customer;
                    loaded = Some(self.load(row, shelf));
                }
                Step::Record(record) => self.apply(&record, &mut effects, chance),
                Step::Wake { now, entry, .. } => self.wake(now, entry, &mut effects, chance),
                Step::Answer(answer) => self.answer(&answer, &mut effects, chance),
                Step::Clear(numbers) => {
                    self.row.outbox.retain(|entry| !numbers.contains(&entry.number));
                    raise(&mut effects, Urgency::Quiet);
                }
            }
        }
        let arm = match encode {
            Encode::No => None,
            Encode::IfUrgent(arm) => (effects.urgency == Urgency::Urgent).then_some(arm),
            Encode::Always(arm) => Some(arm),
        };
        let encoded = arm.map(|arm| self.encode(arm, shelf));
        let (clock, next_due) = (self.row.clock, self.next_due());
        Turned { cell, loaded, effects, clock, next_due, weight: 100, asking: Asking::Same, encoded, steps }
    }

    fn load(&mut self, row: Option<actors::port::store::Row>, shelf: &impl Shelf) -> Loaded {
        let Some(stored) = row else { return Loaded::default() };
        self.row = Row::clone(&shelf.get(&stored.state));
        Loaded {
            epoch: Some(stored.epoch),
            high_water: self.row.high_water,
            outbox: self.row.outbox.clone(),
            asks: self.row.asks.clone(),
            indexed: self.row.indexed,
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.row.timers.iter().map(|(due, _)| *due).min()
    }

    fn apply(&mut self, record: &Record, effects: &mut Effects, chance: &mut Chance) {
        if self.rules.high_water_mark && self.row.high_water >= Some(record.position) {
            effects.tally.replayed += 1;
            return;
        }
        let at = record.position.0;
        self.advance(record.stamp, Some(record.position), effects, chance);
        self.row.high_water = self.row.high_water.max(Some(record.position));
        raise(effects, Urgency::Quiet);
        effects.tally.applied += 1;
        let Input::Event(event) = &record.input else { return };
        self.row.applied.push(at);
        match Kind::decode(&event.name).expect("the decoder let it pass") {
            Kind::Plain => {}
            Kind::Fire => self.decide(("fire", at), Some(record.position), record.stamp, effects, chance),
            Kind::Score => {
                let id = AskId { position: record.position, attempt: 0 };
                let ask = Ask { id, head: Head::Churn, at: record.stamp, features: [].into() };
                self.row.asks.push(ask.clone());
                effects.asks.push(ask);
            }
            Kind::Wait(ms) => self.row.timers.push((record.stamp + Span(ms), at)),
            Kind::Exit => self.row.timers.clear(),
        }
    }

    /// Fires what is due strictly before `until`.
    fn advance(
        &mut self,
        until: Timestamp,
        cause: Option<Position>,
        effects: &mut Effects,
        chance: &mut Chance,
    ) {
        self.row.clock = self.row.clock.max(until);
        self.row.timers.sort();
        while let Some((due, at)) = self.row.timers.first().copied()
            && due < until
        {
            self.row.timers.remove(0);
            self.row.fired.insert(at);
            self.decide(("wait", at), cause, due, effects, chance);
        }
    }

    fn wake(&mut self, now: Timestamp, entry: Option<Timestamp>, effects: &mut Effects, chance: &mut Chance) {
        self.advance(now, None, effects, chance);
        if let (Some(entry), Some(indexed)) = (entry, self.row.indexed)
            && indexed <= entry
        {
            self.row.indexed = None;
            raise(effects, Urgency::Quiet);
        }
    }

    fn answer(&mut self, answer: &Answer, effects: &mut Effects, chance: &mut Chance) {
        let Some(at) = self.row.asks.iter().position(|ask| ask.id == answer.id) else { return };
        let ask = self.row.asks.remove(at);
        self.row.scored.insert(ask.id.position.0);
        raise(effects, Urgency::Quiet);
        if answer.score.value > 0.5 {
            let cause = self.rules.score_named_as_cause.then_some(ask.id.position);
            self.decide(("score", ask.id.position.0), cause, ask.at, effects, chance);
        }
    }

    fn decide(
        &mut self,
        name: Name,
        cause: Option<Position>,
        at: Timestamp,
        effects: &mut Effects,
        chance: &mut Chance,
    ) {
        let body = chance.next() % 1_000_000;
        let nth = if self.rules.slot_ids { 0 } else { chance.next() as u16 };
        let slot = Slot { origin: self.customer.clone(), position: Position(name.1), nth, step: 0 };
        let id = OutreachId::of(name.0, &slot);
        self.row.decided.insert(id, (name, body));
        self.row.numbers += 1;
        let outreach = Outreach {
            id,
            customer: self.customer.clone(),
            trigger: name.0.into(),
            version: 1,
            slot,
            attempt: 0,
            category: Category::Service,
            channel: if name.1.is_multiple_of(2) { IDEMPOTENT } else { AT_MOST_ONCE }.into(),
            template: "template".into(),
            facts: Properties(vec![("body".into(), Value::Number(body as f64))]),
            at,
            expires: Timestamp(i64::MAX),
        };
        let body = Outgoing::Outreach(Box::new(outreach));
        let entry = OutboxEntry { number: self.row.numbers, cause, body };
        self.row.outbox.push(entry.clone());
        effects.outbox.push(entry);
        raise(effects, Urgency::Urgent);
    }

    fn encode(&mut self, arm: Arm, shelf: &mut impl Shelf) -> Encoded {
        let mut wake_up = None;
        if let Some(due) = self.next_due() {
            let due = due.max(arm.from).min(arm.until);
            if arm.renew || self.row.indexed.is_none_or(|indexed| indexed > due) {
                self.row.indexed = Some(due);
                wake_up = Some(due);
            }
        }
        Encoded { state: shelf.put(self.row.clone()), wake_up, indexed: self.row.indexed }
    }
}

fn raise(effects: &mut Effects, urgency: Urgency) {
    effects.urgency = effects.urgency.max(urgency);
}

/// Returns the event of a record of the shop.
pub fn event(name: &str, customer: &CustomerId, at: Timestamp) -> Event {
    Event {
        message: schemas::ids::MessageId(0),
        message_text: "".into(),
        call: schemas::event::Call::Track,
        name: name.into(),
        at,
        timeliness: schemas::event::Timeliness::OnTime,
        customer: customer.clone(),
        anonymous: None,
        properties: Properties::default(),
        locale: None,
        zone: None,
    }
}
