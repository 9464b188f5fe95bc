//! What customers do in a round: events as Segment JSON, the same for the same seed, each with the customer's own sequence number.
//!
//! Every number a row could lose or count twice is made of sequence numbers: an order's total is its number, so one order more or less
//! shows in the sum, and which one. Some events go astray, to another partition than their customer's, and say so.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use care_tests::shop::Random;

/// Customers of one round; in the next some are new and as many are gone.
const REGULARS: u64 = 120;
/// Customers that are new in a round.
const NEW: u64 = 15;
/// Customers that pass by at once.
const PASSERS: u64 = 40;
/// After so many events one of them is gone for good and another comes: each is there for a second or two.
const PASSING_EVENTS: u64 = 5;
/// Of a hundred events so many are one customer's, who says more in two seconds than a row remembers messages.
const BUSY_PERCENT: u64 = 30;
/// Products that a customer looks at.
const PRODUCTS: u64 = 3;
/// Of a hundred events so many are sent a second time, as a client does that missed the answer.
const RESENT_PERCENT: u64 = 4;
/// A second time comes at most so many events of the customer later.
const RESENT_WITHIN: u64 = 10;
/// Of a hundred events so many go astray, as they do with a producer that has another partitioner.
const ASTRAY_PERCENT: u64 = 10;

/// One event to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// By whom: the record's key.
    pub customer: String,
    /// The how manieth of the customer, from 1. The same again where it is sent a second time.
    pub sequence: u64,
    /// Segment JSON.
    pub body: String,
    /// It goes to another partition than its customer's. Its body says so as well.
    pub is_astray: bool,
}

/// How customers come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// They stay for several rounds: what was left lying for one of them is found when the customer comes again.
    Regulars,
    /// Each says a few things and is gone for good: what is left lying stays there.
    Passers,
}

/// What customers do, round after round.
pub struct Story {
    random: Random,
    /// Events by number, for each customer.
    said: BTreeMap<u64, Vec<Said>>,
    crowd: Crowd,
    /// The first customer who is there.
    first: u64,
    /// Events since somebody came or went.
    since: u64,
    /// The customer who says most of a round.
    busy: u64,
}

impl Story {
    /// Returns the story of a seed, in its first round, of regulars.
    pub fn new(seed: u64) -> Self {
        let random = Random::new(seed ^ 0x5707);
        Self { random, said: BTreeMap::new(), crowd: Crowd::Regulars, first: 0, since: 0, busy: 0 }
    }

    /// Begins another round: new customers come, the oldest go silent.
    pub fn turn_the_page(&mut self, seed: u64, crowd: Crowd) {
        self.random = Random::new(seed ^ 0x5707);
        self.crowd = crowd;
        self.first += NEW;
        self.busy = self.first;
    }

    /// Returns the next event.
    pub fn next(&mut self) -> Said {
        let number = self.somebody();
        let before = self.said.get(&number).map_or(0, Vec::len) as u64;
        if before > 0 && self.random.chance(RESENT_PERCENT) {
            let back = 1 + self.random.below(before.min(RESENT_WITHIN));
            let again = &self.said[&number][(before - back) as usize];
            // Of two that went astray the second may be relayed long after the first, when the row of whoever says so much has forgotten it.
            if number != self.busy || !again.is_astray {
                return again.clone();
            }
        }
        let customer = format!("c{number}");
        let is_astray = self.random.chance(ASTRAY_PERCENT);
        let body = self.event(&customer, before + 1, is_astray);
        let said = Said { customer, sequence: before + 1, body, is_astray };
        self.said.entry(number).or_default().push(said.clone());
        said
    }

    /// Returns the number of a customer who is there.
    fn somebody(&mut self) -> u64 {
        if self.random.chance(BUSY_PERCENT) {
            return self.busy;
        }
        match self.crowd {
            Crowd::Regulars => self.first + self.random.below(REGULARS),
            Crowd::Passers => {
                self.since += 1;
                self.first += u64::from(self.since.is_multiple_of(PASSING_EVENTS));
                self.first + self.random.below(PASSERS)
            }
        }
    }

    fn event(&mut self, customer: &str, sequence: u64, is_astray: bool) -> String {
        let id = format!("{customer}-{sequence}");
        let product = format!("p{}", self.random.below(PRODUCTS));
        let (name, properties): (&str, Value) = match self.random.below(100) {
            0..50 => ("Product Viewed", json!({"product_id": product, "price": 10})),
            50..65 => (
                "Product Added",
                json!({"cart_id": format!("cart-{id}"), "product_id": product, "price": 10, "quantity": 1}),
            ),
            65..85 => ("Order Completed", json!({"order_id": id, "total": sequence, "currency": "EUR"})),
            _ => ("Checkout Started", json!({"checkout_id": id})),
        };
        let mut event = json!({"type": "track", "userId": customer, "messageId": id, "event": name, "properties": properties});
        if is_astray {
            event["context"] = json!({(ASTRAY): true});
        }
        event.to_string()
    }
}

/// What the context of an event says that goes astray.
const ASTRAY: &str = "astray";

/// Returns true for an event that went astray, by what it says.
pub fn says_it_is_astray(event: &Value) -> bool {
    event["context"][ASTRAY] == true
}

/// Trigger files of the world, by name. Each shows one way of coming to an outreach; `oracle` says by itself what has to come of them.
pub const TRIGGERS: [(&str, &str); 4] = [
    (EVERY_ORDER, include_str!("triggers/every-order.yaml")),
    (FIFTH_ORDER, include_str!("triggers/fifth-order.yaml")),
    (LOOKED_AND_LEFT, include_str!("triggers/looked-and-left.yaml")),
    (CHECKOUT_SCORED, include_str!("triggers/checkout-scored.yaml")),
];

/// Returns a trigger as engines have it that are of a version of the triggers. Those of an even one ask more of [`CHECKOUT_SCORED`] than any
/// score can be, so that it makes a difference who decides.
pub fn as_of_version(trigger: &str, version: usize) -> String {
    let text = trigger.replacen("metadata:\n", &format!("metadata:\n  version: {version}\n"), 1);
    if version.is_multiple_of(2) { text.replacen("gte: 0}", "gte: 1}", 1) } else { text }
}

/// At once, for every order; over the channel that may be called again.
pub const EVERY_ORDER: &str = "every-order";
/// When what the row counts comes to five.
pub const FIFTH_ORDER: &str = "fifth-order";
/// By a timer, unless an order comes first.
pub const LOOKED_AND_LEFT: &str = "looked-and-left";
/// When a score has come, by what the engine that decides asks of it; over the channel that is never called again.
pub const CHECKOUT_SCORED: &str = "checkout-scored";

/// How long [`LOOKED_AND_LEFT`] waits. Units: ms.
pub const LOOKED_AND_LEFT_MS: i64 = 3_000;

/// The channel that never repeats a call.
pub const ONCE: &str = "once";
/// The channel whose reader takes an id once: a webhook where there are servers.
pub const AGAIN: &str = "again";
