//! The same triggers and the same history for the machine in its row and for the model: the same decisions.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use smol_str::SmolStr;

use super::model::{Come, Happened, Line, Model, STEP, Scores, What};
use super::random;
use crate::customer::{Customer, Effects, Outgoing};
use crate::decision::{Outcome, OutcomeStatus, Reason};
use crate::event::{Call, Event, Timeliness};
use crate::ids::{CustomerId, MessageId, OutreachId, Position};
use crate::profile::tests::shop::track;
use crate::profile::{Profile, ProfilePolicy};
use crate::record::{Command, Input, Record};
use crate::rulebook::{ContactPolicy, Policy, Rulebook};
use crate::score::{self, Answer, Ask, Head, Score, ScoreSource};
use crate::time::{Span, Timestamp};
use crate::trigger::spec::Mode;
use crate::trigger::{Trigger, Triggers};
use crate::value::{Properties, Value};

/// Noon of a day like any other, of one before summer time begins in Berlin and of one before it ends there.
const NOONS: [Timestamp; 3] =
    [Timestamp(1_710_504_000_000), Timestamp(1_711_800_000_000), Timestamp(1_729_944_000_000)];

/// How long both go on after the last event, over and over: longer than every wait, deferral and window.
const TAIL: Span = Span::hours(6);

/// How often.
const TAILS: i64 = 3;

/// What is told to both.
#[derive(Clone, Debug)]
struct Case {
    triggers: Vec<Trigger>,
    contact: ContactPolicy,
    scores: Scores,
    noon: Timestamp,
    history: Vec<(i64, What)>,
}

fn case() -> impl Strategy<Value = Case> {
    let noon = prop::sample::select(&NOONS[..]);
    (random::triggers(), random::contact(), random::scores(), noon, random::history()).prop_map(
        |(triggers, contact, scores, noon, mut history)| {
            if scores.come == Come::Later {
                // What waits for a score is held at whatever happens next, of which the model does not know everything.
                history.retain(|(_, what)| !matches!(what, What::Switched { .. }));
            }
            Case { triggers, contact, scores, noon, history }
        },
    )
}

/// Returns a customer whose heads are asked at a whole five of minutes, in the afternoon, and when that first is.
fn customer() -> (CustomerId, Span) {
    static FOUND: LazyLock<(CustomerId, Span)> = LazyLock::new(|| {
        let known = |n: u32| {
            let customer = CustomerId::user(&format!("u{n}"));
            let mut profile = Profile::default();
            let ordered = track("Order Completed", Timestamp(0)).text("order_id", "o");
            profile.fold(&ordered.0, Timestamp(0), &ProfilePolicy::default());
            let due = score::next_due(Head::Return, &customer, &profile, Timestamp(0))?;
            let of_day = due.0 % Span::days(1).0;
            let fits = of_day % STEP.0 == 0 && (Span::hours(13).0..Span::hours(18).0).contains(&of_day);
            fits.then_some((customer, Span(due.0)))
        };
        (0..).find_map(known).expect("there is one among a few thousand")
    });
    FOUND.clone()
}

/// The row under test, as its owner treats it.
struct Owner<'a> {
    case: &'a Case,
    book: Rulebook,
    row: Customer,
    fx: Effects,
    last: Option<Input>,
}

impl<'a> Owner<'a> {
    fn new(case: &'a Case) -> Self {
        let policy = Policy { contact: case.contact.clone(), ..Policy::default() };
        let triggers = Triggers::new(case.triggers.clone());
        let book = Rulebook { triggers, policy, heads: case.scores.heads, ..Rulebook::default() };
        Self { case, book, row: Customer::new(customer().0), fx: Effects::default(), last: None }
    }

    fn answer(&mut self, ask: &Ask) {
        let value = self.case.scores.value(ask.head, ask.at);
        let score = Score { value, model: "m".into(), source: ScoreSource::Model, at: ask.at };
        self.row.answer(&self.book, &Answer { id: ask.id, head: ask.head, score }, &mut self.fx);
    }

    fn answer_all(&mut self) {
        while let Some(ask) = self.row.pending_asks().first().cloned() {
            self.answer(&ask);
        }
    }

    /// Lets time pass; where answers come at once, each before the next timer.
    fn pass(&mut self, until: Timestamp) {
        match self.case.scores.come {
            Come::Later => self.row.wake(&self.book, until, &mut self.fx),
            Come::AtOnce => {
                while let Some(due) = self.row.next_due().filter(|due| *due < until) {
                    self.row.wake(&self.book, due + Span(1), &mut self.fx);
                    self.answer_all();
                }
            }
        }
    }

    fn tell(&mut self, position: u64, stamp: Timestamp, input: Input) {
        let asked = self.row.pending_asks().to_vec();
        self.pass(stamp);
        self.row.apply(&self.book, &Record { position: Position(position), stamp, input }, &mut self.fx);
        match self.case.scores.come {
            Come::AtOnce => self.answer_all(),
            Come::Later => {
                for ask in asked {
                    self.answer(&ask);
                }
            }
        }
    }

    fn happen(&mut self, record: u64, at: Timestamp, what: &What) {
        if let What::Switched { trigger, mode } = what {
            self.pass(at);
            self.switch(trigger % self.case.triggers.len(), *mode);
            return;
        }
        let input = match what {
            What::Repeated => self.last.clone(),
            what => Some(input(record, at, what)),
        };
        // With nothing to repeat nothing is told that a row would take.
        let input = input.unwrap_or_else(nothing);
        if let Input::Event(_) = input {
            self.last = Some(input.clone());
        }
        self.tell(record, at, input);
    }

