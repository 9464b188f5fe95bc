//! Questions of a row: asked of whom they concern, when it is time, and never of anybody else.

use super::merging::{ALIAS, Pair, USER};
use super::*;
use crate::profile::Heads;
use crate::profile::tests::shop::track;
use crate::score::{self, Head, RELATION_MAX, Schedule};
use crate::trigger::condition::NO_SCORE;
use crate::trigger::machine::tests::ordered;
use crate::trigger::spec::*;
use crate::trigger::{Trigger, Triggers};
use crate::value::Value;

const CART: Head = Head::CartAbandonment;

/// Returns a customer's desk with heads in force that no trigger reads.
fn asking(heads: &[Head], triggers: impl IntoIterator<Item = Trigger>) -> Desk {
    let mut desk = Desk::new(triggers);
    desk.book.heads = Heads::of(heads);
    desk
}

impl Desk {
    /// Returns what was asked so far: head, and minutes after noon.
    fn asked(&self) -> Vec<(Head, i64)> {
        self.fx.asks.iter().map(|ask| (ask.head, (ask.at - NOON).0 / 60_000)).collect()
    }
}

fn reads(head: Head) -> Condition {
    Condition::Score { head, compare: Compare::Gte(0.0) }
}

#[test]
fn a_cart_is_asked_about_when_it_moves_and_three_times_in_the_silence_that_follows() {
    let mut desk = asking(&[CART], []);
    desk.event(added("c", 0)).event(track("Page Viewed", min(3))).event(track("Order Shipped", min(4)));
    desk.until(min(500));
    assert_eq!(desk.asked(), [(CART, 0), (CART, 8), (CART, 18), (CART, 33)]);
    assert_eq!(desk.row.next_due(), Some(NOON + Span::days(30)), "then when the cart is none any more");
    assert_eq!(desk.row.next_asked(CART, &desk.book), None);
}

#[test]
fn a_look_that_an_event_of_the_same_instant_moves_is_not_taken() {
    let mut desk = asking(&[CART], []);
    desk.event(added("c", 0)).event(track("Page Viewed", min(5))).until(min(9));
    assert_eq!(desk.asked(), [(CART, 0)]);
    desk.event(track("Order Shipped", min(10))).until(min(10));
    assert_eq!(desk.asked(), [(CART, 0), (CART, 10)], "one that changes nothing comes before it");
}

#[test]
fn a_look_is_taken_once_however_late_something_is_told_at_its_instant() {
    let mut desk = asking(&[CART], []);
    desk.event(added("c", 0)).until(min(5));
    assert_eq!(desk.asked(), [(CART, 0), (CART, 5)]);
    answer_all(&desk.book, &mut desk.row, &mut desk.fx);
    desk.event(track("Order Shipped", min(4))).until(min(9));
    assert_eq!(desk.asked(), [(CART, 0), (CART, 5)], "that look was taken before");
    desk.until(min(20));
    assert_eq!(desk.asked(), [(CART, 0), (CART, 5), (CART, 15)]);
}

#[test]
fn what_begins_to_apply_at_the_instant_of_its_look_is_looked_at_then() {
    let mut other = asking(&[Head::Churn], []);
    other.event(ordered("c", NOON));
    let look = other.row.next_asked(Head::Churn, &other.book).expect("a daily question");
    let mut desk = asking(&[Head::Churn], []);
    desk.event(track("Page Viewed", look)).event(ordered("c", look));
    assert_eq!(desk.asked().len(), 1, "by the order");
    desk.until(look + Span(1));
    assert_eq!(desk.asked().len(), 2, "and by the look, which comes behind all that happens at its instant");
    desk.until(look + Span::hours(23));
    assert_eq!(desk.asked().len(), 2);
}

#[test]
fn browsing_moves_intent_when_the_session_has_doubled() {
    let mut desk = asking(&[Head::PurchaseIntent], []);
    for minute in 0..20 {
        desk.event(track("Product Viewed", min(minute)));
    }
    let minutes: Vec<i64> = desk.asked().into_iter().map(|(_, minute)| minute).collect();
    assert_eq!(minutes, [0, 1, 3, 7, 15]);
}

#[test]
fn an_order_that_is_told_line_by_line_asks_once() {
    let mut desk = asking(&[Head::Return], []);
    for minute in 0..5 {
        desk.event(track("Order Item Added", min(minute)).text("order_id", "o").text("product_id", "p"));
    }
    assert_eq!(desk.asked(), [(Head::Return, 0)]);
}

