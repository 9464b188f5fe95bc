//! What the servers may lose of what they acknowledged.
//!
//! A node with `commitlog_sync` batch or group acknowledges what is on its disk: nothing is lost, and the generation never changes.
//! ScyllaDB as installed syncs a little later (conditional writes aside); with `cql.durability = "periodic"` that is accepted, and every
//! node is asked when it started last: whoever started again may have come without its tail, and so may a node that was not seen before.
//! A node that cannot be reached from here but serves others is not seen: that is what the replay margin has to outlast.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::port::clock::Clock;
use actors::port::store;
use scylla::client::session::Session;
use scylla::cluster::Node;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::{Consistency, Statement};
use tokio::sync::Mutex;

use super::calls::Calls;
use super::error::Error;
use super::settings::{Durability, Settings};
use crate::clock::SystemClock;

/// What a Cassandra node does before it acknowledges.
const SYNC_OF_CASSANDRA: &str = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'";
/// The same of a ScyllaDB node.
const SYNC_OF_SCYLLA: &str = "SELECT value FROM system.config WHERE name = 'commitlog_sync'";
/// When a node started last.
const STARTED: &str = "SELECT gossip_generation FROM system.local";

/// Watches whether something may have been lost.
pub(super) struct Tail {
    durability: Durability,
    generation: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// When the nodes were asked last, all of them that answered.
    asked: Option<Duration>,
    /// When each node started, as last heard.
    started: BTreeMap<String, i32>,
}

impl Tail {
    pub(super) fn new(durability: Durability) -> Self {
        Self { durability, generation: AtomicU64::new(0), seen: Mutex::default() }
    }

    /// Returns the generation as last heard.
    pub(super) fn known(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Returns the generation as it is now: the nodes are asked after the call began. Callers at the same time share one asking.
    pub(super) async fn ask(&self, calls: &Calls) -> Result<u64, store::Error> {
        if self.durability == Durability::Synced {
            return Ok(self.known());
        }
        let called = SystemClock.boot();
        let mut seen = self.seen.lock().await;
        if seen.asked.is_none_or(|asked| asked < called) {
            let began = SystemClock.boot();
            self.look(&mut seen, calls).await?;
            seen.asked = Some(began);
        }
        Ok(self.known())
    }

    async fn look(&self, seen: &mut Seen, calls: &Calls) -> Result<(), store::Error> {
        let state = calls.session().get_cluster_state();
        let mut answered = 0;
        for node in state.get_nodes_info().iter().filter(|node| node.is_connected()) {
            let Some(started) = ask::<i32>(calls.session(), node, STARTED).await else { continue };
            answered += 1;
            let before = seen.started.insert(node.host_id.to_string(), started);
            // The first look of all has nothing to compare with; afterwards a node that is new may be one that came back.
            if before != Some(started) && seen.asked.is_some() {
                self.generation.fetch_add(1, Ordering::AcqRel);
                tracing::warn!(node = %node.address, "a node started: what it acknowledged last may be lost");
            }
        }
        match answered {
            0 => Err(store::Error::Unavailable("no node tells when it started".to_owned())),
            _ => Ok(()),
        }
    }
}

/// Checks how the nodes sync, each that is connected.
///
/// Errors: one of them acknowledges before it has synced and that is not accepted, or does not tell.
pub(super) async fn verify(session: &Session, settings: &Settings) -> Result<(), Error> {
    let state = session.get_cluster_state();
    for node in state.get_nodes_info() {
        let is_scylla = node.sharder().is_some();
        if is_scylla && settings.durability == Durability::Periodic || !node.is_connected() {
            continue;
        }
        let question = if is_scylla { SYNC_OF_SCYLLA } else { SYNC_OF_CASSANDRA };
        let sync: String = ask(session, node, question).await.unwrap_or_else(|| "not told".to_owned());
        if !matches!(sync.trim_matches('"'), "batch" | "group") {
            let remedy = if is_scylla { REMEDY_OF_SCYLLA } else { REMEDY_OF_CASSANDRA };
            return Err(Error::NotSynced { node: node.address.to_string(), sync, remedy });
        }
    }
    Ok(())
}

const REMEDY_OF_CASSANDRA: &str = "set commitlog_sync: batch (or group) in its cassandra.yaml; without it a lease can be lost with the power of one node";
const REMEDY_OF_SCYLLA: &str = "set commitlog_sync: batch in its scylla.yaml, \
     or accept it by cql.durability = \"periodic\" and partition.replay_margin_ms = 15000";

/// Asks one node for one value; `None` when it does not answer or tell.
async fn ask<T>(session: &Session, node: &Arc<Node>, question: &str) -> Option<T>
where
    T: for<'f, 'm> scylla::deserialize::value::DeserializeValue<'f, 'm>,
{
    let mut statement = Statement::new(question);
    statement.set_consistency(Consistency::One);
    statement.set_is_idempotent(true);
    let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(node.host_id), None);
    statement.set_load_balancing_policy(Some(only));
    let answer = session.query_unpaged(statement, ()).await;
    let answer = answer.inspect_err(|error| tracing::debug!(node = %node.address, %error, "not told"));
    let (value,) = answer.ok()?.into_rows_result().ok()?.first_row::<(Option<T>,)>().ok()?;
    value
}
