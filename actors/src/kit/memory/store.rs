//! A store in memory: ordered maps under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::conversation::Turn;
use schemas::customer::{Link, LinkKind};
use schemas::decision::Decision;
use schemas::ids::{CustomerId, OutreachId, PartitionId};
use schemas::time::Timestamp;

use crate::port::Reply;
use crate::port::agreement::Agreement;
use crate::port::store::{
    Cas, DecisionRow, Error, Lease, LedgerChange, LedgerEntry, Links, Row, RowPage, Store, WakeUp, Written,
};

/// A store in memory. Clones share everything, as processes on one store would.
#[derive(Clone, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<(PartitionId, CustomerId), Row>,
    leases: BTreeMap<PartitionId, Lease>,
    wake_ups: BTreeSet<(PartitionId, WakeUp)>,
    ledger: BTreeMap<(CustomerId, OutreachId), LedgerEntry>,
    decisions: BTreeMap<(CustomerId, OutreachId), DecisionRow>,
    turns: BTreeMap<(CustomerId, u32), Turn>,
    /// Numbers below which turns were erased.
    erased: BTreeMap<CustomerId, u32>,
    links: BTreeSet<(LinkKind, u128, CustomerId)>,
    agreement: Agreement,
}

impl MemoryStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(value: T) -> Reply<T, Error> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Store for MemoryStore {
    fn read_row(&self, partition: PartitionId, customer: CustomerId) -> Reply<Option<Row>, Error> {
        ready(self.lock().rows.get(&(partition, customer)).cloned())
    }

    fn write_rows(&self, partition: PartitionId, rows: Vec<Row>) -> Reply<Written, Error> {
        let mut tables = self.lock();
        for row in rows {
            let key = (partition, row.customer.clone());
            if tables.rows.get(&key).is_none_or(|held| held.written_at < row.written_at) {
                tables.rows.insert(key, row);
            }
        }
        ready(Written::default())
    }

    fn scan_rows(
        &self,
        partition: PartitionId,
        from: Option<CustomerId>,
        max: usize,
    ) -> Reply<RowPage, Error> {
        let from = from.unwrap_or(CustomerId::user(""));
        let tables = self.lock();
        let mut found =
            tables.rows.range((partition, from)..).take_while(|((held, _), _)| *held == partition);
        let rows = found.by_ref().take(max.max(1)).map(|(_, row)| row.clone()).collect();
        let next = found.next().map(|((_, customer), _)| customer.clone());
        ready(RowPage { rows, next })
    }

    fn read_lease(&self, partition: PartitionId) -> Reply<Lease, Error> {
        ready(self.lock().leases.get(&partition).copied().unwrap_or_default())
    }

    fn cas_lease(&self, partition: PartitionId, expect: Lease, new: Lease) -> Reply<Cas<Lease>, Error> {
        let mut tables = self.lock();
        let held = tables.leases.entry(partition).or_default();
        if *held != expect {
            return ready(Cas::Refused(*held));
        }
        *held = new;
        ready(Cas::Applied)
    }

    fn add_wake_ups(&self, partition: PartitionId, wake_ups: Vec<WakeUp>) -> Reply<Written, Error> {
        self.lock().wake_ups.extend(wake_ups.into_iter().map(|wake_up| (partition, wake_up)));
        ready(Written::default())
    }

    fn scan_wake_ups(&self, partition: PartitionId, from: i64, to: i64) -> Reply<Vec<WakeUp>, Error> {
        let tables = self.lock();
        let first = WakeUp { slot: from, due: Timestamp(i64::MIN), customer: CustomerId::user("") };
        let found = tables
            .wake_ups
            .range((partition, first)..)
            .take_while(|(held, wake_up)| *held == partition && wake_up.slot < to);
        ready(found.map(|(_, wake_up)| wake_up.clone()).collect())
    }

    fn read_ledger(&self, customer: CustomerId, id: OutreachId) -> Reply<Option<LedgerEntry>, Error> {
        ready(self.lock().ledger.get(&(customer, id)).cloned())
    }

