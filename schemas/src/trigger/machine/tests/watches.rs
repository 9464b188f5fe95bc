//! Conditions whose beginning or end opens instances.

use super::*;
use crate::profile::field;

fn views(n: f64) -> Condition {
    Condition::Count { event: "Product Viewed".into(), within: Span::minutes(60), compare: Compare::Gte(n) }
}

fn sent(name: &'static str, at: i64) -> (&'static str, Verdict, Reason, i64) {
    (name, Verdict::Sent, Reason::Clear, at)
}

fn viewed(minute: i64) -> Made {
    track("Product Viewed", min(minute))
}

#[test]
fn leaving_a_window_is_as_exact_as_entering_it() {
    let becomes = Trigger { entry: Entry::Becomes(views(2.0)), ..trigger("begins") };
    let ceases = Trigger { entry: Entry::Ceases(views(2.0)), ..trigger("ends") };
    let mut desk = Desk::new([becomes, ceases]);
    desk.event(viewed(0)).event(viewed(10)).event(viewed(20)).decided(&[sent("begins", 10)]);
    desk.until(min(70) - Span(1)).decided(&[sent("begins", 10)]);
    desk.until(min(70)).decided(&[sent("begins", 10), sent("ends", 70)]);
    desk.event(viewed(75)).decided(&[sent("begins", 10), sent("ends", 70), sent("begins", 75)]);
}

#[test]
fn an_event_of_the_same_instant_comes_before_the_leaving() {
    let ceases = Trigger { entry: Entry::Ceases(views(1.0)), ..trigger("ends") };
    let mut desk = Desk::new([ceases]);
    desk.event(viewed(0)).event(viewed(60)).until(min(119)).decided(&[]);
    desk.until(min(120)).decided(&[sent("ends", 120)]);
}

#[test]
fn a_customer_gone_silent_is_noticed_without_polling() {
    let silent = Condition::Profile {
        field: field::lookup("seen.days_since_last").expect("a field"),
        compare: Compare::Gte(30.0),
    };
    let mut desk = Desk::new([Trigger { entry: Entry::Becomes(silent), ..trigger("silent") }]);
    desk.event(viewed(0));
    let month = 30 * 24 * 60;
    desk.until(min(31));
    assert_eq!(desk.row.next_due(), Some(min(month)), "one timer, at the day it happens");
    desk.until(min(month + 100_000)).decided(&[sent("silent", month)]);
    let again = month + 200_000;
    desk.event(viewed(again)).until(min(again + month));
    desk.decided(&[sent("silent", month), sent("silent", again + month)]);
}

#[test]
fn what_held_when_paused_does_not_fire_at_the_end_of_the_pause() {
    let entry = || Entry::Becomes(views(1.0));
    let mut desk = Desk::new([Trigger { entry: entry(), mode: Mode::Paused, ..trigger("t") }]);
    desk.event(viewed(0));
    desk.book.triggers = Triggers::new([Trigger { entry: entry(), ..trigger("t") }]);
    desk.event(viewed(1)).decided(&[]);
    desk.until(min(100)).event(viewed(101)).decided(&[sent("t", 101)]);
}

#[test]
fn what_is_sent_may_open_the_next() {
    let written = Condition::Profile {
        field: field::lookup("outreach.days_since_service").expect("a field"),
        compare: Compare::Exists,
    };
    let second = Trigger { entry: Entry::Becomes(written), ..trigger("second") };
    let mut desk = Desk::new([trigger("first"), second]);
    desk.event(added("c", 0)).decided(&[sent("first", 0), sent("second", 0)]);
}

#[test]
fn a_suppression_is_a_change_like_any_other() {
    let entry = Entry::Becomes(Condition::Profile {
        field: field::lookup("suppressed").expect("a field"),
        compare: Compare::Eq(crate::value::Value::Bool(true)),
    });
    let mut desk = Desk::new([Trigger { entry, ..trigger("t") }]);
    desk.event(viewed(0)).command(Command::Suppress, 1);
    desk.decided(&[("t", Verdict::Suppressed, Reason::SuppressedCustomer, 1)]);
}

#[test]
fn a_condition_that_no_trigger_watches_any_more_is_forgotten() {
    let mut desk = Desk::new([Trigger { entry: Entry::Becomes(views(1.0)), ..trigger("t") }]);
    desk.event(viewed(0));
    desk.book.triggers = Triggers::new([trigger("t")]);
    desk.until(min(600));
    assert_eq!(desk.row.next_due(), None);
}

#[test]
fn an_age_ends_with_its_cart() {
    for path in ["cart.age", "cart.idle"] {
        let field = || field::lookup(path).expect("a field");
        let old = Condition::Profile { field: field(), compare: Compare::Gte(60.0) };
        let there = Condition::Profile { field: field(), compare: Compare::Exists };
        let ends = |condition, name| Trigger { entry: Entry::Ceases(condition), ..trigger(name) };
        let mut desk = Desk::new([ends(old, "old"), ends(there, "there")]);
        let month = 30 * 24 * 60;
        desk.event(added("c", 0)).until(min(month)).decided(&[sent("old", month), sent("there", month)]);
    }
}

#[test]
fn a_late_event_that_makes_a_condition_hold_fires_nothing_and_what_it_moved_is_watched() {
    let orders = |n| Condition::Profile {
        field: field::lookup("orders.last_30_days").expect("a field"),
        compare: Compare::Gte(n),
    };
    let begins = Trigger { entry: Entry::Becomes(orders(1.0)), ..trigger("begins") };
    let ends = Trigger { entry: Entry::Ceases(orders(1.0)), ..trigger("ends") };
    let mut desk = Desk::new([begins, ends]);
    let day = 24 * 60;
    let mut late = ordered("c", min(-20 * day)).late();
    late.0.message = crate::ids::MessageId(1);
    desk.event(viewed(-1));
    desk.tell(min(0), Input::Event(Box::new(late.0)));
    let refused = ("begins", Verdict::Suppressed, Reason::LateEvent, 0);
    desk.decided(&[refused]).event(viewed(1)).decided(&[refused]);
    // The day of the order leaves at midnight, ten days on.
    desk.until(min(11 * day)).decided(&[refused, sent("ends", 9 * day + 12 * 60)]);
}

#[test]
fn a_command_looks_at_what_it_may_have_changed_alone() {
    let mut desk = Desk::new([Trigger { entry: Entry::Ceases(views(1.0)), ..trigger("ends") }]);
    desk.event(viewed(0)).command(Command::Suppress, 60).decided(&[]);
    desk.command(Command::Unsuppress, 60).until(min(60)).decided(&[sent("ends", 60)]);
}

#[test]
fn what_commands_open_is_named_by_them() {
    let entry = Entry::Ceases(Condition::Profile {
        field: field::lookup("suppressed").expect("a field"),
        compare: Compare::Eq(crate::value::Value::Bool(true)),
    });
    let mut desk = Desk::new([Trigger { entry, ..trigger("t") }]);
    desk.event(viewed(0)).command(Command::Suppress, 1).command(Command::Unsuppress, 2);
    desk.command(Command::Erase, 3).command(Command::Suppress, 4).command(Command::Unsuppress, 5);
    desk.decided(&[sent("t", 2), sent("t", 5)]);
}
