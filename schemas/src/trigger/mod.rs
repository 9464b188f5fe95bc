//! Proactive triggers: the document that a marketer writes, and the machine that runs it for one customer.
//!
//! | file | holds |
//! |---|---|
//! | `spec` | a trigger after parsing |
//! | `index` | the triggers in force, by what concerns them |
//! | `document` | from YAML or JSON to a trigger, or to faults with their lines |
//! | `words` | what a trigger does, in plain words |
//! | `condition` | what a condition says of a customer, and when that changes by itself |
//! | `state` | what a customer's row keeps of triggers |
//! | `machine` | what events, time, scores and outcomes do to that |

pub mod spec;

mod index;

pub mod document;
pub mod words;

pub mod condition;
pub mod state;

pub mod machine;

pub use document::{Fault, Faults, Parsed, parse};
pub use index::Triggers;
pub use spec::Trigger;
pub use state::TriggerState;
pub use words::describe;

#[cfg(test)]
mod tests;
