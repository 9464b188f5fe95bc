//! How far the messages of other rows were applied: one mark per sender.
//!
//! One sender's messages come in the order of their causes, some of them again. Two senders keep no order between them, not even in
//! one partition, so a mark belongs to a sender. Senders are kept as hashes: an erased row keeps its marks and names nobody.

use serde::{Deserialize, Serialize};

use super::rules::MarkRule;
use crate::ids::Position;
use crate::record::{Place, Sender};

/// Senders that a row marks; messages of further ones are not taken, which is safe and only leaves their sender unanswered. Partitions
/// that strays come from are marked beyond it: there are only so many, and a stray is not to be lost.
pub const SENDERS_MAX: usize = 1_024;

/// Marks of a row, ordered by sender.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Marks(Vec<Mark>);

/// How far one sender's messages were applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    sender: u128,
    position: Position,
    nth: u16,
}

/// What the marks say of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It is new, and marked from now on.
    New,
    /// It was applied before.
    Repeated,
    /// Too many senders are marked.
    Full,
}

impl Marks {
    /// Notes a message and tells whether it is new.
    pub(super) fn pass(&mut self, sender: &Sender, rule: MarkRule) -> Passage {
        match rule.key(&sender.customer) {
            Some(key) => {
                self.note(Mark { sender: key, position: sender.position, nth: sender.nth }, SENDERS_MAX)
            }
            None => Passage::New,
        }
    }

    /// Notes a stray and tells whether it is new. Those of one partition come in its order, some of them again.
    pub(super) fn pass_stray(&mut self, from: &Place) -> Passage {
        // No customer's id holds the control character in front.
        let name = format!("\0{}/{}", from.topic, from.partition.0);
        let sender = xxhash_rust::xxh3::xxh3_128(name.as_bytes());
        self.note(Mark { sender, position: from.position, nth: 0 }, usize::MAX)
    }

    fn note(&mut self, mark: Mark, max: usize) -> Passage {
        match self.0.binary_search_by_key(&mark.sender, |mark| mark.sender) {
            Ok(place) => {
                let known = &mut self.0[place];
                if (mark.position, mark.nth) <= (known.position, known.nth) {
                    return Passage::Repeated;
                }
                *known = mark;
                Passage::New
            }
            Err(_) if self.0.len() >= max => Passage::Full,
            Err(place) => {
                self.0.insert(place, mark);
                Passage::New
            }
        }
    }

    pub(super) fn weight(&self) -> usize {
        self.0.capacity() * size_of::<Mark>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, PartitionId};

    fn sender(customer: &str, position: u64, nth: u16) -> Sender {
        Sender { customer: CustomerId::anonymous(customer), position: Position(position), nth }
    }

    #[test]
    fn a_message_passes_once_and_senders_do_not_wait_for_each_other() {
        let mut marks = Marks::default();
        let rule = MarkRule::PerSender;
        for (from, passage) in [
            (sender("a", 7, 0), Passage::New),
            (sender("b", 6, 0), Passage::New),
            (sender("a", 7, 0), Passage::Repeated),
            (sender("a", 7, 1), Passage::New),
            (sender("a", 7, 0), Passage::Repeated),
            (sender("a", 9, 0), Passage::New),
            (sender("b", 6, 0), Passage::Repeated),
        ] {
            assert_eq!(marks.pass(&from, rule), passage, "{from:?}");
        }
    }

    #[test]
    fn too_many_senders_are_not_taken_and_known_ones_still_are() {
        let mut marks = Marks::default();
        for n in 0..SENDERS_MAX {
            assert_eq!(marks.pass(&sender(&n.to_string(), 1, 0), MarkRule::PerSender), Passage::New);
        }
        assert_eq!(marks.pass(&sender("one more", 1, 0), MarkRule::PerSender), Passage::Full);
        assert_eq!(marks.pass(&sender("7", 2, 0), MarkRule::PerSender), Passage::New);
        assert_eq!(marks.pass_stray(&place(0, 1)), Passage::New, "a stray is not to be lost");
    }

    fn place(partition: u32, position: u64) -> Place {
        Place { topic: "care.events".into(), partition: PartitionId(partition), position: Position(position) }
    }

    #[test]
    fn a_stray_passes_once_and_each_partition_has_its_order() {
        let mut marks = Marks::default();
        for (from, passage) in [
            (place(1, 7), Passage::New),
            (place(2, 0), Passage::New),
            (place(1, 7), Passage::Repeated),
            (place(1, 3), Passage::Repeated),
            (place(1, 8), Passage::New),
            (place(2, 0), Passage::Repeated),
        ] {
            assert_eq!(marks.pass_stray(&from), passage, "{from:?}");
        }
    }
}