    fn cas_ledger(&self, change: LedgerChange) -> Reply<Cas<Option<Box<LedgerEntry>>>, Error> {
        let mut tables = self.lock();
        let key = (change.entry.filed_under().clone(), change.entry.outreach.id);
        let held = tables.ledger.get(&key);
        if held.map(|entry| (entry.outreach.attempt, entry.state.stage())) != change.expect {
            return ready(Cas::Refused(held.cloned().map(Box::new)));
        }
        tables.ledger.insert(key, change.entry);
        ready(Cas::Applied)
    }

    fn scan_ledger(&self, customer: Option<CustomerId>, max: usize) -> Reply<Vec<LedgerEntry>, Error> {
        let tables = self.lock();
        let wanted = |held: &CustomerId| customer.as_ref().is_none_or(|one| one == held);
        let found = tables.ledger.iter().filter(|((held, _), _)| wanted(held)).take(max);
        ready(found.map(|(_, entry)| entry.clone()).collect())
    }

    fn write_decisions(&self, decisions: Vec<DecisionRow>) -> Reply<Written, Error> {
        let mut tables = self.lock();
        for row in decisions {
            let held = tables
                .decisions
                .entry((row.decision.customer.clone(), row.decision.id))
                .or_insert(row.clone());
            if held.written_at <= row.written_at {
                *held = row;
            }
        }
        ready(Written::default())
    }

    fn read_decisions(
        &self,
        customer: CustomerId,
        trigger: Option<String>,
        max: usize,
    ) -> Reply<Vec<Decision>, Error> {
        let tables = self.lock();
        let from = Bound::Included((customer.clone(), OutreachId(0)));
        let to = Bound::Included((customer, OutreachId(u128::MAX)));
        let mut found: Vec<_> = tables
            .decisions
            .range((from, to))
            .map(|(_, row)| &row.decision)
            .filter(|decision| trigger.as_ref().is_none_or(|name| decision.trigger == name.as_str()))
            .cloned()
            .collect();
        found.sort_by_key(|decision| std::cmp::Reverse((decision.at, decision.id)));
        found.truncate(max);
        ready(found)
    }

    fn write_turns(&self, turns: Vec<Turn>) -> Reply<Written, Error> {
        let mut tables = self.lock();
        for turn in turns {
            if tables.erased.get(&turn.customer).is_none_or(|below| turn.number >= *below) {
                tables.turns.insert((turn.customer.clone(), turn.number), turn);
            }
        }
        ready(Written::default())
    }

    fn erase_turns(&self, customer: CustomerId, below: u32, _: Timestamp) -> Reply<Written, Error> {
        let mut tables = self.lock();
        let held = tables.erased.entry(customer.clone()).or_default();
        *held = below.max(*held);
        tables.turns.retain(|(of, number), _| *of != customer || *number >= below);
        ready(Written::default())
    }

    fn read_turns(&self, customer: CustomerId, from: u32, max: usize) -> Reply<Vec<Turn>, Error> {
        let tables = self.lock();
        let (from, to) = ((customer.clone(), from), (customer, u32::MAX));
        ready(tables.turns.range(from..=to).take(max).map(|(_, turn)| turn.clone()).collect())
    }

    fn add_links(&self, links: Vec<Links>) -> Reply<Written, Error> {
        let added = links.iter().flat_map(Links::each);
        self.lock().links.extend(added.map(|(link, customer)| (link.kind, link.hash, customer.clone())));
        ready(Written::default())
    }

    fn find_links(&self, link: Link, max: usize) -> Reply<Vec<CustomerId>, Error> {
        let tables = self.lock();
        let from = (link.kind, link.hash, CustomerId::user(""));
        let found = tables
            .links
            .range(from..)
            .take_while(|(kind, hash, _)| (*kind, *hash) == (link.kind, link.hash))
            .take(max);
        ready(found.map(|(_, _, customer)| customer.clone()).collect())
    }

    fn read_agreement(&self) -> Reply<Agreement, Error> {
        ready(self.lock().agreement.clone())
    }

    fn cas_agreement(&self, expect: Agreement, new: Agreement) -> Reply<Cas<Agreement>, Error> {
        let held = &mut self.lock().agreement;
        if *held != expect {
            return ready(Cas::Refused(held.clone()));
        }
        *held = new;
        ready(Cas::Applied)
    }
}
