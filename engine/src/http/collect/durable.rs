//! Records into the log, until it says that they are durable.

use std::sync::Arc;
use std::time::Duration;

use actors::port::Kind;
use actors::port::clock::Clock;
use actors::port::log::{LogSink, NewRecord, Topic};

use super::super::problem::Refusal;
use crate::observe::HTTP;

/// Wait before an append that failed is made again.
const RETRY: Duration = Duration::from_millis(100);

/// Appends records; again while the log says that it may be worth it and there is time. What is in the log twice by that counts once, by its
/// message id.
///
/// Errors: the log has not acknowledged them by `until`, or never will.
pub(in crate::http) async fn append(
    sink: Arc<dyn LogSink>,
    clock: Arc<dyn Clock>,
    records: Vec<NewRecord>,
    until: Duration,
) -> Result<(), Refusal> {
    loop {
        let Err(error) = sink.append(Topic::Events, records.clone()).await else { return Ok(()) };
        match error.kind() {
            Kind::Retry | Kind::Anew if clock.boot() + RETRY < until => clock.sleep(RETRY).await,
            Kind::Retry | Kind::Anew => {
                tracing::debug!(target: HTTP, %error, "events not durable in time");
                return Err(Refusal::NotDurable);
            }
            Kind::Reject | Kind::Fatal => {
                tracing::error!(target: HTTP, %error, "the log takes no events");
                return Err(Refusal::NotDurable);
            }
        }
    }
}
