//! Who may enter, how often, and how many at once.

use super::*;

fn refused(reason: Reason, at: i64) -> (&'static str, Verdict, Reason, i64) {
    ("t", Verdict::Suppressed, reason, at)
}

fn sent(at: i64) -> (&'static str, Verdict, Reason, i64) {
    ("t", Verdict::Sent, Reason::Clear, at)
}

fn with(mode: ReentryMode, max: Option<u32>) -> Trigger {
    Trigger { key: Key::Cart, reentry: Reentry { mode, max }, ..trigger("t") }
}

#[test]
fn a_missing_key_refuses_entry() {
    let key = Key::Property("delivery.id".into());
    let mut desk = Desk::new([Trigger { key, ..trigger("t") }]);
    desk.event(added("c", 0)).decided(&[refused(Reason::NoKey, 0)]);
    desk.event(added("c", 1).text("delivery.id", "d")).decided(&[refused(Reason::NoKey, 0), sent(1)]);
    assert_eq!(desk.decisions[1].key, "d");
}

#[test]
fn a_cart_without_id_is_the_one_that_is_open() {
    let mut desk = Desk::new([cart_idle()]);
    desk.event(track("Product Added", min(0)).text("product_id", "p"));
    desk.event(track("Order Completed", min(1)).text("order_id", "o"));
    desk.decided(&[("cart-idle", Verdict::Suppressed, Reason::Exited, 1)]);
}

#[test]
fn a_cooldown_counts_from_the_last_entry_of_the_same_key() {
    let mut desk = Desk::new([with(ReentryMode::Cooldown(Span::minutes(10)), None)]);
    desk.event(added("c", 0)).event(added("d", 1)).decided(&[sent(0), sent(1)]);
    desk.event(added("c", 9)).event(added("c", 10)).event(added("c", 19));
    desk.decided(&[sent(0), sent(1), refused(Reason::Cooldown, 9), sent(10), refused(Reason::Cooldown, 19)]);
}

#[test]
fn a_busy_shopper_is_refused_on_record_once_between_two_entries() {
    let mut desk = Desk::new([with(ReentryMode::Cooldown(Span::minutes(10)), None)]);
    for minute in 0..10 {
        desk.event(added("c", minute));
    }
    desk.decided(&[sent(0), refused(Reason::Cooldown, 1)]);
}

#[test]
fn max_counts_the_entries_of_a_key_for_life_and_once_is_one() {
    for trigger in [with(ReentryMode::Always, Some(1)), with(ReentryMode::Once, None)] {
        let mut desk = Desk::new([trigger]);
        desk.event(added("c", 0)).event(added("c", 500_000)).event(added("d", 500_001));
        desk.decided(&[sent(0), refused(Reason::ReentryMax, 500_000), sent(500_001)]);
    }
}

#[test]
fn an_entry_while_its_key_is_open_is_ignored() {
    let mut desk = Desk::new([Trigger { wait: None, when: score_high(), ..cart_idle() }]);
    desk.event(added("c", 0)).event(added("c", 1)).decided(&[]);
    assert_eq!(desk.row.triggers().instances().len(), 1);
}

fn score_high() -> Condition {
    Condition::Score { head: Head::CartAbandonment, compare: Compare::Gt(0.5) }
}

#[test]
fn sixty_four_instances_are_open_at_most() {
    let mut desk = Desk::new([cart_idle()]);
    for n in 0..INSTANCES_MAX as i64 {
        desk.event(added(&format!("c{n}"), 0).message(&n.to_string()));
    }
    desk.decided(&[]).event(added("one more", 1));
    desk.decided(&[("cart-idle", Verdict::Suppressed, Reason::InstanceLimit, 1)]);
    desk.until(min(30)).event(added("one more", 31));
    assert_eq!(desk.decisions.len(), 65);
}

