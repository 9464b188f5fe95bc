//! What is on disk: one table per kind of key, all in one database with one journal.

use std::ops::Bound;
use std::path::Path;

use bytes::Bytes;
use fjall::{CompressionType, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode, Readable};

use super::settings::Settings;

/// Sealed memtables of one table that wait for a worker; with more of them the database would hold its writer without looking
/// whether the worker is alive, so that a full disk would show as silence.
const SEALED_MAX: usize = 2;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Blocks of records by topic, partition and first position.
    Log,
    /// Single values: leases, committed positions, progress, floors.
    State,
    /// Customer rows by partition and customer.
    Rows,
    /// The timer index by partition, slot, due time and customer.
    WakeUps,
    /// The ledger by customer and outreach.
    Ledger,
    /// Decisions by customer, newest first.
    Decisions,
    /// Turns of conversations by customer, in their order.
    Turns,
    /// Customers by value.
    Links,
}

impl Table {
    /// Every table, in the order of the enum.
    pub const ALL: [Table; 8] = [
        Table::Log,
        Table::State,
        Table::Rows,
        Table::WakeUps,
        Table::Ledger,
        Table::Decisions,
        Table::Turns,
        Table::Links,
    ];

    /// Returns the table's name.
    pub fn name(self) -> &'static str {
        match self {
            Table::Log => "log",
            Table::State => "state",
            Table::Rows => "rows",
            Table::WakeUps => "wake_ups",
            Table::Ledger => "ledger",
            Table::Decisions => "decisions",
            Table::Turns => "turns",
            Table::Links => "links",
        }
    }

    fn options(self, settings: &Settings) -> KeyspaceCreateOptions {
        let options = KeyspaceCreateOptions::default().max_memtable_size(settings.memtable_bytes);
        match self {
            // Blocks are written once and mostly never read again: kept apart from their keys they are not copied by each merge.
            Table::Log => options.with_kv_separation(Some(KvSeparationOptions::default())),
            Table::State
            | Table::Rows
            | Table::WakeUps
            | Table::Ledger
            | Table::Decisions
            | Table::Turns
            | Table::Links => options,
        }
    }
}

/// The tables of an open database.
pub struct Tables {
    database: fjall::Database,
    keyspaces: Vec<Keyspace>,
}

/// All tables as they were at one instant, between two writes.
pub struct Snapshot<'a> {
    tables: &'a Tables,
    view: fjall::Snapshot,
}

impl Snapshot<'_> {
    /// Returns the value of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> fjall::Result<Option<Bytes>> {
        Ok(self.view.get(self.tables.keyspace(table), key)?.map(Bytes::from))
    }

    /// Returns the keys and values of a table, in the order of the keys.
    pub fn entries(&self, table: Table) -> impl Iterator<Item = fjall::Result<(Bytes, Bytes)>> {
        let entries = self.view.iter(self.tables.keyspace(table));
        entries.map(|entry| entry.into_inner().map(|(key, value)| (key.into(), value.into())))
    }
}

/// A change of one key.
pub struct Change {
    /// Where.
    pub table: Table,
    /// Which key.
    pub key: Vec<u8>,
    /// What stands there afterwards; `None` removes it.
    pub value: Option<Bytes>,
}

impl Tables {
    /// Opens the tables in `path` and makes those that are missing. What a crash left half written at the journal's end is dropped.
    pub fn open(path: &Path, settings: &Settings) -> fjall::Result<Self> {
        let database = fjall::Database::builder(path)
            .cache_size(settings.cache_bytes)
            .max_journaling_size(settings.journal_bytes_max)
            // Bodies are small JSON in blocks: compressing each twice costs more processor time than the disk it saves.
            .journal_compression(CompressionType::None)
            .worker_threads(2)
            .open()?;
        let open = |table: &Table| database.keyspace(table.name(), || table.options(settings));
        let keyspaces = Table::ALL.iter().map(open).collect::<fjall::Result<_>>()?;
        Ok(Self { database, keyspaces })
    }

    /// Returns the value of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> fjall::Result<Option<Bytes>> {
        Ok(self.keyspace(table).get(key)?.map(Bytes::from))
    }

    /// Returns the keys and values from `from` on while `wanted` holds for the key.
    pub fn scan(
        &self,
        table: Table,
        from: &[u8],
        wanted: impl Fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = fjall::Result<(Bytes, Bytes)>> {
        let range = (Bound::Included(from), Bound::<&[u8]>::Unbounded);
        let mut over = false;
        self.keyspace(table).range::<&[u8], _>(range).map_while(move |guard| {
            let entry = if over { return None } else { guard.into_inner() };
            over = entry.is_err();
            match entry {
                Ok((key, value)) => wanted(&key).then(|| Ok((Bytes::from(key), Bytes::from(value)))),
                Err(error) => Some(Err(error)),
            }
        })
    }

    /// Returns the last key not behind `to`, with its value, if it begins with `prefix`.
    pub fn last(&self, table: Table, prefix: &[u8], to: &[u8]) -> fjall::Result<Option<(Bytes, Bytes)>> {
        let range = (Bound::Included(prefix), Bound::Included(to));
        match self.keyspace(table).range::<&[u8], _>(range).next_back() {
            Some(guard) => guard.into_inner().map(|(key, value)| Some((key.into(), value.into()))),
            None => Ok(None),
        }
    }

    /// Returns all tables as they are now, between two writes; writes go on beside it.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { tables: self, view: self.database.snapshot() }
    }

    /// Makes changes durable, all or none; readers see them when this returns, not before. No two changes have the same key.
    pub fn write(&self, changes: Vec<Change>) -> fjall::Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for Change { table, key, value } in changes {
            match value {
                Some(value) => batch.insert(self.keyspace(table), key, value),
                None => batch.remove(self.keyspace(table), key),
            }
        }
        batch.commit()
    }

    /// Returns true while writers should wait for the workers of the database.
    ///
    /// Errors: a worker died, e.g. of a full disk.
    pub fn is_behind(&self) -> fjall::Result<bool> {
        let behind = self.keyspaces.iter().any(|keyspace| keyspace.sealed_memtable_count() > SEALED_MAX);
        if behind {
            self.database.persist(PersistMode::Buffer)?;
        }
        Ok(behind)
    }

    /// Returns how many bytes the database takes on disk.
    pub fn disk_bytes(&self) -> fjall::Result<u64> {
        self.database.disk_space()
    }

    fn keyspace(&self, table: Table) -> &Keyspace {
        &self.keyspaces[table as usize]
    }
}
