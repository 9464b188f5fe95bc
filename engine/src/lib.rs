//! Adapters and wiring of the Care Engine.

pub mod settings;

pub mod words;

pub mod live;

pub mod clock;

pub mod embedded;
pub mod log;
pub mod store;

pub mod outreach;
pub mod predict;

pub mod replay;

pub mod dump;

pub mod triggers;

pub mod app;
pub mod cli;
