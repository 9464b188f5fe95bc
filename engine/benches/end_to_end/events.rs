//! Events as shops send them: Segment JSON of about 470 bytes, keyed by customer, from a seed. Cheap to make, since what makes them counts.

use std::fmt::Write;

use actors::port::log::NewRecord;
use bytes::Bytes;
use schemas::ids::PartitionId;
use schemas::record::RecordKind;
use schemas::time::Timestamp;
use smol_str::SmolStr;

/// Share of the events that lead to a decision: one in so many.
pub const DECIDED_EVERY: u64 = 100;

/// The `position` that a trigger of [`crate::book`] looks for.
pub const DECIDED_POSITION: u64 = 99;

/// What shoppers do, by share: mostly they look.
const NAMES: [(&str, u64); 6] = [
    ("Product Viewed", 80),
    ("Product Added", 88),
    ("Products Searched", 93),
    ("Cart Viewed", 97),
    ("Checkout Started", 99),
    ("Order Completed", 100),
];

/// Whose event comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Anybody's.
    Random,
    /// Everybody's in turn.
    Rounds,
}

/// A stream of events that a seed fixes.
pub struct Events {
    random: u64,
    customers: u64,
    order: Order,
    /// Number of the first customer.
    first: u64,
    partitions: u32,
    /// Events made.
    made: u64,
    body: String,
}

impl Events {
    /// Returns the events of so many customers.
    pub fn new(customers: u64, order: Order, partitions: u32) -> Self {
        Self {
            random: 2_026,
            customers,
            order,
            first: 0,
            partitions,
            made: 0,
            body: String::with_capacity(640),
        }
    }

    /// Returns the same stream of other customers: those that come after so many.
    pub fn after(self, customers: u64) -> Self {
        Self { first: customers, ..self }
    }

    /// Returns the next `count` events, as if they happened `now`. Every [`DECIDED_EVERY`]th is to lead to a decision.
    pub fn batch(&mut self, count: usize, now: Timestamp) -> Vec<NewRecord> {
        let stamp = instant(now);
        (0..count).map(|_| self.next(&stamp)).collect()
    }

    /// Returns the customer of this number.
    pub fn customer(number: u64) -> String {
        format!("customer-{number:07}")
    }

    /// Returns how many were made.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Returns the number of the event with this message id, from 1.
    pub fn number(message: &str) -> Option<u64> {
        message.strip_prefix("ajs-next-")?.get(..13)?.parse().ok()
    }

    fn next(&mut self, stamp: &str) -> NewRecord {
        let random = self.bits();
        let number = self.first
            + match self.order {
                Order::Random => random % self.customers,
                Order::Rounds => self.made % self.customers,
            };
        self.made += 1;
        let decided = self.made.is_multiple_of(DECIDED_EVERY);
        self.write(number, random >> 32, decided, stamp);
        let key = SmolStr::new(&self.body[USER_FROM..USER_FROM + USER_LEN]);
        NewRecord {
            partition: PartitionId::of(&key, self.partitions),
            key,
            kind: RecordKind::Event,
            epoch: None,
            stamp: None,
            body: Bytes::copy_from_slice(self.body.as_bytes()),
        }
    }

    fn write(&mut self, number: u64, random: u64, decided: bool, stamp: &str) {
        let percent = random % 100;
        let name =
            NAMES.iter().find(|(_, up_to)| percent < *up_to).map_or("Product Viewed", |(name, _)| name);
        let name = if decided { "Product Viewed" } else { name };
        let (product, place) = (random % 5_000, if decided { DECIDED_POSITION } else { random % 40 });
        let (euros, cents) = (5 + product % 95, product % 100);
        let (of, id) = if name == "Order Completed" { ("order_id", "o-") } else { ("sku", "B-") };
        let (made, body) = (self.made, &mut self.body);
        body.clear();
        let written = write!(
            body,
            r#"{{"userId":"customer-{number:07}","type":"track","event":"{name}","messageId":"ajs-next-{made:013}-5b1e2c","timestamp":"{stamp}","context":{{"locale":"de-DE","timezone":"Europe/Berlin","page":{{"path":"/p/sku-{product:04}","title":"Kettle","referrer":"https://shop.example/kitchen"}}}},"properties":{{"product_id":"sku-{product:04}","{of}":"{id}{made}","category":"kitchen","name":"Electric kettle 1.7 l","brand":"Acme","price":{euros}.{cents:02},"quantity":1,"currency":"EUR","position":{place}}}}}"#,
        );
        written.expect("a string takes every write");
    }

    /// Returns the next 64 bits: SplitMix64.
    fn bits(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Where the customer stands in a body.
const USER_FROM: usize = r#"{"userId":""#.len();
const USER_LEN: usize = "customer-0000000".len();

fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| format!("{at:.3}")).unwrap_or_default()
}
