//! Decisions: inserted, one cell each, read newest first.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{Error, Written};
use futures_util::future;
use schemas::decision::Decision;
use schemas::ids::CustomerId;
use scylla::value::CqlTimestamp;

use super::Inner;
use super::error::unreadable;
use crate::embedded::value;

impl Inner {
    pub(super) async fn write_decisions(&self, decisions: Vec<Decision>) -> Result<Written, Error> {
        let written = future::join_all(decisions.iter().map(|decision| self.write_decision(decision))).await;
        written.into_iter().collect::<Result<(), Error>>()?;
        Ok(self.written())
    }

    async fn write_decision(&self, decision: &Decision) -> Result<(), Error> {
        let (customer, at) = (decision.customer.as_str(), CqlTimestamp(decision.at.0));
        let values = (customer, at, decision.id.0.to_be_bytes(), value::encode(decision), self.ttl.decision);
        let of = &self.statements.write_decision;
        self.calls.execute(StoreOperation::WriteDecisions, of, values).await.map(drop)
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
