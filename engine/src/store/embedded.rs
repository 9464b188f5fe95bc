//! The store of the embedded database. Its tail is never lost: what was acknowledged was synced, so the generation never changes.

use actors::port::Reply;
use actors::port::agreement::Agreement;
use actors::port::store::{
    Cas, DecisionRow, Error, Lease, LedgerChange, LedgerEntry, Links, Row, RowPage, Store, WakeUp, Written,
};
use bytes::Bytes;
use futures_util::FutureExt;
use schemas::conversation::Turn;
use schemas::customer::Link;
use schemas::decision::Decision;
use schemas::ids::{CustomerId, OutreachId, PartitionId};
use schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use crate::embedded::Database;
use crate::embedded::commit::{AgreementChange, Answer, LeaseChange, Operation};
use crate::embedded::group::Failure;
use crate::embedded::tables::{Table, Tables};
use crate::embedded::value::Unreadable;
use crate::embedded::{key, value};

/// The store of an embedded database.
pub struct EmbeddedStore {
    database: Database,
}

impl EmbeddedStore {
    /// Returns the store of a database.
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    fn write<T: Send + 'static>(&self, make: impl FnOnce(Answer<T>) -> Operation) -> Reply<T, Error> {
        self.database.write(make).map(|written| written.map_err(error)).boxed()
    }

    /// Sets keys without looking at what was there.
    fn put(&self, puts: Vec<(Table, Vec<u8>, Bytes)>) -> Reply<Written, Error> {
        let written = self.write(|answer| Operation::Put(puts, answer));
        written.map(|written| written.map(|()| Written::default())).boxed()
    }

    fn read<T: Send + 'static>(
        &self,
        lane: u32,
        read: impl FnOnce(&Tables) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<T, Error> {
        self.database.read(lane, read).map(|read| read.map_err(error)).boxed()
    }
}

/// Returns the reading lane of a customer whose partition is not known.
fn lane(customer: &CustomerId) -> u32 {
    xxh3_64(customer.as_str().as_bytes()) as u32
}

impl Store for EmbeddedStore {
    fn read_row(&self, partition: PartitionId, customer: CustomerId) -> Reply<Option<Row>, Error> {
        self.read(partition.0, move |tables| {
            let bytes = tables.get(Table::Rows, &key::row(partition, customer.as_str()))?;
            Ok(bytes.map(|bytes| value::decode_row(customer, &bytes)).transpose()?)
        })
    }

    fn write_rows(&self, partition: PartitionId, rows: Vec<Row>) -> Reply<Written, Error> {
        if partition.0 >= self.database.tails().partitions() {
            let message = format!("the store has no partition {}", partition.0);
            return std::future::ready(Err(Error::Failed(message))).boxed();
        }
        let written = self.write(|answer| Operation::Rows(partition, rows, answer));
        written.map(|written| written.map(|()| Written::default())).boxed()
    }

    fn scan_rows(
        &self,
        partition: PartitionId,
        from: Option<CustomerId>,
        max: usize,
    ) -> Reply<RowPage, Error> {
        self.read(partition.0, move |tables| {
            let first = key::row(partition, from.as_ref().map_or("", CustomerId::as_str));
            let prefix = partition.0.to_be_bytes();
            let mut page = RowPage::default();
            for entry in tables.scan(Table::Rows, &first, |key| key.starts_with(&prefix)) {
                let (key, bytes) = entry?;
                let customer =
                    key::row_customer(&key).ok_or_else(|| Unreadable("key of a row".to_owned()))?;
                if page.rows.len() == max.max(1) {
                    page.next = Some(customer);
                    break;
                }
                page.rows.push(value::decode_row(customer, &bytes)?);
            }
            Ok(page)
        })
    }

    fn read_lease(&self, partition: PartitionId) -> Reply<Lease, Error> {
        self.read(partition.0, move |tables| {
            let bytes = tables.get(Table::State, &key::lease(partition))?;
            Ok(bytes.map(|bytes| value::decode_lease(&bytes)).transpose()?.unwrap_or_default())
        })
    }

    fn cas_lease(&self, partition: PartitionId, expect: Lease, new: Lease) -> Reply<Cas<Lease>, Error> {
        self.write(|answer| Operation::Lease(LeaseChange { partition, expect, new }, answer))
    }

    fn add_wake_ups(&self, partition: PartitionId, wake_ups: Vec<WakeUp>) -> Reply<Written, Error> {
        let puts = wake_ups.iter().map(|one| (Table::WakeUps, key::wake_up(partition, one), Bytes::new()));
        self.put(puts.collect())
    }

    fn scan_wake_ups(&self, partition: PartitionId, from: i64, to: i64) -> Reply<Vec<WakeUp>, Error> {
        self.read(partition.0, move |tables| {
            let end = key::wake_up_slot(partition, to);
            let first = key::wake_up_slot(partition, from);
            let found = tables.scan(Table::WakeUps, &first, |key| key < end.as_slice());
            let damaged = || Failure::Corrupt("key of a wake-up".to_owned());
            found.map(|entry| key::wake_up_of(&entry?.0).ok_or_else(damaged)).collect()
        })
    }

