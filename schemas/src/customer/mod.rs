//! The customer row: the one truth about a customer, and its transitions.
//!
//! A row changes by [`Customer::apply`] (a record of the log), [`Customer::wake`] (time passed), [`Customer::answer`] (a score
//! came) and [`Customer::clear`] (relayed entries are confirmed). Each transition is pure: it leaves [`Effects`] for an executor,
//! and what must leave the engine stands in the row's own outbox until it is confirmed.
//!
//! | file | holds |
//! |---|---|
//! | `row` | the shape, and reading it |
//! | `apply` | the pipeline of one record, and timers |
//! | `identity`, `merge` | what rows tell each other, and what that does |
//! | `marks` | how far the messages of other rows were applied |
//! | `scoring` | questions to the predictor |
//! | `thread` | what is said to and by the customer |
//! | `outbox`, `effects` | what leaves, what the executor is told |
//! | `recheck` | the last look before an outreach leaves |
//! | `codec` | the row as bytes, with versions |
//! | `rules` | one switch per rule, for the simulator |

mod apply;
mod effects;
mod marks;
mod merge;
mod outbox;
mod row;
mod scoring;
mod thread;

pub mod codec;
pub mod identity;
pub mod recheck;
pub mod rules;

#[cfg(test)]
mod tests;

pub use effects::{Effects, Link, LinkKind, TalkTally, Tally, Urgency};
pub use outbox::{OutboxEntry, Outgoing};
pub use row::Customer;
pub use thread::Thread;
