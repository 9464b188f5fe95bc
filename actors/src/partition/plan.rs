//! What every partition of a node is made with.

use std::sync::Arc;

use schemas::event::Border;
use schemas::ids::PartitionId;
use schemas::rulebook::Rulebook;

use super::agreed::Agreed;
use super::cell::{Cell, Take};
use super::core::{Core, Decode, Params};
use super::customer::CustomerActor;
use super::settings::Settings;
use crate::dispatcher;
use crate::metrics::Metrics;
use crate::node::NodeRules;
use crate::port::Ports;

/// What every partition of a node is made with.
pub(crate) struct Plan {
    pub(crate) ports: Ports,
    pub(crate) book: Arc<Rulebook>,
    pub(crate) border: Border,
    pub(crate) settings: Settings,
    pub(crate) rules: NodeRules,
    pub(crate) dispatcher: dispatcher::settings::Settings,
    pub(crate) metrics: Metrics,
    /// Bound of a customer's mailbox.
    pub(crate) mailbox: usize,
    pub(crate) decode: Decode,
    pub(crate) take: Take,
    pub(crate) agreed: Agreed,
}

impl Plan {
    /// Returns the core of a new assignment.
    pub(super) fn core(&self, partition: PartitionId) -> Core {
        Core::new(Params {
            partition,
            partitions: self.ports.source.partitions(),
            settings: self.settings.clone(),
            rules: self.rules.partition,
            decode: self.decode,
            border: self.border,
            agreed: self.agreed.clone(),
        })
    }

    /// Returns the actor of a customer whose first turn brings it to life.
    pub(super) fn customer(&self) -> CustomerActor {
        CustomerActor::new(Cell::new(Arc::clone(&self.book)), self.take, self.mailbox)
    }
}
