//! Of whom heads are asked and when, by looking every five minutes.

use super::*;

/// A session lasts until nothing was done for so long.
const IDLE: Span = Span::minutes(30);

/// What the shopper does.
#[derive(Default)]
pub(super) struct Visit {
    last: Option<Timestamp>,
    open: bool,
    events: u32,
    /// The last event was one of the shopper's.
    browsed: bool,
}

impl Visit {
    pub(super) fn note(&mut self, name: &str, now: Timestamp) {
        self.browsed = name != "Order Cancelled";
        if self.browsed {
            self.events = if self.open { self.events + 1 } else { 1 };
            (self.open, self.last) = (true, Some(now));
        }
    }

    /// Returns the heads that the event moved that was noted last.
    pub(super) fn moved(&self, name: &str) -> Heads {
        let named = match name {
            "Order Completed" => Heads::ALL,
            "Order Cancelled" => Heads::of(&[Head::Churn, Head::Return, Head::Complaint]),
            "Product Added" | "Checkout Started" => Heads::of(&[Head::PurchaseIntent, Head::CartAbandonment]),
            _ => Heads::NONE,
        };
        let doubled = (0..16).any(|times| self.events == 1 << times);
        if self.browsed && doubled { named.union(Heads::of(&[Head::PurchaseIntent])) } else { named }
    }
}

impl Model<'_> {
    pub(super) fn applies(&self, head: Head) -> bool {
        match head {
            Head::CartAbandonment => self.carts.is_filled(),
            Head::PurchaseIntent => self.visit.open,
            Head::Churn | Head::Return => self.carts.has_ordered(),
            Head::Complaint => self.case_open || self.carts.has_ordered(),
        }
    }

    /// Returns which of these heads are asked.
    pub(super) fn asked(&self, heads: Heads) -> Heads {
        heads.iter().filter(|head| self.heads.contains(*head) && self.applies(*head)).collect()
    }

    /// Returns the heads that are asked now whatever happens.
    pub(super) fn due(&self) -> Heads {
        let every = |days: i64| (self.clock.0 - self.phase.0) % Span::days(days).0 == 0;
        let silent =
            |minutes| self.visit.last.is_some_and(|last| self.clock == last + Span::minutes(minutes));
        let is_due = |head: &Head| match head {
            Head::CartAbandonment => silent(5) || silent(15) || silent(30),
            Head::Churn => every(1),
            Head::Return => every(7),
            Head::PurchaseIntent | Head::Complaint => false,
        };
        self.asked(Head::ALL.into_iter().filter(is_due).collect())
    }

    /// Forgets what was said of heads that apply no more, and returns of which something was.
    pub(super) fn withdraw(&mut self) -> Heads {
        let applying: Heads = Head::ALL.into_iter().filter(|head| self.applies(*head)).collect();
        let known = self.known.iter().map(|(head, ..)| *head);
        let gone: Heads = known.chain(self.latches.iter().map(|latch| latch.head)).collect();
        self.known.retain(|(head, ..)| applying.contains(*head));
        self.latches.retain(|latch| applying.contains(latch.head));
        self.asks.retain(|ask| applying.contains(ask.head));
        for open in &mut self.open {
            open.awaits = open.awaits.common(applying);
        }
        gone.without(applying)
    }

    /// The session ends by silence, before anything else that is due.
    pub(super) fn end_visit(&mut self) {
        if !self.visit.open || self.visit.last.is_none_or(|last| self.clock < last + IDLE) {
            return;
        }
        self.visit.open = false;
        let gone = self.withdraw();
        let mut proposed = Vec::new();
        self.cross(|condition| reads(condition, None) || reads_any(condition, gone), &mut proposed);
        self.settle(proposed, Heads::NONE);
    }
}
