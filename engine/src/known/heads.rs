//! What the engine says of a customer's risk: for each head the score, or why there is none, and when it is asked next.

use schemars::JsonSchema;
use schemas::customer::Customer;
use schemas::rulebook::Rulebook;
use schemas::score::{self, Head, Score};
use schemas::time::Timestamp;
use serde::Serialize;

/// What is known of one head.
#[derive(Debug, PartialEq, Serialize)]
pub struct OfHead {
    /// Which one.
    pub head: Head,
    /// Whether it is asked.
    pub standing: Standing,
    /// What was said last.
    pub score: Option<Score>,
    /// When its schedule asks it, if nothing else happens.
    pub next: Option<Timestamp>,
}

/// Whether a head is asked of the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is, as of now.
    Applies,
    /// It says nothing of this customer: no open cart, no session, no recent order.
    DoesNotApply,
    /// Neither the settings nor a trigger ask it.
    NotInForce,
}

impl Standing {
    /// Returns what stands where there is no score.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Applies => "not asked yet",
            Standing::DoesNotApply => "does not apply",
            Standing::NotInForce => "not in force: predictor.heads does not name it, and no trigger reads it",
        }
    }
}

/// Returns what is known of every head.
pub fn of(customer: &Customer, book: &Rulebook, now: Timestamp) -> Vec<OfHead> {
    let of = |head| OfHead {
        head,
        standing: match book.heads_in_force().contains(head) {
            true if score::applies(head, customer.profile(), now) => Standing::Applies,
            true => Standing::DoesNotApply,
            false => Standing::NotInForce,
        },
        score: customer.profile().score(head).cloned(),
        next: customer.next_asked(head, book),
    };
    Head::ALL.into_iter().map(of).collect()
}
