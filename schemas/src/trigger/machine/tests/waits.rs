//! Waiting, being due, and what comes before.

use super::*;
use crate::value::Value;

const EXITED: (&str, Verdict, Reason) = ("cart-idle", Verdict::Suppressed, Reason::Exited);

fn exited(at: i64) -> (&'static str, Verdict, Reason, i64) {
    (EXITED.0, EXITED.1, EXITED.2, at)
}

fn sent(at: i64) -> (&'static str, Verdict, Reason, i64) {
    ("cart-idle", Verdict::Sent, Reason::Clear, at)
}

#[test]
fn what_has_waited_is_decided_at_its_instant_whenever_somebody_looks() {
    let mut desk = Desk::new([cart_idle()]);
    desk.event(added("c", 0)).until(min(30) - Span(1)).decided(&[]);
    desk.until(min(30)).decided(&[sent(30)]);
    let mut later = Desk::new([cart_idle()]);
    later.event(added("c", 0)).event(track("Page Viewed", min(600))).decided(&[sent(30)]);
    assert_eq!(desk.outreach, later.outreach);
    assert_eq!(desk.outreach[0].expires, min(35));
}

#[test]
fn an_exit_pre_empts_the_wait_and_wins_at_the_same_instant() {
    for (at, expected) in [(min(29), exited(29)), (min(30), exited(30)), (min(30) + Span(1), sent(30))] {
        let mut desk = Desk::new([cart_idle()]);
        desk.event(added("c", 0)).event(ordered("c", at)).decided(&[expected]);
    }
}

#[test]
fn an_exit_of_another_key_changes_nothing_and_instances_run_side_by_side() {
    let mut desk = Desk::new([cart_idle()]);
    desk.event(added("c", 0)).event(added("d", 10)).event(ordered("d", min(20)));
    desk.until(min(60)).decided(&[exited(20), sent(30)]);
    assert_eq!((&*desk.decisions[0].key, &*desk.decisions[1].key), ("d", "c"));
}

#[test]
fn an_exit_without_key_ends_every_instance() {
    let exits = vec![Exit { event: pattern("Signed Out"), matching: Match::Any }];
    let mut desk = Desk::new([Trigger { exits, ..cart_idle() }]);
    desk.event(added("c", 0)).event(added("d", 1)).event(track("Signed Out", min(2)));
    desk.decided(&[exited(2), exited(2)]);
    assert!(desk.is_idle());
}

#[test]
fn an_exit_whose_filter_does_not_hold_is_none() {
    let filter = Condition::Event { path: "total".into(), compare: Compare::Gte(50.0) };
    let event = EventPattern { filter, ..pattern("Order Completed") };
    let exits = vec![Exit { event, matching: Match::Key }];
    let mut desk = Desk::new([Trigger { exits, ..cart_idle() }]);
    desk.event(added("c", 0)).event(ordered("c", min(5)).number("total", 49.9)).decided(&[]);
    desk.event(added("d", 6)).event(ordered("d", min(7)).number("total", 50.0)).decided(&[exited(7)]);
}

#[test]
fn a_goal_counts_up_to_its_end() {
    let goal = Goal { event: pattern("Signed Up"), within: Span::minutes(20) };
    for (at, expected) in [
        (min(20), ("cart-idle", Verdict::Suppressed, Reason::GoalReached, 20)),
        (min(20) + Span(1), sent(30)),
    ] {
        let mut desk = Desk::new([Trigger { goal: Some(goal.clone()), ..cart_idle() }]);
        desk.event(added("c", 0)).event(track("Signed Up", at)).until(min(60)).decided(&[expected]);
    }
}

#[test]
fn a_reset_of_the_key_starts_the_wait_anew() {
    let mut desk = Desk::new([cart_idle()]);
    desk.event(added("c", 0)).event(added("c", 29)).event(track("Cart Viewed", min(40)).text("cart_id", "d"));
    desk.until(min(58)).decided(&[]);
    desk.until(min(59)).decided(&[sent(59)]);
}

