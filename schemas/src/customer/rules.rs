//! One switch per rule of a customer row and of the merge of two, all on.
//!
//! They exist to be taken away one at a time: a simulator shows that each is needed. Nothing else ever switches one off.

use crate::ids::{CustomerId, PartitionId, Position};

/// The rules of a customer row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRules {
    /// A record at or below the row's own mark changes nothing (I3).
    pub high_water_mark: bool,
    /// By what repeated messages of other rows are known (I3).
    pub marks: MarkRule,
    /// Requests and erase commands are marked too.
    pub commands_marked: bool,
    /// A stray is known by the partition that it stands in and its position there (I3).
    pub strays_marked: bool,
    /// A snapshot is folded only for the open request that it names.
    pub snapshot_names_request: bool,
    /// A forward is folded only from an alias that is listed.
    pub unlisted_forward_dropped: bool,
    /// An erased row stays as position and sender marks.
    pub erased_row_kept: bool,
    /// An erase goes on to the aliases.
    pub erase_reaches_aliases: bool,
    /// And to those who were asked and have not answered.
    pub erase_includes_pending: bool,
    /// An instance ends in a merge when the other row saw one of its exits since its entry.
    pub exits_since_entry: bool,
    /// A score is taken only for the question that the row noted (I6).
    pub answers_awaited: bool,
    /// A question stays open, and its answer is taken, only while its head applies.
    pub heads_apply: bool,
    /// The row keeps when its heads are to be looked at next (I8).
    pub heads_timed: bool,
    /// The pool's answer is taken only for the question that is open, by attempt and ownership epoch (I9).
    pub talk_answers_awaited: bool,
    /// What slots are made of (I5).
    pub slots: SlotRule,
}

/// By what repeated messages of other rows are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkRule {
    /// One mark per sender.
    PerSender,
    /// One mark per sender's partition: wrong, two senders of one partition relay out of step.
    PerPartition {
        /// Partitions of the log.
        partitions: u32,
    },
    /// No marks: wrong, a message that comes twice is applied twice.
    Absent,
}

/// What slots are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotRule {
    /// The position of the record that opened the instance: the same on replay.
    Stable,
    /// That and a value of the owner: wrong, a replay by another owner sends again.
    Salted(u64),
}

impl SlotRule {
    /// Returns the position that a slot opened by the record at `position` carries.
    pub fn position(self, position: Position) -> Position {
        match self {
            SlotRule::Stable => position,
            SlotRule::Salted(salt) => Position((position.0 ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        }
    }
}

impl MarkRule {
    /// Returns the name under which a sender's mark is kept; `None` = no marks.
    pub(super) fn key(self, sender: &CustomerId) -> Option<u128> {
        match self {
            MarkRule::PerSender => Some(xxhash_rust::xxh3::xxh3_128(sender.as_str().as_bytes())),
            MarkRule::PerPartition { partitions } => {
                Some(u128::from(PartitionId::of(sender.as_str(), partitions).0))
            }
            MarkRule::Absent => None,
        }
    }
}

impl Default for RowRules {
    fn default() -> Self {
        Self {
            high_water_mark: true,
            marks: MarkRule::PerSender,
            commands_marked: true,
            strays_marked: true,
            snapshot_names_request: true,
            unlisted_forward_dropped: true,
            erased_row_kept: true,
            erase_reaches_aliases: true,
            erase_includes_pending: true,
            exits_since_entry: true,
            answers_awaited: true,
            heads_apply: true,
            heads_timed: true,
            talk_answers_awaited: true,
            slots: SlotRule::Stable,
        }
    }
}
