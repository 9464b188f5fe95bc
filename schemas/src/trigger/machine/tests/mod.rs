//! Behaviour of the machine at the edges of its semantics, through a customer's row: records in, decisions out.

mod caps;
mod entries;
mod gates;
mod outcomes;
mod scores;
mod waits;
mod watches;

use crate::customer::{Customer, Effects, Outgoing};
use crate::decision::{Category, Decision, Outcome, OutcomeStatus, Outreach, Reason, Verdict};
use crate::ids::{CustomerId, OutreachId, Position};
use crate::profile::tests::shop::{Made, NOON, track};
use crate::record::{Command, Input, Record};
use crate::rulebook::{ContactPolicy, Policy, Rulebook};
use crate::score::{Answer, Head, Score, ScoreSource};
use crate::time::{Span, Timestamp};
use crate::trigger::Triggers;
use crate::trigger::spec::*;

/// Returns the instant so many minutes after noon.
pub(crate) fn min(minutes: i64) -> Timestamp {
    NOON + Span::minutes(minutes)
}

/// An addition to a cart.
pub(crate) fn added(cart: &str, minutes: i64) -> Made {
    track("Product Added", min(minutes)).text("product_id", "p").number("price", 10.0).text("cart_id", cart)
}

/// An order from a cart.
pub(crate) fn ordered(cart: &str, at: Timestamp) -> Made {
    track("Order Completed", at).text("order_id", cart).text("cart_id", cart)
}

/// A pattern without filter.
pub(crate) fn pattern(name: &str) -> EventPattern {
    EventPattern { name: name.into(), filter: Condition::always() }
}

/// A service trigger that is entered by `Product Added` and due at once, to be changed by its test.
pub(crate) fn trigger(name: &str) -> Trigger {
    Trigger {
        name: name.into(),
        version: 1,
        description: "".into(),
        mode: Mode::Live,
        entry: Entry::Event(pattern("Product Added")),
        key: Key::Customer,
        reentry: Reentry { mode: ReentryMode::Always, max: None },
        wait: None,
        exits: Vec::new(),
        when: Condition::always(),
        policy: TriggerPolicy {
            category: Category::Service,
            priority: 50,
            max_age: Span::minutes(5),
            on_cap: OnCap::Defer,
            caps: CapRole::Counted,
            quiet_hours: None,
            max_defer: Span::hours(12),
            despite_open_case: false,
        },
        holdout: 0.0,
        action: Action { channel: "log".into(), template: "t".into(), facts: Vec::new() },
        goal: None,
    }
}

/// A trigger that waits thirty minutes for the cart to be ordered.
pub(crate) fn cart_idle() -> Trigger {
    Trigger {
        key: Key::Cart,
        wait: Some(Wait {
            span: Span::minutes(30),
            reset_on: vec![pattern("Product Added"), pattern("Cart Viewed")],
        }),
        exits: vec![Exit { event: pattern("Order Completed"), matching: Match::Key }],
        ..trigger("cart-idle")
    }
}

/// One customer with some triggers.
pub(crate) struct Desk {
    pub(crate) book: Rulebook,
    pub(crate) row: Customer,
    pub(crate) fx: Effects,
    pub(crate) next: u64,
    /// What was decided, in order.
    pub(crate) decisions: Vec<Decision>,
    pub(crate) outreach: Vec<Outreach>,
}

impl Desk {
    pub(crate) fn new(triggers: impl IntoIterator<Item = Trigger>) -> Self {
        Self::under(ContactPolicy::default(), triggers)
    }

    pub(crate) fn under(contact: ContactPolicy, triggers: impl IntoIterator<Item = Trigger>) -> Self {
        let policy = Policy { contact, ..Policy::default() };
        let book = Rulebook { triggers: Triggers::new(triggers), policy, ..Rulebook::default() };
        let row = Customer::new(CustomerId::user("u1"));
        Self { book, row, fx: Effects::default(), next: 1, decisions: Vec::new(), outreach: Vec::new() }
    }

    pub(crate) fn tell(&mut self, stamp: Timestamp, input: Input) -> &mut Self {
        let record = Record { position: Position(self.next), stamp, input };
        self.next += 1;
        self.row.apply(&self.book, &record, &mut self.fx);
        self.take()
    }

    pub(crate) fn event(&mut self, made: Made) -> &mut Self {
        self.tell(made.0.at, Input::Event(Box::new(made.0)))
    }

    pub(crate) fn command(&mut self, command: Command, minutes: i64) -> &mut Self {
        self.tell(min(minutes), Input::Command(command))
    }

    /// Lets time pass up to, and with, an instant.
    pub(crate) fn until(&mut self, now: Timestamp) -> &mut Self {
        self.row.wake(&self.book, now + Span(1), &mut self.fx);
        self.take()
    }

    /// Answers the open question about a head.
    pub(crate) fn answer(&mut self, head: Head, value: f32) -> &mut Self {
        let ask = self.row.pending_asks().iter().find(|ask| ask.head == head).expect("it was asked");
        let score = Score { value, model: "m".into(), source: ScoreSource::Model, at: ask.at };
        let answer = Answer { id: ask.id, head, score };
        self.row.answer(&self.book, &answer, &mut self.fx);
        self.take()
    }

    pub(crate) fn outcome(&mut self, nth: usize, status: OutcomeStatus, at: Timestamp) -> &mut Self {
        let Outreach { id, attempt, .. } = self.outreach[nth];
        self.tell(at, Input::Outcome(Outcome { id, attempt, status, at }))
    }

    /// Sorts what left the row.
    fn take(&mut self) -> &mut Self {
        for entry in self.fx.outbox.drain(..) {
            match entry.body {
                Outgoing::Decision(decision) => self.decisions.push(*decision),
                Outgoing::Outreach(outreach) => self.outreach.push(*outreach),
                Outgoing::Relay { .. } | Outgoing::Turn(_) | Outgoing::Forgotten { .. } => {}
            }
        }
        self
    }

    /// Checks all that was decided so far: of which trigger, what, why, how many minutes after noon.
    pub(crate) fn decided(&mut self, expected: &[(&str, Verdict, Reason, i64)]) -> &mut Self {
        let decided: Vec<_> = self
            .decisions
            .iter()
            .map(|one| (one.trigger.as_str(), one.verdict, one.reason, (one.at - NOON).0))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(trigger, verdict, reason, minutes)| (*trigger, *verdict, *reason, minutes * 60_000))
            .collect();
        assert_eq!(decided, expected);
        let mut ids: Vec<OutreachId> = self.decisions.iter().map(|one| one.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), self.decisions.len(), "every decision has an id of its own");
        self
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.row.triggers().is_empty()
    }
}
