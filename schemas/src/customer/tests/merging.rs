//! Two rows become one: what each brings of triggers, and what the user has seen in between.

use super::*;
use crate::customer::Outgoing;
use crate::decision::{Decision, Outcome, OutcomeStatus};
use crate::ids::{OutreachId, Position};
use crate::profile::tests::shop::{Made, identify, track};
use crate::rulebook::Policy;
use crate::rulebook::{Cap, CapScope, ContactPolicy};
use crate::score::Head;
use crate::trigger::Triggers;
use crate::trigger::machine::tests::{ordered, pattern};
use crate::trigger::spec::*;

/// An anonymous row and its user, and the log between them.
pub(super) struct Pair {
    pub(super) book: Rulebook,
    pub(super) rows: [Customer; 2],
    positions: [u64; 2],
    decisions: Vec<Decision>,
}

pub(super) const ALIAS: usize = 0;
pub(super) const USER: usize = 1;

impl Pair {
    pub(super) fn new(triggers: impl IntoIterator<Item = Trigger>) -> Self {
        let rows = [CustomerId::anonymous("a"), CustomerId::user("u1")].map(Customer::new);
        let book = Rulebook { triggers: Triggers::new(triggers), ..Rulebook::default() };
        Self { book, rows, positions: [100, 500], decisions: Vec::new() }
    }

    pub(super) fn tell(&mut self, to: usize, stamp: Timestamp, input: Input) -> &mut Self {
        self.positions[to] += 1;
        let record = Record { position: Position(self.positions[to]), stamp, input };
        let mut fx = Effects::default();
        self.rows[to].apply(&self.book, &record, &mut fx);
        self.take(fx, stamp)
    }

    /// Delivers what one row tells the other, at the stamp of its cause.
    pub(super) fn take(&mut self, fx: Effects, stamp: Timestamp) -> &mut Self {
        for entry in fx.outbox {
            match entry.body {
                Outgoing::Decision(decision) => self.decisions.push(*decision),
                Outgoing::Outreach(_) | Outgoing::Turn(_) | Outgoing::Forgotten { .. } => {}
                Outgoing::Relay { to, message } => {
                    let to = usize::from(to == *self.rows[USER].id());
                    self.tell(to, stamp, Input::Relay(message));
                }
            }
        }
        self
    }

    pub(super) fn event(&mut self, to: usize, mut made: Made) -> &mut Self {
        made.0.customer = self.rows[to].id().clone();
        self.tell(to, made.0.at, Input::Event(Box::new(made.0)))
    }

    /// The user turns out to be the anonymous shopper.
    pub(super) fn identified(&mut self, minutes: i64) -> &mut Self {
        let mut made = identify(min(minutes));
        made.0.anonymous = Some(self.rows[ALIAS].id().clone());
        self.event(USER, made)
    }

    pub(super) fn until(&mut self, now: Timestamp) -> &mut Self {
        for to in [ALIAS, USER] {
            let mut fx = Effects::default();
            self.rows[to].wake(&self.book, now + Span(1), &mut fx);
            self.take(fx, now);
        }
        self
    }

    fn decided(&self) -> Vec<(&str, Verdict, Reason, i64)> {
        let minutes = |one: &Decision| (one.at - NOON).0 / 60_000;
        self.decisions
            .iter()
            .map(|one| (one.customer.as_str(), one.verdict, one.reason, minutes(one)))
            .collect()
    }
}

#[test]
fn a_moved_instance_keeps_its_slot_and_is_decided_by_the_user_alone() {
    let mut pair = Pair::new([cart_idle()]);
    pair.event(ALIAS, added("c", 0)).identified(10).until(min(100));
    assert_eq!(pair.decided(), [("u1", Verdict::Sent, Reason::Clear, 30)]);
    let slot = pair.decisions[0].slot.clone();
    assert_eq!((slot.origin.as_str(), slot.position), ("anon:a", Position(101)));
    assert_eq!(pair.decisions[0].id, OutreachId::of("cart-idle", &slot));
    assert!(pair.rows[ALIAS].triggers().is_empty());
}

#[test]
fn a_moved_instance_ends_if_the_user_saw_an_exit_since_its_entry() {
    for (bought, identified, expected) in [
        (5, 10, ("u1", Verdict::Suppressed, Reason::Exited, 10)),
        (0, 10, ("u1", Verdict::Suppressed, Reason::Exited, 10)),
        (-1, 10, ("u1", Verdict::Sent, Reason::Clear, 30)),
    ] {
        let mut pair = Pair::new([cart_idle()]);
        pair.event(USER, ordered("other", min(bought))).event(ALIAS, added("c", 0));
        pair.identified(identified).until(min(100));
        assert_eq!(pair.decided(), [expected], "bought at {bought}");
    }
}

