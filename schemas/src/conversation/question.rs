//! What a row asks the pool of answers.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::turn::Speaker;
use crate::ids::CustomerId;
use crate::time::Timestamp;

/// Names one question of a row: its answer is taken while this question is open, and by no other row and at no other time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QuestionId {
    /// Counts the questions of the row; never used twice by one row.
    pub attempt: u32,
    /// Ownership epoch in which it is asked.
    pub epoch: u32,
}

/// A question on its way to the pool: everything that whoever answers may know of the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub customer: CustomerId,
    /// Which question.
    pub id: QuestionId,
    /// Log time at which it was asked.
    pub at: Timestamp,
    /// The last turns, oldest first; the last of the customer is what is asked.
    pub turns: Vec<Context>,
    /// Language to answer in, as a tag.
    pub lang: SmolStr,
    /// The customer's given name; only where the shop has proved who asks.
    pub name: Option<SmolStr>,
}

/// A turn as a question brings it along; a long one is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Who spoke.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
}
