//! One group commit in the making: what its operations have changed so far, on top of what is on disk.
//!
//! Operations of one group see each other's changes; readers see none before all are durable.

use actors::port::agreement::Agreement;
use actors::port::log::{Commit, Topic};
use actors::port::store::{Cas, Lease, LedgerChange, LedgerEntry, Row};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use schemas::conversation::Turn;
use schemas::ids::{CustomerId, PartitionId, Position};

use super::key;
use super::tables::{Change, Table, Tables};
use super::value::{self, Unreadable};

/// Why an operation cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The database is of no use any more.
    #[error("{0}")]
    Failed(String),
    /// What is stored cannot be read.
    #[error("{0}")]
    Corrupt(String),
}

impl From<fjall::Error> for Failure {
    fn from(error: fjall::Error) -> Self {
        Failure::Failed(words(&error))
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Failure::Corrupt(unreadable.0)
    }
}

/// Returns a message for people: what happened and, where it is known, what helps.
fn words(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    format!(
                        "the disk is full ({source}): free some space and start again, nothing acknowledged is lost"
                    )
                }
                std::io::ErrorKind::FileTooLarge => {
                    format!(
                        "a file may not grow ({source}): raise the limit and start again, nothing acknowledged is lost"
                    )
                }
                _ => format!("cannot read or write the data directory: {source}"),
            }
        }
        fjall::Error::Poisoned => {
            "an earlier write in the background failed (a full disk, or a device error)".to_owned()
        }
        error => error.to_string(),
    }
}

/// The changes of one group commit.
pub struct Group<'a> {
    tables: &'a Tables,
    changes: FxHashMap<(Table, Vec<u8>), Option<Bytes>>,
    bytes: usize,
}

impl<'a> Group<'a> {
    /// Returns a group without changes.
    pub fn new(tables: &'a Tables) -> Self {
        Self { tables, changes: FxHashMap::default(), bytes: 0 }
    }

