//! What the screen shows of decisions.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;

use schemas::decision::{Decision, Evaluated, Reason, Verdict};
use schemas::ids::{CustomerId, OutreachId, Position, Slot};
use schemas::time::Timestamp;
use schemas::value::Value;
use smol_str::SmolStr;

use super::tap::Counts;
use super::view::Screen;

fn decision(nth: u16, verdict: Verdict, reason: Reason) -> Decision {
    let customer = CustomerId::user("shopper-1");
    let slot = Slot { origin: customer.clone(), position: Position(4), nth, step: 0 };
    let condition = Evaluated {
        condition: SmolStr::new("cart.value gte 40"),
        value: Value::Number(78.5),
        held: true,
        partial: false,
    };
    Decision {
        id: OutreachId::of("cart-idle", &slot),
        customer,
        trigger: SmolStr::new("cart-idle"),
        version: 1,
        slot,
        key: SmolStr::new("c-1"),
        at: Timestamp(1_772_431_200_000),
        due: Timestamp(1_772_431_200_000),
        verdict,
        reason,
        conditions: vec![condition],
        scores: Vec::new(),
        propensity: 1.0,
        opened_by: SmolStr::new("m1"),
    }
}

/// Returns what the screen prints of `decisions` and the number of lines that name the customer.
fn shown(decisions: Vec<Decision>) -> (String, usize) {
    let counts = Arc::new(Counts::default());
    counts.ended.store(true, Ordering::Release);
    let (sender, seen) = sync_channel(decisions.len());
    for decision in decisions {
        sender.try_send(decision).expect("room for all");
    }
    let mut screen = Screen::new(counts);
    let mut out = Vec::new();
    while screen.step(&seen, &mut out).expect("a vector takes every write") {}
    let text = String::from_utf8(out).expect("text");
    let lines = text.lines().filter(|line| line.contains("shopper-1")).count();
    (text, lines)
}

#[test]
fn sent_decision_shows_its_conditions_with_their_values() {
    let (text, lines) = shown(vec![decision(0, Verdict::Sent, Reason::Clear)]);
    assert_eq!(lines, 1, "{text}");
    assert!(text.contains("✓ cart.value gte 40 (was 78.5)"), "{text}");
    assert!(text.contains("1 sent"), "{text}");
}

#[test]
fn decision_relayed_twice_is_one() {
    let sent = decision(0, Verdict::Sent, Reason::Clear);
    let (text, lines) = shown(vec![sent.clone(), sent]);
    assert_eq!(lines, 1, "{text}");
    assert!(text.contains("1 sent"), "{text}");
}

#[test]
fn further_refusals_for_one_reason_are_counted_and_not_shown() {
    let refused = (0..5).map(|nth| decision(nth, Verdict::Suppressed, Reason::NoConsent)).collect();
    let (text, lines) = shown(refused);
    assert_eq!(lines, 2, "{text}");
    assert!(text.contains("5 not sent") && text.contains("consent is not granted"), "{text}");
    assert_eq!(text.matches("are counted, not shown").count(), 1, "{text}");
}

#[test]
fn what_an_event_says_does_not_steer_the_terminal() {
    let key = SmolStr::new("\u{1b}[2Jc-1");
    let (text, _) = shown(vec![Decision { key, ..decision(0, Verdict::Sent, Reason::Clear) }]);
    assert!(text.contains("\\u{1b}[2Jc-1") && !text.contains('\u{1b}'), "{text}");
}