    fn read_ledger(&self, customer: CustomerId, id: OutreachId) -> Reply<Option<LedgerEntry>, Error> {
        self.read(lane(&customer), move |tables| {
            let bytes = tables.get(Table::Ledger, &key::ledger(&customer, id))?;
            Ok(bytes.map(|bytes| value::decode("ledger entry", &bytes)).transpose()?)
        })
    }

    fn cas_ledger(&self, change: LedgerChange) -> Reply<Cas<Option<Box<LedgerEntry>>>, Error> {
        self.write(|answer| Operation::Ledger(Box::new(change), answer))
    }

    fn scan_ledger(&self, customer: Option<CustomerId>, max: usize) -> Reply<Vec<LedgerEntry>, Error> {
        let prefix = customer.as_ref().map(key::customer_prefix).unwrap_or_default();
        self.read(customer.as_ref().map_or(0, lane), move |tables| {
            let found = tables.scan(Table::Ledger, &prefix, |key| key.starts_with(&prefix));
            found.take(max).map(|entry| Ok(value::decode("ledger entry", &entry?.1)?)).collect()
        })
    }

    fn write_decisions(&self, decisions: Vec<DecisionRow>) -> Reply<Written, Error> {
        let put = |DecisionRow { decision, .. }: &DecisionRow| {
            (Table::Decisions, key::decision(decision), value::encode(decision))
        };
        self.put(decisions.iter().map(put).collect())
    }

    fn read_decisions(
        &self,
        customer: CustomerId,
        trigger: Option<String>,
        max: usize,
    ) -> Reply<Vec<Decision>, Error> {
        let prefix = key::customer_prefix(&customer);
        self.read(lane(&customer), move |tables| {
            let found = tables.scan(Table::Decisions, &prefix, |key| key.starts_with(&prefix));
            let decisions = found.map(|entry| Ok(value::decode::<Decision>("decision", &entry?.1)?));
            let wanted =
                |decision: &Decision| trigger.as_ref().is_none_or(|name| decision.trigger == name.as_str());
            decisions.filter(|decision| decision.as_ref().map_or(true, wanted)).take(max).collect()
        })
    }

    fn write_turns(&self, turns: Vec<Turn>) -> Reply<Written, Error> {
        let written = self.write(|answer| Operation::Turns(turns, answer));
        written.map(|written| written.map(|()| Written::default())).boxed()
    }

    fn erase_turns(&self, customer: CustomerId, below: u32, _: Timestamp) -> Reply<Written, Error> {
        let erased = self.write(|answer| Operation::EraseTurns(customer, below, answer));
        erased.map(|erased| erased.map(|()| Written::default())).boxed()
    }

    fn read_turns(&self, customer: CustomerId, from: u32, max: usize) -> Reply<Vec<Turn>, Error> {
        let (prefix, first) = (key::customer_prefix(&customer), key::turn(&customer, from));
        self.read(lane(&customer), move |tables| {
            let found = tables.scan(Table::Turns, &first, |key| key.starts_with(&prefix));
            found.take(max).map(|entry| Ok(value::decode("turn", &entry?.1)?)).collect()
        })
    }

    fn add_links(&self, links: Vec<Links>) -> Reply<Written, Error> {
        let put = |(link, customer)| (Table::Links, key::link(link, customer), Bytes::new());
        self.put(links.iter().flat_map(Links::each).map(put).collect())
    }

    fn find_links(&self, link: Link, max: usize) -> Reply<Vec<CustomerId>, Error> {
        self.read(link.hash as u32, move |tables| {
            let prefix = key::link_prefix(link);
            let found = tables.scan(Table::Links, &prefix, |key| key.starts_with(&prefix));
            let damaged = || Failure::Corrupt("key of a link".to_owned());
            found.take(max).map(|entry| key::link_customer(&entry?.0).ok_or_else(damaged)).collect()
        })
    }

    fn read_agreement(&self) -> Reply<Agreement, Error> {
        self.read(0, |tables| {
            let bytes = tables.get(Table::State, key::AGREEMENT)?;
            Ok(bytes.map(|bytes| value::decode_agreement(&bytes)).transpose()?.unwrap_or_default())
        })
    }

    fn cas_agreement(&self, expect: Agreement, new: Agreement) -> Reply<Cas<Agreement>, Error> {
        self.write(|answer| Operation::Agreement(Box::new(AgreementChange { expect, new }), answer))
    }
}

fn error(failure: Failure) -> Error {
    match failure {
        Failure::Failed(reason) => Error::Failed(reason),
        Failure::Corrupt(what) => Error::Corrupt(what),
    }
}
