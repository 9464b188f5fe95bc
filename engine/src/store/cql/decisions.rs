//! Decisions: inserted, one cell each, read newest first. Of two owners that came to one decision the newer stays: an owner that is none any
//! more has no say in what is told of it.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{DecisionRow, Error, Written};
use bytes::Bytes;
use schemas::decision::Decision;
use schemas::ids::CustomerId;
use scylla::value::CqlTimestamp;

use super::Inner;
use super::batch::Weighed;
use super::error::unreadable;
use crate::embedded::value;

/// A decision as it is bound: customer, instant, id, body, write timestamp, time to live.
type Bound<'a> = (&'a str, CqlTimestamp, [u8; 16], Bytes, i64, i32);

impl Weighed for Bound<'_> {
    fn bytes(&self) -> usize {
        self.0.len() + self.3.len()
    }
}

impl Inner {
    pub(super) async fn write_decisions(&self, decisions: Vec<DecisionRow>) -> Result<Written, Error> {
        let bound = decisions.iter().map(|DecisionRow { decision, written_at }| {
            let (customer, at) = (decision.customer.as_str(), CqlTimestamp(decision.at.0));
            (
                customer,
                at,
                decision.id.0.to_be_bytes(),
                value::encode(decision),
                *written_at,
                self.ttl.decision,
            )
        });
        let of = &self.statements.write_decision;
        self.gather(StoreOperation::WriteDecisions, of, bound.collect()).await?;
        Ok(self.written())
    }

    pub(super) async fn read_decisions(
        &self,
        customer: CustomerId,
        trigger: Option<String>,
        max: usize,
    ) -> Result<Vec<Decision>, Error> {
        let mut found = Vec::new();
        if max == 0 {
            return Ok(found);
        }
        let take = |(body,): (Vec<u8>,)| {
            let decision: Decision = value::decode("decision", &body).map_err(unreadable)?;
            if trigger.as_ref().is_none_or(|name| decision.trigger == name.as_str()) {
                found.push(decision);
            }
            Ok(if found.len() == max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let asked = (&self.statements.read_decisions, (customer.as_str(),));
        self.calls.read_pages(StoreOperation::ReadDecisions, asked, take).await?;
        Ok(found)
    }
}
