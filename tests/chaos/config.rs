//! Settings of the processes of a world. Time-outs are short, so that what goes wrong is felt.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::story::{AGAIN, ONCE};
use super::world::PARTITIONS;
use crate::cluster::Names;

/// Returns the settings of the story's channels, each a file of its name.
pub fn channels(at: &Path) -> String {
    let folder = at.display();
    format!(
        r#"
[channels.{ONCE}]
kind = "file"
path = "{folder}/{ONCE}"
unanswered = "never"
[channels.{AGAIN}]
kind = "file"
path = "{folder}/{AGAIN}"
unanswered = "again"
"#
    )
}

/// Writes the settings of one process and returns where they are.
pub fn write_settings(
    at: &Path,
    name: &str,
    names: &Names,
    (brokers, cql): (&str, &str),
    listen: SocketAddr,
) -> PathBuf {
    let folder = at.display();
    let Names { topic_prefix, group, keyspace } = names;
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
request_timeout_ms = 4000
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
dir = "{folder}/triggers"
[observability]
log = "info"
{}"#,
        channels(at)
    );
    let path = at.join(format!("{name}.toml"));
    std::fs::write(&path, text).expect("settings are written");
    path
}
