//! What triggers mean, written only to be obvious: it remembers everything, looks at every minute, and counts by hand.
//!
//! It knows the conditions that [`super::random`] makes and no others. All its instants are whole minutes.

use std::cmp::Reverse;

use smol_str::SmolStr;

use crate::decision::{Category, Reason, Verdict};
use crate::rulebook::{Cap, CapScope, ContactPolicy};
use crate::time::{Span, Timestamp};
use crate::trigger::spec::{
    CapRole, Compare, Condition, Entry, EventPattern, Key, Match, Mode, OnCap, ReentryMode, Trigger,
};
use crate::value::Value;

/// One step of time.
pub const MINUTE: Span = Span::minutes(1);

/// A decision, as far as it is compared: when, of which trigger and key, what and why.
pub type Line = (Timestamp, SmolStr, SmolStr, Verdict, Reason);

/// What happens to the customer.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An event with a property to tell instances apart, and a number.
    Event { name: &'static str, k: Option<&'static str>, n: u8 },
    /// A case is opened.
    CaseOpened,
    /// The case is closed.
    CaseClosed,
    /// Marketing is agreed to.
    Granted,
    /// Marketing is refused.
    Denied,
    /// Nothing proactive any more.
    Suppressed,
    /// Proactive again.
    Unsuppressed,
}

struct Open {
    trigger: usize,
    key: SmolStr,
    entered: Timestamp,
    /// Orders instances of one instant: the record that opened it, and which of what that record opened.
    order: (u64, u16),
    n: Option<u8>,
    due: Timestamp,
    first_deferred: Option<Timestamp>,
}

struct Sent {
    at: Timestamp,
    trigger: usize,
}

/// One customer.
pub struct Model<'a> {
    triggers: &'a [Trigger],
    contact: &'a ContactPolicy,
    clock: Timestamp,
    record: u64,
    history: Vec<(Timestamp, &'static str)>,
    open: Vec<Open>,
    entries: Vec<(usize, SmolStr, Timestamp)>,
    /// Keys with a refusal on record since their last entry.
    refused: Vec<(usize, SmolStr)>,
    held: Vec<bool>,
    crossed: Vec<u16>,
    sent: Vec<Sent>,
    case_open: bool,
    suppressed: bool,
    consent: Option<bool>,
    lines: Vec<Line>,
}

impl<'a> Model<'a> {
    /// Returns the model of a customer of whom nothing is known.
    pub fn new(triggers: &'a [Trigger], contact: &'a ContactPolicy, start: Timestamp) -> Self {
        let mut model = Self {
            triggers,
            contact,
            clock: start,
            record: 0,
            history: Vec::new(),
            open: Vec::new(),
            entries: Vec::new(),
            refused: Vec::new(),
            held: Vec::new(),
            crossed: vec![0; triggers.len()],
            sent: Vec::new(),
            case_open: false,
            suppressed: false,
            consent: None,
            lines: Vec::new(),
        };
        // What holds of a customer of whom nothing is known has not begun to hold.
        model.held = triggers.iter().map(|trigger| model.holds_at_first(trigger)).collect();
        model
    }

    fn holds_at_first(&self, trigger: &Trigger) -> bool {
        match &trigger.entry {
            Entry::Becomes(condition) | Entry::Ceases(condition) => self.holds(condition, None),
            Entry::Event(_) | Entry::Crossing(_) => false,
        }
    }

    /// Returns all decisions, by instant, trigger and key.
    pub fn lines(mut self) -> Vec<Line> {
        self.lines.sort();
        self.lines
    }

    /// Lets time pass up to an instant, at which nothing is looked at yet: what happens then comes before what is due then.
    pub fn pass(&mut self, until: Timestamp) {
        while self.clock < until {
            let mut proposed = self.take(|open, clock| open.due <= clock);
            self.cross(|_| true, &mut proposed);
            self.arbitrate(proposed);
            self.clock = self.clock + MINUTE;
        }
    }

    /// Something happens, in this record.
    pub fn happen(&mut self, record: u64, what: &What) {
        self.record = record;
        match *what {
            What::Event { name, k, n } => return self.event(name, k, n),
            What::CaseOpened => self.case_open = true,
            What::CaseClosed => self.case_open = false,
            What::Granted => self.consent = Some(true),
            What::Denied => self.consent = Some(false),
            What::Suppressed => self.suppressed = true,
            What::Unsuppressed => self.suppressed = false,
        }
        let mut proposed = Vec::new();
        self.cross(|condition| reads(condition, None), &mut proposed);
        self.arbitrate(proposed);
    }

