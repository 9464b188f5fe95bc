//! Training data: a shop's event files through the very rows that serve.
//!
//! In the order of the way of a row: [`history`] plays the files and hands out what was asked of every customer, and every customer at
//! given dates; [`label`] says what came of it; [`contact`] what was done to the customer meanwhile; [`dataset`] makes rows of both;
//! [`leak`] refuses rows that know what they could not.

pub mod history;

pub mod contact;
pub mod label;

pub mod dataset;

pub mod leak;

pub use dataset::{Collector, Gathered, Sample, Taken, enough};
pub use history::{History, Moment, Played, Rules};
pub use label::Definition;

#[cfg(test)]
mod tests;
