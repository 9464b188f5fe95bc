//! The same triggers and the same history for the machine in its row and for the model: the same decisions.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use smol_str::SmolStr;

use super::model::{Line, Model, What};
use super::random;
use crate::customer::{Customer, Effects, Outgoing};
use crate::decision::Reason;
use crate::event::{Call, Event, Timeliness};
use crate::ids::{CustomerId, MessageId, Position};
use crate::record::{Command, Input, Record};
use crate::rulebook::{ContactPolicy, Policy, Rulebook};
use crate::time::{Span, Timestamp};
use crate::trigger::{Trigger, Triggers};
use crate::value::{Properties, Value};

/// 2024-03-15T12:00:00Z.
const NOON: Timestamp = Timestamp(1_710_504_000_000);

/// How long both go on after the last event: longer than every wait, deferral and window.
const TAIL: Span = Span::hours(30);

fn input(record: u64, at: Timestamp, what: &What) -> Input {
    let text = |text: &str| Value::Text(text.into());
    let (name, properties) = match *what {
        What::Event { name, k, n } => {
            let mut properties = vec![("n".into(), Value::Number(f64::from(n)))];
            properties.extend(k.map(|k| ("k".into(), text(k))));
            (name, properties)
        }
        What::CaseOpened => ("Case Opened", vec![("case_id".into(), text("c"))]),
        What::CaseClosed => ("Case Closed", vec![("case_id".into(), text("c"))]),
        What::Granted => ("Consent Granted", vec![]),
        What::Denied => ("Consent Denied", vec![]),
        What::Suppressed => return Input::Command(Command::Suppress),
        What::Unsuppressed => return Input::Command(Command::Unsuppress),
    };
    let message_text = SmolStr::from(format!("m{record}"));
    Input::Event(Box::new(Event {
        message: MessageId::of(&message_text),
        message_text,
        call: Call::Track,
        name: name.into(),
        at,
        timeliness: Timeliness::OnTime,
        customer: CustomerId::user("u1"),
        anonymous: None,
        properties: Properties(properties),
        locale: None,
        zone: None,
    }))
}

/// Returns what the row decides.
fn decided(triggers: &[Trigger], contact: &ContactPolicy, history: &[(i64, What)]) -> Vec<Line> {
    let policy = Policy { contact: contact.clone(), ..Policy::default() };
    let book = Rulebook { triggers: Triggers::new(triggers.to_vec()), policy, ..Rulebook::default() };
    let mut row = Customer::new(CustomerId::user("u1"));
    let mut fx = Effects::default();
    let mut at = NOON;
    for (record, (gap, what)) in history.iter().enumerate() {
        at = at + Span::minutes(*gap);
        let record = record as u64;
        let input = input(record, at, what);
        row.apply(&book, &Record { position: Position(record), stamp: at, input }, &mut fx);
    }
    row.wake(&book, at + TAIL, &mut fx);
    let mut lines: Vec<Line> = fx
        .outbox
        .into_iter()
        .filter_map(|entry| match entry.body {
            Outgoing::Decision(decision) => {
                Some((decision.at, decision.trigger, decision.key, decision.verdict, decision.reason))
            }
            Outgoing::Outreach(_) | Outgoing::Relay { .. } => None,
        })
        .collect();
    lines.sort();
    lines
}

/// Returns what the model decides.
fn modelled(triggers: &[Trigger], contact: &ContactPolicy, history: &[(i64, What)]) -> Vec<Line> {
    let mut model = Model::new(triggers, contact, NOON);
    let mut at = NOON;
    for (record, (gap, what)) in history.iter().enumerate() {
        at = at + Span::minutes(*gap);
        model.pass(at);
        model.happen(record as u64, what);
    }
    model.pass(at + TAIL);
    model.lines()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_decides_as_the_model(
        triggers in random::triggers(),
        contact in random::contact(),
        history in random::history(),
    ) {
        let expected = modelled(&triggers, &contact, &history);
        prop_assert_eq!(decided(&triggers, &contact, &history), expected);
    }
}

#[test]
fn what_is_compared_reaches_every_gate() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..2_000 {
        let made = (random::triggers(), random::contact(), random::history()).new_tree(&mut runner);
        let (triggers, contact, history) = made.expect("nothing is rejected").current();
        reached.extend(modelled(&triggers, &contact, &history).into_iter().map(|line| line.4));
    }
    let expected = [
        Reason::Clear,
        Reason::Condition,
        Reason::Exited,
        Reason::GoalReached,
        Reason::Cooldown,
        Reason::ReentryMax,
        Reason::NoKey,
        Reason::NoConsent,
        Reason::SuppressedCustomer,
        Reason::Cap,
        Reason::QuietHours,
        Reason::Priority,
        Reason::MaxDefer,
        Reason::OpenCase,
        Reason::Holdout,
        Reason::Shadow,
    ];
    assert_eq!(reached, BTreeSet::from(expected));
}