    fn event(&mut self, name: &'static str, k: Option<&'static str>, n: u8) {
        self.history.push((self.clock, name));
        let triggers = self.triggers;
        let is = |pattern: &EventPattern| pattern.name == name && about_event(&pattern.filter, Some(n));
        let key_of = |key: &Key| match key {
            Key::Customer => Some(SmolStr::default()),
            Key::Property(_) => k.map(SmolStr::from),
            Key::Cart | Key::Order => panic!("not made"),
        };
        for (place, trigger) in triggers.iter().enumerate() {
            let key = key_of(&trigger.key);
            for exit in trigger.exits.iter().filter(|exit| is(&exit.event)) {
                self.end(Reason::Exited, |open| {
                    open.trigger == place
                        && match exit.matching {
                            Match::Any => true,
                            Match::Key => Some(&open.key) == key.as_ref(),
                        }
                });
            }
            if let Some(goal) = trigger.goal.as_ref().filter(|goal| is(&goal.event)) {
                let clock = self.clock;
                self.end(Reason::GoalReached, |open| {
                    let same = key.as_ref().is_none_or(|key| open.key == *key);
                    open.trigger == place && same && clock <= open.entered + goal.within
                });
            }
            if let Some(wait) = &trigger.wait
                && wait.reset_on.iter().any(is)
            {
                let due = self.clock + wait.span;
                let same = |open: &&mut Open| open.trigger == place && Some(&open.key) == key.as_ref();
                for open in self.open.iter_mut().filter(same).filter(|open| open.first_deferred.is_none()) {
                    open.due = due;
                }
            }
        }
        let mut proposed = Vec::new();
        for (place, trigger) in triggers.iter().enumerate() {
            if let Entry::Event(pattern) = &trigger.entry
                && is(pattern)
            {
                self.enter(place, key_of(&trigger.key), 0, Some(n), &mut proposed);
            }
        }
        self.cross(|condition| reads(condition, Some(name)), &mut proposed);
        self.arbitrate(proposed);
    }

    /// Ends open instances.
    fn end(&mut self, reason: Reason, meant: impl Fn(&Open) -> bool) {
        for open in self.take(|open, _| meant(open)) {
            self.say(open.trigger, &open.key, Verdict::Suppressed, reason);
        }
    }

    /// Takes open instances out.
    fn take(&mut self, meant: impl Fn(&Open, Timestamp) -> bool) -> Vec<Open> {
        let clock = self.clock;
        self.open.extract_if(.., |open| meant(open, clock)).collect()
    }

    fn say(&mut self, trigger: usize, key: &SmolStr, verdict: Verdict, reason: Reason) {
        self.lines.push((self.clock, self.triggers[trigger].name.clone(), key.clone(), verdict, reason));
    }

    /// Opens an instance wherever a condition has begun, or ceased, to hold, of those that are looked at: what an event does not
    /// concern is looked at after everything that happens at the instant.
    fn cross(&mut self, looked_at: impl Fn(&Condition) -> bool, proposed: &mut Vec<Open>) {
        for (place, trigger) in self.triggers.iter().enumerate() {
            let (condition, opens_when) = match &trigger.entry {
                Entry::Becomes(condition) => (condition, true),
                Entry::Ceases(condition) => (condition, false),
                Entry::Event(_) => continue,
                Entry::Crossing(_) => panic!("not made"),
            };
            if !looked_at(condition) {
                continue;
            }
            let holds = self.holds(condition, None);
            let held = std::mem::replace(&mut self.held[place], holds);
            if held != holds && holds == opens_when {
                let nth = self.crossed[place];
                self.crossed[place] += 1;
                self.enter(place, Some(SmolStr::default()), nth, None, proposed);
            }
        }
    }

