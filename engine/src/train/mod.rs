//! Training data: a shop's event files through the very rows that serve.
//!
//! [`history`] plays the files and hands out what was asked of every customer, and every customer at given dates.

pub mod history;

pub use history::{History, Moment, Played, Rules};

#[cfg(test)]
mod tests;
