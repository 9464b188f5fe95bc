//! Reading a profile: counts for any `now`, and the parts as they stand.

use smol_str::SmolStr;

use super::cart::Carts;
use super::consent::Consents;
use super::counter::Counters;
use super::day::{DAYS_MAX, Day, DayBook, DayKind};
use super::fold::sane;
use super::order::Orders;
use super::place::Place;
use super::recent::WINDOW_MAX;
use super::ring::Ring;
use super::session::Sessions;
use super::sum::Met;
use super::traits::Traits;
use super::{Consent, Counted, Heads, Profile, ProfilePolicy, Sourced, said};
use crate::decision::Category;
use crate::ids::MessageId;
use crate::money::Currency;
use crate::score::{Head, Score};
use crate::time::{Span, Timestamp};
use crate::value::Value;

impl Profile {
    /// Returns true when an event with this message id was folded within the last 24 hours.
    pub fn seen(&self, message: MessageId, now: Timestamp) -> bool {
        self.ring.contains(message, sane(now))
    }

    /// Notes a message id without folding an event, so that [`Profile::seen`] knows it for 24 hours.
    pub fn remember(&mut self, message: MessageId, now: Timestamp, policy: &ProfilePolicy) {
        self.ring.insert(message, sane(now), policy.message_ring);
    }

    /// Returns how many events of this name happened in (now − within, now], exactly, up to 24 hours.
    ///
    /// A longer `within` counts whole civil days of the customer's zone, today and the days before it, as many as `within` has
    /// begun days of 24 hours; that is exact for the names of [`DayKind::of_event`] up to 90 days and partial for all others.
    /// Of `Order Completed` and `Order Cancelled`, what repeats an id does not count again.
    pub fn count(&self, name: &str, within: Span, now: Timestamp) -> Counted {
        let now = sane(now);
        let name = &*said::bounded(name);
        let doubtful = self.ring.doubtful_until().is_some_and(|until| until > now - within);
        let mut counted = match DayKind::of_event(name) {
            Some(kind) if within > WINDOW_MAX => {
                let days = whole_days(within);
                Counted { n: self.days.count(kind, days, self.today(now)), partial: within > LONGEST }
            }
            Some(_) | None => self.counters.count(name, within, now),
        };
        counted.partial |= doubtful;
        counted
    }

    /// Returns the next instant after `now` at which [`Profile::count`] of the same arguments changes by time alone.
    pub fn next_change(&self, name: &str, within: Span, now: Timestamp) -> Option<Timestamp> {
        let now = sane(now);
        let name = &*said::bounded(name);
        if within <= Span(0) {
            return None;
        }
        match DayKind::of_event(name) {
            Some(kind) if within > WINDOW_MAX => self.next_day_change(kind, whole_days(within), now),
            Some(_) | None => self.counters.next_change(name, within, now),
        }
    }

    /// Returns when the count of a kind over the last `days` civil days falls by time alone.
    pub fn next_day_change(&self, kind: DayKind, days: u16, now: Timestamp) -> Option<Timestamp> {
        let oldest = self.days.oldest(kind, days, self.today(now))?;
        let leaves = Day(oldest.0.saturating_add(days.clamp(1, DAYS_MAX)));
        Some(self.place.day_start(leaves))
    }

    /// Returns how many events of this name were ever folded.
    pub fn total(&self, name: &str) -> Counted {
        let mut counted = self.counters.total(&said::bounded(name));
        counted.partial |= self.ring.lost() > 0;
        counted
    }

    /// Returns the civil day of `now` in the customer's zone.
    pub fn today(&self, now: Timestamp) -> Day {
        self.place.day(sane(now))
    }

    /// Returns the score of a head, when one was given.
    pub fn score(&self, head: Head) -> Option<&Score> {
        self.scores.iter().find(|(of, _)| *of == head).map(|(_, score)| score)
    }

    /// Replaces the score of a head; a value that is no probability is moved to the nearest one, NaN to 0.
    pub fn set_score(&mut self, head: Head, mut score: Score) {
        score.value = if score.value.is_nan() { 0.0 } else { score.value.clamp(0.0, 1.0) };
        match self.scores.iter_mut().find(|(of, _)| *of == head) {
            Some((_, here)) => *here = score,
            None => {
                super::pack::room(&mut self.scores, 1);
                self.scores.push((head, score));
                // Whichever answer came first.
                self.scores.sort_by_key(|(of, _)| *of);
            }
        }
    }

