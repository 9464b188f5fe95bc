//! Inserts of many CQL partitions in few requests.
//!
//! Links and decisions have a CQL partition each, and a request each costs a server more than what it writes. So those that the same replica
//! (on ScyllaDB: the same shard of it) holds go there together, unlogged: each stands for itself and may be repeated.

use std::collections::HashMap;

use actors::metrics::StoreOperation;
use actors::port::store::Error;
use futures_util::future;
use scylla::cluster::ClusterState;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;

use super::Inner;
use super::batch::{BatchMax, Weighed, batches};

/// CQL partitions of one request: Cassandra, as installed, warns of more (`unlogged_batch_across_partitions_warn_threshold`).
const PARTITIONS_MAX: usize = 10;

/// Where a value is held first: the node's id and the shard. `None`: the driver does not know.
type Holder = Option<(u128, u32)>;

impl Inner {
    /// Runs an idempotent insert with each of the values, in any order. All are awaited, also when one fails: they have been sent.
    pub(super) async fn gather<V: SerializeRow + Weighed>(
        &self,
        operation: StoreOperation,
        statement: &PreparedStatement,
        values: Vec<V>,
    ) -> Result<(), Error> {
        let max = BatchMax { rows: self.batch_max.rows.min(PARTITIONS_MAX), ..self.batch_max };
        let state = self.calls.session().get_cluster_state();
        let mut of_holders: HashMap<Holder, Vec<V>> = HashMap::new();
        for value in values {
            of_holders.entry(holder(&state, statement, &value)).or_default().push(value);
        }
        let requests = of_holders.values().flat_map(|held| batches(held, max));
        let sent = requests.map(|batch| self.calls.execute_together(operation, statement, batch));
        future::join_all(sent).await.into_iter().collect()
    }
}

fn holder(state: &ClusterState, statement: &PreparedStatement, value: &impl SerializeRow) -> Holder {
    let table = statement.get_table_spec()?;
    let token = statement.calculate_token(value).ok().flatten()?;
    let held = state.get_token_endpoints(table.ks_name(), table.table_name(), token);
    held.first().map(|(node, shard)| (node.host_id.as_u128(), *shard))
}
