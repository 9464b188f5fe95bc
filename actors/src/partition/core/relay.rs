//! Relaying: sends what acknowledged rows hold, in row order, and has it cleared once the lease was confirmed afterwards.
//!
//! One append per topic is under way at a time, so that a repeated one keeps the order. What leaves is stamped with the log time of its
//! row, which no cause of it lies behind: the log's clock may still be of before, where records bear stamps of their own.
//!
//! An append that fails may have left any of its records behind, so it holds one message of a row to another: the receiver keeps one mark
//! per sender, and that of a later message would pass an earlier one that is not there.

use std::collections::VecDeque;

use bytes::Bytes;
use rustc_hash::FxHashSet;
use schemas::conversation::{Reply, Turn};
use schemas::customer::Outgoing;
use schemas::decision::Decision;
use schemas::ids::{CustomerId, Epoch, PartitionId};
use schemas::record::{RecordKind, encode_relay, encode_reply};
use serde::Serialize;

use super::Core;
use super::entry::{Out, Stage};
use crate::partition::protocol::{Forgotten, Io};
use crate::partition::turn::{CellId, Step};
use crate::port::log::{NewRecord, Topic};
use crate::port::store::DecisionRow;

/// Outbox entries on their way out.
#[derive(Debug, Default)]
pub(super) struct Relays {
    outreach: Queue,
    decisions: Queue,
    events: Queue,
    replies: Queue,
    /// Relayed entries that wait for a confirmation, and how many had begun when they were relayed.
    relayed: VecDeque<(u64, CellId)>,
}

/// Entries for one topic, by cell and number.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(CellId, u64)>,
    under_way: Vec<(CellId, u64)>,
}

impl Relays {
    fn queues(&self) -> [&Queue; 4] {
        [&self.outreach, &self.decisions, &self.events, &self.replies]
    }

    fn queue(&mut self, topic: Topic) -> Option<&mut Queue> {
        match topic {
            Topic::Outreach => Some(&mut self.outreach),
            Topic::Decisions => Some(&mut self.decisions),
            Topic::Events => Some(&mut self.events),
            Topic::Replies => Some(&mut self.replies),
            Topic::DeadLetter => None,
        }
    }

    /// Returns how many entries are on their way.
    pub(super) fn waiting(&self) -> usize {
        self.queues().iter().map(|queue| queue.waiting.len() + queue.under_way.len()).sum()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting() == 0
    }

    /// Returns true when relayed entries could be cleared after a confirmation.
    pub(super) fn awaits_confirmation(&self) -> bool {
        !self.relayed.is_empty()
    }
}

fn topic_of(body: &Outgoing) -> Topic {
    match body {
        Outgoing::Outreach(_) => Topic::Outreach,
        Outgoing::Decision(_) => Topic::Decisions,
        Outgoing::Relay { .. } => Topic::Events,
        Outgoing::Turn(_) | Outgoing::Forgotten { .. } => Topic::Replies,
    }
}

impl Core {
    /// Queues an entry whose row is acknowledged.
    pub(super) fn queue_relay(&mut self, cell: CellId, number: u64) {
        let Some(out) = self.out(cell, number) else { return };
        let Some(topic) = out.body.as_ref().map(topic_of) else { return };
        if let Some(queue) = self.relay.queue(topic) {
            queue.waiting.push_back((cell, number));
        }
    }

    fn out(&mut self, cell: CellId, number: u64) -> Option<&mut Out> {
        self.incarnation(cell)?.outbox.iter_mut().find(|out| out.number == number)
    }

    /// Begins an append for every topic that has entries and no append under way.
    pub(super) fn send_relays(&mut self) {
        for topic in [Topic::Outreach, Topic::Decisions, Topic::Events, Topic::Replies] {
            let batch = self.next_relays(topic);
            self.send_relay(topic, batch);
        }
    }

    /// Takes what the next append to a topic holds; nothing while one is under way.
    fn next_relays(&mut self, topic: Topic) -> Vec<(CellId, u64)> {
        let max = self.settings.relay_max;
        let apart = topic == Topic::Events && self.rules.messages_of_a_pair_apart;
        let Some(queue) = self.relay.queue(topic).filter(|queue| queue.under_way.is_empty()) else {
            return Vec::new();
        };
        let mut waiting = std::mem::take(&mut queue.waiting);
        let mut count = waiting.len().min(max);
        if apart {
            let mut pairs = FxHashSet::default();
            let entries =
                waiting.iter().take(max).map(|(cell, number)| (cell, self.receiver(*cell, *number)));
            count = entries.take_while(|(cell, to)| to.is_none_or(|to| pairs.insert((*cell, to)))).count();
        }
        let batch = waiting.drain(..count).collect();
        if let Some(queue) = self.relay.queue(topic) {
            queue.waiting = waiting;
        }
        batch
    }

