//! Caps, and who goes first.

use super::*;
use crate::rulebook::{Cap, CapScope};

fn caps(caps: impl IntoIterator<Item = (CapScope, i64, u32)>) -> ContactPolicy {
    let cap = |(scope, minutes, max)| Cap { scope, within: Span::minutes(minutes), max };
    ContactPolicy { caps: caps.into_iter().map(cap).collect(), ..ContactPolicy::default() }
}

fn named(name: &str, priority: u8) -> Trigger {
    let mut trigger = trigger(name);
    trigger.policy.priority = priority;
    trigger
}

const CLEAR: (Verdict, Reason) = (Verdict::Sent, Reason::Clear);

fn sent(name: &'static str, at: i64) -> (&'static str, Verdict, Reason, i64) {
    (name, CLEAR.0, CLEAR.1, at)
}

#[test]
fn a_used_up_cap_defers_to_the_instant_at_which_it_fits() {
    let mut desk = Desk::under(caps([(CapScope::Any, 60, 2)]), [trigger("t")]);
    desk.event(added("c", 0)).event(added("c", 10)).event(added("c", 20));
    let deferred = ("t", Verdict::Deferred, Reason::Cap, 20);
    desk.until(min(60) - Span(1)).decided(&[sent("t", 0), sent("t", 10), deferred]);
    desk.until(min(60)).decided(&[sent("t", 0), sent("t", 10), deferred, sent("t", 60)]);
    assert_eq!(desk.outreach[2].at, min(60));
}

#[test]
fn a_window_is_open_at_its_old_end() {
    let mut desk = Desk::under(caps([(CapScope::Any, 60, 1)]), [trigger("t")]);
    desk.event(added("c", 0)).event(added("c", 60)).decided(&[sent("t", 0), sent("t", 60)]);
}

#[test]
fn the_cap_that_frees_a_place_last_decides() {
    let both = caps([(CapScope::Any, 30, 1), (CapScope::Channel("log".into()), 90, 1)]);
    let mut desk = Desk::under(both, [trigger("t")]);
    desk.event(added("c", 0)).event(added("c", 1)).until(min(200));
    desk.decided(&[sent("t", 0), ("t", Verdict::Deferred, Reason::Cap, 1), sent("t", 90)]);
}

#[test]
fn the_higher_priority_goes_first_and_the_loser_is_told_so() {
    let mut desk =
        Desk::under(caps([(CapScope::Any, 60, 1)]), [named("a", 10), named("b", 90), named("c", 50)]);
    desk.event(added("c", 0)).until(min(1_000));
    let lost = |name, at| (name, Verdict::Deferred, Reason::Priority, at);
    desk.decided(&[sent("b", 0), lost("c", 0), lost("a", 0), sent("c", 60), sent("a", 120)]);
}

#[test]
fn of_equal_priorities_the_older_instance_goes_first() {
    let wait = |minutes| Some(Wait { span: Span::minutes(minutes), reset_on: Vec::new() });
    let young = Trigger { entry: Entry::Event(pattern("Cart Viewed")), wait: wait(10), ..trigger("a") };
    let old = Trigger { wait: wait(30), ..trigger("b") };
    let mut desk = Desk::under(caps([(CapScope::Any, 60, 1)]), [young, old]);
    desk.event(added("c", 0)).event(track("Cart Viewed", min(20))).until(min(30));
    desk.decided(&[sent("b", 30), ("a", Verdict::Deferred, Reason::Priority, 30)]);
}

#[test]
fn what_may_not_wait_is_dropped() {
    let mut impatient = trigger("t");
    impatient.policy.on_cap = OnCap::Drop;
    let mut desk = Desk::under(caps([(CapScope::Any, 60, 1)]), [impatient]);
    desk.event(added("c", 0)).event(added("c", 1)).until(min(100));
    desk.decided(&[sent("t", 0), ("t", Verdict::Suppressed, Reason::Cap, 1)]);
}

#[test]
fn a_cap_of_nothing_never_fits_and_the_deferral_ends_by_its_bound() {
    let mut desk = Desk::under(caps([(CapScope::Any, 60, 0)]), [trigger("t")]);
    desk.event(added("c", 0)).until(min(10_000));
    desk.decided(&[("t", Verdict::Deferred, Reason::Cap, 0), ("t", Verdict::Expired, Reason::MaxDefer, 720)]);
    assert!(desk.is_idle());
}

#[test]
fn caps_count_their_category_and_channel_alone() {
    let mut other = trigger("b");
    other.action.channel = "mail".into();
    let scopes =
        [(CapScope::Channel("mail".into()), 60, 0), (CapScope::Category(Category::Marketing), 60, 0)];
    let mut desk = Desk::under(caps(scopes), [trigger("a"), other]);
    desk.event(added("c", 0));
    desk.decided(&[sent("a", 0), ("b", Verdict::Deferred, Reason::Cap, 0)]);
}

#[test]
fn the_exempt_pass_and_use_up_and_the_uncounted_do_neither() {
    let role = |name, caps| {
        let mut trigger = trigger(name);
        trigger.policy.caps = caps;
        trigger
    };
    let one = || caps([(CapScope::Any, 60, 1)]);
    let mut desk = Desk::under(one(), [role("a", CapRole::Exempt), trigger("b")]);
    desk.event(added("c", 0));
    desk.decided(&[sent("a", 0), ("b", Verdict::Deferred, Reason::Priority, 0)]);
    let mut desk = Desk::under(one(), [role("a", CapRole::Uncounted), trigger("b")]);
    desk.event(added("c", 0)).event(added("c", 1));
    assert_eq!(desk.outreach.len(), 3, "a twice, b once");
}
