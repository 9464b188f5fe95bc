//! Latches and fresh scores.

use super::*;

const HEAD: Head = Head::CartAbandonment;
const CROSSING: Crossing = Crossing { head: HEAD, rises_above: 0.7, rearms_below: 0.5 };

fn crossing() -> Trigger {
    Trigger { entry: Entry::Crossing(CROSSING), ..trigger("x") }
}

/// A checkout: it moves the score of a cart and opens nothing.
fn checkout(minutes: i64) -> Made {
    track("Checkout Started", min(minutes)).text("cart_id", "c").text("product_id", "p")
}

fn sent(name: &'static str, at: i64) -> (&'static str, Verdict, Reason, i64) {
    (name, Verdict::Sent, Reason::Clear, at)
}

#[test]
fn a_score_that_flaps_around_the_threshold_fires_once() {
    let mut desk = Desk::new([crossing()]);
    for (minute, value) in
        [(0, 0.7), (1, 0.71), (2, 0.69), (3, 0.9), (4, 0.5), (5, 0.8), (6, 0.49), (7, 0.75)]
    {
        desk.event(checkout(minute)).answer(HEAD, value);
    }
    desk.decided(&[sent("x", 1), sent("x", 7)]);
    assert_eq!(desk.decisions[0].slot.position, Position(2), "named by the record that asked");
}

#[test]
fn latches_follow_the_score_with_no_instance_open() {
    let mut desk = Desk::new([Trigger { when: Condition::Latch(CROSSING), ..cart_idle() }]);
    desk.event(checkout(0)).answer(HEAD, 0.9);
    assert!(desk.row.triggers().latches().is_set(&CROSSING));
    desk.event(added("c", 1)).answer(HEAD, 0.6).until(min(31)).decided(&[]);
    desk.answer(HEAD, 0.55).decided(&[sent("cart-idle", 31)]);
    assert_eq!(desk.decisions[0].scores[0].1.value, 0.55);
    desk.event(added("d", 40)).answer(HEAD, 0.6).until(min(70)).answer(HEAD, 0.4);
    assert_eq!(desk.decisions[1].reason, Reason::Condition);
    assert!(!desk.row.triggers().latches().is_set(&CROSSING));
}

#[test]
fn an_exit_pre_empts_a_proposal_that_waits_for_its_score() {
    let when = Condition::Score { head: HEAD, compare: Compare::Gt(0.1) };
    let mut desk = Desk::new([Trigger { when, ..cart_idle() }]);
    desk.event(added("c", 0)).answer(HEAD, 0.9).until(min(30)).event(ordered("c", min(31)));
    desk.decided(&[("cart-idle", Verdict::Suppressed, Reason::Exited, 31)]);
    assert!(desk.row.pending_asks().is_empty(), "of a cart that is bought nothing is asked");
}

#[test]
fn an_old_answer_is_no_fresh_score() {
    let when = Condition::Score { head: HEAD, compare: Compare::Gt(0.5) };
    let mut desk = Desk::new([Trigger { when, ..trigger("t") }]);
    desk.event(checkout(0));
    let old = desk.row.pending_asks()[0].clone();
    desk.event(added("c", 1)).decided(&[]);
    let score = Score { value: 0.9, model: "m".into(), source: ScoreSource::Model, at: old.at };
    let answer = Answer { id: old.id, head: HEAD, score };
    desk.row.answer(&desk.book, &answer, &mut desk.fx);
    assert_eq!(desk.fx.tally.unawaited, 1);
    desk.answer(HEAD, 0.6).decided(&[sent("t", 1)]);
}

#[test]
fn an_event_between_question_and_answer_takes_the_proposal_along() {
    let when = Condition::Score { head: HEAD, compare: Compare::Gt(0.5) };
    let mut desk = Desk::new([Trigger { when, ..trigger("t") }]);
    desk.event(added("c", 0)).event(checkout(1)).decided(&[]);
    assert_eq!(desk.row.pending_asks().len(), 1);
    desk.answer(HEAD, 0.6).decided(&[sent("t", 1)]);
}

#[test]
fn proposals_of_one_moment_wait_for_the_score_of_any() {
    let when = Condition::Score { head: HEAD, compare: Compare::Gt(0.5) };
    let mut first = Trigger { when, ..trigger("z") };
    first.policy.priority = 90;
    let caps =
        vec![crate::rulebook::Cap { scope: crate::rulebook::CapScope::Any, within: Span::hours(1), max: 1 }];
    let contact = ContactPolicy { caps, ..ContactPolicy::default() };
    let mut desk = Desk::under(contact, [trigger("a"), first]);
    desk.event(added("c", 0)).decided(&[]);
    desk.answer(HEAD, 0.6);
    desk.decided(&[sent("z", 0), ("a", Verdict::Deferred, Reason::Priority, 0)]);
}

#[test]
fn a_crossing_that_waits_asks_again_when_it_is_due() {
    let wait = Some(Wait { span: Span::minutes(10), reset_on: Vec::new() });
    let when = Condition::Score { head: HEAD, compare: Compare::Gt(0.7) };
    let mut desk = Desk::new([Trigger { wait, when, ..crossing() }]);
    desk.event(checkout(0)).answer(HEAD, 0.9).until(min(10)).decided(&[]);
    desk.answer(HEAD, 0.6).decided(&[("x", Verdict::Suppressed, Reason::Condition, 10)]);
}

#[test]
fn nobody_asks_for_a_score_that_no_trigger_reads() {
    let mut desk = Desk::new([trigger("t")]);
    desk.event(added("c", 0));
    assert!(desk.row.pending_asks().is_empty());
}
