//! What a replay asks of the engine that reads its log.

use actors::node::Node;
use actors::port::BoxFuture;
use futures_util::future;
use schemas::ids::{PartitionId, Position};

use super::Gate;

/// A running node as a gate.
pub struct NodeGate<'a>(pub &'a Node);

impl Gate for NodeGate<'_> {
    fn read_to(&self) -> Vec<(PartitionId, Position)> {
        self.0.levels().into_iter().map(|(partition, levels)| (partition, levels.next)).collect()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // An engine that has stopped never settles; whoever runs the replay looks for that.
            if self.0.quiet().await.is_err() {
                future::pending::<()>().await;
            }
        })
    }
}
