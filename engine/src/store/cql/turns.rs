//! Turns of conversations: one cell each, written and deleted with log time as timestamp, read in the order of the thread.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{Error, Written};
use futures_util::future;
use schemas::conversation::Turn;
use schemas::ids::CustomerId;
use schemas::time::Timestamp;

use super::Inner;
use super::error::unreadable;
use crate::embedded::value;

impl Inner {
    pub(super) async fn write_turns(&self, turns: Vec<Turn>) -> Result<Written, Error> {
        let written = future::join_all(turns.iter().map(|turn| self.write_turn(turn))).await;
        written.into_iter().collect::<Result<(), Error>>()?;
        Ok(self.written())
    }

    async fn write_turn(&self, turn: &Turn) -> Result<(), Error> {
        let number = cell(turn.number);
        let values = (turn.customer.as_str(), number, value::encode(turn), micros(turn.at));
        self.calls.execute(StoreOperation::WriteTurns, &self.statements.write_turn, values).await.map(drop)
    }

    /// A deletion wins over a write of the same timestamp, so the turns of the erase's own millisecond are gone too.
    pub(super) async fn erase_turns(
        &self,
        customer: CustomerId,
        below: u32,
        at: Timestamp,
    ) -> Result<Written, Error> {
        let values = (micros(at), customer.as_str(), cell(below));
        self.calls.execute(StoreOperation::EraseTurns, &self.statements.erase_turns, values).await?;
        Ok(self.written())
    }

    pub(super) async fn read_turns(
        &self,
        customer: CustomerId,
        from: u32,
        max: usize,
    ) -> Result<Vec<Turn>, Error> {
        let mut found = Vec::new();
        if max == 0 {
            return Ok(found);
        }
        let take = |(body,): (Vec<u8>,)| {
            found.push(value::decode("turn", &body).map_err(unreadable)?);
            Ok(if found.len() == max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let asked = (&self.statements.read_turns, (customer.as_str(), cell(from)));
        self.calls.read_pages(StoreOperation::ReadTurns, asked, take).await?;
        Ok(found)
    }
}

/// Returns a turn's number as the table holds it; a thread does not come to two thousand million turns.
fn cell(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Returns log time as a write timestamp.
fn micros(at: Timestamp) -> i64 {
    at.0.saturating_mul(1_000)
}
