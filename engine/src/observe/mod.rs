//! What the program says of itself: a log to standard error, and traces to whoever collects them.
//!
//! Neither holds personal data: ids of requests and outreach, names of routes, triggers and channels, counts. Metrics are elsewhere
//! (`actors::metrics`), since they are there always.

mod log;
mod settings;
mod traces;

#[cfg(test)]
mod tests;

pub use log::start;
pub use settings::{KEYS, LogFormat, Settings};
pub use traces::Traces;

/// Target of the spans and events of HTTP requests.
pub(crate) const HTTP: &str = "care::http";
