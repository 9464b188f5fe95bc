//! What triggers mean, written only to be obvious: it remembers everything, looks every five minutes, and counts by hand.
//!
//! It knows the conditions that [`super::random`] makes and no others. All its instants are whole fives of minutes.

use std::cmp::Reverse;

use smol_str::SmolStr;

use super::shop::{About, Carts, quiet_until};

use crate::decision::{Category, Reason, Verdict};
use crate::profile::Heads;
use crate::rulebook::{Cap, CapScope, ContactPolicy};
use crate::score::Head;
use crate::time::{Span, Timestamp};
use crate::trigger::spec::{
    CapRole, Compare, Condition, Crossing, Entry, EventPattern, INSTANCES_MAX, Key, Match, Mode, OnCap,
    ReentryMode, Trigger,
};
use crate::value::Value;

/// One step of time.
pub const STEP: Span = Span::minutes(5);

/// How often a pause is looked at.
const PAUSE_LOOK: Span = Span::hours(1);

/// When time looks at what waits for a score: never.
const WAITED: Timestamp = Timestamp(i64::MAX);

/// A decision, as far as it is compared: when, of which trigger and key, what and why.
pub type Line = (Timestamp, SmolStr, SmolStr, Verdict, Reason);

/// What happens to the customer.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An event.
    Event(Happened),
    /// The same message as the last event's once more.
    Repeated,
    /// The shop gives one of its triggers another mode.
    Switched { trigger: usize, mode: Mode },
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

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Its name.
    pub name: &'static str,
    /// A property that tells instances apart.
    pub k: Option<u8>,
    /// A number.
    pub n: u8,
    /// Cart and order that it names.
    pub about: About,
    /// Zone of its context.
    pub zone: Option<&'static str>,
    /// Too late to act on.
    pub late: bool,
}

/// How questions are answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// What the scores are, in turn, in eighths.
    pub eighths: Vec<u8>,
    /// When an answer comes.
    pub come: Come,
}

/// When an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Come {
    /// Before anything else happens.
    AtOnce,
    /// Behind the record after that which asked.
    Later,
}

impl Scores {
    /// Returns the answer to a question.
    pub fn value(&self, head: Head, at: Timestamp) -> f32 {
        let nth = (at.0 / STEP.0) as usize * 3 + head as usize;
        f32::from(self.eighths[nth % self.eighths.len()]) / 8.0
    }
}

/// A question that waits for its answer.
#[derive(Clone, Copy)]
struct Ask {
    head: Head,
    at: Timestamp,
    attempt: u32,
    record: u64,
}

struct Open {
    trigger: usize,
    key: SmolStr,
    entered: Timestamp,
    /// Orders instances of one instant: the record that opened it, and which of what that record opened.
    order: (u64, u16),
    n: Option<u8>,
    /// Since when it is to be decided.
    due: Timestamp,
    /// When it is looked at, if later than that.
    look: Timestamp,
    /// Scores it waits for; it is not due by time then.
    awaits: Heads,
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
    scores: &'a Scores,
    modes: Vec<Mode>,
    heads: Heads,
    crossings: Vec<Crossing>,
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
    known: Vec<(Head, f32, Timestamp)>,
    latches: Vec<Crossing>,
    asks: Vec<Ask>,
    attempts: u32,
    carts: Carts,
    zone: &'static str,
    case_open: bool,
    suppressed: bool,
    consent: Option<bool>,
    lines: Vec<Line>,
}

impl<'a> Model<'a> {
    /// Returns the model of a customer of whom nothing is known.
    pub fn new(
        triggers: &'a [Trigger],
        contact: &'a ContactPolicy,
        scores: &'a Scores,
        start: Timestamp,
    ) -> Self {
        let mut model = Self {
            triggers,
            contact,
            scores,
            modes: triggers.iter().map(|trigger| trigger.mode).collect(),
            heads: Heads::NONE,
            crossings: Vec::new(),
            clock: start,
            record: 0,
            history: Vec::new(),
            open: Vec::new(),
            entries: Vec::new(),
            refused: Vec::new(),
            held: Vec::new(),
            crossed: vec![0; triggers.len()],
            sent: Vec::new(),
            known: Vec::new(),
            latches: Vec::new(),
            asks: Vec::new(),
            attempts: 0,
            carts: Carts::default(),
            zone: "UTC",
            case_open: false,
            suppressed: false,
            consent: None,
            lines: Vec::new(),
        };
        triggers.iter().for_each(|trigger| model.note_scores(trigger));
        // What holds of a customer of whom nothing is known has not begun to hold.
        model.held = triggers.iter().map(|trigger| model.holds_at_entry(trigger)).collect();
        model
    }

