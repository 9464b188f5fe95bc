//! The log room: one folder or file per implementation of the log ports. A new one is an arm in [`Kind`], its keys in [`KEYS`], and an arm
//! in `app`, which opens log and store of a world together.

pub mod embedded;
pub mod kafka;
pub mod numbered;
pub mod whole;

use serde::Deserialize;

use crate::settings::legal::Legal;

/// Which log the engine uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The log of the embedded database.
    #[default]
    Embedded,
    /// Topics of a Kafka cluster.
    Kafka,
}

/// Section `log` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which log.
    pub kind: Kind,
    /// Partitions of every topic.
    pub partitions: u32,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] =
    &[("log.kind", Legal::OneOf(&["embedded", "kafka"])), ("log.partitions", Legal::Count(1, 1_024, ""))];