#[test]
fn an_exit_longer_ago_than_windows_reach_ends_it_in_doubt() {
    let mut slow = cart_idle();
    slow.wait = Some(Wait { span: Span::days(5), reset_on: Vec::new() });
    slow.exits = vec![Exit { event: pattern("Signed Out"), matching: Match::Any }];
    let mut pair = Pair::new([slow]);
    pair.event(ALIAS, added("c", 0)).event(USER, track("Signed Out", min(60)));
    pair.identified(2 * 24 * 60);
    assert_eq!(pair.decided(), [("u1", Verdict::Suppressed, Reason::Exited, 2 * 24 * 60)]);
}

#[test]
fn of_two_instances_of_one_key_the_older_goes_on() {
    let idle = Trigger { key: Key::Customer, exits: Vec::new(), ..cart_idle() };
    for (alias, user, origin) in [(0, 5, "anon:a"), (5, 0, "u1")] {
        let mut pair = Pair::new([idle.clone()]);
        pair.event(ALIAS, added("c", alias)).event(USER, added("d", user)).identified(10).until(min(100));
        let merged = ("u1", Verdict::Suppressed, Reason::Merged, 10);
        assert_eq!(pair.decided(), [merged, ("u1", Verdict::Sent, Reason::Clear, 30)]);
        assert_eq!(pair.decisions[1].slot.origin.as_str(), origin);
    }
}

#[test]
fn what_an_alias_is_told_later_acts_at_the_user_under_the_aliass_name() {
    let mut pair = Pair::new([cart_idle(), trigger("t")]);
    pair.identified(0).event(ALIAS, added("c", 1));
    assert_eq!(pair.decided(), [("u1", Verdict::Sent, Reason::Clear, 1)]);
    let slot = &pair.decisions[0].slot;
    assert_eq!((slot.origin.as_str(), slot.position.0), ("anon:a", pair.positions[ALIAS]));
    pair.event(ALIAS, ordered("c", min(2)));
    assert_eq!(pair.decided()[1], ("u1", Verdict::Suppressed, Reason::Exited, 2));
}

#[test]
fn a_proposal_that_waited_for_a_score_asks_again_at_the_user() {
    let when = Condition::Score { head: Head::CartAbandonment, compare: Compare::Gte(0.0) };
    let mut pair = Pair::new([Trigger { when, ..trigger("t") }]);
    pair.event(ALIAS, added("c", 0));
    assert_eq!(pair.rows[ALIAS].pending_asks().len(), 1);
    pair.identified(1);
    assert!(pair.rows[ALIAS].pending_asks().is_empty());
    let mut fx = Effects::default();
    answer_all(&pair.book, &mut pair.rows[USER], &mut fx);
    pair.take(fx, min(1));
    assert_eq!(pair.decided(), [("u1", Verdict::Sent, Reason::Clear, 1)]);
}

#[test]
fn entries_sends_and_latches_come_along() {
    let once = Trigger { reentry: Reentry { mode: ReentryMode::Once, max: None }, ..trigger("t") };
    let mut pair = Pair::new([once, Trigger { entry: Entry::Event(pattern("Cart Viewed")), ..trigger("v") }]);
    let cap = Cap { scope: CapScope::Any, within: Span::hours(1), max: 1 };
    let contact = ContactPolicy { caps: vec![cap], ..ContactPolicy::default() };
    pair.book.policy = Policy { contact, ..Policy::default() };
    pair.event(ALIAS, added("c", 0)).identified(1).event(USER, added("d", 2));
    pair.event(USER, track("Cart Viewed", min(3)));
    assert_eq!(
        pair.decided(),
        [
            ("anon:a", Verdict::Sent, Reason::Clear, 0),
            ("u1", Verdict::Suppressed, Reason::ReentryMax, 2),
            ("u1", Verdict::Deferred, Reason::Cap, 3),
        ]
    );
}

#[test]
fn an_outcome_of_what_the_alias_sent_reaches_the_user() {
    let mut pair = Pair::new([trigger("t")]);
    pair.event(ALIAS, added("c", 0)).identified(1);
    assert_eq!(pair.rows[USER].triggers().instances().len(), 1);
    let id = pair.decisions[0].id;
    let outcome = Outcome { id, attempt: 0, status: OutcomeStatus::Failed, at: min(2) };
    pair.tell(ALIAS, min(2), Input::Outcome(outcome));
    assert_eq!(pair.decided()[1], ("u1", Verdict::Failed, Reason::ChannelRefused, 2));
    assert!(pair.rows[USER].triggers().is_empty());
}

