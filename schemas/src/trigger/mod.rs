//! Proactive triggers: the document that a marketer writes, and the machine that runs it for one customer.
//!
//! | file | holds |
//! |---|---|
//! | `spec` | a trigger after parsing |
//! | `document` | from YAML or JSON to a trigger, or to faults with their lines |
//! | `condition` | what a condition says of a customer, and when that changes by itself |
//! | `words` | what a trigger does, in plain words |

pub mod spec;

pub use spec::Trigger;
