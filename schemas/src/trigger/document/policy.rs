//! Gates and what is sent; what holds where a document says nothing.

use super::check::Check;
use super::entry::all;
use super::scalar;
use super::tree::Node;
use crate::decision::Category;
use crate::time::Span;
use crate::trigger::spec::{Action, CapRole, OnCap, QuietHours, TriggerPolicy};

/// What holds where a document says nothing. All lean to the careful side: a message needs consent, waits its turn and grows stale.
pub mod defaults {
    use super::*;

    /// Marketing: it needs consent. A trigger that says `service` claims to be about what the customer has with the shop.
    pub const CATEGORY: Category = Category::Marketing;
    /// In the middle, so that others can go before and after.
    pub const PRIORITY: u8 = 50;
    /// A proposal is an hour old at most.
    pub const MAX_AGE: Span = Span::hours(1);
    /// A night and a little more.
    pub const MAX_DEFER: Span = Span::hours(12);
}

/// Longest `max_age` and `max_defer`.
const LONGEST: Span = Span::days(30);

/// Fields that travel with an outreach.
const FACTS_MAX: usize = 16;

/// Reads `spec.policy`, or takes the defaults.
pub fn policy(node: Option<&Node>, check: &mut Check) -> Option<TriggerPolicy> {
    let Some(node) = node else { return Some(by_default()) };
    let map = check.map(
        node,
        &[
            "category",
            "priority",
            "max_age",
            "on_cap",
            "caps",
            "quiet_hours",
            "max_defer",
            "despite_open_case",
        ],
    )?;
    let categories = Category::ALL.map(|category| (category.as_str(), category));
    let category = check.optional(&map, "category", |node, check| check.choice(node, &categories));
    let priority = check.optional(&map, "priority", |node, check| check.whole(node, 0, 100));
    let span = |node: &Node, check: &mut Check| scalar::duration(node, scalar::SHORTEST, LONGEST, check);
    let max_age = check.optional(&map, "max_age", span);
    let max_defer = check.optional(&map, "max_defer", span);
    let on_cap = [("defer", OnCap::Defer), ("drop", OnCap::Drop)];
    let on_cap = check.optional(&map, "on_cap", |node, check| check.choice(node, &on_cap));
    let caps =
        [("counted", CapRole::Counted), ("exempt", CapRole::Exempt), ("uncounted", CapRole::Uncounted)];
    let caps = check.optional(&map, "caps", |node, check| check.choice(node, &caps));
    let quiet_hours = check.optional(&map, "quiet_hours", quiet_hours);
    let despite_open_case = check.optional(&map, "despite_open_case", |node, check| check.boolean(node));
    let default = by_default();
    Some(TriggerPolicy {
        category: category?.unwrap_or(default.category),
        priority: priority?.map_or(default.priority, |priority| priority as u8),
        max_age: max_age?.unwrap_or(default.max_age),
        on_cap: on_cap?.unwrap_or(default.on_cap),
        caps: caps?.unwrap_or(default.caps),
        quiet_hours: quiet_hours?,
        max_defer: max_defer?.unwrap_or(default.max_defer),
        despite_open_case: despite_open_case?.unwrap_or(default.despite_open_case),
    })
}

fn by_default() -> TriggerPolicy {
    TriggerPolicy {
        category: defaults::CATEGORY,
        priority: defaults::PRIORITY,
        max_age: defaults::MAX_AGE,
        on_cap: OnCap::default(),
        caps: CapRole::default(),
        quiet_hours: None,
        max_defer: defaults::MAX_DEFER,
        despite_open_case: false,
    }
}

fn quiet_hours(node: &Node, check: &mut Check) -> Option<QuietHours> {
    let map = check.map(node, &["start", "end"])?;
    let start = check.required(&map, "start").and_then(|node| scalar::time_of_day(node, check));
    let end = check.required(&map, "end").and_then(|node| scalar::time_of_day(node, check));
    let (start_min, end_min) = (start?, end?);
    if start_min == end_min {
        check.fault(node, "begins and ends at the same time", "two times; mode: paused sends nothing at all");
        return None;
    }
    Some(QuietHours { start_min, end_min })
}

/// Reads `spec.test`.
pub fn holdout(node: &Node, check: &mut Check) -> Option<f64> {
    let map = check.map(node, &["holdout"])?;
    let node = check.required(&map, "holdout")?;
    let holdout = check.number(node)?;
    if !(0.0..1.0).contains(&holdout) {
        check.fault(node, format!("{holdout} is out of range"), "0 up to, but not including, 1");
        return None;
    }
    Some(holdout)
}

/// Reads `spec.action`.
pub fn action(node: &Node, check: &mut Check) -> Option<Action> {
    let map = check.map(node, &["channel", "template", "facts"])?;
    let channel = check.required(&map, "channel").and_then(|node| scalar::name(node, check));
    let template = check.required(&map, "template").and_then(|node| template(node, check));
    let facts = match map.get("facts") {
        Some(node) => check.list(node, FACTS_MAX).and_then(|items| {
            for (nth, item) in items.iter().enumerate() {
                if item.text().is_some() && items[..nth].iter().any(|other| other.text() == item.text()) {
                    check.fault(item, format!("{} stands there twice", item.shown()), "once");
                }
            }
            all(items.iter().map(|item| scalar::field(item, check)))
        }),
        None => Some(Vec::new()),
    };
    Some(Action { channel: channel?, template: template?, facts: facts? })
}

fn template(node: &Node, check: &mut Check) -> Option<smol_str::SmolStr> {
    if node.text().is_some_and(|text| text.contains("{{") || text.contains("{%")) {
        check.fault(node, "liquid: not in this version", "the name of a template");
        return None;
    }
    scalar::name(node, check)
}
