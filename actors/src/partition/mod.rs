//! One partition of the log: its lease, its customers, and the order in which what they cause becomes durable.
//!
//! Read in this order: [`protocol`] is the vocabulary (what wakes the core, what it asks for); [`turn`] is what a customer is asked
//! and answers; [`core`] decides, without I/O, clock or chance; [`perform`] does what the core asks through the ports; [`cell`] is
//! one live customer, [`agreed`] what all engines on the store go by. An actor shell and the seeded simulator drive the same core with the same `perform`.
//!
//! The shell: `customer` is the actor of a cell, `actor` that of a partition, `plan` what all are made with; `board` is what a
//! partition shows of itself, `replies` are those of its customers, `report` and `meter` are what it tells the metrics.

pub mod protocol;
pub mod settings;
pub mod turn;

pub mod core;
pub mod perform;

pub mod agreed;
pub mod cell;

pub(crate) mod actor;
pub mod board;
pub mod customer;
pub(crate) mod meter;
pub(crate) mod plan;
mod replies;
mod report;
