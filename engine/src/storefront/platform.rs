//! What the shop's platform does: it streams what happened to the collector, in order, and each batch until it is accepted.

use anyhow::{Result, bail};
use schemas::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::link::{Answer, Link};
use crate::shop::Event;

/// Where batches go.
const BATCH: &str = "/v1/batch";

/// One request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Batch<'a> {
    batch: Vec<&'a RawValue>,
    sent_at: String,
}

/// The shop's platform.
pub(super) struct Platform {
    link: Link,
    key: String,
}

impl Platform {
    pub(super) fn new(link: Link, key: String) -> Self {
        Self { link, key }
    }

    /// Sends events. The next ones are sent when these are accepted, so that each shopper's keep their order; what is sent again has the same
    /// message ids, and is applied once.
    ///
    /// Errors: the engine is away · it refuses the key, or the whole batch.
    pub(super) async fn send(&self, events: &[Event], now: Timestamp) -> Result<()> {
        let batch = events.iter().map(line).collect::<Result<_, _>>()?;
        let asked = Batch { batch, sent_at: now.to_string() };
        let Answer { status, body, took } = self.link.post(BATCH, &self.key, &asked).await?;
        if !status.is_success() {
            let detail = body["detail"].as_str().or(body["message"].as_str()).unwrap_or("no reason is told");
            bail!("the collector refuses events with {status}: {detail}");
        }
        let rejected = rejected(&body);
        if rejected > 0 {
            tracing::warn!(rejected, answer = %body, "events were rejected");
        }
        self.link.tally.accepted(events.len() as u64, rejected, took);
        Ok(())
    }
}

fn line(event: &Event) -> Result<&RawValue, serde_json::Error> {
    serde_json::from_str(&event.line)
}

/// Returns how many events of an accepted batch were rejected for themselves.
fn rejected(body: &Value) -> u64 {
    body["rejected"].as_array().map_or(0, |rejected| rejected.len() as u64)
}
