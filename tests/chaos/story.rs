//! What customers do in a round: events as Segment JSON, the same for the same seed, each with the customer's own sequence number.
//!
//! Every number a row could lose or count twice is made of sequence numbers: an order's total is its number, so one order more or less
//! shows in the sum, and which one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use care_tests::shop::Random;

/// Customers of one round; in the next some are new and as many are gone.
const CUSTOMERS: u64 = 120;
/// Customers that are new in a round.
const NEW: u64 = 15;
/// Products that a customer looks at.
const PRODUCTS: u64 = 3;
/// Of a hundred events so many are sent a second time, as a client does that missed the answer.
const RESENT_PERCENT: u64 = 4;
/// A second time comes at most so many events of the customer later.
const RESENT_WITHIN: u64 = 10;

/// One event to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// By whom: the record's key.
    pub customer: String,
    /// The how manieth of the customer, from 1. The same again where it is sent a second time.
    pub sequence: u64,
    /// Segment JSON.
    pub body: String,
}

/// What customers do, round after round.
pub struct Story {
    random: Random,
    /// Events by number, for each customer.
    said: BTreeMap<u64, Vec<Said>>,
    /// The first customer of the round.
    first: u64,
}

impl Story {
    /// Returns the story of a seed, in its first round.
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed ^ 0x5707), said: BTreeMap::new(), first: 0 }
    }

    /// Begins another round: new customers come, the oldest go silent.
    pub fn turn_the_page(&mut self, seed: u64) {
        self.random = Random::new(seed ^ 0x5707);
        self.first += NEW;
    }

    /// Returns the next event.
    pub fn next(&mut self) -> Said {
        let number = self.first + self.random.below(CUSTOMERS);
        let before = self.said.get(&number).map_or(0, Vec::len) as u64;
        if before > 0 && self.random.chance(RESENT_PERCENT) {
            let back = 1 + self.random.below(before.min(RESENT_WITHIN));
            return self.said[&number][(before - back) as usize].clone();
        }
        let customer = format!("c{number}");
        let body = self.event(&customer, before + 1);
        let said = Said { customer, sequence: before + 1, body };
        self.said.entry(number).or_default().push(said.clone());
        said
    }

    fn event(&mut self, customer: &str, sequence: u64) -> String {
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
        json!({"type": "track", "userId": customer, "messageId": id, "event": name, "properties": properties})
            .to_string()
    }
}

/// Trigger files of the world, by name. Each shows one way of coming to an outreach; `oracle` says by itself what has to come of them.
pub const TRIGGERS: [(&str, &str); 4] = [
    (EVERY_ORDER, include_str!("triggers/every-order.yaml")),
    (FIFTH_ORDER, include_str!("triggers/fifth-order.yaml")),
    (LOOKED_AND_LEFT, include_str!("triggers/looked-and-left.yaml")),
    (CHECKOUT_SCORED, include_str!("triggers/checkout-scored.yaml")),
];

/// At once, for every order; over the channel that never repeats a call.
pub const EVERY_ORDER: &str = "every-order";
/// When what the row counts comes to five.
pub const FIFTH_ORDER: &str = "fifth-order";
/// By a timer, unless an order comes first.
pub const LOOKED_AND_LEFT: &str = "looked-and-left";
/// When a score has come.
pub const CHECKOUT_SCORED: &str = "checkout-scored";

/// How long [`LOOKED_AND_LEFT`] waits. Units: ms.
pub const LOOKED_AND_LEFT_MS: i64 = 3_000;

/// The channel that never repeats a call.
pub const ONCE: &str = "once";
/// The channel whose reader takes an id once.
pub const AGAIN: &str = "again";
