//! What every channel does: it keeps its promise about repeated calls.

use std::sync::Arc;

use schemas::ids::OutreachId;

use super::sample;
use crate::port::channel::{Channel, Delivery, Repeat};

/// A channel without history, and a way to see what it did.
pub struct Fixture {
    /// The channel.
    pub channel: Arc<dyn Channel>,
    /// Returns what reached the customer, in order, an id as often as it was sent.
    pub sent: Box<dyn Fn() -> Vec<OutreachId>>,
}

/// Runs every check on fresh channels.
pub async fn suite(make: impl Fn() -> Fixture) {
    delivers_what_it_takes(make()).await;
    keeps_its_promise_about_repeats(make()).await;
}

async fn delivers_what_it_takes(Fixture { channel, sent }: Fixture) {
    let outreach = [sample::outreach("ada", 1), sample::outreach("ada", 2), sample::outreach("bob", 1)];
    for one in &outreach {
        let delivery = channel.deliver(one.clone()).await;
        assert!(matches!(delivery, Delivery::Delivered(_)), "{delivery:?}");
    }
    assert_eq!(sent(), outreach.map(|one| one.id), "every outreach is sent, in order");
}

async fn keeps_its_promise_about_repeats(Fixture { channel, sent }: Fixture) {
    let one = sample::outreach("ada", 1);
    for _ in 0..3 {
        let delivery = channel.deliver(one.clone()).await;
        assert!(
            matches!(delivery, Delivery::Delivered(_)),
            "a repeated call is answered alike: {delivery:?}"
        );
    }
    let expected = match channel.repeat() {
        Repeat::Idempotent => 1,
        Repeat::AtMostOnce => 3,
    };
    assert_eq!(sent(), vec![one.id; expected], "{:?}", channel.repeat());
}
