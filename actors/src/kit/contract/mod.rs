//! Contract suites: what every adapter of a port must do, as one async function per port that panics with what went wrong.
//!
//! A suite takes a function that makes a fresh adapter; where durability is part of the contract the fixture brings a way to close
//! the adapter and open it again.

pub mod channel;
pub mod clock;
pub mod generator;
pub mod log;
pub mod predictor;
pub mod store;

pub mod sample;

#[cfg(test)]
mod tests;
