//! What has to have come of care.events, by other code: one thread, plain counting over the JSON as it was sent. Nothing of the engine's
//! folding, windows, triggers or marks is used here.
//!
//! A record counts once per `messageId`. Three of the triggers are a record each; [`LOOKED_AND_LEFT`] is a wait that an order ends: what
//! was due before a record comes before it, at the same instant the record comes first. What went astray counts where an engine has
//! relayed it to, and that it did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::story::{
    CHECKOUT_SCORED, EVERY_ORDER, FIFTH_ORDER, LOOKED_AND_LEFT, LOOKED_AND_LEFT_MS, says_it_is_astray,
};
use super::topic::Stored;

/// What names an outreach: the trigger, the customer, and where the record stands that opened it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Name of the trigger.
    pub trigger: String,
    /// Whose.
    pub customer: String,
    /// Offset in the customer's partition.
    pub offset: i64,
}

/// What a row has to say of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events by name, each once.
    pub events: BTreeMap<String, u64>,
    /// Orders completed.
    pub orders: u64,
    /// What they came to. Units: hundredths.
    pub order_value: i64,
    /// Offset of the customer's last record, of whatever kind.
    pub last_offset: i64,
    /// Sequence numbers that arrived.
    pub sequences: BTreeSet<u64>,
}

/// Everything that has to have come of a topic.
#[derive(Debug, Default)]
pub struct Expected {
    /// By customer.
    pub customers: BTreeMap<String, Totals>,
    /// Every outreach.
    pub outreach: BTreeSet<Cause>,
    /// Message ids of what went astray and was left where it stands.
    pub left_astray: BTreeSet<String>,
}

impl Expected {
    /// Leaves out what whoever decided had no reason to send: engines are not of one mind about [`CHECKOUT_SCORED`].
    pub fn without(mut self, declined: &BTreeSet<Cause>) -> Self {
        self.outreach.retain(|cause| !declined.contains(cause));
        self
    }
}

/// The records of care.events, those of each partition in order, with what each says.
pub struct Told<'a> {
    /// Those that stand in their customer's partition.
    pub at_home: Vec<(&'a Stored, Value)>,
    /// Events that went astray, by where they stand.
    astray: BTreeMap<Place, (&'a Stored, Value)>,
}

impl<'a> Told<'a> {
    /// Reads records.
    pub fn of(events: &'a [Stored]) -> Self {
        let mut told = Self { at_home: Vec::new(), astray: BTreeMap::new() };
        for record in events {
            let said = serde_json::from_slice(&record.body).expect("producer and engine send JSON");
            match record.kind == "event" && says_it_is_astray(&said) {
                true => drop(told.astray.insert((record.partition.into(), record.offset), (record, said))),
                false => told.at_home.push((record, said)),
            }
        }
        told
    }
}

/// Returns what has to have come of records, every wait over.
pub fn expect(told: &Told<'_>) -> Expected {
    let mut expected = Expected::default();
    for (record, event) in told.astray.values() {
        let (customer, message) = (record.key.clone(), text(&event["messageId"]));
        expected.customers.entry(customer).or_default().sequences.insert(sequence(&message));
        expected.left_astray.insert(message);
    }
    let mut waits: BTreeMap<&str, BTreeMap<String, Wait>> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (record, said) in &told.at_home {
        let totals = expected.customers.entry(record.key.clone()).or_default();
        totals.last_offset = record.offset;
        let event = match record.kind.as_str() {
            "event" => said,
            "stray" => &told.astray.get(&came_from(said)).expect("a stray names where it stood").1,
            _ => continue,
        };
        let message = text(&event["messageId"]);
        expected.left_astray.remove(&message);
        if !seen.insert(message.clone()) {
            continue;
        }
        let name = text(&event["event"]);
        *totals.events.entry(name.clone()).or_default() += 1;
        totals.sequences.insert(sequence(&message));
        let cause = |trigger: &str, offset| Cause {
            trigger: trigger.to_owned(),
            customer: record.key.clone(),
            offset,
        };
        let waiting = waits.entry(&record.key).or_default();
        let over: Vec<Wait> =
            waiting.extract_if(.., |_, wait| wait.due_ms < record.stamp_ms).map(|(_, wait)| wait).collect();
        expected.outreach.extend(over.iter().map(|wait| cause(LOOKED_AND_LEFT, wait.opened_at)));
        match name.as_str() {
            "Product Viewed" => {
                let due_ms = record.stamp_ms + LOOKED_AND_LEFT_MS;
                let product = text(&event["properties"]["product_id"]);
                waiting.entry(product).or_insert(Wait { due_ms, opened_at: record.offset });
            }
            "Order Completed" => {
                waiting.clear();
                totals.orders += 1;
                totals.order_value += 100 * event["properties"]["total"].as_i64().expect("a whole number");
                expected.outreach.insert(cause(EVERY_ORDER, record.offset));
                if totals.orders == 5 {
                    expected.outreach.insert(cause(FIFTH_ORDER, record.offset));
                }
            }
            "Checkout Started" => drop(expected.outreach.insert(cause(CHECKOUT_SCORED, record.offset))),
            "Product Added" => {}
            other => panic!("the story tells of no {other}"),
        }
    }
    for (customer, waiting) in waits {
        let trigger = LOOKED_AND_LEFT.to_owned();
        expected.outreach.extend(waiting.values().map(|wait| Cause {
            trigger: trigger.clone(),
            customer: customer.to_owned(),
            offset: wait.opened_at,
        }));
    }
    expected
}

/// Partition and offset.
type Place = (i64, i64);

/// Returns where a stray stood before it was relayed.
fn came_from(stray: &Value) -> Place {
    let number = |name: &str| stray["from"][name].as_i64().expect("a place has numbers");
    (number("partition"), number("position"))
}

struct Wait {
    due_ms: i64,
    opened_at: i64,
}

/// Returns the text of a value.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the number behind the last hyphen of a message id.
fn sequence(message: &str) -> u64 {
    message
        .rsplit('-')
        .next()
        .and_then(|number| number.parse().ok())
        .expect("the producer numbers its messages")
}
