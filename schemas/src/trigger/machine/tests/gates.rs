//! Every gate, on its own and against the one behind it.

use super::*;
use crate::profile::tests::shop::identify;
use crate::trigger::machine::time::PAUSE_LOOK;
use crate::value::Value;

fn marketing() -> Trigger {
    let mut trigger = trigger("t");
    trigger.policy.category = Category::Marketing;
    trigger
}

fn assumed() -> ContactPolicy {
    ContactPolicy { consent_assumed: vec![Category::Marketing], ..ContactPolicy::default() }
}

fn came_to(desk: &Desk) -> (Verdict, Reason, f32) {
    let last = desk.decisions.last().expect("something was decided");
    (last.verdict, last.reason, last.propensity)
}

fn check(desk: &mut Desk, verdict: Verdict, reason: Reason) {
    desk.event(added("c", 10));
    assert_eq!(came_to(desk), (verdict, reason, 1.0));
    assert_eq!(desk.outreach.is_empty(), verdict != Verdict::Sent);
}

#[test]
fn marketing_needs_consent_granted_on_its_channel() {
    let yes = |desk: &mut Desk| {
        desk.event(identify(min(0)).value("marketing_consent", Value::Bool(true)));
    };
    let no = |desk: &mut Desk| {
        desk.event(identify(min(1)).value("marketing_consent", Value::Bool(false)));
    };
    let mut desk = Desk::new([marketing()]);
    check(&mut desk, Verdict::Suppressed, Reason::NoConsent);
    let mut desk = Desk::new([marketing()]);
    yes(&mut desk);
    check(&mut desk, Verdict::Sent, Reason::Clear);
    let mut desk = Desk::under(assumed(), [marketing()]);
    check(&mut desk, Verdict::Sent, Reason::Clear);
    let mut desk = Desk::under(assumed(), [marketing()]);
    no(&mut desk);
    check(&mut desk, Verdict::Suppressed, Reason::NoConsent);
    let mut desk = Desk::new([trigger("t")]);
    no(&mut desk);
    check(&mut desk, Verdict::Sent, Reason::Clear);
}

#[test]
fn a_denial_of_service_messages_holds() {
    let mut desk = Desk::new([trigger("t")]);
    desk.event(track("Consent Denied", min(0)).text("purpose", "service"));
    check(&mut desk, Verdict::Suppressed, Reason::NoConsent);
}

#[test]
fn the_suppressed_get_nothing_until_it_is_lifted() {
    let mut desk = Desk::new([trigger("t")]);
    desk.command(Command::Suppress, 0);
    check(&mut desk, Verdict::Suppressed, Reason::SuppressedCustomer);
    desk.command(Command::Unsuppress, 11).event(added("c", 12));
    assert_eq!(came_to(&desk).1, Reason::Clear);
}

#[test]
fn an_open_case_holds_back_whoever_does_not_say_otherwise() {
    let mut desk = Desk::new([trigger("t")]);
    desk.event(track("Case Opened", min(0)));
    check(&mut desk, Verdict::Suppressed, Reason::OpenCase);
    let mut despite = trigger("t");
    despite.policy.despite_open_case = true;
    let mut desk = Desk::new([despite]);
    desk.event(track("Case Opened", min(0)));
    check(&mut desk, Verdict::Sent, Reason::Clear);
}

#[test]
fn when_is_evaluated_when_due_and_every_leaf_is_on_record() {
    let lookup = |path| crate::profile::field::lookup(path).expect("a field");
    let when = Condition::Any(vec![
        Condition::Profile { field: lookup("cart.value"), compare: Compare::Gte(100.0) },
        Condition::Not(Box::new(Condition::Count {
            event: "Page Viewed".into(),
            within: Span::minutes(5),
            compare: Compare::Gte(1.0),
        })),
    ]);
    let mut desk = Desk::new([Trigger { when, ..cart_idle() }]);
    desk.event(added("c", 0)).event(track("Page Viewed", min(25) + Span(1))).until(min(30));
    let decision = &desk.decisions[0];
    assert_eq!((decision.verdict, decision.reason), (Verdict::Suppressed, Reason::Condition));
    let seen: Vec<_> =
        decision.conditions.iter().map(|one| (one.condition.as_str(), one.value.clone(), one.held)).collect();
    let count = "1 or more Page Viewed within 5 min";
    assert_eq!(seen, [("cart.value ≥ 100", Value::Number(10.0), false), (count, Value::Number(1.0), true)]);
    desk.event(added("d", 40)).until(min(70));
    assert_eq!(desk.decisions[1].verdict, Verdict::Sent, "the view has left its window");
}

