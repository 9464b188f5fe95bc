//! What a person sees of a running engine: events and customers counted, decisions as they are made, and why.
//!
//! [`watch`] puts a tap before the log ports and prints from a thread of its own. It changes nothing that passes, and never makes the
//! engine wait: what the screen cannot follow is counted and said, not shown. A simulated shop, which is driven step by step and waits for
//! nobody, has a picture of its own: [`dashboard`] says what it looks like, [`painter`] draws it.

mod tap;
mod view;

pub mod dashboard;
pub mod painter;

pub use tap::{Passed, count, watch};
pub use view::View;

#[cfg(test)]
mod tests;
