//! The customers of a process: the stand-in row of the owner's world, or real ones.

use std::sync::Arc;

use actors::partition::cell;
use actors::partition::core::Decode;
use actors::partition::turn::{Refused, Turn, Turned};
use schemas::customer::rules::SlotRule;
use schemas::event::{Border, RejectReason, Rejection};
use schemas::ids::CustomerId;
use schemas::record::{self, Input, LogRecord, Record};
use schemas::rulebook::Rulebook;

use crate::chance::Chance;
use crate::row::{self, Kind, RowRules};
use crate::world::State;

/// What the customers of a world are.
#[derive(Clone, Debug)]
pub enum Customers {
    /// Rows that keep everything they ever did.
    StandIn(RowRules),
    /// Rows of the product, with the product's cells.
    Real(Arc<Rulebook>),
}

/// One live customer.
pub enum Cell {
    StandIn(Box<row::Cell>),
    Real { incarnation: u64, cell: Box<cell::Cell> },
}

impl Customers {
    /// Returns how the world's events are decoded.
    pub fn decode(&self) -> Decode {
        match self {
            Customers::StandIn(_) => decode_stand_in,
            Customers::Real(_) => record::decode,
        }
    }

    /// Returns what the shop has set.
    pub fn book(&self) -> Arc<Rulebook> {
        match self {
            Customers::StandIn(_) => Arc::default(),
            Customers::Real(book) => Arc::clone(book),
        }
    }

    /// Returns the customers of one owner: where slots are not stable, each owner makes its own.
    pub fn of_owner(&self, owner: usize) -> Self {
        match self {
            Customers::Real(book) if book.rules.slots != SlotRule::Stable => {
                let mut book = Rulebook::clone(book);
                book.rules.slots = SlotRule::Salted(owner as u64);
                Customers::Real(Arc::new(book))
            }
            Customers::StandIn(_) | Customers::Real(_) => self.clone(),
        }
    }

    /// Returns a cell that its first turn brings to life.
    pub fn cell(&self, incarnation: u64) -> Cell {
        match self {
            Customers::StandIn(rules) => Cell::StandIn(Box::new(row::Cell::new(incarnation, *rules))),
            Customers::Real(book) => {
                Cell::Real { incarnation, cell: Box::new(cell::Cell::new(Arc::clone(book))) }
            }
        }
    }
}

impl Cell {
    /// Gives the customer its turn. A place is closed before it is used again.
    pub fn turn(&mut self, turn: Turn, state: &mut State, chance: &mut Chance) -> Result<Turned, Refused> {
        let (incarnation, next) = (self.incarnation(), turn.cell.incarnation);
        assert_eq!(incarnation, next, "a cell is closed before its place is used again");
        match self {
            Cell::StandIn(cell) => Ok(cell.turn(turn, state, chance)),
            Cell::Real { cell, .. } => cell.turn(turn),
        }
    }

    /// Returns what stands in a trace about the customer.
    pub fn describe(&self) -> String {
        match self {
            Cell::StandIn(cell) => cell.describe(),
            Cell::Real { cell, .. } => format!("{cell:?}").chars().take(400).collect(),
        }
    }

    fn incarnation(&self) -> u64 {
        match self {
            Cell::StandIn(cell) => cell.incarnation,
            Cell::Real { incarnation, .. } => *incarnation,
        }
    }
}

fn decode_stand_in(record: &LogRecord, _: &Border) -> Result<Record, Rejection> {
    let text = String::from_utf8_lossy(&record.body);
    if Kind::decode(&text).is_none() {
        return Err(Rejection::new(RejectReason::NoName, "body", text));
    }
    let customer = CustomerId::of_key(record.key.clone());
    let input = Input::Event(Box::new(row::event(&text, &customer, record.stamp)));
    Ok(Record { position: record.position, stamp: record.stamp, input })
}
