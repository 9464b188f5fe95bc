//! Of whom a head is asked, and when.

use super::*;
use crate::ids::CustomerId;
use crate::profile::tests::shop::{Made, NOON, track};
use crate::profile::{Heads, Profile, ProfilePolicy};
use crate::time::{Span, Timestamp};
use crate::trigger::machine::tests::{added, min, ordered};

const CART: Heads = Heads::of(&[Head::CartAbandonment]);
const INTENT: Heads = Heads::of(&[Head::PurchaseIntent]);
const COMPLAINT: Heads = Heads::of(&[Head::Complaint]);

fn fold(profile: &mut Profile, made: Made) {
    profile.fold(&made.0, made.0.at, &ProfilePolicy::default());
}

fn user() -> CustomerId {
    CustomerId::user("u1")
}

fn days(days: i64) -> Timestamp {
    NOON + Span::days(days)
}

#[test]
fn a_customer_of_whom_nothing_is_known_is_asked_nothing() {
    let profile = Profile::default();
    assert_eq!(population(&profile, NOON), Heads::NONE);
    for head in Head::ALL {
        assert_eq!((changes(head, &profile, NOON), next_due(head, &user(), &profile, NOON)), (None, None));
    }
}

#[test]
fn each_head_has_its_own_population() {
    let mut profile = Profile::default();
    fold(&mut profile, track("Page Viewed", min(0)));
    assert_eq!(population(&profile, min(0)), INTENT);
    fold(&mut profile, added("c", 1));
    assert_eq!(population(&profile, min(1)), CART.union(INTENT));
    fold(&mut profile, ordered("c", min(2)));
    assert_eq!(population(&profile, min(2)), Heads::RELATION.union(INTENT), "the cart is bought");
    profile.fire(min(32), &user());
    assert_eq!(population(&profile, min(32)), Heads::RELATION, "the session is over");
    let last = min(2) + RELATION_MAX;
    assert_eq!(population(&profile, last - Span(1)), Heads::RELATION);
    assert_eq!(population(&profile, last), Heads::NONE, "the relation is over");
    fold(&mut profile, track("Case Opened", last));
    assert_eq!(population(&profile, last), COMPLAINT);
}

#[test]
fn an_emptied_cart_and_one_that_lies_too_long_are_no_carts() {
    let mut profile = Profile::default();
    fold(&mut profile, added("c", 0));
    assert_eq!(changes(Head::CartAbandonment, &profile, min(0)), Some(days(30)));
    assert!(applies(Head::CartAbandonment, &profile, days(30) - Span(1)));
    assert!(!applies(Head::CartAbandonment, &profile, days(30)));
    fold(&mut profile, track("Product Removed", min(1)).text("product_id", "p").text("cart_id", "c"));
    assert!(!applies(Head::CartAbandonment, &profile, min(1)));
    assert_eq!(changes(Head::CartAbandonment, &profile, min(1)), None);
}

#[test]
fn a_cart_is_asked_about_three_times_in_the_silence_after_the_last_activity() {
    let mut profile = Profile::default();
    fold(&mut profile, added("c", 0));
    fold(&mut profile, track("Page Viewed", min(2)));
    fold(&mut profile, track("Order Shipped", min(4)));
    let next = |now| next_due(Head::CartAbandonment, &user(), &profile, now);
    for (now, due) in [(4, Some(7)), (7, Some(17)), (17, Some(32)), (31, Some(32)), (32, None)] {
        assert_eq!(next(min(now)), due.map(min), "{now}");
    }
}

#[test]
fn churn_is_asked_daily_and_returns_weekly_until_the_relation_ends() {
    let mut profile = Profile::default();
    fold(&mut profile, ordered("c", NOON));
    let end = NOON + RELATION_MAX;
    let all = |head| -> Vec<Timestamp> {
        let next = |now: &Timestamp| next_due(head, &user(), &profile, *now);
        std::iter::successors(next(&NOON), next).collect()
    };
    for (head, every) in [(Head::Churn, Span::days(1)), (Head::Return, Span::days(7))] {
        let due = all(head);
        assert!(due[0] > NOON && due[0] <= NOON + every, "{}", head.as_str());
        assert!(due.windows(2).all(|two| two[1] - two[0] == every), "{}", head.as_str());
        let last = due[due.len() - 1];
        assert!(last < end && last + every >= end, "{}", head.as_str());
    }
    let daily = all(Head::Churn);
    assert!(all(Head::Return).iter().all(|weekly| daily.contains(weekly)), "one look serves both");
}

#[test]
fn a_shop_does_not_look_at_all_its_customers_at_once() {
    let mut profile = Profile::default();
    fold(&mut profile, ordered("c", NOON));
    let mut by_hour = [0_u32; 24];
    let mut seconds = std::collections::BTreeSet::new();
    for n in 0..4_800 {
        let customer = CustomerId::user(&format!("u{n}"));
        let due = next_due(Head::Churn, &customer, &profile, NOON).expect("within a day");
        by_hour[((due - NOON).0 / Span::hours(1).0).min(23) as usize] += 1;
        seconds.insert(due);
    }
    assert!(by_hour.iter().all(|n| (140..=260).contains(n)), "{by_hour:?}");
    assert!(seconds.len() > 4_500, "{}", seconds.len());
}

#[test]
fn no_instant_is_too_odd() {
    let mut profile = Profile::default();
    fold(&mut profile, ordered("c", NOON));
    fold(&mut profile, added("d", 1));
    for now in [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX].map(Timestamp) {
        for head in Head::ALL {
            let at = [changes(head, &profile, now), next_due(head, &user(), &profile, now)];
            assert!(at.into_iter().flatten().all(|at| at > now), "{} {now}", head.as_str());
        }
    }
}

#[test]
fn an_order_of_a_partition_whose_time_is_ahead_counts_from_its_own_instant() {
    let mut profile = Profile::default();
    fold(&mut profile, ordered("c", min(5)));
    assert_eq!(population(&profile, min(0)), INTENT);
    assert_eq!(changes(Head::Churn, &profile, min(0)), Some(min(5)));
    assert!(applies(Head::Churn, &profile, min(5)));
}