#[test]
fn a_daily_question_ends_with_the_relation_and_its_score_is_withdrawn() {
    let mut desk = asking(&[Head::Churn], []);
    desk.event(ordered("c", NOON));
    let end = NOON + RELATION_MAX;
    while let Some(due) = desk.row.next_due().filter(|due| *due < end) {
        desk.until(due);
        answer_all(&desk.book, &mut desk.row, &mut desk.fx);
    }
    assert_eq!(desk.fx.asks.len(), 1 + 180);
    assert!(desk.row.profile().score(Head::Churn).is_some());
    assert_eq!(desk.row.next_due(), Some(end));
    desk.until(end);
    assert_eq!((desk.row.profile().score(Head::Churn), desk.row.next_due()), (None, None));
    assert_eq!(desk.fx.asks.len(), 1 + 180, "who has left is not asked about, nor woken");
}

#[test]
fn an_answer_that_comes_when_the_cart_is_bought_is_nobodys() {
    let mut desk = asking(&[CART], []);
    desk.event(added("c", 0));
    let ask = desk.row.pending_asks()[0].clone();
    desk.event(ordered("c", min(1)));
    assert!(desk.row.pending_asks().is_empty());
    let score = Score { value: 0.9, model: "m".into(), source: ScoreSource::Model, at: ask.at };
    desk.row.answer(&desk.book, &Answer { id: ask.id, head: CART, score }, &mut desk.fx);
    assert_eq!((desk.row.profile().score(CART), desk.fx.tally.unawaited), (None, 1));
}

#[test]
fn who_waited_for_a_score_decides_without_it_when_its_head_applies_no_more() {
    let mut desk = Desk::new([Trigger { when: reads(CART), ..trigger("t") }]);
    desk.event(added("c", 0)).decided(&[]).event(ordered("c", min(1)));
    desk.decided(&[("t", Verdict::Suppressed, Reason::Condition, 1)]);
    assert_eq!(desk.decisions[0].conditions[0].value, Value::Text(NO_SCORE.into()));
    assert!(desk.decisions[0].scores.is_empty());
    assert!(desk.is_idle());
}

#[test]
fn a_late_event_that_ends_a_population_lets_go_of_who_waited() {
    let mut desk = Desk::new([Trigger { when: reads(CART), ..trigger("t") }]);
    desk.event(added("c", 0)).decided(&[]);
    desk.event(ordered("c", min(1)).late()).decided(&[]).until(min(1));
    desk.decided(&[("t", Verdict::Suppressed, Reason::Condition, 1)]);
}

#[test]
fn a_late_event_asks_nothing_and_sets_the_timer() {
    let mut desk = asking(&Head::ALL, []);
    let mut order = ordered("c", min(0)).late();
    order.0.at = NOON - Span::days(9);
    desk.tell(NOON, Input::Event(Box::new(order.0)));
    assert_eq!(desk.asked(), []);
    assert!(desk.row.next_asked(Head::Churn, &desk.book).is_some_and(|due| due <= NOON + Span::days(1)));
}

#[test]
fn a_wake_that_reads_a_head_that_does_not_apply_does_not_wait() {
    let mut desk = Desk::new([Trigger { when: reads(Head::Churn), ..cart_idle() }]);
    desk.event(added("c", 0)).until(min(30));
    desk.decided(&[("cart-idle", Verdict::Suppressed, Reason::Condition, 30)]);
    assert_eq!(desk.decisions[0].conditions[0].value, Value::Text(NO_SCORE.into()));
}

#[test]
fn a_latch_is_free_when_its_head_applies_no_more() {
    let crossing = Crossing { head: CART, rises_above: 0.7, rearms_below: 0.5 };
    let mut desk = Desk::new([Trigger { entry: Entry::Crossing(crossing), ..trigger("x") }]);
    desk.event(added("c", 0)).answer(CART, 0.9).event(ordered("c", min(1)));
    assert!(!desk.row.triggers().latches().is_set(&crossing));
    desk.event(added("d", 2)).answer(CART, 0.8);
    let sent = |minutes| ("x", Verdict::Sent, Reason::Clear, minutes);
    desk.decided(&[sent(0), sent(2)]);
}

#[test]
fn a_condition_on_a_score_ceases_to_hold_when_its_head_applies_no_more() {
    let high = Condition::Score { head: Head::PurchaseIntent, compare: Compare::Gte(0.5) };
    let mut desk = Desk::new([Trigger { entry: Entry::Ceases(high), ..trigger("lost") }]);
    desk.event(track("Page Viewed", min(0))).answer(Head::PurchaseIntent, 0.9).until(min(30));
    desk.decided(&[("lost", Verdict::Sent, Reason::Clear, 30)]);
}