    /// Returns the row that an entry is a message to.
    fn receiver(&self, cell: CellId, number: u64) -> Option<&CustomerId> {
        let out = self.seen(cell)?.outbox.iter().find(|out| out.number == number)?;
        match out.body.as_ref()? {
            Outgoing::Relay { to, .. } => Some(to),
            Outgoing::Outreach(_)
            | Outgoing::Decision(_)
            | Outgoing::Turn(_)
            | Outgoing::Forgotten { .. } => None,
        }
    }

    fn send_relay(&mut self, topic: Topic, batch: Vec<(CellId, u64)>) {
        let (mut records, mut decisions) = (Vec::with_capacity(batch.len()), Vec::new());
        let mut since = Vec::new();
        let (mut turns, mut forgotten) = (Vec::new(), Vec::new());
        let mut under_way = Vec::with_capacity(batch.len());
        let (partition, partitions, epoch) = (self.partition, self.partitions, self.lease_epoch());
        let last_stamp = self.last_stamp();
        for (cell, number) in batch {
            // The entries of a customer that is gone are relayed by its next incarnation.
            let Some(entry) = self.incarnation(cell) else { continue };
            let customer = entry.customer.clone();
            // Where this owner has not written the row since it was loaded, any timestamp of its range will do.
            let written_at = entry.durable.map_or(last_stamp, |durable| durable.stamp);
            let Some(out) = self.out(cell, number) else { continue };
            let Some(body) = out.body.as_ref() else { continue };
            let stamp = Some(out.at);
            records.push(NewRecord { stamp, ..record(body, &customer, partition, partitions, epoch) });
            match body {
                Outgoing::Decision(decision) => {
                    decisions.push(DecisionRow { decision: Decision::clone(decision), written_at });
                    since.push(out.since);
                }
                Outgoing::Turn(turn) => turns.push(Turn::clone(turn)),
                Outgoing::Forgotten { below, at } => {
                    forgotten.push(Forgotten { customer, below: *below, at: *at });
                }
                Outgoing::Outreach(_) | Outgoing::Relay { .. } => {}
            }
            under_way.push((cell, number));
        }
        if records.is_empty() {
            return;
        }
        self.counts.relayed += records.len() as u64;
        if let Some(queue) = self.relay.queue(topic) {
            queue.under_way = under_way;
        }
        match topic {
            Topic::Replies => self.act(Io::Tell { records, turns, forgotten }),
            Topic::Outreach | Topic::Decisions | Topic::Events | Topic::DeadLetter => {
                self.act(Io::Relay { topic, records, decisions, since });
            }
        }
    }

    /// An append is durable.
    pub(super) fn relayed(&mut self, topic: Topic, generation: Option<u64>) {
        if let Some(generation) = generation {
            self.note_generation(generation);
        }
        let confirmations = self.lease.confirmations();
        let Some(queue) = self.relay.queue(topic) else { return };
        for (cell, number) in std::mem::take(&mut queue.under_way) {
            let Some(out) = self.out(cell, number) else { continue };
            out.stage = Stage::Relayed { confirmations };
            out.body = None;
            self.relay.relayed.push_back((confirmations, cell));
            self.refresh_hold(cell.index);
            self.settle_alarms(cell.index);
        }
        if !self.rules.clear_after_confirmation {
            self.clear_relayed_before(u64::MAX);
        }
    }

    /// Has cleared what was relayed before that confirmation began.
    pub(super) fn clear_relayed_before(&mut self, confirmation: u64) {
        while let Some((confirmations, cell)) = self.relay.relayed.front().copied() {
            if confirmations >= confirmation {
                return;
            }
            self.relay.relayed.pop_front();
            let Some(entry) = self.incarnation(cell) else { continue };
            let mut numbers = Vec::new();
            for out in &mut entry.outbox {
                if matches!(out.stage, Stage::Relayed { confirmations } if confirmations < confirmation) {
                    out.stage = Stage::Clearing;
                    numbers.push(out.number);
                }
            }
            if !numbers.is_empty() {
                entry.queue.push(Step::Clear(numbers));
                self.give_turn(cell.index);
            }
        }
    }
}

fn record(
    body: &Outgoing,
    customer: &CustomerId,
    partition: PartitionId,
    partitions: u32,
    epoch: Epoch,
) -> NewRecord {
    let (partition, key, kind, body) = match body {
        Outgoing::Outreach(outreach) => (partition, customer, RecordKind::Outreach, json(outreach)),
        Outgoing::Decision(decision) => (partition, customer, RecordKind::Decision, json(decision)),
        Outgoing::Relay { to, message } => {
            (PartitionId::of(to.as_str(), partitions), to, RecordKind::Relay, encode_relay(message))
        }
        Outgoing::Turn(turn) => {
            (partition, customer, RecordKind::Reply, encode_reply(&Reply::Turn(turn.clone())))
        }
        Outgoing::Forgotten { below, at } => {
            let told = Reply::Forgotten { below: *below, at: *at };
            (partition, customer, RecordKind::Reply, encode_reply(&told))
        }
    };
    NewRecord { partition, key: key.as_str().into(), kind, epoch: Some(epoch), stamp: None, body }
}

fn json(body: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(body).expect("bodies have text keys and finite numbers, so they are JSON"))
}
