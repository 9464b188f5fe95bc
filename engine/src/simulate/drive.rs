//! The shop drives the engine, and the engine the shop: step by step, in lock-step, so that a run is the same every time.
//!
//! In a step the shop's events of a span go to the engine; when it has nothing left to do, the shop hears what was delivered, and its
//! shoppers react from then on. So a shopper reads a message at the end of the step at the earliest: steps are short against the time in
//! which people read.

use std::collections::VecDeque;

use actors::port::clock::Clock;
use actors::port::log::NewRecord;
use anyhow::{Context, Result, bail};
use rustc_hash::FxHashSet;
use schemas::decision::Verdict;
use schemas::event::Border;
use schemas::ids::CustomerId;
use schemas::time::{Span, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::append;
use super::effect::{Effect, Truth};
use super::engine::{Balance, Driven, Stepped};
use super::record::Recorder;
use super::treated::{Arm, Treated};
use crate::live::dashboard::Decided;
use crate::replay::{Pace, Speed};
use crate::shop::{Event, Moment, Shop};

/// What counts as a purchase.
const ORDER: &str = "Order Completed";

/// Hours whose flow is remembered.
const HOURS: usize = 48;

/// How a shop and an engine are run together.
pub struct Course {
    /// When the shop opens.
    pub from: Timestamp,
    /// When it closes.
    pub until: Timestamp,
    /// Length of a step.
    pub step: Span,
    /// How fast the shop's time passes.
    pub speed: Speed,
    /// What the engine takes as an event.
    pub border: Border,
    /// Where events and contacts are written, if they are.
    pub recorder: Option<Recorder>,
}

/// A shop and an engine on their way.
pub struct Drive {
    shop: Shop,
    engine: Driven,
    course: Course,
    pace: Pace,
    /// The end of the last step.
    now: Timestamp,
    effect: Effect,
    flow: Flow,
    /// Who ordered in the last step.
    ordered: Vec<CustomerId>,
    contacts: Vec<Contact>,
}

/// What has passed so far.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Events.
    pub events: u64,
    /// Orders.
    pub orders: u64,
    /// Hashes of those who came.
    customers: FxHashSet<u64>,
    /// Events of the last hours, with the hour.
    hours: VecDeque<(i64, u64)>,
    /// Decisions by how they ended.
    pub decided: Decided,
}

/// An outreach that reached its shopper, with what the shop knows of its effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Who was contacted, when and by which trigger.
    pub treated: Treated,
    /// The true effect; `None` when there was nothing that it could change.
    pub truth: Option<Truth>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Every contact, in order.
    pub contacts: Vec<Contact>,
    /// What outreach changed.
    pub effect: Effect,
    /// What has passed.
    pub flow: Flow,
    /// What became of it.
    pub balance: Balance,
}

impl Drive {
    /// Returns a drive that has not begun.
    ///
    /// Errors: the engine's log is ahead of the shop's time: only a new data folder starts at any time.
    pub fn new(shop: Shop, engine: Driven, course: Course) -> Result<Self> {
        if engine.now() > course.from {
            bail!(
                "the data folder holds events of an earlier run, up to {}; a shop starts in a new one (--data-dir names it)",
                engine.now()
            );
        }
        let pace = Pace::new(course.speed);
        let (now, effect, flow) = (course.from, Effect::default(), Flow::default());
        Ok(Self { shop, engine, course, pace, now, effect, flow, ordered: Vec::new(), contacts: Vec::new() })
    }