#[test]
fn a_filter_decides_whether_an_event_enters() {
    let filter = Condition::Event { path: "price".into(), compare: Compare::Gt(10.0) };
    let entry = Entry::Event(EventPattern { filter, ..pattern("Product Added") });
    let mut desk = Desk::new([Trigger { entry, ..trigger("t") }]);
    desk.event(added("c", 0)).decided(&[]);
    desk.event(track("Product Added", min(1)).number("price", 10.5)).decided(&[sent(1)]);
}

#[test]
fn entries_are_named_by_their_record() {
    let mut desk = Desk::new([trigger("t"), trigger("s")]);
    desk.event(track("Page Viewed", min(0))).event(added("c", 1)).event(added("c", 2));
    let ids: Vec<_> = desk.decisions.iter().map(|one| (one.trigger.as_str(), one.slot.position.0)).collect();
    assert_eq!(ids, [("s", 2), ("t", 2), ("s", 3), ("t", 3)]);
    assert_eq!(desk.outreach[0].id, OutreachId::of("s", &desk.outreach[0].slot));
    assert_eq!(desk.decisions[0].opened_by, format!("Product Added@{}", min(1).0));
}

#[test]
fn an_event_about_no_cart_enters_for_the_one_that_is_open() {
    let ended = Trigger { entry: Entry::Event(pattern("Session Ended")), key: Key::Cart, ..trigger("t") };
    let viewed = Trigger { entry: Entry::Event(pattern("Page Viewed")), key: Key::Cart, ..trigger("v") };
    let mut desk = Desk::new([ended, viewed]);
    desk.event(track("Page Viewed", min(0)));
    assert_eq!(desk.decisions[0].reason, Reason::NoKey, "no cart is open");
    desk.event(added("c", 1)).event(track("Page Viewed", min(2))).until(min(60));
    let came: Vec<_> = desk.decisions[1..].iter().map(|one| (&*one.trigger, &*one.key, one.reason)).collect();
    assert_eq!(came, [("v", "c", Reason::Clear), ("t", "c", Reason::Clear)]);
}

#[test]
fn an_event_about_an_order_says_nothing_of_a_cart_that_was_opened_since() {
    let exits = vec![Exit { event: pattern("Order Cancelled"), matching: Match::Key }];
    let mut desk = Desk::new([Trigger { exits, ..cart_idle() }]);
    desk.event(added("c", 0)).event(track("Order Cancelled", min(1)).text("order_id", "old")).decided(&[]);
    desk.until(min(30));
    assert_eq!(desk.outreach.len(), 1);
}

#[test]
fn keys_that_pass_through_do_not_push_out_those_that_are_remembered_for_life() {
    use crate::trigger::state::ENTRIES_MAX;
    let keyed = |name, mode| Trigger {
        key: Key::Property("k".into()),
        reentry: Reentry { mode, max: None },
        ..trigger(name)
    };
    let mut once = keyed("once", ReentryMode::Once);
    once.key = Key::Customer;
    let mut desk = Desk::new([once, keyed("passing", ReentryMode::Cooldown(Span::days(1)))]);
    for n in 0..ENTRIES_MAX as i64 + 10 {
        desk.event(added("c", n).text("k", &n.to_string()));
    }
    let welcomes = desk.outreach.iter().filter(|one| one.trigger == "once").count();
    assert_eq!(welcomes, 1);
}

#[test]
fn a_cooldown_that_is_over_takes_no_room() {
    let keyed = Trigger {
        key: Key::Property("k".into()),
        reentry: Reentry { mode: ReentryMode::Cooldown(Span::minutes(5)), max: None },
        ..trigger("t")
    };
    let mut desk = Desk::new([keyed]);
    let mut weights = Vec::new();
    for n in 0..200 {
        desk.event(added("c", n * 10).text("k", &n.to_string()));
        desk.outcome(n as usize, OutcomeStatus::Delivered, min(n * 10));
        weights.push(desk.row.triggers().weight());
    }
    assert_eq!(weights.iter().min(), weights.iter().max());
}
