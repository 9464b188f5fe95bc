//! Strays: records that were appended to another partition than their customer's, without a key or by another partitioner. They are
//! never folded here but relayed to the customer's partition.
//!
//! Each is named by where it stands, and the receiving row keeps one mark per partition that strays come from. So they leave in the
//! order in which they stand here, one append under way at a time, and hold the position until they are durable: relayed again after
//! a crash they change nothing. An append that fails may have left any of its records behind, so it holds one of each customer: the mark
//! of a later one would pass an earlier one that is not there.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashSet;
use schemas::customer::identity::Forward;
use schemas::event::{RejectReason, Rejection};
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{Input, Place, Record, RecordKind, Stray, encode_stray};

use super::Core;
use crate::partition::protocol::Io;
use crate::port::log::{NewRecord, Topic};

/// Strays are told in the log at most this often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Strays on their way.
#[derive(Debug, Default)]
pub(super) struct Strays {
    waiting: VecDeque<(Position, NewRecord)>,
    /// Where those of the append under way stand.
    under_way: Vec<Position>,
    /// How many came since they were told last.
    untold: u64,
    /// When they were told last, since boot.
    told: Option<Duration>,
}

impl Strays {
    /// Returns how many are on their way.
    pub(super) fn open(&self) -> usize {
        self.waiting.len() + self.under_way.len()
    }

    /// Returns the first that is not durable where it belongs.
    pub(super) fn first(&self) -> Option<Position> {
        self.under_way.first().copied().or_else(|| self.waiting.front().map(|(position, _)| *position))
    }
}

impl Core {
    /// Returns true when the records of `customer` belong to another partition.
    pub(super) fn is_astray(&self, customer: &CustomerId) -> bool {
        self.rules.strays_relayed && PartitionId::of(customer.as_str(), self.partitions) != self.partition
    }

    /// Has a record relayed to its customer's partition.
    ///
    /// Errors: `WrongPartition` → a message between rows, which is relayed by who sends it and nobody else.
    pub(super) fn relay_stray(
        &mut self,
        customer: &CustomerId,
        Record { position, stamp, input }: Record,
    ) -> Result<(), Rejection> {
        let home = PartitionId::of(customer.as_str(), self.partitions);
        let told = match input {
            Input::Event(event) => Forward::Event(*event),
            Input::Outcome(outcome) => Forward::Outcome(outcome),
            Input::Command(command) => Forward::Command(command),
            Input::Talk(talk) => Forward::Talk(talk),
            Input::Relay(_) | Input::Stray(_) => {
                let message = format!(
                    "is {}; what one row tells another must stand in its receiver's, {}: was the partition count changed?",
                    self.partition.0, home.0
                );
                return Err(Rejection::new(RejectReason::WrongPartition, "partition", message));
            }
        };
        let topic = Topic::Events.as_str().into();
        let stray = Stray { from: Place { topic, partition: self.partition, position }, told };
        let record = NewRecord {
            partition: home,
            key: customer.as_str().into(),
            kind: RecordKind::Stray,
            epoch: Some(self.lease_epoch()),
            stamp: Some(stamp),
            body: encode_stray(&stray),
        };
        self.strays.waiting.push_back((position, record));
        self.counts.strayed += 1;
        self.strays.untold += 1;
        self.tell_strays();
        Ok(())
    }

    /// Says in the log that there are strays, now and then.
    fn tell_strays(&mut self) {
        let now = self.now.boot;
        if self.strays.told.is_some_and(|told| now < told + TOLD_EVERY) {
            return;
        }
        let records = std::mem::take(&mut self.strays.untold);
        self.strays.told = Some(now);
        tracing::warn!(
            partition = self.partition.0,
            records,
            "records without a key or of another partitioner, relayed to their customers' partitions; producers need murmur2 and the customer's id as key"
        );
    }

    /// Begins an append when there are strays and none is under way.
    pub(super) fn send_strays(&mut self) {
        if self.strays.waiting.is_empty() || !self.strays.under_way.is_empty() {
            return;
        }
        let alone = self.rules.strays_of_a_customer_apart;
        let mut customers = FxHashSet::default();
        let waiting = self.strays.waiting.iter().take(self.settings.relay_max);
        let count = waiting.take_while(|(_, stray)| customers.insert(&stray.key) || !alone).count();
        let (under_way, records) = self.strays.waiting.drain(..count).unzip();
        self.strays.under_way = under_way;
        self.act(Io::RelayStrays { records });
    }

    /// An append of strays is durable.
    pub(super) fn strays_relayed(&mut self) {
        self.strays.under_way.clear();
    }
}