    fn enter(
        &mut self,
        place: usize,
        key: Option<SmolStr>,
        nth: u16,
        n: Option<u8>,
        proposed: &mut Vec<Open>,
    ) {
        let trigger = &self.triggers[place];
        if trigger.mode == Mode::Paused {
            return;
        }
        let Some(key) = key else {
            return self.say(place, &SmolStr::default(), Verdict::Suppressed, Reason::NoKey);
        };
        if self.open.iter().chain(&*proposed).any(|open| open.trigger == place && open.key == key) {
            return;
        }
        let earlier: Vec<Timestamp> = self
            .entries
            .iter()
            .filter(|(trigger, entered, _)| *trigger == place && *entered == key)
            .map(|(.., at)| *at)
            .collect();
        let too_soon = match (trigger.reentry.mode, earlier.last()) {
            (ReentryMode::Once, Some(_)) => Some(Reason::ReentryMax),
            (ReentryMode::Cooldown(span), Some(last)) if self.clock - *last < span => Some(Reason::Cooldown),
            (ReentryMode::Always | ReentryMode::Once | ReentryMode::Cooldown(_), _) => None,
        };
        let too_often = trigger.reentry.max.filter(|max| earlier.len() >= *max as usize);
        if let Some(reason) = too_soon.or(too_often.map(|_| Reason::ReentryMax)) {
            let refused = (place, key);
            if !self.refused.contains(&refused) {
                self.say(place, &refused.1, Verdict::Suppressed, reason);
                self.refused.push(refused);
            }
            return;
        }
        self.refused.retain(|(trigger, refused)| *trigger != place || *refused != key);
        self.entries.push((place, key.clone(), self.clock));
        let wait = trigger.wait.as_ref().map(|wait| wait.span);
        let due = self.clock + wait.unwrap_or_default();
        let order = (self.record, nth);
        let open = Open { trigger: place, key, entered: self.clock, order, n, due, first_deferred: None };
        match wait {
            Some(_) => self.open.push(open),
            None => proposed.push(open),
        }
    }

    /// Decides what is proposed at one moment.
    fn arbitrate(&mut self, mut proposed: Vec<Open>) {
        let triggers = self.triggers;
        proposed.sort_by_key(|open| {
            let trigger = &triggers[open.trigger];
            (Reverse(trigger.policy.priority), open.entered, open.order, trigger.name.clone())
        });
        for open in proposed {
            self.decide(open);
        }
    }

    fn decide(&mut self, mut open: Open) {
        let (place, key) = (open.trigger, open.key.clone());
        let trigger = &self.triggers[place];
        if let Some((verdict, reason)) = self.refusal(&open) {
            return self.say(place, &key, verdict, reason);
        }
        if let Some((reason, fits)) = self.obstacle(trigger) {
            if trigger.policy.on_cap == OnCap::Drop {
                return self.say(place, &key, Verdict::Suppressed, reason);
            }
            let first = open.first_deferred.unwrap_or(self.clock);
            let last = first + trigger.policy.max_defer;
            if self.clock >= last {
                return self.say(place, &key, Verdict::Expired, Reason::MaxDefer);
            }
            if open.first_deferred.is_none() {
                self.say(place, &key, Verdict::Deferred, reason);
            }
            open.first_deferred = Some(first);
            let until = fits.map_or(last, |fits| fits.min(last));
            // A reset no longer touches it, and when it was due stays what it was: the next look is what is told here.
            self.open.push(Open { due: until, ..open });
            return;
        }
        if trigger.mode == Mode::Shadow {
            return self.say(place, &key, Verdict::Withheld, Reason::Shadow);
        }
        self.sent.push(Sent { at: self.clock, trigger: place });
        self.say(place, &key, Verdict::Sent, Reason::Clear);
    }

    /// Returns what refuses a proposal for good.
    fn refusal(&self, open: &Open) -> Option<(Verdict, Reason)> {
        let trigger = &self.triggers[open.trigger];
        let policy = &trigger.policy;
        let consented = match policy.category {
            Category::Service => true,
            Category::Marketing => {
                let assumed = self.contact.consent_assumed.contains(&Category::Marketing);
                self.consent.unwrap_or(assumed)
            }
        };
        let suppressed = |reason| Some((Verdict::Suppressed, reason));
        if self.clock - open.due > policy.max_age {
            Some((Verdict::Expired, Reason::MaxAge))
        } else if !self.holds(&trigger.when, open.n) {
            suppressed(Reason::Condition)
        } else if self.suppressed {
            suppressed(Reason::SuppressedCustomer)
        } else if self.case_open && !policy.despite_open_case {
            suppressed(Reason::OpenCase)
        } else if !consented {
            suppressed(Reason::NoConsent)
        } else if trigger.holdout > 0.0 {
            // Only 0 and 1 are made.
            Some((Verdict::Withheld, Reason::Holdout))
        } else {
            None
        }
    }

