//! What a history hands out, and when.

use schemas::feature;
use schemas::time::Span;
use serde_json::json;

use super::*;

pub(super) fn cart(id: &str) -> Value {
    json!({"cart_id": id, "product_id": "p", "price": 10, "quantity": 1, "currency": "EUR"})
}

pub(super) fn order(id: &str, cart: &str) -> Value {
    json!({"order_id": id, "cart_id": cart, "total": 10, "currency": "EUR"})
}

pub(super) fn at(minute: i64) -> Timestamp {
    DAY + Span::minutes(minute)
}

/// Returns what happened, a word each.
fn told(shop: &Shop, change: impl FnOnce(&mut Rules)) -> Vec<String> {
    let mut told = Vec::new();
    shop.play(change, &mut |moment| {
        told.push(match moment {
            Moment::Folded { row, event, orders, .. } => format!("{} {} +{orders}", row.id(), event.name),
            Moment::Merged { from, row } => format!("{from} into {}", row.id()),
            Moment::Dated { row, known, .. } => format!("{} dated {known}", row.id()),
            Moment::Passed { .. } | Moment::Asked { .. } => return,
        });
    });
    told
}

#[test]
fn an_event_is_told_once_and_a_visitor_becomes_part_of_the_user() {
    let mut shop = Shop::default();
    shop.track("v1", 0, "Product Added", cart("c")).again();
    shop.track("u1+v1", 1, "Signed In", json!({}));
    shop.track("v1", 2, "Order Completed", order("o", "c"));
    shop.track("u1", 3, "Order Completed", order("o", "c"));
    let expected = [
        "anon:v1 Product Added +0",
        "u1 Signed In +0",
        "anon:v1 into u1",
        "u1 Order Completed +1",
        "u1 Order Completed +0",
    ];
    assert_eq!(told(&shop, |_| {}), expected);
}

#[test]
fn a_date_shows_every_row_after_what_was_due_before_it_and_before_what_came_then() {
    let mut shop = Shop::default();
    shop.track("u1", 0, "Page Viewed", json!({}));
    shop.track("u2", 200, "Page Viewed", json!({}));
    shop.track("u1", 300, "Page Viewed", json!({}));
    let mut seen = Vec::new();
    let dates = |rules: &mut Rules| rules.dates = vec![at(300), at(100), at(100), at(9_000)];
    let played = shop.play(dates, &mut |moment| {
        if let Moment::Dated { row, at, known } = moment {
            let sessions = row.profile().sessions();
            let features = feature::extract(row.profile(), at);
            let tenure = features[feature::place("tenure").expect("a feature")];
            seen.push((
                row.id().to_string(),
                at,
                known,
                sessions.count(),
                sessions.open().is_some(),
                tenure > 0.0,
            ));
        }
    });
    let row = |id: &str, minute, known, sessions, tenure| {
        (id.to_owned(), at(minute), known, sessions, false, tenure)
    };
    let expected = [
        row("u1", 100, 1, 1, true),
        row("u1", 300, 2, 1, true),
        row("u2", 300, 2, 1, true),
        row("u1", 9_000, 3, 2, true),
        row("u2", 9_000, 3, 1, true),
    ];
    assert_eq!(seen, expected);
    assert_eq!((played.customers, played.end, played.first), (2, at(300), Some(at(0))));
}

#[test]
fn silence_asks_to_the_end_of_the_history_and_no_further() {
    let mut shop = Shop::default();
    shop.track("u1", 0, "Product Added", cart("c"));
    let asked = |until: Option<i64>| {
        let mut asked = Vec::new();
        let end = |rules: &mut Rules| rules.until = until.map(at);
        shop.play(end, &mut |moment| {
            if let Moment::Asked { ask, known, .. } = moment
                && ask.head == Head::CartAbandonment
            {
                asked.push(((ask.at - DAY).0 / 60_000, known));
            }
        });
        asked
    };
    assert_eq!(asked(None), [(0, 1)]);
    assert_eq!(asked(Some(15)), [(0, 1), (5, 1)], "what is due at the end is not due before it");
    assert_eq!(asked(Some(16)), [(0, 1), (5, 1), (15, 1)]);
}

#[test]
fn a_timer_knows_nothing_of_the_record_that_came_after_it() {
    let mut shop = Shop::default();
    shop.track("u1", 0, "Product Added", cart("c"));
    shop.track("u1", 10, "Product Removed", cart("c"));
    let mut asked = Vec::new();
    shop.play(|_| {}, &mut |moment| {
        if let Moment::Asked { ask, known, .. } = moment
            && ask.head == Head::CartAbandonment
        {
            let items = feature::place("cart_items").expect("a feature");
            asked.push(((ask.at - DAY).0 / 60_000, known, ask.features[items]));
        }
    });
    assert_eq!(asked, [(0, 1, 1.0), (5, 1, 1.0)]);
}

#[test]
fn the_same_file_is_the_same_history() {
    let mut shop = Shop::default();
    for minute in 0..50 {
        shop.track(&format!("v{}", minute % 7), minute * 9, "Product Added", cart("c"));
        shop.track(
            &format!("u{}+v{}", minute % 5, minute % 7),
            minute * 9 + 1,
            "Order Completed",
            order(&minute.to_string(), "c"),
        );
    }
    let all = || {
        let mut all = Vec::new();
        shop.play(|rules| rules.dates = vec![at(200)], &mut |moment| all.push(format!("{moment:?}")));
        all
    };
    let first = all();
    assert!(first.len() > 200);
    assert_eq!(first, all());
}
