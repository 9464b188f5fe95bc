//! Moves a shop into another store and log, through the ports, so that it goes on there as if nothing had happened.
//!
//! Nothing is rewritten: the shop goes on in a log of the next number, whose positions lie behind all those that rows, marks and slots
//! name. Every customer goes to the partition that its id has among those of the new log, whatever their number. What the old log holds
//! above a row's mark is appended to the new one; a row that still has to relay something, or waits for a score, is woken there.
//!
//! The target has to be empty: it is marked before the first write and again after the last, and no engine works on it in between.

mod rows;
mod tail;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use actors::port::Reply;
use actors::port::agreement::{Agreement, Imported};
use actors::port::log::{Commit, LogSink, LogSource, Topic};
use actors::port::store::{
    Cas, DecisionRow, Error as StoreError, Lease, LedgerChange, LedgerEntry, Links, Store, TIMER_SLOT_MS,
    Written,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::decision::Decision;
use schemas::ids::{CustomerId, Epoch, LogId, PartitionId, Position};
use serde::Serialize;
use smol_str::SmolStr;

use self::tail::Tail;
use super::file::Reader;
use super::manifest::{Manifest, table_path};
use super::{Error, Step, Watch, failed};
use crate::embedded::tables::Table;
use crate::embedded::{Failure, key, value};
use crate::log::embedded::EmbeddedLog;
use crate::replay::{Passage, Target as _};

/// Rows, wake-ups, decisions, turns or links of one write.
const BATCH: usize = 500;

/// Key and value.
type Entry = (Bytes, Bytes);

/// Single writes under way at once.
const UNDER_WAY: usize = 64;

/// Where a shop is moved to.
pub struct Target {
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Its log, which begins at [`log_of`].
    pub source: Arc<dyn LogSource>,
    /// The same log.
    pub sink: Arc<dyn LogSink>,
    /// The log, where it is embedded: it keeps the progress of replayed files, and has to be told where dispatchers begin.
    pub embedded: Option<Arc<EmbeddedLog>>,
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// It had been done before; nothing was written.
    pub already: bool,
    /// Customer rows.
    pub customers: u64,
    /// Ledger entries.
    pub ledger: u64,
    /// Decisions.
    pub decisions: u64,
    /// Turns of conversations.
    pub turns: u64,
    /// Entries of the link index.
    pub links: u64,
    /// Entries of the timer index.
    pub wake_ups: u64,
    /// Records of care.events that no row had applied.
    pub events: u64,
    /// Records of care.outreach that no dispatcher had handled.
    pub outreach: u64,
    /// Dead letters.
    pub dead_letters: u64,
}

/// Returns the log that an imported shop goes on in.
///
/// Errors: it has had as many as there may be.
pub fn log_of(manifest: &Manifest) -> Result<LogId, Error> {
    let next = manifest.agreement.log.next();
    next.ok_or_else(|| Error::Target("the shop has had as many logs as there may be".to_owned()))
}

/// Moves the shop of a backup that was verified into an empty target.
///
/// Errors: `Target` → the target is not empty, or this engine does not know the codec of the rows · `Store`, `Log` → a write failed; the
/// target is of no use then and has to be made anew.
pub async fn import(
    folder: &Path,
    manifest: &Manifest,
    target: &Target,
    watch: Watch<'_>,
) -> Result<Report, Error> {
    let log = log_of(manifest)?;
    manifest.agreement.codec().map_err(|refused| Error::Target(refused.to_string()))?;
    let imported = |complete| Some(Imported { export: manifest.id.clone(), complete });
    let begun = Agreement { log, imported: imported(false), ..manifest.agreement.clone() };
    if !is_free(target, log, manifest).await? {
        return Ok(Report { already: true, ..Report::default() });
    }
    agree(target, Agreement::default(), begun.clone()).await?;
    let mut moving = Moving::new(folder, manifest, target, watch)?;
    moving.rows().await?;
    moving.wake_ups().await?;
    moving.ledger().await?;
    moving.decisions().await?;
    moving.turns().await?;
    moving.links().await?;
    moving.records().await?;
    moving.progress().await?;
    moving.leases(log).await?;
    agree(target, begun.clone(), Agreement { imported: imported(true), ..begun }).await?;
    Ok(moving.report)
}

/// Returns true when the target is empty, false when this very shop is there already.
async fn is_free(target: &Target, log: LogId, manifest: &Manifest) -> Result<bool, Error> {
    let agreement = target.store.read_agreement().await?;
    match &agreement.imported {
        Some(Imported { export, complete: true }) if *export == manifest.id => return Ok(false),
        Some(Imported { complete: false, .. }) => {
            let words = agreement.codec().err().map_or_else(String::new, |refused| refused.to_string());
            return Err(Error::Target(words));
        }
        Some(_) | None => {}
    }
    let taken =
        |what: &str| Error::Target(format!("{what}: a shop is moved into an empty store and an empty log"));
    if agreement != Agreement::default() {
        return Err(taken("another shop is in the store"));
    }
    for partition in (0..target.source.partitions()).map(PartitionId) {
        if target.store.read_lease(partition).await? != Lease::default()
            || !target.store.scan_rows(partition, None, 1).await?.rows.is_empty()
        {
            return Err(taken("an engine has worked on the store"));
        }
        for topic in Topic::ALL {
            if target.source.end(topic, partition).await? != Position::first_of(log) {
                return Err(taken(&format!("{} holds records", topic.as_str())));
            }
        }
    }
    Ok(true)
}

async fn agree(target: &Target, expect: Agreement, new: Agreement) -> Result<(), Error> {
    match target.store.cas_agreement(expect, new.clone()).await {
        Ok(Cas::Applied) => Ok(()),
        Ok(Cas::Refused(found)) if found == new => Ok(()),
        Ok(Cas::Refused(_)) => {
            Err(Error::Target("somebody else changes the store at the same time".to_owned()))
        }
        Err(error) => match target.store.read_agreement().await? == new {
            true => Ok(()),
            false => Err(error.into()),
        },
    }
}

/// An import under way.
struct Moving<'a> {
    folder: &'a Path,
    target: &'a Target,
    watch: Watch<'a>,
    step: Step,
    partitions: u32,
    /// The table of single values.
    state: HashMap<Bytes, Bytes>,
    leases: Vec<Lease>,
    tail: Tail,
    /// Marks of the customers that the tail has records of.
    marks: HashMap<SmolStr, Option<Position>>,
    /// Timer slots below it are done in every partition.
    cursor: i64,
    report: Report,
}

