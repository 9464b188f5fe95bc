//! What becomes of an outreach.

use super::*;
use crate::rulebook::{Cap, CapScope};
use crate::trigger::machine::arbiter::OUTCOME_GRACE;

fn desk() -> Desk {
    let caps = vec![Cap { scope: CapScope::Any, within: Span::minutes(60), max: 1 }];
    let exits = vec![Exit { event: pattern("Order Completed"), matching: Match::Any }];
    let mut patient = Trigger { exits, key: Key::Cart, ..trigger("t") };
    patient.policy.max_age = Span::hours(2);
    Desk::under(ContactPolicy { caps, outcomes_expire: true, ..ContactPolicy::default() }, [patient])
}

fn is(verdict: Verdict, reason: Reason, at: i64) -> (&'static str, Verdict, Reason, i64) {
    ("t", verdict, reason, at)
}

const SENT: (&str, Verdict, Reason, i64) = ("t", Verdict::Sent, Reason::Clear, 0);

#[test]
fn a_delivery_ends_it_and_counts_once() {
    let mut desk = desk();
    desk.event(added("c", 0)).outcome(0, OutcomeStatus::Delivered, min(1));
    desk.outcome(0, OutcomeStatus::Delivered, min(2)).outcome(0, OutcomeStatus::Failed, min(3));
    assert_eq!((desk.fx.tally.told, desk.fx.tally.unawaited), (1, 2));
    desk.until(min(1_000)).decided(&[SENT]);
    assert!(desk.row.triggers().instances().is_empty());
}

#[test]
fn a_delivery_commutes_with_events() {
    let events = [added("c", 1), ordered("c", min(2)), added("c", 70), added("d", 71)];
    let run = |told_after: usize| {
        let mut desk = desk();
        desk.event(added("b", 0));
        for (n, event) in events.iter().enumerate() {
            // The positions of the events are the same in every run, as they are in a log.
            if n == told_after {
                desk.next = 10 * n as u64 + 5;
                desk.outcome(0, OutcomeStatus::Delivered, event.0.at);
            }
            desk.next = 10 * n as u64 + 10;
            desk.event(event.clone());
        }
        (desk.decisions, desk.outreach, desk.row.triggers().clone(), desk.row.profile().clone())
    };
    for told_after in 1..events.len() {
        assert_eq!(run(0), run(told_after), "{told_after}");
    }
}

#[test]
fn a_failure_is_recorded_and_gives_the_cap_back_to_whoever_waits() {
    for (status, verdict, reason) in [
        (OutcomeStatus::Failed, Verdict::Failed, Reason::ChannelRefused),
        (OutcomeStatus::Withheld(Reason::NoConsent), Verdict::Suppressed, Reason::NoConsent),
        (OutcomeStatus::Withheld(Reason::MaxAge), Verdict::Expired, Reason::MaxAge),
    ] {
        let mut desk = desk();
        desk.event(added("c", 0)).event(added("c", 5)).outcome(0, status, min(10));
        desk.decided(&[
            SENT,
            is(Verdict::Deferred, Reason::Cap, 5),
            is(verdict, reason, 10),
            is(Verdict::Sent, Reason::Clear, 10),
        ]);
    }
}

#[test]
fn a_retry_is_the_same_outreach_again_when_its_time_has_come() {
    let mut desk = desk();
    desk.event(added("c", 0)).outcome(0, OutcomeStatus::RetryAt(min(30)), min(1));
    desk.until(min(30) - Span(1));
    assert_eq!(desk.outreach.len(), 1);
    desk.until(min(30)).decided(&[SENT]);
    let (first, second) = (&desk.outreach[0], &desk.outreach[1]);
    assert_eq!((first.id, first.attempt + 1, first.expires), (second.id, second.attempt, second.expires));
    // What is told of the first attempt again changes nothing.
    desk.outcome(0, OutcomeStatus::Failed, min(31)).decided(&[SENT]);
    desk.outcome(1, OutcomeStatus::Delivered, min(32));
    assert!(desk.row.triggers().instances().is_empty());
}

#[test]
fn an_exit_ends_a_retry_whether_it_came_before_or_after_the_outcome() {
    let exited = is(Verdict::Suppressed, Reason::Exited, 2);
    let mut desk = desk();
    desk.event(added("c", 0)).outcome(0, OutcomeStatus::RetryAt(min(30)), min(1)).event(ordered("c", min(2)));
    desk.until(min(600)).decided(&[SENT, exited]);
    let mut desk = self::desk();
    desk.event(added("c", 0)).event(ordered("c", min(1))).outcome(0, OutcomeStatus::RetryAt(min(30)), min(2));
    desk.until(min(600)).decided(&[SENT, exited]);
}

#[test]
fn a_retry_beyond_the_expiry_expires() {
    let mut desk = desk();
    desk.event(added("c", 0)).outcome(0, OutcomeStatus::RetryAt(Timestamp(i64::MAX)), min(1));
    desk.until(min(500));
    let last = desk.decisions.last().expect("decided");
    assert_eq!((last.verdict, last.reason, last.at), (Verdict::Expired, Reason::MaxAge, min(120) + Span(1)));
}

#[test]
fn a_retry_takes_its_place_in_the_caps_again() {
    let mut desk = desk();
    desk.event(added("c", 0)).outcome(0, OutcomeStatus::RetryAt(min(30)), min(1)).event(added("d", 2));
    desk.until(min(62) - Span(1));
    assert_eq!(desk.outreach.len(), 2);
    desk.until(min(62));
    desk.decided(&[SENT, is(Verdict::Sent, Reason::Clear, 2)]);
    assert_eq!(desk.outreach.iter().map(|one| one.attempt).collect::<Vec<_>>(), [0, 0, 1]);
}

#[test]
fn an_outcome_that_nobody_tells_is_unknown_where_outcomes_expire() {
    let mut desk = desk();
    desk.event(added("c", 0)).until(min(120) + OUTCOME_GRACE);
    desk.decided(&[SENT, is(Verdict::Failed, Reason::Unknown, 121)]);
    desk.outcome(0, OutcomeStatus::Delivered, min(130));
    assert_eq!(desk.fx.tally.unawaited, 1);
    let mut desk = self::desk();
    desk.book.policy.contact.outcomes_expire = false;
    desk.event(added("c", 0)).until(min(100_000)).outcome(0, OutcomeStatus::Delivered, min(100_001));
    assert_eq!(desk.fx.tally.told, 1);
}

#[test]
fn the_oldest_outcome_is_awaited_no_longer_when_too_many_are() {
    use crate::trigger::state::AWAITED_MAX;
    let mut desk = Desk::new([trigger("t")]);
    for minute in 0..=AWAITED_MAX as i64 {
        desk.event(added("c", minute));
    }
    assert_eq!(desk.row.triggers().instances().len(), AWAITED_MAX);
    desk.outcome(0, OutcomeStatus::Failed, min(100)).outcome(1, OutcomeStatus::Failed, min(100));
    assert_eq!((desk.fx.tally.told, desk.fx.tally.unawaited), (1, 1));
}
