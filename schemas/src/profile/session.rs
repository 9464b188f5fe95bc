//! Sessions: activity without a pause of 30 minutes, by log time.

use serde::{Deserialize, Serialize};

use super::folded::SessionChange;
use crate::time::{Span, Timestamp};

/// The open session, the last one that ended, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    open: Option<Session>,
    last: Option<Session>,
    count: u32,
    total: Span,
}

/// One session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Log time of its first event.
    pub started: Timestamp,
    /// Log time of its latest event.
    pub active: Timestamp,
    /// Instant at which it ends if nothing more comes.
    pub ends: Timestamp,
    /// Events in it.
    pub events: u32,
    /// Products viewed in it.
    pub product_views: u32,
}

impl Session {
    /// Returns the time from its first to its latest event.
    pub fn length(&self) -> Span {
        self.active - self.started
    }
}

impl Sessions {
    /// Takes an activity of the shopper at log time `now`. An activity at the very instant of the end prolongs the session.
    pub fn touch(&mut self, now: Timestamp, idle: Span, product_view: bool) -> SessionChange {
        if self.open.is_some_and(|session| session.ends < now) {
            self.close();
        }
        let change = if self.open.is_some() { SessionChange::Continued } else { SessionChange::Started };
        let session = self.open.get_or_insert_with(|| {
            self.count = self.count.saturating_add(1);
            Session { started: now, active: now, ..Session::default() }
        });
        session.started = session.started.min(now);
        session.active = session.active.max(now);
        session.ends = session.active + idle;
        session.events = session.events.saturating_add(1);
        session.product_views = session.product_views.saturating_add(u32::from(product_view));
        change
    }

    /// Ends the open session if it is due and returns it.
    pub fn end(&mut self, due: Timestamp) -> Option<Session> {
        self.open.filter(|session| session.ends <= due)?;
        self.close()
    }

    /// Returns the instant at which the open session ends.
    pub fn due(&self) -> Option<Timestamp> {
        self.open.map(|session| session.ends)
    }

    /// Returns the open session.
    pub fn open(&self) -> Option<&Session> {
        self.open.as_ref()
    }

    /// Returns the session that ended last.
    pub fn last(&self) -> Option<&Session> {
        self.last.as_ref()
    }

    /// Returns how many sessions began.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the mean length of the sessions that ended.
    pub fn mean_length(&self) -> Option<Span> {
        let ended = self.count.saturating_sub(u32::from(self.open.is_some()));
        self.total.0.checked_div(i64::from(ended)).map(Span)
    }

    /// Adds the sessions of disjoint events. Two open ones become one that ends with the later; both stay counted.
    pub fn merge(&mut self, other: Sessions) {
        self.count = self.count.saturating_add(other.count);
        self.total = Span(self.total.0.saturating_add(other.total.0));
        self.last = match (self.last, other.last) {
            (Some(a), Some(b)) => Some(if b.active > a.active { b } else { a }),
            (a, b) => a.or(b),
        };
        self.open = match (self.open, other.open) {
            (Some(a), Some(b)) => Some(Session {
                started: a.started.min(b.started),
                active: a.active.max(b.active),
                ends: a.ends.max(b.ends),
                events: a.events.saturating_add(b.events),
                product_views: a.product_views.saturating_add(b.product_views),
            }),
            (a, b) => a.or(b),
        };
    }

    fn close(&mut self) -> Option<Session> {
        let session = self.open.take()?;
        self.total = Span(self.total.0.saturating_add(session.length().0));
        self.last = Some(session);
        Some(session)
    }
}
