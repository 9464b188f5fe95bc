//! The ledger: entries below whose record opened the instance, changed by lightweight transactions that compare attempt and stage.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{Cas, Error, LedgerChange, LedgerEntry, LedgerStage};
use schemas::ids::{CustomerId, OutreachId};

use super::Inner;
use super::answer::Answer;
use super::calls::rows;
use super::error::unreadable;
use super::limit;
use crate::embedded::value;

/// Returns the number that stands for a stage in the table; never changed.
fn number(stage: LedgerStage) -> i8 {
    match stage {
        LedgerStage::Reserved => 0,
        LedgerStage::Calling => 1,
        LedgerStage::Returned => 2,
        LedgerStage::Done => 3,
    }
}

fn decode(entry: &[u8]) -> Result<LedgerEntry, Error> {
    value::decode("ledger entry", entry).map_err(unreadable)
}

impl Inner {
    pub(super) async fn read_ledger(
        &self,
        origin: CustomerId,
        id: OutreachId,
    ) -> Result<Option<LedgerEntry>, Error> {
        let key = (origin.as_str(), id.0.to_be_bytes());
        let found = self.calls.execute(StoreOperation::ReadLedger, &self.statements.read_ledger, key).await?;
        let found = rows(found)?;
        let entry: Option<(&[u8],)> = found.maybe_first_row().map_err(unreadable)?;
        entry.map(|(entry,)| decode(entry)).transpose()
    }

    pub(super) async fn cas_ledger(
        &self,
        LedgerChange { expect, entry }: LedgerChange,
    ) -> Result<Cas<Option<Box<LedgerEntry>>>, Error> {
        let (origin, id) = (entry.filed_under().clone(), entry.outreach.id);
        let (attempt, stage) = (entry.outreach.attempt.cast_signed(), number(entry.state.stage()));
        let (bytes, key, ttl) = (value::encode(&entry), id.0.to_be_bytes(), self.ttl.ledger);
        let (calls, of) = (&self.calls, &self.statements);
        let result = match expect {
            None => {
                let values = (origin.as_str(), key, attempt, stage, bytes, ttl);
                calls.execute(StoreOperation::CasLedger, &of.open_ledger, values).await?
            }
            Some((held, at)) => {
                let condition = (held.cast_signed(), number(at));
                let values = (ttl, attempt, stage, bytes, origin.as_str(), key, condition.0, condition.1);
                calls.execute(StoreOperation::CasLedger, &of.change_ledger, values).await?
            }
        };
        let answer = Answer::of(result)?;
        if answer.is_applied() {
            return Ok(Cas::Applied);
        }
        // Of a refused update Cassandra tells only what was compared.
        let held = match answer.blob("entry") {
            Some(entry) => Some(decode(entry)?),
            None => self.read_ledger(origin, id).await?,
        };
        Ok(Cas::Refused(held.map(Box::new)))
    }

    pub(super) async fn scan_ledger(
        &self,
        origin: Option<CustomerId>,
        max: usize,
    ) -> Result<Vec<LedgerEntry>, Error> {
        let mut found = Vec::new();
        if max == 0 {
            return Ok(found);
        }
        let take = |(entry,): (Vec<u8>,)| {
            found.push(decode(&entry)?);
            Ok(ControlFlow::Continue(()))
        };
        let of = &self.statements;
        match &origin {
            Some(origin) => {
                let asked = (&of.scan_ledger_of, (origin.as_str(), limit(max)));
                self.calls.read_pages(StoreOperation::ScanLedger, asked, take).await?;
            }
            None => {
                let asked = (&of.scan_ledger, (limit(max),));
                self.calls.read_pages(StoreOperation::ScanLedger, asked, take).await?;
            }
        }
        Ok(found)
    }
}
