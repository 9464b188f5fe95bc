//! Small triggers, policies and histories, made so that edges meet: all instants are multiples of five minutes, all names few.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::model::What;
use crate::decision::Category;
use crate::profile::field::lookup;
use crate::rulebook::{Cap, CapScope, ContactPolicy};
use crate::time::Span;
use crate::trigger::spec::{
    Action, CapRole, Compare, Condition, Entry, EventPattern, Exit, Goal, Key, Match, Mode, OnCap,
    QuietHours, Reentry, ReentryMode, Trigger, TriggerPolicy, Wait,
};
use crate::value::Value;

/// Names of events; the profile counts them like any other.
const NAMES: [&str; 3] = ["Alpha", "Beta", "Gamma"];

fn minutes(from: &'static [i64]) -> impl Strategy<Value = Span> {
    select(from).prop_map(Span::minutes)
}

fn name() -> impl Strategy<Value = &'static str> {
    select(&NAMES[..])
}

fn compare() -> impl Strategy<Value = Compare> {
    (0..3u8, 0..4u8).prop_map(|(kind, n)| match kind {
        0 => Compare::Gte(f64::from(n)),
        1 => Compare::Lt(f64::from(n)),
        _ => Compare::Eq(Value::Number(f64::from(n))),
    })
}

fn about_event() -> impl Strategy<Value = Condition> {
    compare().prop_map(|compare| Condition::Event { path: "n".into(), compare })
}

fn pattern() -> impl Strategy<Value = EventPattern> {
    let filter = prop_oneof![3 => Just(Condition::always()), 1 => about_event()];
    (name(), filter).prop_map(|(name, filter)| EventPattern { name: name.into(), filter })
}

fn count() -> impl Strategy<Value = Condition> {
    (name(), minutes(&[5, 10, 30, 60, 180]), compare())
        .prop_map(|(event, within, compare)| Condition::Count { event: event.into(), within, compare })
}

fn open_case() -> impl Strategy<Value = Condition> {
    any::<bool>().prop_map(|open| Condition::Profile {
        field: lookup("open_case").expect("a field"),
        compare: Compare::Eq(Value::Bool(open)),
    })
}