#[test]
fn an_alias_asks_nothing_and_its_user_asks_anew() {
    let mut pair = Pair::new([]);
    pair.book.heads = Heads::of(&[CART, Head::Churn]);
    pair.event(ALIAS, added("c", 0)).event(ALIAS, ordered("b", min(1)));
    let heads = |row: &Customer| row.pending_asks().iter().map(|ask| ask.head).collect::<Vec<_>>();
    assert_eq!(heads(&pair.rows[ALIAS]), [CART, Head::Churn]);
    pair.identified(2).event(ALIAS, added("c", 3));
    let [alias, user] = &pair.rows;
    assert_eq!((heads(alias), alias.next_due()), (vec![], None));
    assert_eq!(
        heads(user),
        [Head::Churn, CART],
        "at the merge, and of the cart again at what the alias passed on"
    );
    assert_eq!(user.next_asked(CART, &pair.book), Some(min(8)));
    pair.until(min(8));
    assert_eq!(pair.rows[USER].pending_asks()[1].at, min(8));
}

#[test]
fn an_erased_row_is_asked_nothing_any_more_and_a_suppressed_one_is() {
    let mut desk = asking(&Head::ALL, []);
    desk.event(added("c", 0)).event(ordered("b", min(1))).command(Command::Suppress, 2);
    assert_eq!(desk.row.pending_asks().len(), 5, "its risk is shown, and lifting the suppression finds it");
    desk.command(Command::Erase, 3);
    assert_eq!((desk.row.pending_asks().len(), desk.row.next_due()), (0, None));
}

#[test]
fn a_head_that_comes_into_force_is_asked_from_the_next_record_on() {
    let mut desk = asking(&[], []);
    desk.event(ordered("c", NOON)).until(NOON + Span::days(3));
    desk.book.heads = Heads::of(&[Head::Churn]);
    assert_eq!(desk.row.next_due(), None);
    desk.event(track("Page Viewed", NOON + Span::days(4)));
    assert!(desk.row.next_due().is_some_and(|due| due < NOON + Span::days(5)));
    desk.book.heads = Heads::NONE;
    desk.until(NOON + Span::days(9));
    assert_eq!((desk.asked(), desk.row.next_due()), (vec![], None), "and one that is out of force is not");
}

#[test]
fn a_trigger_that_goes_takes_its_question_along() {
    let mut desk = Desk::new([Trigger { when: reads(CART), ..trigger("t") }]);
    desk.event(added("c", 0));
    desk.book.triggers = Triggers::default();
    desk.answer(CART, 0.5).decided(&[("t", Verdict::Suppressed, Reason::TriggerGone, 0)]);
    assert_eq!(desk.row.next_asked(CART, &desk.book), None);
}

/// Checks what holds of every row at every moment.
fn check(book: &Rulebook, row: &Customer) -> Result<(), TestCaseError> {
    for (place, ask) in row.pending_asks().iter().enumerate() {
        prop_assert!(
            row.pending_asks()[..place].iter().all(|other| other.head != ask.head),
            "two questions of a head"
        );
        prop_assert!(score::applies(ask.head, &row.profile, row.clock), "{} is asked", ask.head.as_str());
    }
    for head in book.heads_in_force().iter().filter(|head| score::applies(*head, &row.profile, row.clock)) {
        let next = row.next_asked(head, book);
        match score::schedule(head) {
            Schedule::Never => prop_assert_eq!(next, None),
            // A day before the relation ends, and half an hour after the last activity, nothing is left to ask.
            Schedule::AfterActivity(_) | Schedule::Every(_) => {
                let ends = score::changes(head, &row.profile, row.clock);
                let due = next.into_iter().chain(ends).min();
                prop_assert!(due.is_some() && row.next_due() <= due, "{} has no timer", head.as_str());
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_head_has_its_timer_and_no_timer_goes_back(story in prop::collection::vec(any::<u8>(), 0..300)) {
        let book = busy_book();
        let mut teller = Teller::new(&story, NOON);
        let mut row = Customer::new(CustomerId::user("u1"));
        let mut fx = Effects::default();
        while let Some(record) = teller.next_record(&row) {
            let mut fired = row.clock;
            while let Some(due) = row.next_due().filter(|due| *due < record.stamp) {
                row.wake(&book, due + Span(1), &mut fx);
                prop_assert!(row.clock >= fired);
                fired = row.clock;
                check(&book, &row)?;
            }
            row.apply(&book, &record, &mut fx);
            check(&book, &row)?;
            if record.position.0 % 3 == 0 {
                answer_all(&book, &mut row, &mut fx);
                check(&book, &row)?;
            }
        }
        prop_assert!(fx.asks.windows(2).all(|two| two[0].id.attempt < two[1].id.attempt), "a number of its own");
        prop_assert!(fx.asks.windows(2).all(|two| two[0].at <= two[1].at), "questions never go back in time");
    }
}
