//! The store room: one folder or file per implementation of the store port. A new one is an arm in [`Kind`], its keys in [`KEYS`], and an
//! arm in `app`, which opens log and store of a world together.

pub mod cql;
pub mod embedded;

use serde::Deserialize;

use crate::settings::legal::Legal;

/// Which store the engine uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The store of the embedded database.
    #[default]
    Embedded,
    /// Tables of Cassandra or ScyllaDB.
    Cql,
}

/// Section `store` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which store.
    pub kind: Kind,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[("store.kind", Legal::OneOf(&["embedded", "cql"]))];
