//! The profile: what the engine knows of one customer, folded event by event.
//!
//! [`Profile::fold`] takes one event, [`Profile::fire`] what time alone brings (a session that ended), [`Profile::merge`] another
//! profile of the same person. Reading never changes anything: [`Profile::count`] and its neighbours answer for any `now`.
//! Everything is bounded, and what a bound made incomplete says so ([`Counted::partial`]). The profile decides nothing and sends
//! nothing; it does not know its customer's id, so that it moves whole in a merge.

mod folded;
mod policy;

pub mod field;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::decision::Category;
use crate::event::Event;
use crate::ids::{CustomerId, MessageId};
use crate::score::{Head, Score};
use crate::time::{Span, Timestamp};
use crate::value::Value;

pub use folded::{Consent, Counted, Folded, Heads, Origin, SessionChange, Sourced, Standing};
pub use policy::ProfilePolicy;

/// What the engine knows of one customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    scores: Vec<(Head, Score)>,
}

impl Profile {
    /// Folds one event at log time `now`. What was due strictly before `now` has been fired before.
    pub fn fold(&mut self, event: &Event, now: Timestamp, policy: &ProfilePolicy) -> Folded {
        let _ = (event, now, policy);
        Folded::default()
    }

    /// Returns the instant at which [`Profile::fire`] has something to do, if nothing else happens.
    pub fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// Does what is due at `due` and returns the events that it caused, each stamped `due`.
    pub fn fire(&mut self, due: Timestamp, customer: &CustomerId) -> Vec<Event> {
        let _ = (due, customer);
        Vec::new()
    }

    /// Unites this profile of an identified customer with that of an anonymous one whose events are disjoint.
    pub fn merge(&mut self, other: Profile) {
        let _ = other;
    }

    /// Forgets everything.
    pub fn erase(&mut self) {
        *self = Self::default();
    }

    /// Returns true when an event with this message id was folded within the last 24 hours.
    pub fn seen(&self, message: MessageId, now: Timestamp) -> bool {
        let _ = (message, now);
        false
    }

    /// Notes a message id without folding an event, so that [`Profile::seen`] knows it for 24 hours.
    pub fn remember(&mut self, message: MessageId, now: Timestamp, policy: &ProfilePolicy) {
        let _ = (message, now, policy);
    }

    /// Returns how many events of this name happened in (now − within, now]; beyond 24 hours, in the last civil days.
    pub fn count(&self, name: &str, within: Span, now: Timestamp) -> Counted {
        let _ = (name, within, now);
        Counted::default()
    }

    /// Returns the next instant after `now` at which [`Profile::count`] of the same arguments changes by time alone.
    pub fn next_change(&self, name: &str, within: Span, now: Timestamp) -> Option<Timestamp> {
        let _ = (name, within, now);
        None
    }

    /// Returns how many events of this name were ever folded.
    pub fn total(&self, name: &str) -> Counted {
        let _ = name;
        Counted::default()
    }

    /// Returns the score of a head, when one was given.
    pub fn score(&self, head: Head) -> Option<&Score> {
        self.scores.iter().find(|(of, _)| *of == head).map(|(_, score)| score)
    }

    /// Replaces the score of a head.
    pub fn set_score(&mut self, head: Head, score: Score) {
        self.scores.retain(|(of, _)| *of != head);
        self.scores.push((head, score));
    }

    /// Returns what the customer last said about a purpose (`marketing`, …) on a channel.
    pub fn consent(&self, purpose: &str, channel: &str) -> Consent {
        let _ = (purpose, channel);
        Consent::Unknown
    }

    /// Returns true when nothing proactive may be sent.
    pub fn suppressed(&self) -> bool {
        false
    }

    /// Sets or lifts the suppression.
    pub fn set_suppressed(&mut self, suppressed: bool) {
        let _ = suppressed;
    }

    /// Returns the IANA time zone and where it is from.
    pub fn zone(&self) -> Sourced<'_> {
        Sourced { value: "UTC", from: Origin::Default }
    }

    /// Returns the BCP 47 locale and where it is from.
    pub fn locale(&self) -> Sourced<'_> {
        Sourced { value: "en", from: Origin::Default }
    }

    /// Returns when an outreach of this category was last noted.
    pub fn last_outreach(&self, category: Category) -> Option<Timestamp> {
        let _ = category;
        None
    }

    /// Notes an outreach.
    pub fn note_outreach(&mut self, category: Category, at: Timestamp) {
        let _ = (category, at);
    }

    /// Returns true while a case of the customer is open.
    pub fn open_case(&self) -> bool {
        false
    }

    /// Returns a trait of the customer.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let _ = name;
        None
    }

    /// Returns the key of the open cart that changed last: its id, or a made one when it has none.
    pub fn cart_key(&self) -> Option<&SmolStr> {
        None
    }

    /// Returns about how many bytes of memory the profile takes.
    pub fn weight(&self) -> usize {
        size_of::<Self>()
    }
}