    /// Forgets the scores of all other heads and returns of which there were some.
    pub fn keep_scores(&mut self, of: Heads) -> Heads {
        let gone: Heads =
            self.scores.iter().map(|(head, _)| *head).filter(|head| !of.contains(*head)).collect();
        if !gone.is_empty() {
            self.scores.retain(|(head, _)| of.contains(*head));
            self.scores.shrink_to_fit();
        }
        gone
    }

    /// Returns what the customer last said about a purpose (`marketing`, …) on a channel.
    pub fn consent(&self, purpose: &str, channel: &str) -> Consent {
        self.consents.get(purpose, channel)
    }

    /// Returns every word about consent.
    pub fn consents(&self) -> &Consents {
        &self.consents
    }

    /// Returns true when nothing proactive may be sent.
    pub fn suppressed(&self) -> bool {
        self.suppressed
    }

    /// Sets or lifts the suppression.
    pub fn set_suppressed(&mut self, suppressed: bool) {
        self.suppressed = suppressed;
    }

    /// Returns true when an event named a user id.
    pub fn identified(&self) -> bool {
        self.identified
    }

    /// Returns the IANA time zone and where it is from.
    pub fn zone(&self) -> Sourced<'_> {
        self.place.zone()
    }

    /// Returns the BCP 47 locale and where it is from.
    pub fn locale(&self) -> Sourced<'_> {
        self.place.locale()
    }

    /// Returns zone, locale and country.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns when an outreach of this category was last noted.
    pub fn last_outreach(&self, category: Category) -> Option<Timestamp> {
        self.outreach[category_place(category)]
    }

    /// Notes an outreach.
    pub fn note_outreach(&mut self, category: Category, at: Timestamp) {
        let last = &mut self.outreach[category_place(category)];
        *last = (*last).max(Some(at));
    }

    /// Returns true while a case of the customer is open.
    pub fn open_case(&self) -> bool {
        !self.cases.is_empty()
    }

    /// Returns the open cases as hashes of their ids.
    pub fn cases(&self) -> &Met {
        &self.cases
    }

    /// Returns a trait of the customer.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.traits.get(name)
    }

    /// Returns the traits.
    pub fn traits(&self) -> &Traits {
        &self.traits
    }

    /// Returns the key of the open cart that changed last: its id, or a made one when it has none.
    pub fn cart_key(&self, now: Timestamp) -> Option<&SmolStr> {
        self.carts.current(sane(now)).map(|cart| &cart.key)
    }

    /// Returns the open carts.
    pub fn carts(&self) -> &Carts {
        &self.carts
    }

    /// Returns orders, refunds and cancellations.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Returns the sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Returns the calendar buckets.
    pub fn days(&self) -> &DayBook {
        &self.days
    }

    /// Returns the counters by name.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns the message-id ring.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Returns when the earliest event happened.
    pub fn first_seen(&self) -> Option<Timestamp> {
        self.first_seen
    }

    /// Returns when the latest event happened.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.last_seen
    }

    /// Returns when the shopper last did something.
    pub fn last_active(&self) -> Option<Timestamp> {
        self.last_active
    }

    /// Returns the currency of fields in money: the shop's base currency when the first event was folded.
    pub fn home_currency(&self) -> Option<Currency> {
        self.home
    }

    /// Returns about how many bytes of memory the profile takes, its heap included.
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + self.ring.weight()
            + self.counters.weight()
            + self.days.weight()
            + self.carts.weight()
            + self.orders.weight()
            + self.consents.iter().count() * size_of::<super::consent::Word>()
            + self.traits.iter().count() * size_of::<(SmolStr, Value)>()
            + self.cases.weight()
            + self.scores.capacity() * size_of::<(Head, Score)>()
    }
}

/// Longest span that [`Profile::count`] answers from the calendar.
const LONGEST: Span = Span::days(DAYS_MAX as i64);

/// Returns how many days of 24 hours a span has begun.
fn whole_days(within: Span) -> u16 {
    let day = Span::days(1).0;
    let days = within.0 / day + i64::from(within.0 % day != 0);
    u16::try_from(days.clamp(1, i64::from(DAYS_MAX))).unwrap_or(DAYS_MAX)
}

fn category_place(category: Category) -> usize {
    match category {
        Category::Service => 0,
        Category::Marketing => 1,
    }
}