    /// Takes a step and returns what the engine did; `None` when the shop has closed.
    ///
    /// Errors: the engine stopped · the events cannot be written.
    pub async fn step(&mut self) -> Result<Option<Stepped>> {
        if self.now >= self.course.until {
            return Ok(None);
        }
        let until = (self.now + self.course.step).min(self.course.until);
        let wait = self.pace.wait(until, self.engine.clock().boot());
        if !wait.is_zero() {
            self.engine.clock().sleep(wait).await;
        }
        let events = self.gather(until);
        let records = self.records(&events)?;
        let stepped = self.engine.step(records, until).await?;
        self.now = until;
        self.react(&stepped);
        if let Some(recorder) = &mut self.course.recorder {
            recorder.step(&events, &stepped.treated).context("failed to write the events")?;
        }
        Ok(Some(stepped))
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Driven {
        &self.engine
    }

    /// Returns the end of the last step.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns what has passed so far.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Returns who ordered in the last step.
    pub fn ordered(&self) -> &[CustomerId] {
        &self.ordered
    }

    /// Returns what outreach changed so far.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Brings everything to its end.
    ///
    /// Errors: the engine stopped before · the events cannot be written.
    pub async fn finish(self) -> Result<Ran> {
        if let Some(recorder) = self.course.recorder {
            recorder.finish().context("failed to write the events")?;
        }
        let balance = self.engine.finish().await?;
        Ok(Ran { contacts: self.contacts, effect: self.effect, flow: self.flow, balance })
    }

    /// Takes the shop's events before `until`.
    fn gather(&mut self, until: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(moment) = self.shop.moment_before(until) {
            match moment {
                Moment::Event(event) => events.push(event),
                Moment::Silence { .. } => {}
            }
        }
        events
    }

    /// Returns the records of events, and follows what they say of orders.
    ///
    /// Errors: the shop wrote what the engine would not take.
    fn records(&mut self, events: &[Event]) -> Result<Vec<NewRecord>> {
        let partitions = self.engine.partitions();
        self.ordered.clear();
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            let (customer, record) = append::record(event, partitions, &self.course.border)?;
            self.flow.note(&customer, event.at);
            if event.name == ORDER {
                self.flow.orders += 1;
                self.effect.bought(&customer, event.at);
                self.ordered.push(customer.clone());
            }
            records.push(NewRecord { stamp: Some(event.at), ..record });
        }
        Ok(records)
    }

    /// Lets the shoppers read what was delivered, and follows everybody who was chosen.
    fn react(&mut self, stepped: &Stepped) {
        for decision in &stepped.decisions {
            self.flow.decided.note(decision.verdict);
        }
        for treated in &stepped.treated {
            let truth = match treated.arm {
                Arm::Contacted => {
                    let customer = treated.customer.as_str();
                    // Before it reads: afterwards the truth is that of the shopper who was contacted.
                    let cart =
                        self.shop.number(customer).and_then(|number| self.shop.cart_truth(number, self.now));
                    let truth = cart.map(|cart| Truth { without: cart.p_without, with: cart.p_with });
                    self.shop.contact(customer, self.now);
                    self.contacts.push(Contact { treated: treated.clone(), truth });
                    truth
                }
                Arm::Offered | Arm::Holdout | Arm::GlobalControl => None,
            };
            self.effect.note(treated, truth);
        }
    }
}

impl Flow {
    fn note(&mut self, customer: &CustomerId, at: Timestamp) {
        self.events += 1;
        self.customers.insert(xxh3_64(customer.as_str().as_bytes()));
        let hour = at.0.div_euclid(3_600_000);
        match self.hours.back_mut() {
            Some((last, events)) if *last == hour => *events += 1,
            Some(_) | None => self.hours.push_back((hour, 1)),
        }
        if self.hours.len() > HOURS {
            self.hours.pop_front();
        }
    }

    /// Returns how many came.
    pub fn customers(&self) -> u64 {
        self.customers.len() as u64
    }

    /// Returns the events of the last hours in which there were any, the latest last.
    pub fn hours(&self) -> Vec<u64> {
        self.hours.iter().map(|(_, events)| *events).collect()
    }
}

impl Decided {
    fn note(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Sent => self.sent += 1,
            Verdict::Withheld => self.held_back += 1,
            Verdict::Deferred | Verdict::Suppressed | Verdict::Expired | Verdict::Failed => {
                self.not_sent += 1
            }
        }
    }
}