#[test]
fn a_latch_that_the_alias_set_does_not_fire_again_at_the_user() {
    let crossing = Crossing { head: Head::CartAbandonment, rises_above: -1.0, rearms_below: -2.0 };
    let mut pair = Pair::new([Trigger { entry: Entry::Crossing(crossing), ..trigger("x") }]);
    pair.event(ALIAS, added("c", 0));
    let mut fx = Effects::default();
    answer_all(&pair.book, &mut pair.rows[ALIAS], &mut fx);
    pair.take(fx, min(0)).identified(1).event(USER, added("d", 2));
    let mut fx = Effects::default();
    answer_all(&pair.book, &mut pair.rows[USER], &mut fx);
    pair.take(fx, min(2));
    assert_eq!(pair.decided(), [("anon:a", Verdict::Sent, Reason::Clear, 0)]);
}

#[test]
fn an_instance_of_the_user_ends_if_the_alias_saw_an_exit_since_its_entry() {
    for (bought, expected) in
        [(5, ("u1", Verdict::Suppressed, Reason::Exited, 10)), (-1, ("u1", Verdict::Sent, Reason::Clear, 30))]
    {
        let mut pair = Pair::new([cart_idle()]);
        pair.event(ALIAS, ordered("other", min(bought))).event(USER, added("c", 0));
        pair.identified(10).until(min(100));
        assert_eq!(pair.decided(), [expected], "bought at {bought}");
    }
}

#[test]
fn a_goal_that_the_user_reached_in_time_ends_a_moved_instance_however_long_ago() {
    let mut slow = cart_idle();
    slow.wait = Some(Wait { span: Span::hours(5), reset_on: Vec::new() });
    slow.goal = Some(Goal { event: pattern("Signed Up"), within: Span::minutes(60) });
    let mut pair = Pair::new([slow]);
    pair.event(ALIAS, added("c", 0)).event(USER, track("Signed Up", min(30))).identified(200);
    assert_eq!(pair.decided(), [("u1", Verdict::Suppressed, Reason::Exited, 200)]);
}

#[test]
fn what_aliases_await_stays_within_the_users_bound() {
    use crate::trigger::state::AWAITED_MAX;
    let mut pair = Pair::new([trigger("t")]);
    for n in 0..AWAITED_MAX as i64 {
        pair.event(ALIAS, added("c", n)).event(USER, added("d", n).message(&n.to_string()));
    }
    pair.identified(100);
    let instances = pair.rows[USER].triggers().instances();
    assert_eq!(instances.len(), AWAITED_MAX);
    assert!(instances.iter().all(|one| one.entered >= min(AWAITED_MAX as i64 / 2)), "the oldest goes first");
}

#[test]
fn a_merge_is_durable_at_once_since_it_may_bring_a_refusal() {
    let mut pair = Pair::new([]);
    pair.event(ALIAS, track("Consent Denied", min(0)));
    let mut fx = Effects::default();
    let mut made = identify(min(1));
    made.0.anonymous = Some(pair.rows[ALIAS].id().clone());
    let record = |position, input| Record { position: Position(position), stamp: min(1), input };
    pair.rows[USER].apply(&pair.book, &record(600, Input::Event(Box::new(made.0))), &mut fx);
    for to in [ALIAS, USER] {
        let Some(Outgoing::Relay { message, .. }) = fx.outbox.pop().map(|entry| entry.body) else { panic!() };
        fx.clear();
        pair.rows[to].apply(&pair.book, &record(700, Input::Relay(message)), &mut fx);
    }
    assert_eq!(fx.urgency, crate::customer::Urgency::Urgent);
}

#[test]
fn what_changes_nothing_names_nothing() {
    let mut pair = Pair::new([]);
    pair.event(ALIAS, added("c", 0)).identified(1);
    let heard = pair.rows[USER].heard;
    let sender = |position| crate::record::Sender {
        customer: CustomerId::anonymous("a"),
        position: Position(position),
        nth: 0,
    };
    use crate::customer::identity::{Forward, Message, Relay};
    let outcome = Outcome { id: OutreachId(1), attempt: 0, status: OutcomeStatus::Delivered, at: min(2) };
    let outcome = Message::Forward(Box::new(Forward::Outcome(outcome)));
    for (position, message) in [(1, Message::Refused { request: Position(1) }), (900, outcome)] {
        let relay = Relay { sender: sender(position), message };
        pair.tell(USER, min(3), Input::Relay(Box::new(relay)));
        assert_eq!(pair.rows[USER].heard, heard, "a repeated message, an outcome that an alias passes on");
    }
}

#[test]
fn a_duplicate_that_names_an_anonymous_id_asks_nobody_again() {
    let mut pair = Pair::new([]);
    pair.identified(1);
    pair.rows[USER].rare().identity.merged.clear();
    let before = pair.positions;
    pair.identified(1);
    assert_eq!(pair.positions, [before[0], before[1] + 1], "no request, no answer");
}
