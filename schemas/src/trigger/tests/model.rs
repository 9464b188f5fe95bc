//! What triggers mean, written only to be obvious: it remembers everything, looks every five minutes, and counts by hand.
//!
//! It knows the conditions that [`super::random`] makes and no others. All its instants are whole fives of minutes.

mod heads;
mod judge;
mod scores;

use std::cmp::Reverse;

use smol_str::SmolStr;

use self::heads::Visit;
use self::judge::{about_event, reads, reads_any};
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
    /// Heads that are asked though no trigger reads them.
    pub heads: Heads,
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
    /// The first instant of a day, and of a week, at which heads are asked.
    phase: Span,
    visit: Visit,
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
        (start, phase): (Timestamp, Span),
    ) -> Self {
        let mut model = Self {
            triggers,
            contact,
            scores,
            modes: triggers.iter().map(|trigger| trigger.mode).collect(),
            heads: scores.heads,
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
            phase,
            visit: Visit::default(),
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
            self.end_visit();
            self.withdraw();
            let mut proposed = self.take(|open, clock| open.awaits.is_empty() && open.look <= clock);
            self.cross(|_| true, &mut proposed);
            self.settle(proposed, self.due());
            self.answer_at_once();
            self.clock = self.clock + STEP;
        }
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
        let gone = self.withdraw();
        self.cross(|condition| reads(condition, None) || reads_any(condition, gone), &mut proposed);
        let moved = match what {
            What::CaseOpened | What::CaseClosed => Heads::of(&[Head::Churn, Head::Complaint]),
            What::Granted | What::Denied | What::Suppressed | What::Unsuppressed => Heads::NONE,
            What::Event(_) | What::Repeated | What::Switched { .. } => Heads::NONE,
        };
        self.settle(proposed, self.asked(moved));
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
            self.visit.note(name, self.clock);
        }
        let gone = self.withdraw();
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
        self.cross(|condition| reads(condition, Some(name)) || reads_any(condition, gone), &mut proposed);
        self.settle(proposed, self.asked(self.visit.moved(name)));
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
}
