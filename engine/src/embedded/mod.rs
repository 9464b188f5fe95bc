//! The embedded database: log and store of an engine on one machine, in one directory, by one process.
//!
//! Read in this order: [`directory`] says who may open it; [`journal`] mends what a crash tore; [`tables`] is what is on disk, with [`key`], [`block`] and [`value`];
//! [`tail`] keeps the newest records of every partition in memory; [`commit`] is the one thread that writes: everything that waits
//! is one batch and one fsync ([`group`]); [`reader`] are the threads that read what is not in memory.
//!
//! The adapters to the ports are `log::embedded` and `store::embedded`. Nothing here decides about customers.

pub mod directory;

mod journal;

pub(crate) mod block;
pub(crate) mod key;
pub(crate) mod tables;
pub(crate) mod value;

pub(crate) mod tail;

pub(crate) mod commit;
pub(crate) mod group;
mod queue;
mod reader;
mod retention;

mod database;
mod settings;

pub use database::{Database, Error, Statistics};
pub use group::Failure;
pub use settings::Settings;

#[cfg(test)]
mod tests;
