//! Labels: what came of a customer after a question, by looking ahead. Definitions: `ops/docs/training.md`.
//!
//! A label is judged while the history is played, from what happens to the row behind the question: it knows nothing of features.

use schemas::customer::Customer;
use schemas::event::Event;
use schemas::score::Head;
use schemas::time::{Span, Timestamp};
use smol_str::SmolStr;

/// What a head's label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// What is predicted.
    pub head: Head,
    /// How far ahead the label looks: in (question, question + horizon].
    pub horizon: Span,
}

/// What a question was about.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// When it was asked.
    pub at: Timestamp,
    /// Key of the cart that was current then.
    pub cart: Option<SmolStr>,
}

/// Something that happened to a row.
#[derive(Clone, Copy, Debug)]
pub struct Happening<'a> {
    /// The row afterwards.
    pub row: &'a Customer,
    /// The event; none when time alone passed.
    pub event: Option<&'a Event>,
    /// Orders that the row knows more than before.
    pub orders: u32,
    /// Log time.
    pub now: Timestamp,
}

impl Definition {
    /// Returns the definition of a head with its own horizon: 90 days for what concerns a relation, a day for a cart and for a session,
    /// which ends by itself before.
    pub fn of(head: Head) -> Self {
        let horizon = match head {
            Head::CartAbandonment | Head::PurchaseIntent => Span::days(1),
            Head::Churn | Head::Return | Head::Complaint => Span::days(90),
        };
        Self { head, horizon }
    }

    /// Returns the label of a question, once what happened settles it.
    pub fn judge(&self, subject: &Subject, happening: &Happening<'_>) -> Option<bool> {
        let until = subject.at + self.horizon;
        let in_time = |event: &Event| subject.at < event.at && event.at <= until;
        if happening.event.is_some_and(in_time) && self.comes_with(subject, happening) {
            return Some(!self.of_silence());
        }
        let over =
            happening.now > until || self.head == Head::PurchaseIntent && is_over(subject, happening.row);
        over.then_some(self.of_silence())
    }

    /// Returns the label of a question behind which nothing came.
    pub fn of_silence(&self) -> bool {
        match self.head {
            Head::CartAbandonment | Head::Churn => true,
            Head::PurchaseIntent | Head::Return | Head::Complaint => false,
        }
    }

    /// Returns whether an event is what the label waits for.
    fn comes_with(&self, subject: &Subject, happening: &Happening<'_>) -> bool {
        let bought = happening.orders > 0;
        let name = happening.event.map_or("", |event| event.name.as_str());
        match self.head {
            Head::Churn => bought,
            Head::PurchaseIntent => bought && !is_over(subject, happening.row),
            Head::CartAbandonment => {
                let of_cart = |key: &SmolStr| happening.row.profile().orders().of_cart(key).is_some();
                bought && subject.cart.as_ref().is_none_or(of_cart)
            }
            Head::Return => takes_back(name),
            Head::Complaint => name == "Case Opened",
        }
    }
}

/// Returns whether an event of this name takes an order back, whole or in part.
pub fn takes_back(name: &str) -> bool {
    matches!(name, "Order Cancelled" | "Order Refunded" | "Return Requested")
}

/// Returns whether the session of a question is over.
fn is_over(subject: &Subject, row: &Customer) -> bool {
    row.profile().sessions().open().is_none_or(|session| session.started > subject.at)
}
