//! Questions of threads to the pool of answers: begun once the log was read to its end, so that nobody asks for what is answered there
//! already; given up when the row has closed them. The answer comes back as a record, so nothing here holds a position: a row that comes
//! to life with an open question has it asked again, and its own timer wakes it where nothing else does.

use schemas::conversation::Question;

use super::Core;
use crate::partition::protocol::Action;
use crate::partition::turn::{Asking, CellId};

/// Questions on their way.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Set when this assignment has read the log to its end.
    caught_up: bool,
    /// Questions that wait for that.
    waiting: Vec<(CellId, Box<Question>)>,
}

impl Core {
    /// Follows what a customer's thread asks.
    pub(super) fn note_asking(&mut self, index: u32, asking: Asking) {
        let entry = self.at(index);
        match asking {
            Asking::Same => {}
            Asking::Open(question) => {
                entry.question = Some(question.id);
                let cell = CellId { index, incarnation: entry.incarnation };
                self.questions.waiting.push((cell, question));
                self.ask_questions();
            }
            Asking::Closed => {
                entry.question = None;
                let customer = entry.customer.clone();
                self.actions.push(Action::Hush(customer));
            }
        }
    }

    /// Notes that the log was read to its end.
    pub(super) fn note_end_of_log(&mut self) {
        self.questions.caught_up = true;
        self.ask_questions();
    }

    /// Begins the questions that wait and are still open.
    pub(super) fn ask_questions(&mut self) {
        if !self.questions.caught_up || self.questions.waiting.is_empty() {
            return;
        }
        for (cell, question) in std::mem::take(&mut self.questions.waiting) {
            let is_open = self.seen(cell).is_some_and(|entry| entry.question == Some(question.id));
            if is_open {
                self.actions.push(Action::Ask(question));
            }
        }
    }
}
