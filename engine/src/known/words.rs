//! Where an instance and an outreach stand, in words; and the outreach of a customer.

use std::sync::Arc;

use actors::port::store::{LedgerEntry, LedgerState, Store};
use anyhow::{Context, Result};
use schemas::customer::Customer;
use schemas::decision::OutcomeStatus;
use schemas::trigger::state::{Instance, Stage};

use crate::words::Instant;

/// Entries of one customer's ledger that are looked at for the newest.
const LEDGER_MAX: usize = 10_000;

/// Returns the newest outreach of a customer, also of those that were merged into it, newest first.
///
/// Errors: the store does not answer.
pub async fn outreach_of(
    store: &Arc<dyn Store>,
    customer: &Customer,
    limit: usize,
) -> Result<Vec<LedgerEntry>> {
    let mut outreach = Vec::new();
    for origin in customer.merged().iter().chain([customer.id()]) {
        let of_origin = store.scan_ledger(Some(origin.clone()), LEDGER_MAX).await;
        outreach.extend(of_origin.context("failed to read the ledger")?);
    }
    outreach.sort_by_key(|entry| std::cmp::Reverse((entry.outreach.at, entry.outreach.id)));
    outreach.truncate(limit);
    Ok(outreach)
}

/// Returns in words where an instance stands.
pub fn stage(instance: &Instance) -> String {
    match instance.stage {
        Stage::Waiting => format!("waits until {}", Instant(instance.due)),
        Stage::Proposed { awaits: Some(_), .. } => "is decided when its scores have come".to_owned(),
        Stage::Proposed { since, awaits: None } => format!("is to be decided since {}", Instant(since)),
        Stage::Deferred { until } => format!("deferred, decided again at {}", Instant(until)),
        Stage::Held { until, .. } => {
            format!("held while its trigger is paused, looked at again at {}", Instant(until))
        }
        Stage::Sent { .. } => "handed to the dispatcher; its outcome is awaited".to_owned(),
        Stage::Retrying { at, .. } => format!("tried again from {}", Instant(at)),
    }
}

/// Returns in words what became of an outreach.
pub fn state_of(entry: &LedgerEntry) -> String {
    let status = |status: &OutcomeStatus| match status {
        OutcomeStatus::Delivered => "delivered".to_owned(),
        OutcomeStatus::Withheld(reason) => format!("withheld: {}", reason.as_str()),
        OutcomeStatus::Failed => "refused by the channel".to_owned(),
        OutcomeStatus::RetryAt(at) => format!("to be tried again from {}", Instant(*at)),
    };
    match &entry.state {
        LedgerState::Reserved => "reserved".to_owned(),
        LedgerState::Calling => "being called; whether it arrived is unknown".to_owned(),
        LedgerState::Returned(of) | LedgerState::Done(of) => status(of),
    }
}