    /// Returns the tables as they are on disk.
    pub fn tables(&self) -> &'a Tables {
        self.tables
    }

    /// Returns the approximate size of the changes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns what stands under a key after the changes so far.
    pub fn get(&self, table: Table, key: Vec<u8>) -> Result<Option<Bytes>, Failure> {
        let place = (table, key);
        match self.changes.get(&place) {
            Some(changed) => Ok(changed.clone()),
            None => Ok(self.tables.get(table, &place.1)?),
        }
    }

    /// Sets a key.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Bytes) {
        self.bytes += key.len() + value.len();
        self.changes.insert((table, key), Some(value));
    }

    /// Removes a key.
    pub fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.bytes += key.len();
        self.changes.insert((table, key), None);
    }

    /// Writes rows, each unless a newer one is there. `newest` is the partition's largest write timestamp so far: a row above it is
    /// the newest of its customer without looking.
    pub fn put_rows(
        &mut self,
        partition: PartitionId,
        rows: &[Row],
        newest: &mut Option<i64>,
    ) -> Result<(), Failure> {
        let before = *newest;
        for row in rows {
            let key = key::row(partition, row.customer.as_str());
            if newest.is_some_and(|newest| row.written_at <= newest) {
                let held = self.get(Table::Rows, key.clone())?;
                if held
                    .and_then(|held| value::row_written_at(&held))
                    .is_some_and(|held| held >= row.written_at)
                {
                    continue;
                }
            }
            *newest = Some(newest.map_or(row.written_at, |newest| newest.max(row.written_at)));
            self.put(Table::Rows, key, value::encode_row(row));
        }
        if let (true, Some(newest)) = (*newest != before, *newest) {
            self.put(Table::State, key::newest_row(partition), Bytes::copy_from_slice(&newest.to_le_bytes()));
        }
        Ok(())
    }

    /// Writes turns, each unless it was erased.
    pub fn put_turns(&mut self, turns: &[Turn]) -> Result<(), Failure> {
        for turn in turns {
            if turn.number >= self.erased_turns(&turn.customer)? {
                self.put(Table::Turns, key::turn(&turn.customer, turn.number), value::encode(turn));
            }
        }
        Ok(())
    }

    /// Removes a customer's turns below a number, on disk and among the changes of this group, and notes the number.
    pub fn erase_turns(&mut self, customer: &CustomerId, below: u32) -> Result<(), Failure> {
        let erased = self.erased_turns(customer)?;
        if below <= erased {
            return Ok(());
        }
        let (first, end) = (key::turn(customer, erased), key::turn(customer, below));
        let found = self.tables.scan(Table::Turns, &first, |key| key < end.as_slice());
        for entry in found {
            self.remove(Table::Turns, entry?.0.to_vec());
        }
        let changed: Vec<Vec<u8>> = self
            .changes
            .keys()
            .filter(|(table, key)| *table == Table::Turns && *key >= key::turn(customer, 0) && *key < end)
            .map(|(_, key)| key.clone())
            .collect();
        changed.into_iter().for_each(|key| self.remove(Table::Turns, key));
        self.put(Table::State, key::erased_turns(customer), value::encode(&below));
        Ok(())
    }

    /// Returns the number below which a customer's turns were erased.
    fn erased_turns(&self, customer: &CustomerId) -> Result<u32, Failure> {
        let held = self.get(Table::State, key::erased_turns(customer))?;
        Ok(held.map(|bytes| value::decode("number of erased turns", &bytes)).transpose()?.unwrap_or(0))
    }

    /// Returns a partition's lease.
    pub fn lease(&self, partition: PartitionId) -> Result<Lease, Failure> {
        let held = self.get(Table::State, key::lease(partition))?;
        Ok(held.map(|bytes| value::decode_lease(&bytes)).transpose()?.unwrap_or_default())
    }

    /// Replaces the agreement if it is the expected one.
    pub fn cas_agreement(&mut self, expect: &Agreement, new: &Agreement) -> Result<Cas<Agreement>, Failure> {
        let held = self.get(Table::State, key::AGREEMENT.to_vec())?;
        let held = held.map(|bytes| value::decode_agreement(&bytes)).transpose()?.unwrap_or_default();
        if held != *expect {
            return Ok(Cas::Refused(held));
        }
        self.put(Table::State, key::AGREEMENT.to_vec(), value::encode_agreement(new));
        Ok(Cas::Applied)
    }

    /// Returns what a reader committed.
    pub fn committed(&self, topic: Topic, partition: PartitionId) -> Result<Commit, Failure> {
        let held = self.get(Table::State, key::commit(topic, partition))?;
        Ok(held.map(|bytes| value::decode("commit", &bytes)).transpose()?.unwrap_or_default())
    }

    /// Replaces a lease if it is the expected one.
    pub fn cas_lease(
        &mut self,
        partition: PartitionId,
        expect: &Lease,
        new: &Lease,
    ) -> Result<Cas<Lease>, Failure> {
        let held = self.lease(partition)?;
        if held != *expect {
            return Ok(Cas::Refused(held));
        }
        self.put(Table::State, key::lease(partition), value::encode(new));
        Ok(Cas::Applied)
    }

    /// Changes a ledger entry if it stands as expected.
    pub fn cas_ledger(&mut self, change: &LedgerChange) -> Result<Cas<Option<Box<LedgerEntry>>>, Failure> {
        let key = key::ledger(change.entry.filed_under(), change.entry.outreach.id);
        let held = self.get(Table::Ledger, key.clone())?;
        let held: Option<LedgerEntry> =
            held.map(|bytes| value::decode("ledger entry", &bytes)).transpose()?;
        let stands = held.as_ref().map(|entry| (entry.outreach.attempt, entry.state.stage()));
        if stands != change.expect {
            return Ok(Cas::Refused(held.map(Box::new)));
        }
        self.put(Table::Ledger, key, value::encode(&change.entry));
        Ok(Cas::Applied)
    }

    /// Returns the position below which nobody reads a partition any more.
    pub fn handled(&self, topic: Topic, partition: PartitionId) -> Result<Position, Failure> {
        match topic {
            Topic::Events => Ok(self.lease(partition)?.position),
            Topic::Outreach => Ok(self.committed(topic, partition)?.position),
            Topic::Decisions | Topic::Replies | Topic::DeadLetter => Ok(Position(u64::MAX)),
        }
    }

    /// Makes the changes durable.
    pub fn commit(self) -> Result<(), Failure> {
        let changes = self.changes.into_iter().map(|((table, key), value)| Change { table, key, value });
        Ok(self.tables.write(changes.collect())?)
    }
}
