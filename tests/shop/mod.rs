//! A small invented shop: its shoppers' events as Segment JSON, the same for the same seed.
//!
//! It makes the bundled file of the demonstration (`ops/demo-data/shop.jsonl`) and the input of the kill loop. It is no model of
//! real shoppers: rates are chosen so that everything the engine does happens within a few days. Nothing here is a real person,
//! product or order.

mod catalogue;
mod random;
mod shopper;

use serde_json::{Value, json};

pub use random::Random;

/// First instant of the invented calendar: Monday, 2 March 2026, 06:00 UTC.
pub const OPENS_AT_MS: i64 = 1_772_431_200_000;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Of how many events one is sent twice, as a client that missed the answer does.
const ONE_IN_RESENT: u64 = 90;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// The same seed makes the same events.
    pub seed: u64,
    /// Number of shoppers.
    pub shoppers: u32,
    /// Days over which they come.
    pub days: u32,
}

impl Shop {
    /// Returns the events in order of time, one JSON object per line.
    pub fn lines(self) -> Vec<String> {
        let mut random = Random::new(self.seed);
        let mut events = Vec::new();
        for number in 0..self.shoppers {
            shopper::visit(self, number, &mut random, &mut events);
        }
        resend_some(&mut random, &mut events);
        forget_who(&mut events);
        events.sort_by_key(|event| event.at_ms);
        events.iter().map(Event::line).collect()
    }
}

/// An event before it is written down.
#[derive(Clone, Debug)]
struct Event {
    at_ms: i64,
    body: Value,
}

impl Event {
    fn line(&self) -> String {
        self.body.to_string()
    }
}

/// Sends some events a second time, a little later, under the same message id.
fn resend_some(random: &mut Random, events: &mut Vec<Event>) {
    let resent: Vec<Event> = events
        .iter()
        .filter(|_| random.below(ONE_IN_RESENT) == 0)
        .map(|event| Event { at_ms: event.at_ms + 2_000, body: event.body.clone() })
        .collect();
    events.extend(resent);
}

/// Adds two events that name nobody, so that a run shows what becomes of bad input.
fn forget_who(events: &mut Vec<Event>) {
    for nth in 1..=2 {
        let at_ms = OPENS_AT_MS + nth * 5 * HOUR_MS;
        let body = json!({
            "type": "track",
            "messageId": format!("nobody-{nth}"),
            "event": "Product Viewed",
            "timestamp": rfc3339(at_ms),
            "properties": { "product_id": "p-01" },
        });
        events.push(Event { at_ms, body });
    }
}

fn rfc3339(at_ms: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(at_ms).expect("the shop's days lie within the calendar");
    format!("{instant:.3}")
}
