//! State in motion: the actors of the Care Engine, the ports they speak through, and the protocol that keeps events exactly once.
//!
//! Read in this order: [`port`] is what the outside must offer; [`batcher`] gives a model a thread and takes questions to it in batches;
//! [`generation`] has answers written by back ends, bounded and by priority; [`partition`] owns one partition of the log and its customers;
//! [`dispatcher`] turns outreach into channel calls; [`node`] runs the partitions that this process was assigned and says when nothing
//! is left to do; [`metrics`] names everything that is counted, [`trace`] everything that is traced; `kit` holds the in-memory doubles and the contract suites that every
//! adapter passes.

pub mod port;

mod switches;

#[cfg(feature = "ablation")]
pub mod ablation;

pub mod batcher;

pub mod generation;

pub mod dead_letter;

pub mod partition;

pub mod dispatcher;

pub mod node;

pub mod metrics;

pub mod trace;

pub mod kit;