impl<'a> Moving<'a> {
    fn new(
        folder: &'a Path,
        manifest: &Manifest,
        target: &'a Target,
        watch: Watch<'a>,
    ) -> Result<Self, Error> {
        let mut state = HashMap::new();
        for entry in entries(folder, Table::State)? {
            let (key, value) = entry?;
            state.insert(key, value);
        }
        let old = (0..manifest.partitions.len() as u32).map(PartitionId);
        let lease = |partition| match state.get(key::lease(partition).as_slice()) {
            Some(bytes) => value::decode_lease(bytes).map_err(corrupt),
            None => Ok(Lease::default()),
        };
        let leases: Vec<Lease> = old.clone().map(lease).collect::<Result<_, _>>()?;
        let commit = |partition| match state.get(key::commit(Topic::Outreach, partition).as_slice()) {
            Some(bytes) => value::decode("commit", bytes).map_err(corrupt),
            None => Ok(Commit::default()),
        };
        let commits: Vec<Commit> = old.map(commit).collect::<Result<_, _>>()?;
        let tail = Tail::find(&folder.join(table_path(Table::Log.name())), &leases, &commits)?;
        let marks = tail.keys().map(|key| (key.clone(), None)).collect();
        let cursor = cursor(&leases, &tail);
        let step = Step { done: 0, of: manifest.bytes() };
        let (partitions, report) = (target.source.partitions(), Report::default());
        Ok(Self { folder, target, watch, step, partitions, state, leases, tail, marks, cursor, report })
    }

    fn partition(&self, customer: &CustomerId) -> PartitionId {
        PartitionId::of(customer.as_str(), self.partitions)
    }

    /// Tells how far it is.
    fn told(&mut self, bytes: usize) -> Result<(), Error> {
        self.step.done += bytes as u64;
        (self.watch)(self.step)
    }

    async fn ledger(&mut self) -> Result<(), Error> {
        let store = &self.target.store;
        let write = |entry: Result<Entry, Error>| async move {
            let (_, bytes) = entry?;
            let entry: LedgerEntry = value::decode("ledger entry", &bytes).map_err(corrupt)?;
            let id = entry.outreach.id;
            match store.cas_ledger(LedgerChange { expect: None, entry: entry.clone() }).await? {
                Cas::Applied => Ok(bytes.len()),
                Cas::Refused(Some(held)) if *held == entry => Ok(bytes.len()),
                Cas::Refused(_) => Err(Error::Target(format!("the ledger holds another outreach {id}"))),
            }
        };
        let mut written =
            stream::iter(entries(self.folder, Table::Ledger)?).map(write).buffer_unordered(UNDER_WAY);
        while let Some(bytes) = written.try_next().await? {
            self.report.ledger += 1;
            self.step.done += bytes as u64;
            (self.watch)(self.step)?;
        }
        Ok(())
    }

    async fn decisions(&mut self) -> Result<(), Error> {
        let read = |(_, bytes): &Entry| {
            let decision: Decision = value::decode("decision", bytes).map_err(corrupt)?;
            // Below the range of every owner to come.
            Ok(DecisionRow { decision, written_at: 0 })
        };
        self.report.decisions =
            self.batches(Table::Decisions, read, |store, batch| store.write_decisions(batch)).await?;
        Ok(())
    }

    async fn turns(&mut self) -> Result<(), Error> {
        let read = |(_, bytes): &Entry| value::decode("turn", bytes).map_err(corrupt);
        self.report.turns = self.batches(Table::Turns, read, |store, batch| store.write_turns(batch)).await?;
        Ok(())
    }

