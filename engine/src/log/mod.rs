//! The log room: one file per implementation of the log ports. A new one is a file, an arm in [`Settings`] and one in [`build`].

pub mod embedded;

use std::sync::Arc;

use actors::port::log::{LogSink, LogSource};
use serde::Deserialize;

use crate::embedded::Database;

/// Which log the engine uses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Settings {
    /// The log of the embedded database.
    #[default]
    Embedded,
}

/// Returns the log that the settings name: a source and a sink.
pub fn build(settings: &Settings, database: &Database) -> (Arc<dyn LogSource>, Arc<dyn LogSink>) {
    match settings {
        Settings::Embedded => {
            let log = Arc::new(embedded::EmbeddedLog::new(database));
            (log.clone(), log)
        }
    }
}
