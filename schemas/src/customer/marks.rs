//! How far the messages of other rows were applied: one mark per sender.
//!
//! One sender's messages come in the order of their causes, some of them again. Two senders keep no order between them, not even in
//! one partition, so a mark belongs to a sender. Senders are kept as hashes: an erased row keeps its marks and names nobody.

use serde::{Deserialize, Serialize};

use super::rules::MarkRule;
use crate::ids::Position;
use crate::record::Sender;

/// Senders that a row marks; messages of further ones are not taken, which is safe and only leaves their sender unanswered.
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
        let Some(key) = rule.key(&sender.customer) else { return Passage::New };
        let mark = Mark { sender: key, position: sender.position, nth: sender.nth };
        match self.0.binary_search_by_key(&key, |mark| mark.sender) {
            Ok(place) => {
                let known = &mut self.0[place];
                if (mark.position, mark.nth) <= (known.position, known.nth) {
                    return Passage::Repeated;
                }
                *known = mark;
                Passage::New
            }
            Err(_) if self.0.len() >= SENDERS_MAX => Passage::Full,
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
    use crate::ids::CustomerId;

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
    }
}
