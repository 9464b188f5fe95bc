//! The triggers that the engine brings along: legal, without warnings, told in whole sentences.

use std::fs;
use std::path::Path;

use super::legal;
use crate::trigger::words::describe;

/// Returns the ready triggers, by file name without its ending.
fn ready() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/triggers");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of ready triggers")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a text"))
        })
        .collect();
    files.sort();
    files
}

fn text_of(name: &str) -> String {
    ready().into_iter().find(|(file, _)| file == name).expect("a ready trigger").1
}

#[test]
fn every_ready_trigger_lints_without_warnings() {
    let ready = ready();
    assert!(ready.len() >= 9, "{}", ready.len());
    for (file, text) in &ready {
        let parsed = legal(text);
        let warnings: Vec<String> = parsed.warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.is_empty(), "{file}: {warnings:?}");
        assert_eq!(parsed.trigger.name, file.as_str());
        assert_eq!(parsed.trigger.action.channel, "log", "{file}: the one channel that is always there");
        assert!(!parsed.trigger.description.is_empty(), "{file}");
    }
}

#[track_caller]
fn check(name: &str, expected: &str) {
    assert_eq!(describe(&legal(&text_of(name)).trigger), expected);
}

#[test]
fn cart_idle_in_words() {
    check(
        "cart-idle",
        "\
cart-idle, version 1: A shopper left a filled cart
mode: live, it decides and sends
starts: on Product Added, for each cart by itself
starts again of the same one: 1 day after the last time, at most 3 times in all
waits: 30 min, anew from each Product Added, Product Removed or Cart Viewed of the same cart
ends without a message: on Checkout Started of the same cart
ends without a message: on Order Completed of the same cart
ends without a message: on Cart Cleared of the same cart
sends only if all of these hold then:
  - cart.value ≥ 40
  - exactly 0 Payment Failed within 1 h
purpose: marketing, only with the customer's consent
priority: 40 of 100 beside other triggers
too late: 1 h after it was due
quiet: from 21:00 to 08:00 of the customer's day
caps: hold for it, and it uses them up
held up by a cap or quiet hours: it waits, 12 h at most
an open case of the customer: stops it
sends: template cart-idle over channel log, with cart.value, cart.items
holds back: 5 % of them, to learn what the message changes
goal: Order Completed within 3 days of the start, unless it is about another cart
",
    );
}

#[test]
fn churn_risk_in_words() {
    check(
        "churn-risk",
        "\
churn-risk, version 1: A customer will probably not come back
mode: live, it decides and sends
starts: when the score churn rises above 0.8; not again before it fell below 0.6
starts again: 60 days after the last time
sends only if then: orders.count ≥ 2
purpose: marketing, only with the customer's consent
priority: 20 of 100 beside other triggers
too late: 1 day after it was due
quiet: from 20:00 to 09:00 of the customer's day
caps: hold for it, and it uses them up
held up by a cap or quiet hours: it waits, 1 day at most
an open case of the customer: stops it
sends: template churn-risk over channel log, with orders.count, orders.days_since_last
holds back: 20 % of them, to learn what the message changes
goal: Order Completed within 30 days of the start
",
    );
}

#[test]
fn good_customer_gone_silent_in_words() {
    check(
        "good-customer-gone-silent",
        "\
good-customer-gone-silent, version 1: A customer of five orders or more has not ordered for sixty days
mode: live, it decides and sends
starts: when this begins to hold: orders.days_since_last ≥ 60 and orders.count ≥ 5
starts again: once the last time has ended
purpose: service, about what the customer has with the shop; needs no consent to marketing
priority: 30 of 100 beside other triggers
too late: 1 day after it was due
quiet: from 20:00 to 09:00 of the customer's day
caps: hold for it, and it uses them up
held up by a cap or quiet hours: it waits, 1 day at most
an open case of the customer: stops it
sends: template good-customer-gone-silent over channel log, with orders.count, orders.days_since_last, orders.last_id
holds back: 10 % of them, to learn what the message changes
goal: Order Completed within 30 days of the start
",
    );
}

#[test]
fn a_filter_a_property_key_and_no_deferral_in_words() {
    let text = text_of("low-rating").replace("  policy:", "  policy:\n    on_cap: drop");
    let words = describe(&legal(&text).trigger);
    for line in [
        "starts: on Product Reviewed (where event.rating ≤ 2), for each product_id by itself",
        "starts again of the same one: 30 days after the last time",
        "ends without a message: on Case Opened",
        "held up by a cap or quiet hours: it is dropped",
    ] {
        assert!(words.lines().any(|told| told == line), "{line}\n---\n{words}");
    }
}
