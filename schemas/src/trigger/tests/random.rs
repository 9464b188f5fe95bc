//! Small triggers, policies and histories, made so that edges meet: all instants are multiples of five minutes, all names few.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use smol_str::SmolStr;

use super::model::{Come, Happened, Scores, What};
use super::shop::About;
use crate::decision::Category;
use crate::profile::Heads;
use crate::profile::field::lookup;
use crate::rulebook::{Cap, CapScope, ContactPolicy};
use crate::score::Head;
use crate::time::Span;
use crate::trigger::spec::{
    Action, CapRole, Compare, Condition, Crossing, Entry, EventPattern, Exit, Goal, Key, Match, Mode, OnCap,
    QuietHours, Reentry, ReentryMode, Trigger, TriggerPolicy, Wait,
};
use crate::value::Value;

/// Names of events; the profile counts them like any other.
const NAMES: [&str; 3] = ["Alpha", "Beta", "Gamma"];

/// Names of events that do something to carts and orders.
const TRADE: [&str; 5] =
    ["Product Added", "Product Added", "Checkout Started", "Order Completed", "Order Cancelled"];

/// Events of one moment, each of another key, of which two are more than may be open.
const FLOOD: u8 = 40;

fn minutes(from: &'static [i64]) -> impl Strategy<Value = Span> {
    select(from).prop_map(Span::minutes)
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![1 => select(&NAMES[..]), 1 => select(&TRADE[..])]
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
    (select(&NAMES[..]), minutes(&[5, 10, 30, 60, 180]), compare())
        .prop_map(|(event, within, compare)| Condition::Count { event: event.into(), within, compare })
}

fn open_case() -> impl Strategy<Value = Condition> {
    any::<bool>().prop_map(|open| Condition::Profile {
        field: lookup("open_case").expect("a field"),
        compare: Compare::Eq(Value::Bool(open)),
    })
}

fn carts() -> impl Strategy<Value = Condition> {
    compare()
        .prop_map(|compare| Condition::Profile { field: lookup("cart.count").expect("a field"), compare })
}

/// Every head is made: each is asked of others, and moved by others.
fn head() -> impl Strategy<Value = Head> {
    select(&Head::ALL[..])
}

fn crossing() -> impl Strategy<Value = Crossing> {
    let thresholds = select(&[(0.5, 0.5), (0.5, 0.25), (0.75, 0.125)][..]);
    (head(), thresholds).prop_map(|(head, (rises_above, rearms_below))| Crossing {
        head,
        rises_above,
        rearms_below,
    })
}