#[test]
fn an_event_ends_before_it_opens() {
    let exits = vec![Exit { event: pattern("Product Added"), matching: Match::Any }];
    let mut desk = Desk::new([Trigger { exits, ..cart_idle() }]);
    desk.event(added("c", 0)).event(added("c", 10)).decided(&[exited(10)]);
    assert_eq!(desk.row.triggers().instances()[0].entered, min(10));
}

#[test]
fn a_late_event_fires_and_ends_nothing_and_says_so() {
    let mut desk = Desk::new([cart_idle()]);
    desk.event(added("c", 0)).event(ordered("c", min(1)).late()).decided(&[]);
    desk.event(added("d", 2).late());
    desk.decided(&[("cart-idle", Verdict::Suppressed, Reason::LateEvent, 2)]);
    desk.until(min(60));
    assert_eq!(desk.outreach.len(), 1);
}

#[test]
fn a_trigger_acts_on_the_end_of_a_session() {
    let entry = Entry::Event(pattern("Session Ended"));
    let mut desk = Desk::new([Trigger { entry, ..trigger("ended") }]);
    desk.event(track("Page Viewed", min(0))).until(min(30));
    desk.decided(&[("ended", Verdict::Sent, Reason::Clear, 30)]);
    let slot = &desk.decisions[0].slot;
    assert_eq!((slot.position, slot.nth), (Position(1), 1));
}

#[test]
fn conditions_read_what_the_entry_event_said() {
    let when = Condition::All(vec![
        Condition::Event { path: "price".into(), compare: Compare::Gte(10.0) },
        Condition::Event { path: "gift.wrapped".into(), compare: Compare::Missing },
        Condition::Event { path: "product_id".into(), compare: Compare::Eq(Value::Text("p".into())) },
    ]);
    let mut desk = Desk::new([Trigger { when, ..cart_idle() }]);
    desk.event(added("c", 0)).event(track("Page Viewed", min(5)).number("price", 1.0));
    desk.until(min(30)).decided(&[sent(30)]);
    let values: Vec<_> = desk.decisions[0].conditions.iter().map(|one| one.value.clone()).collect();
    assert_eq!(values, [Value::Number(10.0), Value::Null, Value::Text("p".into())]);
    assert!(desk.decisions[0].conditions.iter().all(|one| one.held && !one.partial));
}

#[test]
fn instances_go_on_under_the_version_in_force_and_end_where_there_is_none() {
    let mut desk = Desk::new([cart_idle()]);
    desk.event(added("c", 0));
    desk.book.triggers = Triggers::new([Trigger { version: 2, ..cart_idle() }, cart_idle()]);
    desk.until(min(30));
    assert_eq!(desk.decisions[0].version, 2);
    desk.event(added("d", 40));
    desk.book.triggers = Triggers::default();
    desk.until(min(70));
    let last = desk.decisions.last().expect("decided");
    assert_eq!((last.verdict, last.reason), (Verdict::Suppressed, Reason::TriggerGone));
}

#[test]
fn a_goal_about_another_key_is_not_this_ones_and_one_about_none_is_everybodys() {
    let goal = Some(Goal { event: pattern("Order Completed"), within: Span::days(3) });
    let bought = || Desk::new([Trigger { goal: goal.clone(), exits: Vec::new(), ..cart_idle() }]);
    let mut desk = bought();
    desk.event(added("c", 0)).event(added("d", 1)).event(ordered("d", min(2)));
    let reached = ("cart-idle", Verdict::Suppressed, Reason::GoalReached, 2);
    desk.decided(&[reached]).until(min(60)).decided(&[reached, sent(30)]);
    assert_eq!((&*desk.decisions[0].key, &*desk.decisions[1].key), ("d", "c"));
    let signed = Some(Goal { event: pattern("Signed Up"), within: Span::days(3) });
    let mut desk = Desk::new([Trigger { goal: signed, exits: Vec::new(), ..cart_idle() }]);
    desk.event(added("c", 0)).event(added("d", 1)).event(track("Signed Up", min(2)));
    desk.decided(&[reached, reached]);
}
