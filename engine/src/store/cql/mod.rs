//! The store on CQL servers: Apache Cassandra and ScyllaDB.
//!
//! A request goes: port → `worker` (the driver's thread, where it ends whether or not the caller waits) → one file per table
//! (`rows`, `lease`, `timers`, `ledger`, `decisions`, `turns`, `links`, `agreement`), of which `batch` and `gather` make few requests of many
//! values → `calls` (bounded, timed, counted) → the driver. Before that `migrate` made the tables, and opening checked them, what is fixed and
//! how the servers sync (`tail`).
//!
//! Fencing is by write timestamps, as the port says: a row wins by its `written_at` and no two writes of a row share one. Lightweight
//! transactions guard the lease and the ledger and nothing else.

pub mod error;
pub mod migrate;
pub mod rows;
pub mod schema;
pub mod settings;

mod agreement;
mod answer;
mod batch;
mod calls;
mod decisions;
mod gather;
mod lease;
mod ledger;
mod links;
mod session;
mod statements;
mod tail;
mod timers;
mod turns;
mod worker;

use std::future::Future;
use std::sync::Arc;

use actors::metrics::{Metrics, StoreCalls};
use actors::port::Reply;
use actors::port::agreement::Agreement;
use actors::port::store::{
    Cas, DecisionRow, Error as PortError, Lease, LedgerChange, LedgerEntry, Links, Row, RowPage, Store,
    WakeUp, Written,
};
use futures_util::FutureExt;
use schemas::conversation::Turn;
use schemas::customer::Link;
use schemas::decision::Decision;
use schemas::ids::{CustomerId, OutreachId, PartitionId};
use schemas::time::Timestamp;

pub use error::Error;
pub use migrate::{Migrated, Mode, migrate};
pub use settings::{Durability, Settings};

use batch::BatchMax;
use calls::Calls;
use session::Profiles;
use statements::Statements;
use tail::Tail;
use worker::Worker;

/// Seconds of a day.
const DAY_S: u32 = 86_400;

/// The store of a keyspace.
pub struct CqlStore {
    inner: Arc<Inner>,
    worker: Worker,
}

/// What requests work with, on the driver's thread.
struct Inner {
    calls: Calls,
    statements: Statements,
    counted: StoreCalls,
    tail: Tail,
    partitions: u32,
    buckets: u16,
    batch_max: BatchMax,
    ttl: Ttl,
}

/// How long what is inserted lives; 0 = for ever. Units: s.
struct Ttl {
    timer: i32,
    /// Of the directory of slots: longer than the wake-ups that it leads to.
    slot: i32,
    decision: i32,
    ledger: i32,
    link: i32,
}

impl Ttl {
    fn new(settings: &Settings) -> Self {
        let days = |days: u32| i32::try_from(days * DAY_S).expect("settings allow ten years at most");
        Self {
            timer: days(settings.timer_days),
            slot: days(settings.timer_days + 1),
            decision: days(settings.decision_days),
            ledger: days(settings.ledger_days),
            link: days(settings.link_days),
        }
    }
}

impl CqlStore {
    /// Connects and checks the keyspace: migrated by `care migrate`, made for so many partitions and buckets, on servers that sync.
    ///
    /// Errors: no server answers, or one of these is not so; each says what to do.
    pub async fn connect(
        settings: &Settings,
        partitions: u32,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, Error> {
        let worker = Worker::start().map_err(Error::Thread)?;
        let (settings, counted) = (settings.clone(), metrics.store().clone());
        let opening = worker.begin(async move { Inner::open(&settings, partitions, counted).await });
        let inner = opening.await.map_err(|_| Error::Ended)??;
        Ok(Arc::new(Self { inner: Arc::new(inner), worker }))
    }

    /// Begins a request on the driver's thread.
    fn begin<T, F>(&self, request: impl FnOnce(Arc<Inner>) -> F) -> Reply<T, PortError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, PortError>> + Send + 'static,
    {
        let begun = self.worker.begin(request(Arc::clone(&self.inner)));
        let ended = |error| PortError::Failed(format!("a request did not end: {error}"));
        begun.map(move |done| done.unwrap_or_else(|error| Err(ended(error)))).boxed()
    }
}

impl Inner {
    async fn open(settings: &Settings, partitions: u32, counted: StoreCalls) -> Result<Self, Error> {
        let session = session::connect(settings).await?;
        migrate::verify(&session, settings, partitions).await?;
        tail::verify(&session, settings).await?;
        let datacenter = session::datacenter(&session, settings)?;
        let profiles = Profiles::new(settings, &datacenter, &counted);
        let statements = Statements::prepare(&session, &settings.keyspace, &profiles).await?;
        let inner = Self {
            calls: Calls::new(session, settings, counted.clone()),
            statements,
            counted,
            tail: Tail::new(settings.durability),
            partitions,
            buckets: settings.buckets,
            batch_max: BatchMax { rows: settings.batch_rows_max, bytes: settings.batch_kib_max << 10 },
            ttl: Ttl::new(settings),
        };
        let looked = inner.tail.ask(&inner.calls).await;
        looked.map_err(|source| Error::Statement {
            what: "ask the nodes when they started".to_owned(),
            source: Box::new(source),
        })?;
        Ok(inner)
    }

