//! The port of answers: a question of a customer's thread in, a record of `care.events` out.

use schemas::conversation::Question;

/// A question that is being answered. Dropping it gives the answer up: nothing of it is written any more, as far as it was not yet.
pub type UnderWay = Box<dyn Send>;

/// Answers questions of threads. What comes of one is an `answered` record under the customer's key, and before it pieces on
/// `care.replies`; the row takes the record only while its question is open, so that one too many does no harm.
pub trait Answers: Send + Sync {
    /// Begins to answer and returns at once. A question that cannot be taken is left: the row asks again.
    fn answer(&self, question: Question) -> UnderWay;
}

/// Answers nothing: where nobody but people answer, and where history is replayed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Answers for Nobody {
    fn answer(&self, _: Question) -> UnderWay {
        Box::new(())
    }
}
