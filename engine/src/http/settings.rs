//! Section `http` of the settings.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::keys::{KEYS_FILE, KeyFile};
use crate::settings::legal::Legal;

/// Section `http`; `default.toml` says more of each key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where it listens; empty = it does not.
    pub listen: String,
    /// File of the keys; empty = in the data folder.
    pub keys: PathBuf,
    /// Origins that may send events from a browser.
    pub cors_origins: String,
    /// Threads that read and answer requests.
    pub threads: usize,
    /// Connections at a time.
    pub connections_max: usize,
    /// Largest body, as sent and inflated.
    pub body_max_kib: usize,
    /// Bodies under way.
    pub under_way_max_mib: usize,
    /// Bound of a request.
    pub request_ms: u64,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("http.listen", Legal::OptionalListen),
    ("http.keys", Legal::OptionalPath),
    ("http.cors_origins", Legal::Origins),
    ("http.threads", Legal::Count(1, 64, "threads")),
    ("http.connections_max", Legal::Count(1, 1_000_000, "connections")),
    ("http.body_max_kib", Legal::Count(1, 65_536, "KiB")),
    ("http.under_way_max_mib", Legal::Count(1, 65_536, "MiB")),
    ("http.request_ms", Legal::Count(100, 600_000, "ms")),
];

impl Settings {
    /// Returns where it listens; `None` when it is off.
    pub fn address(&self) -> Option<SocketAddr> {
        (!self.listen.is_empty()).then(|| self.listen.parse().expect("a legal address is one"))
    }

    /// Returns the file of the keys.
    pub fn key_file(&self, data_dir: &Path) -> KeyFile {
        match self.keys.as_os_str().is_empty() {
            true => KeyFile::new(data_dir.join(KEYS_FILE)),
            false => KeyFile::new(self.keys.clone()),
        }
    }

    pub(super) fn body_max(&self) -> usize {
        self.body_max_kib << 10
    }

    pub(super) fn under_way_max(&self) -> usize {
        self.under_way_max_mib << 20
    }

    pub(super) fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }
}
