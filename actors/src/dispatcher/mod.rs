//! The dispatcher of one partition: outreach from the log to one channel call each, and what became of it back to the log.
//!
//! Read in this order: [`protocol`] is the vocabulary (what wakes the core, what it asks for); [`core`] decides, without I/O, clock
//! or chance; [`perform`] does what the core asks through the ports; [`run`] drives both. The seeded simulator drives the same core
//! with the same `perform`.
//!
//! The ledger is the truth about an outreach, not the position: a record is read as often as it takes, and what the ledger says of
//! its attempt decides what is still to be done. So two dispatchers at once, or one that starts again, do no harm.

pub mod protocol;
pub mod settings;

pub mod core;
pub mod perform;
pub mod run;

#[cfg(test)]
mod tests;
