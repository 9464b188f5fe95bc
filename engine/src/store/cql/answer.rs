//! The answer to a lightweight transaction, read by the names of its columns: Cassandra tells the row only when it refuses, and of an
//! update only what was compared; ScyllaDB tells all of it always.

use actors::port::store::Error;
use scylla::response::query_result::QueryResult;
use scylla::value::{CqlValue, Row};

use super::calls::rows;
use super::error::unreadable;

/// Name of the column that says whether it was applied.
const APPLIED: &str = "[applied]";

/// What a server said to a lightweight transaction.
pub(super) struct Answer {
    names: Vec<String>,
    values: Vec<Option<CqlValue>>,
}

impl Answer {
    pub(super) fn of(result: QueryResult) -> Result<Self, Error> {
        let result = rows(result)?;
        let names: Vec<_> = result.column_specs().iter().map(|column| column.name().to_owned()).collect();
        let Row { columns: values } = result.first_row().map_err(unreadable)?;
        let answer = Self { names, values };
        match answer.value(APPLIED) {
            Some(CqlValue::Boolean(_)) => Ok(answer),
            _ => Err(unreadable("an answer to a conditional write that does not say whether it was applied")),
        }
    }

    pub(super) fn is_applied(&self) -> bool {
        self.value(APPLIED).and_then(CqlValue::as_boolean).unwrap_or(false)
    }

    pub(super) fn bigint(&self, name: &str) -> Option<i64> {
        self.value(name).and_then(CqlValue::as_bigint)
    }

    pub(super) fn smallint(&self, name: &str) -> Option<i16> {
        self.value(name).and_then(CqlValue::as_smallint)
    }

    pub(super) fn blob(&self, name: &str) -> Option<&[u8]> {
        self.value(name).and_then(CqlValue::as_blob).map(Vec::as_slice)
    }

    fn value(&self, name: &str) -> Option<&CqlValue> {
        let nth = self.names.iter().position(|held| held == name)?;
        self.values.get(nth)?.as_ref()
    }
}