    /// Returns what stands against a proposal for a time, and until when.
    fn obstacle(&self, trigger: &Trigger) -> Option<(Reason, Option<Timestamp>)> {
        let mut found: Option<(Reason, Option<Timestamp>)> = None;
        if trigger.policy.caps == CapRole::Counted {
            for cap in self.contact.caps.iter().filter(|cap| concerns(&cap.scope, trigger)) {
                let Some((reason, fits)) = self.used_up(cap) else { continue };
                // The one that frees a place last is the one in the way; one that never does is the last of all.
                let later = match (found.as_ref().map(|(_, fits)| fits), fits) {
                    (None, _) | (_, None) => true,
                    (Some(None), Some(_)) => false,
                    (Some(Some(known)), Some(fits)) => fits >= *known,
                };
                if later {
                    found = Some((reason, fits));
                }
            }
        }
        found.or_else(|| {
            let quiet = |at: Timestamp| {
                trigger.policy.quiet_hours.is_some_and(|hours| {
                    let minute = (at.0 / MINUTE.0).rem_euclid(1_440) as u16;
                    if hours.start_min < hours.end_min {
                        minute >= hours.start_min && minute < hours.end_min
                    } else {
                        minute >= hours.start_min || minute < hours.end_min
                    }
                })
            };
            if !quiet(self.clock) {
                return None;
            }
            let mut end = self.clock;
            while quiet(end) {
                end = end + MINUTE;
            }
            Some((Reason::QuietHours, Some(end)))
        })
    }

    fn used_up(&self, cap: &Cap) -> Option<(Reason, Option<Timestamp>)> {
        let used = |now: Timestamp, before: Timestamp| {
            let counted = self.sent.iter().filter(|sent| {
                let trigger = &self.triggers[sent.trigger];
                trigger.policy.caps != CapRole::Uncounted
                    && concerns(&cap.scope, trigger)
                    && sent.at > now - cap.within
                    && sent.at < before
            });
            counted.count() as u32
        };
        let end = self.clock + MINUTE;
        if used(self.clock, end) < cap.max {
            return None;
        }
        let reason = if used(self.clock, self.clock) < cap.max { Reason::Priority } else { Reason::Cap };
        let mut now = self.clock;
        while used(now, end) >= cap.max {
            if now > self.clock + cap.within {
                return Some((reason, None));
            }
            now = now + MINUTE;
        }
        Some((reason, Some(now)))
    }

    fn holds(&self, condition: &Condition, n: Option<u8>) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, n)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part, n)),
            Condition::Not(inner) => !self.holds(inner, n),
            Condition::Count { event, within, compare } => {
                let from = self.clock - *within;
                let happened = self.history.iter().filter(|(at, name)| name == event && *at > from).count();
                compares(happened as f64, compare)
            }
            Condition::Event { .. } => about_event(condition, n),
            Condition::Profile { .. } => {
                let Condition::Profile { field, compare } = condition else { return false };
                assert_eq!(field.path(), "open_case");
                *compare == Compare::Eq(Value::Bool(self.case_open))
            }
            Condition::Latch(_) | Condition::Score { .. } => panic!("not made"),
        }
    }
}

/// Returns whether a condition counts events of a name or looks at the profile, which any event may change.
fn reads(condition: &Condition, event: Option<&str>) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(|part| reads(part, event)),
        Condition::Not(inner) => reads(inner, event),
        Condition::Count { event: counted, .. } => Some(counted.as_str()) == event,
        Condition::Profile { .. } => true,
        Condition::Event { .. } | Condition::Latch(_) | Condition::Score { .. } => false,
    }
}

fn concerns(scope: &CapScope, trigger: &Trigger) -> bool {
    match scope {
        CapScope::Any => true,
        CapScope::Category(category) => *category == trigger.policy.category,
        CapScope::Channel(channel) => *channel == trigger.action.channel,
    }
}

/// Returns whether the number of an event is as a filter wants it.
fn about_event(filter: &Condition, n: Option<u8>) -> bool {
    match filter {
        Condition::All(parts) => parts.iter().all(|part| about_event(part, n)),
        Condition::Any(parts) => parts.iter().any(|part| about_event(part, n)),
        Condition::Not(inner) => !about_event(inner, n),
        Condition::Event { compare, .. } => n.is_some_and(|n| compares(f64::from(n), compare)),
        Condition::Count { .. }
        | Condition::Profile { .. }
        | Condition::Latch(_)
        | Condition::Score { .. } => panic!("not made"),
    }
}

fn compares(number: f64, compare: &Compare) -> bool {
    match compare {
        Compare::Gte(bound) => number >= *bound,
        Compare::Lt(bound) => number < *bound,
        Compare::Eq(Value::Number(other)) => number == *other,
        Compare::Eq(_)
        | Compare::Ne(_)
        | Compare::Gt(_)
        | Compare::Lte(_)
        | Compare::In(_)
        | Compare::Exists
        | Compare::Missing => panic!("not made"),
    }
}