fn combined(leaf: impl Strategy<Value = Condition> + 'static) -> impl Strategy<Value = Condition> {
    leaf.prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(Condition::All),
            vec(inner.clone(), 1..3).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn when() -> impl Strategy<Value = Condition> {
    prop_oneof![
        2 => Just(Condition::always()),
        3 => combined(prop_oneof![count(), about_event(), open_case()]),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        5 => pattern().prop_map(Entry::Event),
        1 => combined(prop_oneof![3 => count(), 1 => open_case()]).prop_map(Entry::Becomes),
        1 => combined(count()).prop_map(Entry::Ceases),
    ]
}

fn reentry() -> impl Strategy<Value = Reentry> {
    let mode = prop_oneof![
        3 => Just(ReentryMode::Always),
        2 => minutes(&[5, 30, 120]).prop_map(ReentryMode::Cooldown),
        1 => Just(ReentryMode::Once),
    ];
    (mode, option::weighted(0.3, 1..4u32)).prop_map(|(mode, max)| Reentry { mode, max })
}

fn wait() -> impl Strategy<Value = Option<Wait>> {
    let wait = (minutes(&[5, 10, 30, 60]), vec(pattern(), 0..3));
    option::weighted(0.6, wait.prop_map(|(span, reset_on)| Wait { span, reset_on }))
}

fn exits() -> impl Strategy<Value = Vec<Exit>> {
    let exit = (pattern(), select(&[Match::Any, Match::Key][..]));
    vec(exit.prop_map(|(event, matching)| Exit { event, matching }), 0..3)
}

fn quiet_hours() -> impl Strategy<Value = Option<QuietHours>> {
    let hours =
        select(&[(13 * 60, 14 * 60), (12 * 60, 12 * 60 + 5), (22 * 60, 13 * 60), (0, 24 * 60 - 1)][..]);
    option::weighted(0.25, hours.prop_map(|(start_min, end_min)| QuietHours { start_min, end_min }))
}

fn policy() -> impl Strategy<Value = TriggerPolicy> {
    let category = select(&[Category::Service, Category::Marketing][..]);
    let on_cap = select(&[OnCap::Defer, OnCap::Defer, OnCap::Drop][..]);
    let caps = select(&[CapRole::Counted, CapRole::Counted, CapRole::Exempt, CapRole::Uncounted][..]);
    let spans = (minutes(&[5, 60]), minutes(&[5, 30, 180]));
    (category, 0..3u8, spans, on_cap, caps, quiet_hours(), any::<bool>()).prop_map(
        |(category, priority, (max_age, max_defer), on_cap, caps, quiet_hours, despite_open_case)| {
            TriggerPolicy {
                category,
                priority,
                max_age,
                on_cap,
                caps,
                quiet_hours,
                max_defer,
                despite_open_case,
            }
        },
    )
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let life = (entry(), any::<bool>(), reentry(), wait(), exits(), when());
    let mode = select(&[Mode::Live, Mode::Live, Mode::Live, Mode::Live, Mode::Shadow, Mode::Paused][..]);
    let holdout = select(&[0.0, 0.0, 0.0, 0.0, 1.0][..]);
    let goal = option::weighted(0.3, (pattern(), minutes(&[5, 30, 120])));
    let channel = select(&["log", "mail"][..]);
    (life, mode, policy(), holdout, channel, goal).prop_map(
        |((entry, by_property, reentry, wait, exits, when), mode, policy, holdout, channel, goal)| {
            let key = match &entry {
                Entry::Event(_) if by_property => Key::Property("k".into()),
                Entry::Event(_) | Entry::Crossing(_) | Entry::Becomes(_) | Entry::Ceases(_) => Key::Customer,
            };
            Trigger {
                name: "".into(),
                version: 1,
                description: "".into(),
                mode,
                entry,
                key,
                reentry,
                wait,
                exits,
                when,
                policy,
                holdout,
                action: Action { channel: channel.into(), template: "t".into(), facts: vec![] },
                goal: goal.map(|(event, within)| Goal { event, within }),
            }
        },
    )
}

/// Makes one trigger or a few, with names of their own.
pub fn triggers() -> impl Strategy<Value = Vec<Trigger>> {
    vec(trigger(), 1..4).prop_map(|mut triggers| {
        for (nth, trigger) in triggers.iter_mut().enumerate() {
            trigger.name = format!("t{nth}").into();
        }
        triggers
    })
}

/// Makes the shop's caps, and whether it takes consent as given.
pub fn contact() -> impl Strategy<Value = ContactPolicy> {
    let scope = prop_oneof![
        Just(CapScope::Any),
        Just(CapScope::Category(Category::Marketing)),
        Just(CapScope::Channel("log".into())),
    ];
    let cap = (scope, minutes(&[10, 60, 300]), 0..3u32);
    let caps = vec(cap.prop_map(|(scope, within, max)| Cap { scope, within, max }), 0..3);
    (caps, any::<bool>()).prop_map(|(caps, assumed)| ContactPolicy {
        caps,
        control_share: 0.0,
        consent_assumed: if assumed { vec![Category::Marketing] } else { vec![] },
        outcomes_expire: false,
    })
}

/// Makes what happens, each with the minutes since what was before.
pub fn history() -> impl Strategy<Value = Vec<(i64, What)>> {
    let event = (name(), option::weighted(0.8, select(&["x", "y"][..])), 0..4u8);
    let what = prop_oneof![
        12 => event.prop_map(|(name, k, n)| What::Event { name, k, n }),
        1 => Just(What::CaseOpened),
        1 => Just(What::CaseClosed),
        1 => Just(What::Granted),
        1 => Just(What::Denied),
        1 => prop_oneof![Just(What::Suppressed), Just(What::Unsuppressed)],
    ];
    let gap = select(&[0, 0, 5, 5, 5, 10, 10, 20, 25, 30, 60, 120][..]);
    vec((gap, what), 1..30).prop_map(|mut steps| {
        for (gap, what) in &mut steps {
            // Two words about consent at one instant contradict each other; the profile's own tests say which counts.
            if matches!(what, What::Granted | What::Denied) {
                *gap = (*gap).max(5);
            }
        }
        steps
    })
}
