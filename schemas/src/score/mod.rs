//! Scores: what a predictor says of a customer's risk, of whom it is asked, and when.
//!
//! A head in force is asked when it applies and an event moved it ([`crate::profile::Folded::moved`]), when its schedule says so, and
//! when a proposal of a trigger reads it. One that does not apply is never asked, and what was said of it before is withdrawn.
//!
//! | file | holds |
//! |---|---|
//! | `head` | what a score predicts |
//! | `population` | of which customers a head is asked, and when that changes by time alone |
//! | `schedule` | when it is asked again, however little happens |
//! | `question` | the question, the answer, and the score that is kept of it |

mod head;
mod population;
mod question;
mod schedule;

#[cfg(test)]
mod tests;

pub use head::Head;
pub use population::{RELATION_MAX, applies, changes, population};
pub use question::{Answer, Ask, AskId, Score, ScoreSource};
pub use schedule::{Schedule, is_due, next_due, schedule};
