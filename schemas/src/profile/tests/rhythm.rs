//! How a customer orders, as the latest orders tell it.

use super::shop::{NOON, fold, fold_at, track};
use crate::feature;
use crate::profile::Profile;
use crate::profile::order::ORDERS_MAX;
use crate::time::{Span, Timestamp};

fn day(n: i64) -> Timestamp {
    NOON + Span::days(n)
}

fn order(profile: &mut Profile, id: &str, at: Timestamp, total: f64) {
    fold(profile, &track("Order Completed", at).text("order_id", id).number("total", total));
}

/// Orders on days 0, 10, 40, the last of them in two parts an hour apart.
fn regular() -> Profile {
    let mut profile = Profile::default();
    order(&mut profile, "a", day(0), 20.0);
    order(&mut profile, "b", day(10), 40.0);
    order(&mut profile, "c", day(40), 80.0);
    order(&mut profile, "d", day(40) + Span::hours(1), 5.0);
    profile
}

fn read(profile: &Profile, name: &str, now: Timestamp) -> f32 {
    feature::extract(profile, now)[feature::place(name).expect("a feature")]
}

#[test]
fn orders_of_one_afternoon_are_one_purchase() {
    let profile = regular();
    assert_eq!(profile.rhythm().purchases(), 3);
    assert_eq!(profile.rhythm().gaps().collect::<Vec<_>>(), [10.0, 30.0]);
    assert_eq!(profile.rhythm().nth_last(1), Some(day(40)));
    assert_eq!(profile.rhythm().nth_last(3), Some(day(0)));
    assert_eq!(profile.rhythm().nth_last(4), None);
    assert_eq!(profile.rhythm().nth_last(0), None);
}

#[test]
fn median_lies_between_the_middle_gaps() {
    let mut profile = regular();
    assert_eq!(profile.rhythm().median_gap(), Some(20.0));
    order(&mut profile, "e", day(41), 1.0);
    assert_eq!(profile.rhythm().median_gap(), Some(10.0));
    assert_eq!(Profile::default().rhythm().median_gap(), None);
}

#[test]
fn windows_end_where_they_say() {
    let profile = regular();
    assert_eq!(read(&profile, "orders_60_days", day(60)), 3.0);
    assert_eq!(read(&profile, "orders_180_days", day(179)), 4.0);
    assert_eq!(read(&profile, "order_value_180_days", day(180)), 125.0);
    assert_eq!(read(&profile, "order_months_180_days", day(41)), 2.0);
    assert_eq!(read(&profile, "order_first", day(180)), 180.0);
}

#[test]
fn sizes_are_of_the_home_currency() {
    let mut profile = regular();
    fold(
        &mut profile,
        &track("Order Completed", day(50)).text("order_id", "x").number("total", 9e6).text("currency", "JPY"),
    );
    let sizes = profile.rhythm().sizes();
    assert_eq!((sizes.last, sizes.largest), (5.0, 80.0));
    let mean = [20.0_f64, 40.0, 80.0, 5.0].map(f64::ln_1p).iter().sum::<f64>() / 4.0;
    assert!((sizes.typical - mean.exp_m1()).abs() < 1e-9);
    assert!((sizes.trend - (5.0_f64.ln_1p() - mean)).abs() < 1e-9);
}

#[test]
fn silence_beyond_the_usual_gap_makes_an_order_less_likely() {
    let profile = regular();
    let rhythm = profile.rhythm();
    let due = |n| rhythm.due(Span::days(90), day(n)).expect("there is an order");
    assert!(due(45) > due(100) && due(100) > due(300), "{} {} {}", due(45), due(100), due(300));
    assert!((0.0..=1.0).contains(&due(45)) && (0.0..=1.0).contains(&due(3_000)));
    assert!(rhythm.overdue(day(45)) < Some(0.0) && rhythm.overdue(day(300)) > Some(0.0));
    assert_eq!(Profile::default().rhythm().due(Span::days(90), NOON), None);
}

#[test]
fn rhythm_does_not_depend_on_how_orders_arrive() {
    let mut late = Profile::default();
    for (id, at, total) in [("d", day(40) + Span::hours(1), 5.0), ("b", day(10), 40.0), ("a", day(0), 20.0)] {
        let made = track("Order Completed", at).text("order_id", id).number("total", total);
        fold_at(&mut late, &made, day(41));
    }
    let mut other = Profile::default();
    order(&mut other, "c", day(40), 80.0);
    late.merge(other);
    let at = day(60);
    for name in
        ["order_median_gap", "order_overdue", "order_due_90_days", "order_typical_value", "purchases_latest"]
    {
        assert_eq!(read(&late, name, at), read(&regular(), name, at), "{name}");
    }
}

#[test]
fn rhythm_is_of_the_latest_orders_only() {
    let mut profile = Profile::default();
    for n in 0..40_i64 {
        order(&mut profile, &format!("o{n}"), day(n * n), 10.0);
    }
    assert_eq!(profile.rhythm().purchases(), ORDERS_MAX);
    assert_eq!(profile.rhythm().gaps().last(), Some((39 * 39 - 38 * 38) as f64));
    assert_eq!(profile.rhythm().nth_last(ORDERS_MAX), Some(day(24 * 24)));
}

#[test]
fn seasons_turn_within_the_year() {
    let new_year = Timestamp(1_293_840_000_000);
    let winter = |days| read(&Profile::default(), "season_winter", new_year + Span::days(days));
    assert!(winter(0) > 0.99 && winter(183) < -0.99 && winter(365) > 0.99);
    let spring = |days| read(&Profile::default(), "season_spring", new_year + Span::days(days));
    assert!(spring(91) > 0.99 && spring(274) < -0.99);
}