    async fn links(&mut self) -> Result<(), Error> {
        let read = |(key, _): &Entry| {
            let link = key::link_of(key).zip(key::link_customer(key));
            let (link, customer) = link.ok_or_else(|| corrupt_key("link"))?;
            Ok(Links { customer, links: vec![link] })
        };
        self.report.links = self.batches(Table::Links, read, |store, batch| store.add_links(batch)).await?;
        Ok(())
    }

    /// Writes a table in batches of what each entry holds; returns how many entries there were.
    async fn batches<T>(
        &mut self,
        table: Table,
        read: impl Fn(&Entry) -> Result<T, Error>,
        write: impl Fn(&dyn Store, Vec<T>) -> Reply<Written, StoreError>,
    ) -> Result<u64, Error> {
        let store = self.target.store.as_ref();
        let (mut batch, mut count) = (Vec::new(), 0);
        for entry in entries(self.folder, table)? {
            let entry = entry?;
            batch.push(read(&entry)?);
            count += 1;
            if batch.len() == BATCH {
                write(store, std::mem::take(&mut batch)).await?;
            }
            self.told(entry.0.len() + entry.1.len())?;
        }
        write(store, batch).await?;
        Ok(count)
    }

    /// What the old log holds that nobody has handled, in the order of its stamps.
    async fn records(&mut self) -> Result<(), Error> {
        for topic in [Topic::Events, Topic::Outreach, Topic::DeadLetter] {
            let mut records = self.tail.read(topic, self.partitions)?;
            let mut batch = Vec::new();
            let mut appended = 0;
            while let Some((position, record)) = records.take_next()? {
                let known = self.marks.get(&record.key).copied().flatten();
                if topic == Topic::Events && known >= Some(position) {
                    continue;
                }
                appended += 1;
                batch.push(record);
                if batch.len() == BATCH {
                    self.target.sink.append(topic, std::mem::take(&mut batch)).await?;
                }
            }
            if !batch.is_empty() {
                self.target.sink.append(topic, batch).await?;
            }
            match topic {
                Topic::Events => self.report.events = appended,
                Topic::Outreach => self.report.outreach = appended,
                Topic::DeadLetter | Topic::Decisions | Topic::Replies => self.report.dead_letters = appended,
            }
        }
        Ok(())
    }

    /// How far files were replayed, so that the same command goes on there.
    async fn progress(&mut self) -> Result<(), Error> {
        let Some(log) = &self.target.embedded else { return Ok(()) };
        for (key, rows) in &self.state {
            let rows = rows.first_chunk().map(|rows| u64::from_le_bytes(*rows));
            if let (Some(source), Some(rows)) = (key::progress_of(key), rows) {
                let reached = log.reached().await?;
                log.play(Passage { source, rows, reached, records: Vec::new() }).await?;
            }
        }
        Ok(())
    }

    /// Owners of the new log go on behind every epoch and every write timestamp of the old one.
    async fn leases(&mut self, log: LogId) -> Result<(), Error> {
        let begin = Position::first_of(log);
        let lease = Lease {
            epoch: self.leases.iter().map(|lease| lease.epoch).max().unwrap_or(Epoch(0)),
            written_at_max: self.leases.iter().map(|lease| lease.written_at_max).max().unwrap_or(0),
            position: begin,
            timer_cursor: self.cursor,
            ..Lease::default()
        };
        for partition in (0..self.partitions).map(PartitionId) {
            match self.target.store.cas_lease(partition, Lease::default(), lease).await? {
                Cas::Applied => {}
                Cas::Refused(found) if found == lease => {}
                Cas::Refused(_) => {
                    return Err(Error::Target("an engine works on the store at the same time".to_owned()));
                }
            }
            if let Some(log) = &self.target.embedded {
                log.commit(Topic::Outreach, partition, Commit { position: begin, epoch: Epoch(0) }).await?;
            }
        }
        (self.watch)(Step { done: self.step.of, of: self.step.of })
    }
}

/// Returns the timer slot below which everything is done in every partition; 0 where nothing ever was.
fn cursor(leases: &[Lease], tail: &Tail) -> i64 {
    let known = leases.iter().map(|lease| lease.timer_cursor).filter(|cursor| *cursor != 0);
    // Where no owner has confirmed one, no timer can be due before the first record.
    let unread = leases.iter().enumerate().filter(|(_, lease)| lease.timer_cursor == 0);
    let begins = unread.filter_map(|(partition, _)| tail.first_stamp(PartitionId(partition as u32)));
    known.chain(begins.map(|stamp| stamp.0.div_euclid(TIMER_SLOT_MS))).min().unwrap_or(0)
}

/// Returns the keys and values of a table, in order.
fn entries(folder: &Path, table: Table) -> Result<impl Iterator<Item = Result<Entry, Error>>, Error> {
    let path = folder.join(table_path(table.name()));
    let mut reader = Reader::open(&path).map_err(failed("read", &path))?;
    Ok(std::iter::from_fn(move || reader.read_next().map_err(failed("read", &path)).transpose()))
}

fn corrupt(unreadable: value::Unreadable) -> Error {
    Error::Data(unreadable.into())
}

fn corrupt_key(what: &str) -> Error {
    Error::Data(Failure::Corrupt(format!("key of a {what}")))
}
