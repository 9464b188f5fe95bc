//! Settings of the processes of a world. Time-outs are short, so that what goes wrong is felt.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::fault::ANSWERED_MS;
use super::story::{AGAIN, ONCE};
use super::world::PARTITIONS;
use crate::cluster::Names;
use crate::webhooks::SECRET;

/// Returns the settings of the story's channels: each a file of its name in a folder, or [`AGAIN`] a webhook of a shop's server.
pub fn channels(at: &Path, again: Option<&str>) -> String {
    let folder = at.display();
    let again = match again {
        None => format!("kind = \"file\"\npath = \"{folder}/{AGAIN}\"\nunanswered = \"again\""),
        Some(url) => format!(
            "kind = \"webhook\"\nurl = \"{url}\"\nsecrets = \"{SECRET}\"\nnetworks = \"127.0.0.0/8\"\n\
             connect_ms = 1000\ntotal_ms = 1400\nin_flight_max = 1000"
        ),
    };
    format!(
        r#"
[channels.{ONCE}]
kind = "file"
path = "{folder}/{ONCE}"
unanswered = "never"
[channels.{AGAIN}]
{again}
"#
    )
}

/// Where the processes of a world find what they need.
pub struct Around<'a> {
    /// The folder of the world.
    pub folder: &'a Path,
    /// What the world's topics, group and keyspace are called.
    pub names: &'a Names,
    /// Where the shop's server takes outreach.
    pub hook: &'a str,
}

/// Writes the settings of one process and returns where they are.
pub fn write_settings(
    around: &Around<'_>,
    (name, triggers): (&str, &str),
    (brokers, cql): (&str, &str),
    listen: SocketAddr,
) -> PathBuf {
    let folder = around.folder.display();
    let Names { topic_prefix, group, keyspace } = around.names;
    let text = format!(
        r#"
[data]
dir = "{folder}/{name}"
[log]
kind = "kafka"
partitions = {PARTITIONS}
[store]
kind = "cql"
[serve]
listen = "{listen}"
[kafka]
brokers = "{brokers}"
group = "{group}"
topic_prefix = "{topic_prefix}"
session_timeout_ms = 3000
poll_max_ms = 6000
release_ms = 3000
delivery_timeout_ms = 4000
request_timeout_ms = 2000
commit_ms = 200
fetch_wait_ms = 100
ends_ms = 200
replication = 1
min_insync = 1
[cql]
nodes = "{cql}"
keyspace = "{keyspace}"
replication = 1
buckets = 4
request_timeout_ms = {ANSWERED_MS}
connect_timeout_ms = 2000
[partition]
flush_quiet_ms = 300
flush_quiet_max_ms = 2000
lease_ms = 8000
lease_renew_ms = 2000
confirm_ms = 200
replay_margin_ms = 0
drain_ms = 2500
timer_grid_ms = 200
[customers]
idle_s = 2
[predictor]
kind = "rules"
wait = "answer"
[dispatcher]
call_deadline_ms = 1500
retry_after_s = 3
[triggers]
dir = "{folder}/{triggers}"
[observability]
log = "info"
{}"#,
        channels(around.folder, Some(around.hook))
    );
    let path = around.folder.join(format!("{name}.toml"));
    std::fs::write(&path, text).expect("settings are written");
    path
}
