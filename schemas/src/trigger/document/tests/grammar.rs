//! What is legal, and what it means.

use super::{SHORTEST, legal, with};
use crate::decision::Category;
use crate::profile::field::lookup;
use crate::score::Head;
use crate::time::Span;
use crate::trigger::document::defaults;
use crate::trigger::spec::{
    Action, CapRole, Compare, Condition, Crossing, Entry, EventPattern, Exit, Goal, Key, Match, Mode, OnCap,
    QuietHours, Reentry, ReentryMode, Trigger, TriggerPolicy, Wait,
};
use crate::value::Value;

fn event(name: &str) -> EventPattern {
    EventPattern { name: name.into(), filter: Condition::always() }
}

fn profile(path: &str, compare: Compare) -> Condition {
    Condition::Profile { field: lookup(path).expect("a field"), compare }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn what_is_left_out_has_its_default() {
    let parsed = legal(SHORTEST);
    assert_eq!(parsed.warnings, []);
    let expected = Trigger {
        name: "shortest".into(),
        version: 1,
        description: "".into(),
        mode: Mode::Live,
        entry: Entry::Event(event("Order Completed")),
        key: Key::Customer,
        reentry: Reentry { mode: ReentryMode::Always, max: None },
        wait: None,
        exits: vec![],
        when: Condition::always(),
        policy: TriggerPolicy {
            category: defaults::CATEGORY,
            priority: defaults::PRIORITY,
            max_age: defaults::MAX_AGE,
            on_cap: OnCap::Defer,
            caps: CapRole::Counted,
            quiet_hours: None,
            max_defer: defaults::MAX_DEFER,
            despite_open_case: false,
        },
        holdout: 0.0,
        action: Action { channel: "log".into(), template: "thanks".into(), facts: vec![] },
        goal: None,
    };
    assert_eq!(parsed.trigger, expected);
}

/// Everything that the grammar has, once.
const WHOLE: &str = r#"
apiVersion: care/v1
kind: Trigger
metadata: {name: cart-idle, version: 3, description: "Shopper left a filled cart", mode: shadow}
spec:
  entry:
    event: add_to_cart            # another dialect's name
    where: {event: qty, gte: 2}
    key: cart
    reentry: {mode: cooldown, cooldown: P1D, max: 3}
  wait: {for: PT30M, reset_on: ["Product Added", {event: Product Removed, where: {event: price, gt: 9.5}}]}
  exit:
    - {event: "Order Completed", match: cart}
    - {event: "Checkout Started", match: key}
    - {event: "Case Opened", match: any}
  when:
    all:
      - {score: cart_abandonment, rises_above: 0.7, rearms_below: 0.5}
      - {score: churn, lt: 0.25}
      - {profile: cart.value, gte: 40}
      - {profile: country, in: [DE, FR]}
      - {profile: traits.plan, ne: 7}
      - {profile: traits.birthday, exists: false}
      - {count: {event: view_item, within: PT1H}, gte: 2}
      - {event: cart_id, exists: true}
      - {consent: granted}
      - not: {open_case: true}
      - any:
          - {profile: identified, eq: true}
          - {profile: orders.count, gt: 0}
  policy:
    category: service
    priority: 60
    max_age: PT5M
    on_cap: drop
    caps: exempt
    quiet_hours: {start: "21:00", end: 08:00}
    max_defer: PT12H
    despite_open_case: true
  test: {holdout: 0.05}
  action: {channel: in_app, template: cart-idle, facts: [cart.value, traits.firstName]}
  goal: {event: purchase, where: {event: total, gte: 10}, within: P3D}
"#;

fn whole() -> Trigger {
    let least = |path: &str, compare| Condition::Event { path: path.into(), compare };
    let yes = Value::Bool(true);
    Trigger {
        name: "cart-idle".into(),
        version: 3,
        description: "Shopper left a filled cart".into(),
        mode: Mode::Shadow,
        entry: Entry::Event(EventPattern {
            name: "Product Added".into(),
            filter: least("quantity", Compare::Gte(2.0)),
        }),
        key: Key::Cart,
        reentry: Reentry { mode: ReentryMode::Cooldown(Span::days(1)), max: Some(3) },
        wait: Some(Wait {
            span: Span::minutes(30),
            reset_on: vec![
                event("Product Added"),
                EventPattern { name: "Product Removed".into(), filter: least("price", Compare::Gt(9.5)) },
            ],
        }),
        exits: vec![
            Exit { event: event("Order Completed"), matching: Match::Key },
            Exit { event: event("Checkout Started"), matching: Match::Key },
            Exit { event: event("Case Opened"), matching: Match::Any },
        ],
        when: Condition::All(vec![
            Condition::Latch(Crossing { head: Head::CartAbandonment, rises_above: 0.7, rearms_below: 0.5 }),
            Condition::Score { head: Head::Churn, compare: Compare::Lt(0.25) },
            profile("cart.value", Compare::Gte(40.0)),
            profile("country", Compare::In(vec![text("DE"), text("FR")])),
            profile("traits.plan", Compare::Ne(Value::Number(7.0))),
            profile("traits.birthday", Compare::Missing),
            Condition::Count {
                event: "Product Viewed".into(),
                within: Span::hours(1),
                compare: Compare::Gte(2.0),
            },
            least("cart_id", Compare::Exists),
            profile("consent.marketing", Compare::Eq(text("granted"))),
            Condition::Not(Box::new(profile("open_case", Compare::Eq(yes.clone())))),
            Condition::Any(vec![
                profile("identified", Compare::Eq(yes)),
                profile("orders.count", Compare::Gt(0.0)),
            ]),
        ]),
        policy: TriggerPolicy {
            category: Category::Service,
            priority: 60,
            max_age: Span::minutes(5),
            on_cap: OnCap::Drop,
            caps: CapRole::Exempt,
            quiet_hours: Some(QuietHours { start_min: 21 * 60, end_min: 8 * 60 }),
            max_defer: Span::hours(12),
            despite_open_case: true,
        },
        holdout: 0.05,
        action: Action {
            channel: "in_app".into(),
            template: "cart-idle".into(),
            facts: vec![lookup("cart.value").expect("a field"), lookup("traits.firstName").expect("a trait")],
        },
        goal: Some(Goal {
            event: EventPattern {
                name: "Order Completed".into(),
                filter: least("total", Compare::Gte(10.0)),
            },
            within: Span::days(3),
        }),
    }
}

#[test]
fn everything_the_grammar_has_is_read() {
    let parsed = legal(WHOLE);
    assert_eq!(parsed.warnings, []);
    assert_eq!(parsed.trigger, whole());
}

#[test]
fn json_is_read_as_well() {
    let json = r#"{"apiVersion": "care/v1", "kind": "Trigger",
        "metadata": {"name": "shortest"},
        "spec": {"entry": {"event": "Order Completed"},
                 "action": {"channel": "log", "template": "thanks"}}}"#;
    assert_eq!(legal(json), legal(SHORTEST));
}