fn score() -> impl Strategy<Value = Condition> {
    let compare = select(&[Compare::Gte(0.5), Compare::Lt(0.5), Compare::Gte(0.25)][..]);
    prop_oneof![
        (head(), compare).prop_map(|(head, compare)| Condition::Score { head, compare }),
        crossing().prop_map(Condition::Latch),
    ]
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
        3 => combined(prop_oneof![count(), about_event(), open_case(), carts()]),
        2 => combined(prop_oneof![2 => score(), 1 => count()]),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        5 => pattern().prop_map(Entry::Event),
        1 => combined(prop_oneof![4 => count(), 1 => open_case(), 1 => carts(), 1 => score()])
            .prop_map(Entry::Becomes),
        1 => combined(prop_oneof![4 => count(), 1 => carts(), 1 => score()]).prop_map(Entry::Ceases),
        1 => crossing().prop_map(Entry::Crossing),
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
    // Among them hours that end in the one that the clocks skip or repeat.
    let hours = select(
        &[(13 * 60, 14 * 60), (12 * 60, 12 * 60 + 5), (22 * 60, 13 * 60), (0, 24 * 60 - 5), (23 * 60, 150)][..],
    );
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
    let keys = [Key::Customer, Key::Property("k".into()), Key::Property("k".into()), Key::Cart, Key::Order];
    let life = (entry(), select(Vec::from(keys)), reentry(), wait(), exits(), when());
    let mode = select(&[Mode::Live, Mode::Live, Mode::Live, Mode::Live, Mode::Shadow, Mode::Paused][..]);
    let holdout = select(&[0.0, 0.0, 0.0, 0.0, 1.0][..]);
    let goal = option::weighted(0.3, (pattern(), minutes(&[5, 30, 120])));
    let channel = select(&["log", "mail"][..]);
    (life, mode, policy(), holdout, channel, goal).prop_map(
        |((entry, key, reentry, wait, exits, when), mode, policy, holdout, channel, goal)| {
            let key = match (&entry, key) {
                (Entry::Event(_), key) => key,
                (Entry::Crossing(_) | Entry::Becomes(_) | Entry::Ceases(_), Key::Cart) => Key::Cart,
                (Entry::Crossing(_) | Entry::Becomes(_) | Entry::Ceases(_), _) => Key::Customer,
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
    let control_share = select(&[0.0, 0.0, 0.0, 0.0, 1.0][..]);
    (caps, any::<bool>(), control_share).prop_map(|(caps, assumed, control_share)| ContactPolicy {
        caps,
        control_share,
        consent_assumed: if assumed { vec![Category::Marketing] } else { vec![] },
        outcomes_expire: false,
    })
}

/// Makes what a predictor says, and when.
pub fn scores() -> impl Strategy<Value = Scores> {
    let come = select(&[Come::AtOnce, Come::Later][..]);
    let heads = prop_oneof![Just(Heads::NONE), Just(Heads::ALL), head().prop_map(|head| Heads::of(&[head]))];
    (vec(0..9u8, 1..12), come, heads).prop_map(|(eighths, come, heads)| Scores { eighths, come, heads })
}

fn about(name: &'static str) -> impl Strategy<Value = About> {
    let id = |ids: &'static [&'static str], percent: u8| {
        (select(ids), 0..100u8).prop_map(move |(id, one)| (one < percent).then(|| SmolStr::from(id)))
    };
    let [cart, order] = match name {
        "Product Added" => [70, 0],
        "Checkout Started" => [70, 50],
        "Order Completed" => [30, 100],
        "Order Cancelled" => [0, 80],
        _ => [0, 0],
    };
    (id(&["a", "b"], cart), id(&["p", "q"], order)).prop_map(|(cart, order)| About { cart, order })
}

fn event() -> impl Strategy<Value = Happened> {
    let zone = option::weighted(0.1, select(&["UTC", "Europe/Berlin", "Asia/Tokyo"][..]));
    let k = option::weighted(0.8, 0..2u8);
    let about = name().prop_flat_map(|name| about(name).prop_map(move |about| (name, about)));
    (about, k, 0..4u8, zone, prop::bool::weighted(0.06))
        .prop_map(|((name, about), k, n, zone, late)| Happened { name, k, n, about, zone, late })
}

/// Makes what happens, each with the minutes since what was before.
pub fn history() -> impl Strategy<Value = Vec<(i64, What)>> {
    let mode = select(&[Mode::Live, Mode::Live, Mode::Shadow, Mode::Paused][..]);
    let what = prop_oneof![
        24 => event().prop_map(|event| vec![What::Event(event)]),
        2 => Just(vec![What::CaseOpened]),
        2 => Just(vec![What::CaseClosed]),
        2 => Just(vec![What::Granted]),
        2 => Just(vec![What::Denied]),
        2 => select(&[What::Suppressed, What::Unsuppressed][..]).prop_map(|what| vec![what]),
        2 => Just(vec![What::Repeated]),
        1 => (0..3usize, mode).prop_map(|(trigger, mode)| vec![What::Switched { trigger, mode }]),
        2 => (select(&NAMES[..]), any::<bool>()).prop_map(|(name, second)| flood(name, second)),
    ];
    let gap = select(&[0, 0, 5, 5, 5, 10, 10, 20, 25, 30, 60, 120][..]);
    vec((gap, what), 1..30).prop_map(|steps| {
        let mut history = Vec::new();
        for (gap, whats) in steps {
            for (nth, what) in whats.into_iter().enumerate() {
                let gap = if nth == 0 { gap } else { 0 };
                // Two words about consent at one instant contradict each other; the profile's own tests say which counts.
                let told = matches!(what, What::Granted | What::Denied);
                history.push((if told { gap.max(5) } else { gap }, what));
            }
        }
        history
    })
}

fn flood(name: &'static str, second: bool) -> Vec<What> {
    let from = 10 + if second { FLOOD } else { 0 };
    let event = |k| Happened { name, k: Some(k), n: k % 4, about: About::default(), zone: None, late: false };
    (from..from + FLOOD).map(|k| What::Event(event(k))).collect()
}
