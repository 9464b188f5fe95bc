//! Adapters and wiring of the Care Engine.

pub mod live;
