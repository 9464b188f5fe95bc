//! What snapshots are labelled, weighed and thinned to.

use schemas::time::Span;

use super::history::{at, cart, order};
use super::*;
use crate::train::dataset::{self, Collector, Gathered};
use crate::train::label::Definition;

/// Returns the rows of a head as (minute, label, weight), and what became of the moments.
fn rows(
    shop: &Shop,
    head: Head,
    change: impl FnOnce(&mut dataset::Settings),
) -> (Vec<(i64, bool, f32)>, Gathered) {
    let mut settings = dataset::Settings {
        gap: Span(0),
        per_customer: usize::MAX,
        ..dataset::Settings::new(Definition::of(head))
    };
    change(&mut settings);
    let mut collector = Collector::new(settings);
    let played =
        shop.play(|rules| rules.until = Some(at(200 * 24 * 60)), &mut |moment| collector.take(&moment));
    let (dataset, gathered, samples) = collector.finish(played.end);
    assert!(samples.iter().zip(&dataset.rows).all(|(sample, row)| sample.at == row.at));
    let rows = dataset.rows.iter().map(|row| ((row.at - DAY).0 / 60_000, row.label, row.weight));
    (rows.collect(), gathered)
}

fn labels(shop: &Shop, head: Head) -> Vec<(i64, bool)> {
    rows(shop, head, |_| {}).0.into_iter().map(|(minute, label, _)| (minute, label)).collect()
}

#[test]
fn a_cart_is_abandoned_unless_it_is_ordered_within_a_day() {
    let mut shop = Shop::default();
    shop.track("u1", 0, "Product Added", cart("a"));
    shop.track("u1", 1_440, "Order Completed", order("o1", "a"));
    shop.track("u2", 0, "Product Added", cart("b"));
    shop.track("u2", 1_441, "Order Completed", order("o2", "b"));
    shop.track("u3", 0, "Product Added", cart("c"));
    let mut found = labels(&shop, Head::CartAbandonment);
    found.retain(|(minute, _)| *minute == 0);
    assert_eq!(found, [(0, false), (0, true), (0, true)]);
}

#[test]
fn a_session_ends_in_a_purchase_or_with_silence() {
    let mut shop = Shop::default();
    shop.track("u1", 0, "Product Viewed", cart("a"));
    shop.track("u1", 10, "Order Completed", order("o1", "a"));
    shop.track("u2", 0, "Product Viewed", cart("a"));
    shop.track("u2", 100, "Order Completed", order("o2", "a"));
    let found = labels(&shop, Head::PurchaseIntent);
    assert_eq!(found, [(0, true), (0, false), (10, false), (100, false)]);
}

#[test]
fn churn_is_silence_of_ninety_days_and_returns_are_what_is_undone() {
    let mut shop = Shop::default();
    let day = 24 * 60;
    shop.track("u1", 0, "Order Completed", order("o1", "a"));
    shop.track("u1", 90 * day, "Order Completed", order("o2", "a"));
    shop.track("u2", 0, "Order Completed", order("o3", "a"));
    shop.track("u2", 90 * day + 1, "Order Cancelled", order("o3", "a"));
    shop.track("u3", 0, "Order Completed", order("o4", "a"));
    shop.track("u3", 90 * day, "Order Cancelled", order("o4", "a"));
    let only_first = |mut found: Vec<(i64, bool)>| {
        found.retain(|(minute, _)| *minute == 0);
        found
    };
    assert_eq!(only_first(labels(&shop, Head::Churn)), [(0, false), (0, true), (0, true)]);
    assert_eq!(only_first(labels(&shop, Head::Return)), [(0, false), (0, false), (0, true)]);
}

#[test]
fn what_a_visitor_was_asked_waits_for_the_user() {
    let mut shop = Shop::default();
    shop.track("v1", 0, "Product Added", cart("a"));
    shop.track("u1+v1", 1, "Signed In", json!({}));
    shop.track("u1", 2, "Order Completed", order("o1", "a"));
    let (found, gathered) = rows(&shop, Head::CartAbandonment, |_| {});
    assert!(found.iter().all(|(_, label, _)| !label) && !found.is_empty(), "{found:?}");
    assert_eq!(gathered.customers, 1);
}

#[test]
fn a_snapshot_whose_horizon_goes_beyond_the_end_is_dropped_whatever_came() {
    let mut shop = Shop::default();
    let day = 24 * 60;
    shop.track("u1", 150 * day, "Order Completed", order("o1", "a"));
    shop.track("u1", 151 * day, "Order Completed", order("o2", "a"));
    let (found, gathered) = rows(&shop, Head::Churn, |_| {});
    assert!(found.is_empty() && gathered.beyond_end > 1, "{found:?} {gathered:?}");
}

#[test]
fn contact_censors_before_the_label_is_settled_and_not_after() {
    let contact = |name: &str, reason: &str, propensity: f64| json!({"trigger": "t", "category": "marketing", "reason": reason, "propensity": propensity, "name": name});
    let mut shop = Shop::default();
    for (user, event, reason, propensity) in [
        ("u1", "Outreach Sent", "", 0.75),
        ("u2", "Outreach Withheld", "holdout", 0.25),
        ("u4", "Outreach Sent", "", 0.75),
    ] {
        shop.track(user, 0, "Product Added", cart(user));
        if user == "u4" {
            shop.track(user, 1, "Order Completed", order("o", user));
        }
        shop.track(user, 2, event, contact(event, reason, propensity));
    }
    shop.track("u3", 2, "Product Added", cart("u3"));
    let (mut found, gathered) = rows(&shop, Head::CartAbandonment, |settings| settings.until = Some(at(3)));
    found.sort_by(|a, b| a.2.total_cmp(&b.2).then(a.0.cmp(&b.0)));
    assert_eq!(found, [(0, false, 1.0), (2, true, 1.0), (0, true, 4.0)]);
    assert_eq!((gathered.arms.contacted, gathered.arms.control, gathered.arms.untouched), (1, 1, 2));
}

#[test]
fn one_customer_does_not_outnumber_the_others_and_the_draw_is_that_of_the_seed() {
    let mut shop = Shop::default();
    for minute in 0..40 {
        shop.track("u1", minute, "Product Added", cart("a"));
    }
    shop.track("u2", 50, "Product Added", cart("b"));
    let draw = |seed| {
        rows(&shop, Head::CartAbandonment, |settings| (settings.per_customer, settings.seed) = (5, seed))
    };
    let (found, gathered) = draw(1);
    assert_eq!((found.len(), gathered.drawn_out > 30), (5 + 4, true));
    assert_eq!(draw(1).0, found);
    assert_ne!(draw(2).0, found);
    let (thinned, gathered) = rows(&shop, Head::CartAbandonment, |settings| settings.gap = Span::minutes(10));
    assert!(gathered.too_soon > 30 && thinned.len() < 12, "{thinned:?}");
}

#[test]
fn too_little_to_learn_from_is_refused_with_what_there_is() {
    let mut shop = Shop::default();
    shop.track("u1", 0, "Product Added", cart("a"));
    let mut collector = Collector::new(dataset::Settings::new(Definition::of(Head::CartAbandonment)));
    let played = shop.play(|rules| rules.until = Some(at(9_000)), &mut |moment| collector.take(&moment));
    let refused = dataset::enough(&collector.finish(played.end).0).expect_err("too little");
    assert!(refused.starts_with("there are 4 rows of cart_abandonment, 4 of which"), "{refused}");
}
