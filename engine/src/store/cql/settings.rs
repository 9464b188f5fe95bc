//! Section `cql` of the settings: where the servers are, what they must promise, and the bounds of what is asked of them.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::settings::legal::Legal;
use crate::settings::{Partition, Secret};

/// Days by which the index of timers has to outlive the latest timer that it holds: the longest outage after which timers still fire.
const TIMER_OUTAGE_DAYS: i64 = 14;

/// How long servers wait, as installed, until they sync what they acknowledged. Units: ms.
const SYNC_PERIOD_MS: u64 = 10_000;

/// What an acknowledgement of the servers means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The write is on disk: nothing acknowledged is lost with the power of all servers.
    Synced,
    /// The write is synced within some seconds: the last of them may be lost with the power of a server. Conditional writes never.
    Periodic,
}

/// Section `cql`; the meaning of each key stands in `default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "default.toml documents every key; a second text would drift from it")]
pub struct Settings {
    pub nodes: String,
    pub keyspace: String,
    pub datacenter: String,
    pub replication: u8,
    pub buckets: u16,
    pub durability: Durability,
    pub username: String,
    pub password: Secret,
    pub tls_ca: PathBuf,
    pub connect_timeout_ms: u64,
    pub request_timeout_ms: u64,
    pub speculative_ms: u64,
    pub writes_in_flight_max: u32,
    pub long_writes_in_flight_max: u32,
    pub reads_in_flight_max: u32,
    pub conditional_in_flight_max: u32,
    pub batch_rows_max: usize,
    pub batch_kib_max: usize,
    pub timer_days: u32,
    pub decision_days: u32,
    pub ledger_days: u32,
    pub link_days: u32,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("cql.nodes", Legal::Servers),
    ("cql.keyspace", Legal::Keyspace),
    ("cql.datacenter", Legal::OptionalText),
    ("cql.replication", Legal::Count(1, 9, "copies")),
    ("cql.buckets", Legal::Count(1, 4_096, "")),
    ("cql.durability", Legal::OneOf(&["synced", "periodic"])),
    ("cql.username", Legal::OptionalText),
    ("cql.password", Legal::Secret),
    ("cql.tls_ca", Legal::OptionalPath),
    ("cql.connect_timeout_ms", Legal::Count(100, 60_000, "ms")),
    ("cql.request_timeout_ms", Legal::Count(100, 60_000, "ms")),
    ("cql.speculative_ms", Legal::Count(1, 60_000, "ms")),
    ("cql.writes_in_flight_max", Legal::Count(1, 16_384, "requests")),
    ("cql.long_writes_in_flight_max", Legal::Count(1, 16_384, "requests")),
    ("cql.reads_in_flight_max", Legal::Count(1, 16_384, "requests")),
    ("cql.conditional_in_flight_max", Legal::Count(1, 16_384, "requests")),
    ("cql.batch_rows_max", Legal::Count(1, 1_000, "rows")),
    ("cql.batch_kib_max", Legal::Count(4, 4_096, "KiB")),
    ("cql.timer_days", Legal::Count(15, 3_650, "days")),
    ("cql.decision_days", Legal::Count(1, 3_650, "days")),
    ("cql.ledger_days", Legal::Count(8, 3_650, "days")),
    ("cql.link_days", Legal::Count(0, 3_650, "days")),
];

impl Settings {
    /// Returns what contradicts the rest of the settings, each with what is wrong.
    pub fn contradictions(&self, partition: &Partition) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let timer_ahead_days = partition.timer_ahead_days;
        let needed = timer_ahead_days + TIMER_OUTAGE_DAYS;
        if i64::from(self.timer_days) < needed {
            let ahead = format!("partition.timer_ahead_days ({timer_ahead_days})");
            let problem =
                format!("has to be at least {needed}: {ahead} and {TIMER_OUTAGE_DAYS} for an outage");
            found.push(("cql.timer_days", problem));
        }
        if self.username.is_empty() != self.password.is_empty() {
            let problem = "has to be given together with cql.password, or neither".to_owned();
            found.push(("cql.username", problem));
        }
        if self.durability == Durability::Periodic && partition.replay_margin_ms <= SYNC_PERIOD_MS {
            let problem = format!(
                "periodic needs partition.replay_margin_ms above {SYNC_PERIOD_MS}, the servers' usual sync period; 15000 is good"
            );
            found.push(("cql.durability", problem));
        }
        found
    }

    /// Returns the servers to begin with.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.nodes.split(',').map(str::trim)
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}