    /// Returns the number of a partition as tables have it.
    ///
    /// Errors: there is no such partition.
    fn number(&self, partition: PartitionId) -> Result<i32, PortError> {
        match i32::try_from(partition.0) {
            Ok(number) if partition.0 < self.partitions => Ok(number),
            _ => Err(PortError::Failed(format!("the store has no partition {}", partition.0))),
        }
    }

    fn written(&self) -> Written {
        Written { generation: self.tail.known() }
    }
}

/// Returns a bound of a listing as it is bound in a statement.
fn limit(max: usize) -> i32 {
    i32::try_from(max).unwrap_or(i32::MAX)
}

impl Store for CqlStore {
    fn read_row(&self, partition: PartitionId, customer: CustomerId) -> Reply<Option<Row>, PortError> {
        self.begin(move |inner| async move { inner.read_row(partition, customer).await })
    }

    fn write_rows(&self, partition: PartitionId, rows: Vec<Row>) -> Reply<Written, PortError> {
        self.begin(move |inner| async move { inner.write_rows(partition, rows).await })
    }

    fn scan_rows(
        &self,
        partition: PartitionId,
        from: Option<CustomerId>,
        max: usize,
    ) -> Reply<RowPage, PortError> {
        self.begin(move |inner| async move { inner.scan_rows(partition, from, max).await })
    }

    fn read_lease(&self, partition: PartitionId) -> Reply<Lease, PortError> {
        self.begin(move |inner| async move { inner.read_lease(partition).await })
    }

    fn cas_lease(&self, partition: PartitionId, expect: Lease, new: Lease) -> Reply<Cas<Lease>, PortError> {
        self.begin(move |inner| async move { inner.cas_lease(partition, expect, new).await })
    }

    fn add_wake_ups(&self, partition: PartitionId, wake_ups: Vec<WakeUp>) -> Reply<Written, PortError> {
        self.begin(move |inner| async move { inner.add_wake_ups(partition, wake_ups).await })
    }

    fn scan_wake_ups(&self, partition: PartitionId, from: i64, to: i64) -> Reply<Vec<WakeUp>, PortError> {
        self.begin(move |inner| async move { inner.scan_wake_ups(partition, from, to).await })
    }

    fn read_ledger(&self, origin: CustomerId, id: OutreachId) -> Reply<Option<LedgerEntry>, PortError> {
        self.begin(move |inner| async move { inner.read_ledger(origin, id).await })
    }

    fn cas_ledger(&self, change: LedgerChange) -> Reply<Cas<Option<Box<LedgerEntry>>>, PortError> {
        self.begin(move |inner| async move { inner.cas_ledger(change).await })
    }

    fn scan_ledger(&self, origin: Option<CustomerId>, max: usize) -> Reply<Vec<LedgerEntry>, PortError> {
        self.begin(move |inner| async move { inner.scan_ledger(origin, max).await })
    }

    fn write_decisions(&self, decisions: Vec<DecisionRow>) -> Reply<Written, PortError> {
        self.begin(move |inner| async move { inner.write_decisions(decisions).await })
    }

    fn read_decisions(
        &self,
        customer: CustomerId,
        trigger: Option<String>,
        max: usize,
    ) -> Reply<Vec<Decision>, PortError> {
        self.begin(move |inner| async move { inner.read_decisions(customer, trigger, max).await })
    }

    fn write_turns(&self, turns: Vec<Turn>) -> Reply<Written, PortError> {
        self.begin(move |inner| async move { inner.write_turns(turns).await })
    }

    fn erase_turns(&self, customer: CustomerId, below: u32, at: Timestamp) -> Reply<Written, PortError> {
        self.begin(move |inner| async move { inner.erase_turns(customer, below, at).await })
    }

    fn read_turns(&self, customer: CustomerId, from: u32, max: usize) -> Reply<Vec<Turn>, PortError> {
        self.begin(move |inner| async move { inner.read_turns(customer, from, max).await })
    }

    fn add_links(&self, links: Vec<Links>) -> Reply<Written, PortError> {
        self.begin(move |inner| async move { inner.add_links(links).await })
    }

    fn find_links(&self, link: Link, max: usize) -> Reply<Vec<CustomerId>, PortError> {
        self.begin(move |inner| async move { inner.find_links(link, max).await })
    }

    fn read_agreement(&self) -> Reply<Agreement, PortError> {
        self.begin(move |inner| async move { inner.read_agreement().await })
    }

    fn cas_agreement(&self, expect: Agreement, new: Agreement) -> Reply<Cas<Agreement>, PortError> {
        self.begin(move |inner| async move { inner.cas_agreement(expect, new).await })
    }
}
