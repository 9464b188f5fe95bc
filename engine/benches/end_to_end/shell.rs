//! The actor shell against a plain map: the same rows, the same turns, once behind an actor each and once in a vector.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actors::node::MAILBOX;
use actors::partition::cell::Cell;
use actors::partition::customer::CustomerActor;
use actors::partition::turn::{CellId, Encode, Step, Turn, Turned};
use anyhow::{Result, anyhow};
use engine::clock::thread_cpu;
use rustc_hash::FxHashMap;
use schemas::event::Border;
use schemas::ids::{CustomerId, Position};
use schemas::record::{LogRecord, Record, decode};
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;

use crate::events::{Events, Order};
use crate::world::run;
use crate::{Given, Measurement, Part, book, machine};

/// The table of the shell.
pub const SHELL: Measurement = Measurement {
    name: "shell",
    head: "### Actor shell against a plain map\n\n\
        One event per turn, decoded before; turns are given and awaited as a partition does, on one thread.\n\n\
        | customers | held by | ns per turn | bytes per customer |\n\
        |---|---|---|---|",
    parts: &[
        Part::new("shell-map", |given| shell(given, "a plain map", map)),
        Part::new("shell-actor", |given| shell(given, "an actor each", actors)),
    ],
};

const CUSTOMERS: u64 = 100_000;

/// Turns of every customer that are timed.
const ROUNDS: u64 = 3;

/// Turns given before their replies are awaited: a fetch of records.
const GIVEN: usize = 2_000;

/// Takes turns in order, with whoever holds the customers.
type Holder = fn(Source) -> Result<(Duration, u64)>;

fn shell(given: &Given, name: &str, holder: Holder) -> Result<()> {
    let customers = given.of(CUSTOMERS);
    let (spent, bytes) = holder(Source::new(customers))?;
    let turns = customers * ROUNDS;
    println!(
        "| {customers} | {name} | **{}** | **{}** |",
        spent.as_nanos() as u64 / turns,
        bytes / customers
    );
    Ok(())
}

fn map(mut source: Source) -> Result<(Duration, u64)> {
    let before = machine::resident_bytes();
    let mut live = FxHashMap::default();
    let mut cells: Vec<Cell> = Vec::new();
    for index in 0..source.customers {
        let (customer, turn) = source.first_turn(index)?;
        let mut cell = Cell::new(source.book.clone());
        taken(cell.turn(turn))?;
        cells.push(cell);
        live.insert(customer, index as usize);
    }
    let bytes = machine::resident_bytes().saturating_sub(before);
    let turns = source.later_turns()?;
    let begin = thread_cpu();
    for (customer, turn) in turns {
        let index = live[&customer];
        taken(cells[index].turn(turn))?;
    }
    Ok((thread_cpu() - begin, bytes))
}

fn actors(mut source: Source) -> Result<(Duration, u64)> {
    run(async {
        let before = machine::resident_bytes();
        let mut live = FxHashMap::default();
        let mut addresses: Vec<Addr<CustomerActor>> = Vec::new();
        for index in 0..source.customers {
            let (customer, turn) = source.first_turn(index)?;
            let address = CustomerActor::new(Cell::new(source.book.clone()), Cell::turn, MAILBOX).start();
            taken(address.send(turn).await?)?;
            addresses.push(address);
            live.insert(customer, index as usize);
        }
        let bytes = machine::resident_bytes().saturating_sub(before);
        let mut turns = source.later_turns()?.into_iter().peekable();
        let begin = thread_cpu();
        let mut replies = Vec::with_capacity(GIVEN);
        while turns.peek().is_some() {
            let given = turns.by_ref().take(GIVEN);
            replies.extend(given.map(|(customer, turn)| addresses[live[&customer]].send(turn)));
            for reply in replies.drain(..) {
                taken(reply.await?)?;
            }
        }
        Ok((thread_cpu() - begin, bytes))
    })
}

/// Looks at a reply as far as a partition does.
fn taken<T: Borrow<Turned>, E: std::fmt::Debug>(reply: Result<T, E>) -> Result<()> {
    let turned = reply.map_err(|refused| anyhow!("a turn was refused: {refused:?}"))?;
    std::hint::black_box(turned.borrow().effects.urgency);
    Ok(())
}

/// Turns with one event each.
struct Source {
    customers: u64,
    events: Events,
    book: Arc<Rulebook>,
    position: u64,
}

impl Source {
    fn new(customers: u64) -> Self {
        let events = Events::new(customers, Order::Rounds, 1);
        Self { customers, events, book: Arc::new(book::deciding()), position: 0 }
    }

    /// Returns the turn that brings the customer at `index` to life.
    fn first_turn(&mut self, index: u64) -> Result<(CustomerId, Turn)> {
        let (customer, mut turn) = self.turn(index)?;
        turn.steps.insert(0, Step::Load { customer: customer.clone(), row: None });
        Ok((customer, turn))
    }

    /// Returns the turns of everybody, several rounds.
    fn later_turns(&mut self) -> Result<Vec<(CustomerId, Turn)>> {
        (0..self.customers * ROUNDS).map(|nth| self.turn(nth % self.customers)).collect()
    }

    fn turn(&mut self, index: u64) -> Result<(CustomerId, Turn)> {
        let (customer, record) = self.record()?;
        let cell = CellId { index: index as u32, incarnation: index + 1 };
        Ok((customer, Turn { cell, steps: vec![Step::Record(record)], encode: Encode::No }))
    }

    fn record(&mut self) -> Result<(CustomerId, Record)> {
        self.position += 1;
        let stamp = Timestamp(1_795_507_200_000 + self.position as i64);
        let made = self.events.batch(1, stamp).pop().expect("one was asked for");
        let customer = CustomerId::of_key(made.key.clone());
        let position = Position(self.position);
        let record =
            LogRecord { position, stamp, key: made.key, kind: made.kind, epoch: None, body: made.body };
        Ok((customer, decode(&record, &Border::default())?))
    }
}