#[test]
fn a_trigger_starts_in_four_ways() {
    let crossing = |rearms_below| Crossing { head: Head::Churn, rises_above: 0.7, rearms_below };
    let silent = || profile("orders.days_since_last", Compare::Gte(60.0));
    for (entry, expected) in [
        ("{event: My Event}", Entry::Event(event("My Event"))),
        ("{score: churn, rises_above: 0.7, rearms_below: 0.5}", Entry::Crossing(crossing(0.5))),
        ("{score: churn, rises_above: 0.7}", Entry::Crossing(crossing(0.7))),
        ("{becomes: {profile: orders.days_since_last, gte: 60}}", Entry::Becomes(silent())),
        ("{ceases: {profile: orders.days_since_last, gte: 60}}", Entry::Ceases(silent())),
    ] {
        let parsed = legal(&with("entry:", &format!("  entry: {entry}")));
        assert_eq!(parsed.trigger.entry, expected, "{entry}");
    }
}

#[test]
fn every_key_reentry_and_duration_is_read() {
    for (key, expected) in [
        ("customer", Key::Customer),
        ("cart", Key::Cart),
        ("order", Key::Order),
        ("address.city", Key::Property("address.city".into())),
        ("transaction_id", Key::Property("order_id".into())),
    ] {
        let parsed = legal(&with("entry:", &format!("  entry: {{event: Order Completed, key: {key}}}")));
        assert_eq!(parsed.trigger.key, expected, "{key}");
    }
    for (reentry, mode, max) in [
        ("{mode: always}", ReentryMode::Always, None),
        ("{mode: always, max: 2}", ReentryMode::Always, Some(2)),
        ("{mode: once}", ReentryMode::Once, None),
        ("{mode: cooldown, cooldown: P2W}", ReentryMode::Cooldown(Span::days(14)), None),
        ("{mode: cooldown, cooldown: P1DT1H1M1S}", ReentryMode::Cooldown(Span::seconds(90_061)), None),
        ("{mode: cooldown, cooldown: PT90S}", ReentryMode::Cooldown(Span::seconds(90)), None),
    ] {
        let parsed =
            legal(&with("entry:", &format!("  entry: {{event: Order Completed, reentry: {reentry}}}")));
        assert_eq!(parsed.trigger.reentry, Reentry { mode, max }, "{reentry}");
    }
}

