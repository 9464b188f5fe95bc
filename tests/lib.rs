//! What the integration tests share with the demonstration: a small invented shop whose events are made from a seed.

pub mod shop;