    fn switch(&mut self, switched: usize, mode: Mode) {
        let name = &self.case.triggers[switched].name;
        let mut triggers: Vec<Trigger> = self.book.triggers.iter().cloned().collect();
        for trigger in triggers.iter_mut().filter(|trigger| trigger.name == *name) {
            trigger.mode = mode;
        }
        self.book.triggers = Triggers::new(triggers);
    }
}

/// A record that changes nothing but the row's clock.
fn nothing() -> Input {
    let status = OutcomeStatus::Delivered;
    Input::Outcome(Outcome { id: OutreachId(0), attempt: 0, status, at: NOONS[0] })
}

fn input(record: u64, at: Timestamp, what: &What) -> Input {
    let text = |text: &str| Value::Text(text.into());
    let mut event = Happened { name: "", k: None, n: 0, about: Default::default(), zone: None, late: false };
    let mut properties = Vec::new();
    match what {
        What::Event(happened) => {
            event = happened.clone();
            properties.push(("n".into(), Value::Number(f64::from(event.n))));
            properties.extend((event.name == "Product Added").then(|| ("product_id".into(), text("p"))));
            properties.extend(event.k.map(|k| ("k".into(), text(&k.to_string()))));
            properties.extend(event.about.cart.as_deref().map(|id| ("cart_id".into(), text(id))));
            properties.extend(event.about.order.as_deref().map(|id| ("order_id".into(), text(id))));
        }
        What::CaseOpened | What::CaseClosed => {
            event.name = if *what == What::CaseOpened { "Case Opened" } else { "Case Closed" };
            properties.push(("case_id".into(), text("c")));
        }
        What::Granted => event.name = "Consent Granted",
        What::Denied => event.name = "Consent Denied",
        What::Suppressed => return Input::Command(Command::Suppress),
        What::Unsuppressed => return Input::Command(Command::Unsuppress),
        What::Repeated | What::Switched { .. } => return nothing(),
    }
    let message_text = SmolStr::from(format!("m{record}"));
    Input::Event(Box::new(Event {
        message: MessageId::of(&message_text),
        message_text,
        call: Call::Track,
        name: event.name.into(),
        at,
        timeliness: if event.late { Timeliness::Late } else { Timeliness::OnTime },
        customer: customer().0,
        anonymous: None,
        properties: Properties(properties),
        locale: None,
        zone: event.zone.map(SmolStr::from),
    }))
}

/// Returns what the row decides.
fn decided(case: &Case) -> Vec<Line> {
    let mut owner = Owner::new(case);
    let mut at = case.noon;
    for (record, (gap, what)) in case.history.iter().enumerate() {
        at = at + Span::minutes(*gap);
        owner.happen(record as u64, at, what);
    }
    for tail in 0..TAILS {
        at = at + TAIL;
        owner.tell(case.history.len() as u64 + tail as u64, at, nothing());
    }
    let outgoing = owner.fx.outbox.into_iter().map(|entry| entry.body);
    let mut lines: Vec<Line> = outgoing
        .filter_map(|body| match body {
            Outgoing::Decision(decision) => {
                Some((decision.at, decision.trigger, decision.key, decision.verdict, decision.reason))
            }
            Outgoing::Outreach(_)
            | Outgoing::Relay { .. }
            | Outgoing::Turn(_)
            | Outgoing::Forgotten { .. } => None,
        })
        .collect();
    lines.sort();
    lines
}

/// Returns what the model decides.
fn modelled(case: &Case) -> Vec<Line> {
    let mut model = Model::new(&case.triggers, &case.contact, &case.scores, (case.noon, customer().1));
    let mut at = case.noon;
    for (record, (gap, what)) in case.history.iter().enumerate() {
        at = at + Span::minutes(*gap);
        let asked = model.attempts();
        model.pass(at);
        model.happen(record as u64, what);
        model.answer(asked);
    }
    for _ in 0..TAILS {
        at = at + TAIL;
        let asked = model.attempts();
        model.pass(at);
        model.answer(asked);
    }
    model.lines()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8_000, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_decides_as_the_model(case in case()) {
        let expected = modelled(&case);
        prop_assert_eq!(decided(&case), expected);
    }
}

#[test]
fn what_is_compared_reaches_every_gate() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..8_000 {
        let made = case().new_tree(&mut runner).expect("nothing is rejected").current();
        reached.extend(modelled(&made).into_iter().map(|line| line.4));
    }
    let expected = [
        Reason::Clear,
        Reason::Condition,
        Reason::Exited,
        Reason::GoalReached,
        Reason::Cooldown,
        Reason::ReentryMax,
        Reason::NoKey,
        Reason::InstanceLimit,
        Reason::NoConsent,
        Reason::SuppressedCustomer,
        Reason::Cap,
        Reason::QuietHours,
        Reason::Priority,
        Reason::MaxDefer,
        Reason::MaxAge,
        Reason::OpenCase,
        Reason::Holdout,
        Reason::GlobalControl,
        Reason::LateEvent,
        Reason::Shadow,
    ];
    assert_eq!(reached, BTreeSet::from(expected));
}
