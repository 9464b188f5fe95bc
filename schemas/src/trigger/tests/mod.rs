//! The machine against a slow, obvious model: any small triggers, any sequence of events.

mod against_model;
mod model;
mod random;
mod shop;
