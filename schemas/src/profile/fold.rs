//! The fold: one event in, the profile moved on, and a report of what that changed.
//!
//! An event is folded at its own stamp, never after `now`. A late one moves what is exact at any age (life totals, orders, days
//! still kept, consent by its date) and nothing else: no window, session, cart or zone.

use super::day::DayKind;
use super::place::LATEST;
use super::trade::Counts;
use super::{Folded, Origin, Profile, ProfilePolicy, SessionChange, Standing, said};
use crate::decision::Category;
use crate::event::{Call, Event, Timeliness};
use crate::money::Currency;
use crate::time::Timestamp;
use crate::value::Value;

/// An event on its way through the fold.
pub(super) struct Step<'a> {
    /// The event.
    pub event: &'a Event,
    /// When it happened, not after `now`.
    pub at: Timestamp,
    /// Log time.
    pub now: Timestamp,
    /// Too old to act on.
    pub late: bool,
    /// What the shop set.
    pub policy: &'a ProfilePolicy,
    /// Currency of a bare number.
    pub base: Currency,
}

impl Profile {
    /// Folds one event at log time `now`. What was due strictly before `now` has been fired before.
    pub fn fold(&mut self, event: &Event, now: Timestamp, policy: &ProfilePolicy) -> Folded {
        let now = sane(now);
        if self.ring.contains(event.message, now) {
            return Folded { standing: Standing::Duplicate, ..Folded::default() };
        }
        self.ring.insert(event.message, now, policy.message_ring);
        let at = sane(event.at).min(now);
        let late = event.timeliness == Timeliness::Late;
        let base = *self.home.get_or_insert(policy.base_currency);
        let step = Step { event, at, now, late, policy, base };
        let mut folded =
            Folded { standing: if late { Standing::Late } else { Standing::Applied }, ..Folded::default() };
        self.first_seen = Some(self.first_seen.map_or(at, |first| first.min(at)));
        self.last_seen = self.last_seen.max(Some(at));
        self.identified |= !event.customer.is_anonymous();
        self.locate(&step);
        let counts = self.trade(&step, &mut folded);
        if counts == Counts::Yes {
            self.count_event(&step);
        }
        self.visit(&step, &mut folded);
        folded.consent_changed = self.consents.take(event, at);
        if event.call == Call::Identify {
            folded.links.extend(self.traits.take(&event.properties, at));
        }
        if event.name == "Outreach Sent"
            && let Some(category) = said::text(&event.properties, "category").and_then(|of| Category::of(&of))
        {
            self.note_outreach(category, at);
        }
        if !late {
            folded.moved = self.moved(event, &folded);
        }
        folded
    }

    /// Takes what the event says about zone, locale and country.
    fn locate(&mut self, step: &Step<'_>) {
        let Step { event, policy, .. } = step;
        let place = &mut self.place;
        if place.zone().from == Origin::Default {
            place.set_zone(&policy.default_zone, Origin::Default);
        }
        if place.locale().from == Origin::Default {
            place.set_locale(&policy.default_locale, Origin::Default);
        }
        if step.late {
            return;
        }
        let properties = &event.properties;
        match event.call {
            Call::Identify => {
                if let Some(zone) = said::first_text(properties, &["timezone", "time_zone", "zone"]) {
                    place.set_zone(&zone, Origin::Traits);
                }
                if let Some(locale) = said::first_text(properties, &["locale", "language"]) {
                    place.set_locale(&locale, Origin::Traits);
                }
                if let Some(Value::Map(address)) = properties.get("address")
                    && let Some(country) = said::text(address, "country")
                {
                    place.set_country(&country);
                }
            }
            Call::Track | Call::Page | Call::Screen | Call::Group | Call::Alias => {}
        }
        if let Some(country) = said::text(properties, "country") {
            place.set_country(&country);
        }
        if let Some(zone) = &event.zone {
            place.set_zone(zone, Origin::Context);
        }
        if let Some(locale) = &event.locale {
            place.set_locale(locale, Origin::Context);
        }
        place.settle(step.now);
    }

    /// Counts the event under its name: for life, in the windows, on its day.
    fn count_event(&mut self, step: &Step<'_>) {
        let name = said::bounded(&step.event.name);
        if step.late {
            self.counters.note_late(&name);
        } else {
            self.counters.note(&name, step.at, step.now);
        }
        if let Some(kind) = DayKind::of_event(&name) {
            self.days.note(kind, self.place.day(step.at), self.place.day(step.now));
        }
    }

    /// Opens or prolongs the session.
    fn visit(&mut self, step: &Step<'_>, folded: &mut Folded) {
        if step.late || !is_activity(step.event) {
            return;
        }
        self.last_active = self.last_active.max(Some(step.at));
        if step.at <= step.now - step.policy.session_idle {
            return;
        }
        let view = step.event.name == "Product Viewed";
        folded.session = self.sessions.touch(step.now, step.policy.session_idle, view);
        if folded.session == SessionChange::Started {
            let today = self.place.day(step.now);
            self.days.note(DayKind::Sessions, today, today);
        }
    }
}

/// Returns the instant, moved into the years 1970 to 9998 where every part of the profile is exact.
pub(super) fn sane(instant: Timestamp) -> Timestamp {
    instant.clamp(Timestamp(0), LATEST)
}

/// Returns true for what the shopper does; what the back office reports opens no session.
fn is_activity(event: &Event) -> bool {
    match event.call {
        Call::Identify | Call::Group | Call::Alias => false,
        Call::Page | Call::Screen => true,
        Call::Track => !matches!(
            event.name.as_str(),
            "Order Refunded"
                | "Order Cancelled"
                | "Order Updated"
                | "Order Shipped"
                | "Order Delivered"
                | "Delivery Late"
                | "Case Opened"
                | "Case Closed"
                | "Consent Granted"
                | "Consent Denied"
                | "Message Delivered"
                | "Message Opened"
                | "Message Bounced"
                | "Outreach Sent"
                | "Outreach Withheld"
                | "Session Ended"
        ),
    }
}
