//! The triggers of the measurements.

use schemas::decision::Category;
use schemas::rulebook::Rulebook;
use schemas::time::Span;
use schemas::trigger::spec::{
    Action, CapRole, Compare, Condition, Entry, EventPattern, Key, Mode, OnCap, Reentry, ReentryMode,
    Trigger, TriggerPolicy,
};
use schemas::value::Value;
use smol_str::SmolStr;

use crate::events::DECIDED_POSITION;

/// Returns a rulebook whose one trigger decides about one event in [`crate::events::DECIDED_EVERY`].
pub fn deciding() -> Rulebook {
    with([trigger("decides".into(), "Product Viewed", at_position(DECIDED_POSITION))])
}

/// Returns a rulebook of `count` live triggers. Three concern a view of a product and none of them is entered by it; the rest concern
/// events that never come.
pub fn crowd(count: usize) -> Rulebook {
    let concerned =
        (0..3).map(|n| trigger(format!("near-{n}").into(), "Product Viewed", at_position(1_000 + n)));
    let others = (3..count).map(|n| {
        let event = format!("Event {n}");
        trigger(format!("far-{n}").into(), &event, at_position(n as u64))
    });
    with(concerned.chain(others))
}

fn with(triggers: impl IntoIterator<Item = Trigger>) -> Rulebook {
    Rulebook { triggers: triggers.into_iter().collect(), ..Rulebook::default() }
}

fn at_position(position: u64) -> Condition {
    Condition::Event { path: "position".into(), compare: Compare::Eq(Value::Number(position as f64)) }
}

/// Returns a trigger that decides at once and has nothing sent: what it comes to is a decision on its topic.
fn trigger(name: SmolStr, event: &str, filter: Condition) -> Trigger {
    Trigger {
        name,
        version: 1,
        description: "of a measurement".into(),
        mode: Mode::Shadow,
        entry: Entry::Event(EventPattern { name: event.into(), filter }),
        key: Key::Customer,
        reentry: Reentry { mode: ReentryMode::Always, max: None },
        wait: None,
        exits: Vec::new(),
        when: Condition::always(),
        policy: TriggerPolicy {
            category: Category::Service,
            priority: 50,
            max_age: Span::minutes(5),
            on_cap: OnCap::Defer,
            caps: CapRole::Uncounted,
            quiet_hours: None,
            max_defer: Span::hours(1),
            despite_open_case: true,
        },
        holdout: 0.0,
        action: Action { channel: "log".into(), template: "none".into(), facts: Vec::new() },
        goal: None,
    }
}