#[test]
fn a_control_arm_is_withheld_with_its_probability() {
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..300 {
        let contact = ContactPolicy { control_share: 0.5, ..assumed() };
        let mut desk = Desk::under(contact, [Trigger { holdout: 0.25, ..marketing() }]);
        desk.row = Customer::new(CustomerId::user(&format!("c{n}")));
        desk.event(added("c", 0));
        let (verdict, reason, propensity) = came_to(&desk);
        *seen.entry((verdict, reason, (propensity * 1_000.0) as i64)).or_insert(0) += 1;
    }
    let kinds: Vec<_> = seen.keys().copied().collect();
    assert_eq!(
        kinds,
        [
            (Verdict::Sent, Reason::Clear, 375),
            (Verdict::Withheld, Reason::Holdout, 125),
            (Verdict::Withheld, Reason::GlobalControl, 500)
        ]
    );
    assert!((120..180).contains(&seen[&kinds[2]]) && (20..60).contains(&seen[&kinds[1]]), "{seen:?}");
}

#[test]
fn service_is_no_matter_of_the_control_group() {
    let mut desk = Desk::under(ContactPolicy { control_share: 1.0, ..assumed() }, [trigger("t")]);
    check(&mut desk, Verdict::Sent, Reason::Clear);
}

#[test]
fn quiet_hours_are_the_customers_and_end_to_the_minute() {
    let mut night = trigger("t");
    night.policy.quiet_hours = Some(QuietHours { start_min: 21 * 60, end_min: 8 * 60 });
    let mut desk = Desk::new([night.clone()]);
    let mut event = added("c", 0);
    event.0.zone = Some("Asia/Tokyo".into());
    // Noon is nine in the evening there.
    desk.event(event).decided(&[("t", Verdict::Deferred, Reason::QuietHours, 0)]);
    desk.until(min(11 * 60));
    desk.decided(&[
        ("t", Verdict::Deferred, Reason::QuietHours, 0),
        ("t", Verdict::Sent, Reason::Clear, 11 * 60),
    ]);
    assert_eq!(desk.outreach[0].expires, min(11 * 60 + 5));
    night.policy.on_cap = OnCap::Drop;
    let mut desk = Desk::new([night]);
    let mut event = added("c", 0);
    event.0.zone = Some("Asia/Tokyo".into());
    desk.event(event).decided(&[("t", Verdict::Suppressed, Reason::QuietHours, 0)]);
}

#[test]
fn a_deferral_ends_by_exit_condition_or_its_own_bound() {
    let night = || {
        let mut night = Trigger { wait: None, ..cart_idle() };
        night.policy.quiet_hours = Some(QuietHours { start_min: 11 * 60, end_min: 13 * 60 });
        night
    };
    let deferred = ("cart-idle", Verdict::Deferred, Reason::QuietHours, 0);
    let mut desk = Desk::new([night()]);
    desk.event(added("c", 0)).event(ordered("c", min(59)));
    desk.decided(&[deferred, ("cart-idle", Verdict::Suppressed, Reason::Exited, 59)]);

    let opens =
        Condition::Count { event: "Page Viewed".into(), within: Span::hours(2), compare: Compare::Lt(1.0) };
    let mut desk = Desk::new([Trigger { when: opens, ..night() }]);
    desk.event(added("c", 0)).event(track("Page Viewed", min(1))).until(min(60));
    desk.decided(&[deferred, ("cart-idle", Verdict::Suppressed, Reason::Condition, 60)]);

    let mut short = night();
    short.policy.max_defer = Span::minutes(59);
    let mut desk = Desk::new([short]);
    desk.event(added("c", 0)).until(min(600));
    desk.decided(&[deferred, ("cart-idle", Verdict::Expired, Reason::MaxDefer, 59)]);
    assert!(desk.is_idle());
}

#[test]
fn shadow_decides_and_sends_nothing_and_uses_up_no_cap() {
    let caps =
        vec![crate::rulebook::Cap { scope: crate::rulebook::CapScope::Any, within: Span::days(1), max: 1 }];
    let contact = ContactPolicy { caps, ..ContactPolicy::default() };
    let shadow = Trigger { mode: Mode::Shadow, ..trigger("s") };
    let mut desk = Desk::under(contact, [shadow, trigger("t")]);
    desk.event(added("c", 0));
    desk.decided(&[("s", Verdict::Withheld, Reason::Shadow, 0), ("t", Verdict::Sent, Reason::Clear, 0)]);
    assert_eq!(desk.outreach.len(), 1);
    assert_eq!(desk.row.profile().last_outreach(Category::Service), Some(min(0)));
}