    /// Notes which scores and latches a trigger reads.
    fn note_scores(&mut self, trigger: &Trigger) {
        let mut crossings = Vec::new();
        for condition in [Some(&trigger.when), trigger.entry.condition()].into_iter().flatten() {
            self.heads = self.heads.union(condition.heads());
            condition.each_leaf(&mut |leaf| {
                if let Condition::Latch(crossing) = leaf {
                    crossings.push(*crossing);
                }
            });
        }
        if let Entry::Crossing(crossing) = trigger.entry {
            crossings.push(crossing);
            self.heads = self.heads.union(Heads::of(&[crossing.head]));
        }
        for crossing in crossings {
            if !self.crossings.contains(&crossing) {
                self.crossings.push(crossing);
            }
        }
    }

    fn holds_at_entry(&self, trigger: &Trigger) -> bool {
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
            let mut proposed = self.take(|open, clock| open.awaits.is_empty() && open.look <= clock);
            self.cross(|_| true, &mut proposed);
            self.settle(proposed, Heads::NONE);
            self.answer_at_once();
            self.clock = self.clock + STEP;
        }
    }

    /// Returns how many questions were ever asked.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Answers the questions up to this one, in the order of their heads' first.
    pub fn answer(&mut self, up_to: u32) {
        while let Some(place) = self.asks.iter().position(|ask| ask.attempt <= up_to) {
            let ask = self.asks.remove(place);
            self.told_score(ask);
        }
    }

    fn answer_at_once(&mut self) {
        match self.scores.come {
            Come::AtOnce => self.answer(u32::MAX),
            Come::Later => {}
        }
    }

    fn told_score(&mut self, Ask { head, at, attempt, record }: Ask) {
        let value = self.scores.value(head, at);
        self.known.retain(|(known, ..)| *known != head);
        self.known.push((head, value, at));
        let mut proposed = Vec::new();
        for crossing in self.crossings.clone().into_iter().filter(|crossing| crossing.head == head) {
            let set = self.latches.contains(&crossing);
            if set && value < crossing.rearms_below {
                self.latches.retain(|latch| *latch != crossing);
            } else if !set && value > crossing.rises_above {
                self.latches.push(crossing);
                for place in 0..self.triggers.len() {
                    if self.triggers[place].entry == Entry::Crossing(crossing) {
                        let key = self.standing_key(place);
                        self.enter(place, key, (record, attempt as u16), None, &mut proposed);
                    }
                }
            }
        }
        let now_heard = std::mem::replace(&mut self.record, record);
        self.cross(|condition| condition.heads().contains(head), &mut proposed);
        self.record = now_heard;
        for open in &mut self.open {
            open.awaits = open.awaits.without(Heads::of(&[head]));
        }
        let waited = self.take(|open, _| open.awaits.is_empty() && open.look == WAITED);
        self.settle_with(waited, proposed, Heads::NONE);
    }

    fn standing_key(&self, place: usize) -> Option<SmolStr> {
        match self.triggers[place].key {
            Key::Customer => Some(SmolStr::default()),
            Key::Cart => self.carts.current(),
            Key::Order | Key::Property(_) => None,
        }
    }

    /// Asks for these scores.
    fn ask(&mut self, heads: Heads) {
        for head in heads.iter() {
            self.attempts += 1;
            let ask = Ask { head, at: self.clock, attempt: self.attempts, record: self.record };
            match self.asks.iter_mut().find(|open| open.head == head) {
                Some(open) => *open = ask,
                None => self.asks.push(ask),
            }
        }
    }

    /// Holds what is paused, asks for what is read and not fresh, and decides what waits for nothing.
    fn settle(&mut self, proposed: Vec<Open>, moved: Heads) {
        self.settle_with(Vec::new(), proposed, moved);
    }

    fn settle_with(&mut self, waited: Vec<Open>, mut proposed: Vec<Open>, moved: Heads) {
        let clock = self.clock;
        for mut open in proposed.extract_if(.., |open| self.modes[open.trigger] == Mode::Paused) {
            open.look = clock + PAUSE_LOOK;
            self.open.push(open);
        }
        let mut needed = Heads::NONE;
        for head in proposed.iter().flat_map(|open| self.triggers[open.trigger].when.heads().iter()) {
            let fresh = self.known.iter().any(|(known, _, at)| *known == head && *at == clock);
            if moved.contains(head) || !fresh {
                needed = needed.union(Heads::of(&[head]));
            }
        }
        let mut decided = waited;
        for mut open in proposed {
            if needed.is_empty() {
                decided.push(open);
            } else {
                (open.awaits, open.look) = (needed, WAITED);
                self.open.push(open);
            }
        }
        self.arbitrate(decided);
        self.ask(moved.union(needed));
    }

    /// Something happens, in this record.
    pub fn happen(&mut self, record: u64, what: &What) {
        if let What::Switched { trigger, mode } = what {
            let trigger = trigger % self.triggers.len();
            self.modes[trigger] = *mode;
            return;
        }
        self.record = record;
        match what {
            What::Event(event) => return self.event(event),
            What::Repeated | What::Switched { .. } => return,
            What::CaseOpened => self.case_open = true,
            What::CaseClosed => self.case_open = false,
            What::Granted => self.consent = Some(true),
            What::Denied => self.consent = Some(false),
            What::Suppressed => self.suppressed = true,
            What::Unsuppressed => self.suppressed = false,
        }
        let mut proposed = Vec::new();
        self.cross(|condition| reads(condition, None), &mut proposed);
        let moved = match what {
            What::CaseOpened | What::CaseClosed => Heads::of(&[Head::Churn, Head::Complaint]),
            What::Granted | What::Denied | What::Suppressed | What::Unsuppressed => Heads::NONE,
            What::Event(_) | What::Repeated | What::Switched { .. } => Heads::NONE,
        };
        self.settle(proposed, moved.common(self.heads));
        self.answer_at_once();
    }

    fn event(&mut self, event: &Happened) {
        let Happened { name, k, n, late, .. } = *event;
        let before: Vec<bool> = self.triggers.iter().map(|trigger| self.holds_at_entry(trigger)).collect();
        let folded = self.carts.fold(name, &event.about, late, self.clock);
        let open_cart = self.carts.current();
        if !late {
            self.zone = event.zone.unwrap_or(self.zone);
            self.history.push((self.clock, name));
        }
        let triggers = self.triggers;
        let is = |pattern: &EventPattern| pattern.name == name && about_event(&pattern.filter, Some(n));
        let key_of = |key: &Key| match key {
            Key::Customer => Some(SmolStr::default()),
            Key::Property(_) => k.map(|k| SmolStr::from(k.to_string())),
            Key::Cart => folded.cart.clone(),
            Key::Order => folded.order.clone(),
        };
        // An event that is about no cart and no order is about the one open cart.
        let about = |key: &Key| match key {
            Key::Cart if folded.cart.is_none() && folded.order.is_none() => open_cart.clone(),
            key => key_of(key),
        };
        if late {
            for (place, trigger) in triggers.iter().enumerate() {
                let enters = matches!(&trigger.entry, Entry::Event(pattern) if is(pattern));
                if enters && self.modes[place] != Mode::Paused {
                    let key = about(&trigger.key).unwrap_or_default();
                    self.say(place, &key, Verdict::Suppressed, Reason::LateEvent);
                }
            }
            return self.cross_late(&before);
        }
        for (place, trigger) in triggers.iter().enumerate() {
            let key = about(&trigger.key);
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
                    let key = key_of(&trigger.key);
                    let same = key.as_ref().is_none_or(|key| open.key == *key);
                    open.trigger == place && same && clock <= open.entered + goal.within
                });
            }
            if let Some(wait) = &trigger.wait
                && wait.reset_on.iter().any(is)
            {
                let due = self.clock + wait.span;
                let same = |open: &&mut Open| open.trigger == place && Some(&open.key) == key.as_ref();
                // What is deferred, held or waits for a score has been due.
                let waits = |open: &&mut Open| open.first_deferred.is_none() && open.look == open.due;
                for open in self.open.iter_mut().filter(same).filter(waits) {
                    (open.due, open.look) = (due, due);
                }
            }
        }
        let mut proposed = Vec::new();
        for (place, trigger) in triggers.iter().enumerate() {
            if let Entry::Event(pattern) = &trigger.entry
                && is(pattern)
            {
                self.enter(place, about(&trigger.key), (self.record, 0), Some(n), &mut proposed);
            }
        }
        self.cross(|condition| reads(condition, Some(name)), &mut proposed);
        let moved = match name {
            "Order Completed" => Heads::ALL,
            "Order Cancelled" => Heads::of(&[Head::Churn, Head::Return, Head::Complaint]),
            _ => Heads::of(&[Head::PurchaseIntent, Head::CartAbandonment]),
        };
        self.settle(proposed, moved.common(self.heads));
        self.answer_at_once();
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
                Entry::Event(_) | Entry::Crossing(_) => continue,
            };
            if !looked_at(condition) {
                continue;
            }
            let holds = self.holds(condition, None);
            let held = std::mem::replace(&mut self.held[place], holds);
            if held != holds && holds == opens_when {
                let nth = self.crossed[place];
                self.crossed[place] += 1;
                self.enter(place, self.standing_key(place), (self.record, nth), None, proposed);
            }
        }
    }

    /// A late event may change the profile, and opens nothing by that; what time alone has changed is looked at afterwards.
    fn cross_late(&mut self, before: &[bool]) {
        for (place, trigger) in self.triggers.iter().enumerate() {
            let holds = self.holds_at_entry(trigger);
            if before[place] != self.held[place] || holds == self.held[place] {
                continue;
            }
            self.held[place] = holds;
            if holds == matches!(trigger.entry, Entry::Becomes(_)) {
                self.crossed[place] += 1;
                if self.modes[place] != Mode::Paused {
                    let key = self.standing_key(place).unwrap_or_default();
                    self.say(place, &key, Verdict::Suppressed, Reason::LateEvent);
                }
            }
        }
    }

    fn enter(
        &mut self,
        place: usize,
        key: Option<SmolStr>,
        order: (u64, u16),
        n: Option<u8>,
        proposed: &mut Vec<Open>,
    ) {
        let trigger = &self.triggers[place];
        if self.modes[place] == Mode::Paused {
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
        let open = self.open.iter().chain(&*proposed).filter(|open| open.trigger == place).count();
        if open >= INSTANCES_MAX {
            return self.say(place, &key, Verdict::Suppressed, Reason::InstanceLimit);
        }
        self.refused.retain(|(trigger, refused)| *trigger != place || *refused != key);
        self.entries.push((place, key.clone(), self.clock));
        let wait = trigger.wait.as_ref().map(|wait| wait.span);
        let due = self.clock + wait.unwrap_or_default();
        let (entered, awaits, first_deferred) = (self.clock, Heads::NONE, None);
        let open = Open { trigger: place, key, entered, order, n, due, look: due, awaits, first_deferred };
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
            self.open.push(Open { due: until, look: until, ..open });
            return;
        }
        if self.modes[place] == Mode::Shadow {
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
        } else if policy.category == Category::Marketing && self.contact.control_share > 0.0 {
            // Only 0 and 1 are made.
            Some((Verdict::Withheld, Reason::GlobalControl))
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
            let until = quiet_until(trigger.policy.quiet_hours?, self.zone, self.clock)?;
            Some((Reason::QuietHours, Some(until)))
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
        let end = self.clock + STEP;
        if used(self.clock, end) < cap.max {
            return None;
        }
        let reason = if used(self.clock, self.clock) < cap.max { Reason::Priority } else { Reason::Cap };
        let mut now = self.clock;
        while used(now, end) >= cap.max {
            if now > self.clock + cap.within {
                return Some((reason, None));
            }
            now = now + STEP;
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
            Condition::Profile { field, compare } => match field.path().as_str() {
                "open_case" => *compare == Compare::Eq(Value::Bool(self.case_open)),
                "cart.count" => compares(self.carts.count() as f64, compare),
                path => panic!("{path} is not made"),
            },
            Condition::Latch(crossing) => self.latches.contains(crossing),
            Condition::Score { head, compare } => {
                let known = self.known.iter().find(|(known, ..)| known == head);
                known.is_some_and(|(_, value, _)| compares(f64::from(*value), compare))
            }
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
