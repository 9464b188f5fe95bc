//! What all engines go by: one row of JSON, read serially, replaced by a lightweight transaction.

use actors::metrics::StoreOperation;
use actors::port::agreement::Agreement;
use actors::port::store::{Cas, Error};

use super::Inner;
use super::answer::Answer;
use super::calls::rows;
use super::error::unreadable;

impl Inner {
    pub(super) async fn read_agreement(&self) -> Result<Agreement, Error> {
        self.stored_agreement().await?.as_deref().map_or_else(|| Ok(Agreement::default()), agreement)
    }

    /// Compares what was read, field by field, and then its text: a later engine may have written fields that this one does not know.
    pub(super) async fn cas_agreement(
        &self,
        expect: Agreement,
        new: Agreement,
    ) -> Result<Cas<Agreement>, Error> {
        let stored = self.stored_agreement().await?;
        let held = stored.as_deref().map_or_else(|| Ok(Agreement::default()), agreement)?;
        if held != expect {
            return Ok(Cas::Refused(held));
        }
        let body = serde_json::to_string(&new).map_err(unreadable)?;
        let (operation, statements) = (StoreOperation::CasAgreement, &self.statements);
        let result = match stored {
            None => self.calls.execute(operation, &statements.open_agreement, (body,)).await?,
            Some(stored) => {
                self.calls.execute(operation, &statements.replace_agreement, (body, stored)).await?
            }
        };
        match Answer::of(result)?.is_applied() {
            true => Ok(Cas::Applied),
            false => self.read_agreement().await.map(Cas::Refused),
        }
    }

    async fn stored_agreement(&self) -> Result<Option<String>, Error> {
        let (operation, statement) = (StoreOperation::ReadAgreement, &self.statements.read_agreement);
        let found = self.calls.execute(operation, statement, ()).await?;
        let row: Option<(String,)> = rows(found)?.maybe_first_row().map_err(unreadable)?;
        Ok(row.map(|(body,)| body))
    }
}

fn agreement(body: &str) -> Result<Agreement, Error> {
    serde_json::from_str(body).map_err(|error| unreadable(format!("the agreement of the engines: {error}")))
}
