//! What is sent: type, timestamp, data. The same bytes for an id at every attempt, since it holds nothing of the attempt.

use schemas::decision::{Category, Outreach};
use schemas::ids::CustomerId;
use schemas::value::Properties;
use serde::Serialize;

/// What every payload is of.
const TYPE: &str = "care.outreach";

/// Members in the order of `webhook.schema.json`.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: String,
    customer: &'a CustomerId,
    trigger: &'a str,
    trigger_version: u32,
    category: Category,
    channel: &'a str,
    template: &'a str,
    facts: &'a Properties,
    expires: String,
}

/// Returns the body of an outreach.
pub(super) fn body(outreach: &Outreach) -> Vec<u8> {
    let payload = Payload {
        kind: TYPE,
        timestamp: outreach.at.to_string(),
        data: Data {
            id: outreach.id.to_string(),
            customer: &outreach.customer,
            trigger: &outreach.trigger,
            trigger_version: outreach.version,
            category: outreach.category,
            channel: &outreach.channel,
            template: &outreach.template,
            facts: &outreach.facts,
            expires: outreach.expires.to_string(),
        },
    };
    serde_json::to_vec(&payload).expect("strings, numbers and JSON values are always JSON")
}
