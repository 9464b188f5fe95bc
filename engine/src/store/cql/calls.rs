//! Every request on its way: bounded in number by its kind, timed, counted, and its failure told as the port tells it.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use actors::metrics::{StoreCalls, StoreLane, StoreOperation};
use actors::port::clock::Clock;
use actors::port::store::Error;
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::ExecutionError;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::response::{PagingState, PagingStateResponse};
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::{of_execution, unreadable};
use super::settings::Settings;
use crate::clock::SystemClock;

/// Values of one write, above which it is a long one.
const SHORT_MAX: usize = 10;

/// Requests of one store.
pub(super) struct Calls {
    session: Session,
    counted: StoreCalls,
    writes: Semaphore,
    /// Long writes take a place here first: behind few of them a short one is soon answered.
    long_writes: Semaphore,
    reads: Semaphore,
    conditional: Semaphore,
}

impl Calls {
    pub(super) fn new(session: Session, settings: &Settings, counted: StoreCalls) -> Self {
        let lane = |max: u32| Semaphore::new(max as usize);
        Self {
            session,
            counted,
            writes: lane(settings.writes_in_flight_max),
            long_writes: lane(settings.long_writes_in_flight_max),
            reads: lane(settings.reads_in_flight_max),
            conditional: lane(settings.conditional_in_flight_max),
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Runs one statement.
    pub(super) async fn execute(
        &self,
        operation: StoreOperation,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<QueryResult, Error> {
        self.call(operation, self.session.execute_unpaged(statement, values)).await
    }

    /// Runs one statement with each of the values, which share a CQL partition: all of them or none.
    pub(super) async fn execute_together<V: SerializeRow>(
        &self,
        operation: StoreOperation,
        statement: &PreparedStatement,
        values: &[V],
    ) -> Result<(), Error> {
        if let [only] = values {
            return self.execute(operation, statement, only).await.map(drop);
        }
        let statements = vec![statement.clone().into(); values.len()];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_execution_profile_handle(statement.get_execution_profile_handle().cloned());
        batch.set_is_idempotent(statement.get_is_idempotent());
        let _place = match values.len() {
            ..=SHORT_MAX => None,
            _ => Some(place_in(&self.long_writes).await),
        };
        self.call(operation, self.session.batch(&batch, values)).await.map(drop)
    }

    /// Gives every row of an answer to `take`, page by page, until it breaks.
    pub(super) async fn read_pages<R: for<'f, 'm> DeserializeRow<'f, 'm>>(
        &self,
        operation: StoreOperation,
        (statement, values): (&PreparedStatement, impl SerializeRow),
        mut take: impl FnMut(R) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut from = PagingState::start();
        loop {
            let page = self.session.execute_single_page(statement, &values, from);
            let (result, next) = self.call(operation, page).await?;
            for row in rows(result)?.rows::<R>().map_err(unreadable)? {
                if take(row.map_err(unreadable)?)?.is_break() {
                    return Ok(());
                }
            }
            match next {
                PagingStateResponse::HasMorePages { state } => from = state,
                PagingStateResponse::NoMorePages => return Ok(()),
            }
        }
    }

    async fn call<T>(
        &self,
        operation: StoreOperation,
        request: impl Future<Output = Result<T, ExecutionError>>,
    ) -> Result<T, Error> {
        let lane = operation.lane();
        let semaphore = match lane {
            StoreLane::Write => &self.writes,
            StoreLane::Read => &self.reads,
            StoreLane::Conditional => &self.conditional,
        };
        let _place = place_in(semaphore).await;
        let began = SystemClock.boot();
        self.counted.began(lane);
        let answer = request.await.map_err(|error| of_execution(&error));
        let took: Duration = SystemClock.boot().saturating_sub(began);
        self.counted.ended(operation, took, answer.as_ref().err().map(Error::kind));
        answer
    }
}

async fn place_in(lane: &Semaphore) -> SemaphorePermit<'_> {
    lane.acquire().await.expect("nobody closes it")
}

/// Returns the rows of an answer.
pub(super) fn rows(result: QueryResult) -> Result<QueryRowsResult, Error> {
    result.into_rows_result().map_err(unreadable)
}
