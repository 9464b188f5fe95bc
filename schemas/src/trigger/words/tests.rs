//! Words by example.

use super::*;
use crate::profile::field::lookup;
use crate::score::Head;

#[track_caller]
fn check(condition: &Condition, expected: &str) {
    assert_eq!(condition.text(), expected);
}

fn profile(path: &str, compare: Compare) -> Condition {
    Condition::Profile { field: lookup(path).expect("a field"), compare }
}

fn count(event: &str, within: Span, compare: Compare) -> Condition {
    Condition::Count { event: event.into(), within, compare }
}

#[test]
fn each_condition_has_a_short_text() {
    let text = |text: &str| Value::Text(text.into());
    check(&Condition::always(), "always");
    check(&Condition::Any(vec![]), "never");
    check(&profile("cart.value", Compare::Gte(40.0)), "cart.value ≥ 40");
    check(&profile("cart.value", Compare::Lt(0.5)), "cart.value < 0.5");
    check(&profile("open_case", Compare::Eq(Value::Bool(true))), "open_case = yes");
    check(&profile("country", Compare::Ne(text("DE"))), "country ≠ \"DE\"");
    check(
        &profile("country", Compare::In(vec![text("DE"), text("FR"), text("NL")])),
        "country is \"DE\", \"FR\" or \"NL\"",
    );
    check(&profile("traits.plan", Compare::Exists), "traits.plan is there");
    check(&profile("traits.plan", Compare::Missing), "traits.plan is not there");
    check(&count("Product Viewed", Span::hours(1), Compare::Gte(2.0)), "2 or more Product Viewed within 1 h");
    check(&count("Search", Span::minutes(90), Compare::Lt(1.0)), "fewer than 1 Search within 1 h 30 min");
    let none = Compare::Eq(Value::Number(0.0));
    check(&count("Order Completed", Span::days(2), none), "exactly 0 Order Completed within 2 days");
    check(&Condition::Event { path: "rating".into(), compare: Compare::Lte(2.0) }, "event.rating ≤ 2");
    let crossing = Crossing { head: Head::Churn, rises_above: 0.7, rearms_below: 0.5 };
    check(&Condition::Latch(crossing), "churn risen above 0.7, not yet below 0.5");
    check(&Condition::Score { head: Head::Churn, compare: Compare::Gt(0.25) }, "score churn > 0.25");
}

#[test]
fn brackets_stand_where_a_text_would_be_misread() {
    let one = || profile("cart.value", Compare::Gt(1.0));
    let two = || profile("cart.items", Compare::Gt(2.0));
    check(&Condition::All(vec![one(), two()]), "cart.value > 1 and cart.items > 2");
    check(
        &Condition::Not(Box::new(Condition::Any(vec![one(), two()]))),
        "not (cart.value > 1 or cart.items > 2)",
    );
    check(
        &Condition::All(vec![Condition::Any(vec![one(), two()]), Condition::Any(vec![two()])]),
        "(cart.value > 1 or cart.items > 2) and cart.items > 2",
    );
}

#[test]
fn lengths_are_told_in_units_of_people() {
    for (span, words) in [
        (Span(0), "0 s"),
        (Span(1_500), "1 s 500 ms"),
        (Span::days(1), "1 day"),
        (Span::days(60), "60 days"),
        (Span::seconds(90_061), "1 day 1 h 1 min 1 s"),
    ] {
        assert_eq!(Length(span).to_string(), words);
    }
}