#[test]
fn an_event_nobody_knows_is_kept_and_warned_about() {
    let parsed = legal(&with("entry:", "  entry: {event: Order Complete}"));
    assert_eq!(parsed.trigger.entry, Entry::Event(event("Order Complete")));
    let warnings: Vec<String> = parsed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["5:18 spec.entry.event: \"Order Complete\" is not in the vocabulary; it is taken as it stands; \
          legal: Order Completed, or your own event's name"]
    );
}

#[test]
fn a_window_that_is_not_counted_exactly_is_warned_about() {
    let warnings = |event: &str| {
        let when = format!("  when: {{count: {{event: {event}, within: P7D}}, gte: 2}}\n");
        legal(&with("", &when)).warnings.len()
    };
    assert_eq!(warnings("Product Viewed"), 0);
    assert_eq!(warnings("Cart Viewed"), 1);
}

#[test]
fn an_event_that_resets_and_ends_is_warned_about() {
    let warnings = |more: &str| {
        let text = with("", &format!("  wait: {{for: PT1H, reset_on: [Cart Viewed]}}\n{more}\n"));
        legal(&text).warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let told = ["7:9 spec.wait: Cart Viewed is to start the wait anew, and it ends the instance before; \
                 legal: one of the two"];
    assert_eq!(warnings("  exit: [{event: Cart Viewed}]"), told);
    assert_eq!(warnings("  goal: {event: view_cart, within: P1D}"), told);
    assert!(warnings("  exit: [{event: Cart Cleared}]").is_empty());
}

#[test]
fn a_number_in_quotes_is_a_text() {
    let when =
        |value: &str| legal(&with("", &format!("  when: {{event: size, eq: {value}}}\n"))).trigger.when;
    let expected = |value| Condition::Event { path: "size".into(), compare: Compare::Eq(value) };
    assert_eq!(when("42"), expected(Value::Number(42.0)));
    assert_eq!(when("\"42\""), expected(text("42")));
    assert_eq!(when("-1e3"), expected(Value::Number(-1000.0)));
    assert_eq!(when("true"), expected(Value::Bool(true)));
    assert_eq!(when("\"true\""), expected(text("true")));
    assert_eq!(when("infinity"), expected(text("infinity")));
}