#[test]
fn paused_opens_nothing_and_holds_timers_and_resuming_checks_the_age() {
    let paused = |trigger: Trigger| Triggers::new([Trigger { mode: Mode::Paused, ..trigger }]);
    let mut desk = Desk::new([cart_idle()]);
    desk.event(added("c", 0));
    desk.book.triggers = paused(cart_idle());
    desk.event(added("d", 1)).until(min(200)).decided(&[]);
    assert_eq!(desk.row.triggers().instances().len(), 1);
    let mut patient = cart_idle();
    patient.policy.max_age = Span::days(1);
    for (resumed, verdict, reason) in
        [(cart_idle(), Verdict::Expired, Reason::MaxAge), (patient, Verdict::Sent, Reason::Clear)]
    {
        let mut desk = Desk::new([cart_idle()]);
        desk.event(added("c", 0));
        desk.book.triggers = paused(cart_idle());
        desk.until(min(40)).decided(&[]);
        desk.book.triggers = Triggers::new([resumed]);
        desk.until(min(30) + PAUSE_LOOK).decided(&[("cart-idle", verdict, reason, 90)]);
    }
}

#[test]
fn max_age_runs_from_due_to_decision() {
    let when = Condition::Score { head: Head::CartAbandonment, compare: Compare::Gte(0.0) };
    for (late, verdict, reason) in
        [(Span(0), Verdict::Sent, Reason::Clear), (Span(1), Verdict::Expired, Reason::MaxAge)]
    {
        let mut desk = Desk::new([Trigger { when: when.clone(), ..cart_idle() }]);
        desk.event(added("c", 0)).until(min(30)).event(track("Case Closed 2", min(35) + late));
        desk.answer(Head::CartAbandonment, 0.5);
        assert_eq!((desk.decisions[0].verdict, desk.decisions[0].reason), (verdict, reason));
    }
}

#[test]
fn a_paused_trigger_sends_nothing_though_a_place_is_freed_or_a_score_comes() {
    use crate::rulebook::{Cap, CapScope};
    let caps = vec![Cap { scope: CapScope::Any, within: Span::hours(9), max: 1 }];
    let pause = |desk: &mut Desk| {
        let paused =
            desk.book.triggers.iter().cloned().map(|trigger| Trigger { mode: Mode::Paused, ..trigger });
        desk.book.triggers = Triggers::new(paused.collect::<Vec<_>>());
    };
    let mut desk = Desk::under(ContactPolicy { caps, ..ContactPolicy::default() }, [trigger("t")]);
    desk.event(added("c", 0)).event(added("c", 1));
    pause(&mut desk);
    desk.outcome(0, OutcomeStatus::Failed, min(2)).until(min(500));
    assert_eq!(desk.outreach.len(), 1, "what a cap had deferred is held");
    let when = Condition::Score { head: Head::CartAbandonment, compare: Compare::Gte(0.0) };
    let mut desk = Desk::new([Trigger { when, ..trigger("t") }]);
    desk.event(added("c", 0));
    pause(&mut desk);
    desk.answer(Head::CartAbandonment, 0.5).decided(&[]);
    assert_eq!(desk.row.triggers().instances().len(), 1, "what waited for a score is held");
}

#[test]
fn propensities_of_all_that_may_come_add_up_to_one_at_a_cap_too() {
    use crate::rulebook::{Cap, CapScope};
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..300 {
        let caps = vec![Cap { scope: CapScope::Any, within: Span::hours(9), max: 0 }];
        let contact = ContactPolicy { control_share: 0.5, caps, ..assumed() };
        let mut desk = Desk::under(contact, [Trigger { holdout: 0.25, ..marketing() }]);
        desk.row = Customer::new(CustomerId::user(&format!("c{n}")));
        desk.event(added("c", 0));
        let (_, reason, propensity) = came_to(&desk);
        seen.insert(reason, propensity);
    }
    assert_eq!(seen[&Reason::Cap], 0.375);
    assert_eq!(seen.values().sum::<f32>(), 1.0, "{seen:?}");
}
