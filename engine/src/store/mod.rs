//! The store room: one file per implementation of the store port. A new one is a file, an arm in [`Settings`] and one in [`build`].

pub mod embedded;

use std::sync::Arc;

use actors::port::store::Store;
use serde::Deserialize;

use crate::embedded::Database;

/// Which store the engine uses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Settings {
    /// The store of the embedded database.
    #[default]
    Embedded,
}

/// Returns the store that the settings name.
pub fn build(settings: &Settings, database: &Database) -> Arc<dyn Store> {
    match settings {
        Settings::Embedded => Arc::new(embedded::EmbeddedStore::new(database)),
    }
}
