//! Looking at a world: how far everything is, and everything that it left behind, for the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actors::port::clock::Clock;
use actors::port::store::Store;
use engine::app;
use engine::predict::rules::Rules;
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::customer::Customer;
use schemas::decision::{Decision, Outreach};
use schemas::ids::{CustomerId, PartitionId};
use schemas::time::{Span, Timestamp};
use serde_json::Value;

use super::oracle::{Cause, Told, expect};
use super::rows::{self, Fold, Rows};
use super::story::{EVERY_ORDER, ONCE};
use super::topic::{Stored, heard};
use super::verdict::{Found, Verdict, cause, declined, judge};
use super::world::{PARTITIONS, World, triggers_of};

/// Entries asked for at once.
const MANY: usize = 10_000_000;
/// Customers whose decisions are read side by side.
const AT_ONCE: usize = 32;
/// What was due before that has fired, at rest.
const LONG_AGO: Span = Span::seconds(10);

impl World {
    fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.names.topic_prefix)
    }

    /// Returns where each partition of a topic ends, and how far the group committed.
    ///
    /// Errors: the broker does not answer.
    pub fn ends(&self, topic: &str) -> Result<Vec<(i64, Option<i64>)>, String> {
        let topic = self.topic(topic);
        let ends = self.reader.ends(&topic)?;
        let committed = self.group.committed(&topic, PARTITIONS as i32)?;
        Ok(ends.into_values().zip(committed).collect())
    }

    /// Returns where each partition of care.outreach ends, and how far its dispatcher committed.
    fn dispatched(&self) -> Result<Vec<(i64, i64)>, String> {
        let ends = self.ends("care.outreach")?;
        Ok(ends.into_iter().map(|(end, committed)| (end, committed.unwrap_or(0))).collect())
    }

    /// Returns true when everything in the log is read, durable, confirmed, dispatched and committed.
    pub async fn is_at_the_end(&self) -> bool {
        let (Ok(dispatched), Ok(events)) = (self.dispatched(), self.ends("care.events")) else {
            return false;
        };
        dispatched.iter().all(|(end, committed)| committed == end)
            && events.iter().all(|(end, committed)| committed.unwrap_or(0) == *end)
            && self.is_read_to_the_end().await
    }

    /// Returns true when all of care.events is read, durable and confirmed.
    pub async fn is_read_to_the_end(&self) -> bool {
        let Ok(events) = self.ends("care.events") else { return false };
        for (number, (end, _)) in (0..).zip(&events) {
            let lease = self.store.read_lease(PartitionId(number)).await;
            if lease.map_or(-1, |lease| lease.position.0 as i64) != *end {
                return false;
            }
        }
        true
    }

    /// Holds everything there is against what has to be.
    ///
    /// Errors: a server does not answer, or something cannot be read.
    pub async fn judge(&self) -> Result<Verdict, String> {
        let events = self.reader.all(&self.topic("care.events"))?;
        let told = Told::of(&events);
        let last = events.iter().map(|event| event.stamp_ms).max().unwrap_or_default();
        let rows = rows::stored(self.store.as_ref(), PARTITIONS).await?;
        let decisions = self.decisions(rows.keys()).await?;
        let declined = declined(&decisions);
        let expected = expect(&told).without(&declined);
        let fold = self.fold(declined, Timestamp(last.max(self.clock.now().0)));
        let found = self.found(&fold, rows, decisions).await?;
        Ok(judge(&expected, &fold.rows(&told).await, &found))
    }

    /// Returns the outreach that has to be and was not delivered, or was and should not be: what can be said without reading a row.
    ///
    /// Errors: a server does not answer, or something cannot be read.
    pub async fn wrongly_delivered(&self) -> Result<BTreeSet<Cause>, String> {
        let expected = expect(&Told::of(&self.reader.all(&self.topic("care.events"))?));
        let declined = declined(&self.decisions(expected.customers.keys()).await?);
        let relayed = outreach_of(&self.reader.all(&self.topic("care.outreach"))?)?;
        let delivered: BTreeSet<Cause> = self.delivered(&relayed)?.iter().map(cause).collect();
        Ok(expected.without(&declined).outreach.symmetric_difference(&delivered).cloned().collect())
    }

    fn fold(&self, declined: BTreeSet<Cause>, until: Timestamp) -> Fold {
        let book_of = |version| {
            let mut settings = self.settings.clone();
            settings.triggers.dir = self.folder.path().join(triggers_of(version));
            app::rulebook(&settings).expect("the triggers are legal")
        };
        Fold {
            book: book_of(1),
            declining: (book_of(2), declined),
            border: app::border(&self.settings),
            predictor: Arc::new(Rules::new()),
            until,
        }
    }

    async fn decisions(&self, customers: impl Iterator<Item = &String>) -> Result<Vec<Decision>, String> {
        let of_each = customers.map(|customer| {
            self.store.read_decisions(CustomerId::of_key(customer.as_str().into()), None, MANY)
        });
        let read: Vec<Vec<Decision>> =
            stream::iter(of_each).buffered(AT_ONCE).try_collect().await.map_err(|error| error.to_string())?;
        Ok(read.concat())
    }

    async fn found(&self, fold: &Fold, rows: Rows, decisions: Vec<Decision>) -> Result<Found, String> {
        let mut leases = Vec::new();
        for partition in (0..PARTITIONS).map(PartitionId) {
            leases.push(self.store.read_lease(partition).await.map_err(|error| error.to_string())?);
        }
        let long_ago = fold.until - LONG_AGO;
        let is_overdue = |row: &Customer| row.next_due().is_some_and(|due| due < long_ago);
        let overdue = rows.iter().filter(|(_, row)| is_overdue(row)).map(|(id, _)| id.clone()).collect();
        let uncleared = rows.values().filter(|row| !row.outbox().is_empty()).count() as u64;
        let relayed = self.reader.all(&self.topic("care.outreach"))?;
        let delivered = self.delivered(&outreach_of(&relayed)?)?;
        let (relayed, unheard) = heard(relayed);
        Ok(Found {
            delivered,
            outreach: outreach_of(&relayed)?,
            unheard,
            dead_letters: self.reader.all(&self.topic("care.dead-letter"))?,
            ledger: self.store.scan_ledger(None, MANY).await.map_err(|error| error.to_string())?,
            decisions,
            overdue,
            uncleared,
            rows: fold.at_rest(rows).await,
            leases,
            ends: self.ends("care.events")?,
            dispatched: self.dispatched()?,
            acknowledged: self.producer.acknowledged(),
        })
    }

    /// Returns every call of a channel. A webhook tells less than a line of a file: the rest is that of what was relayed under its id.
    fn delivered(&self, relayed: &[Outreach]) -> Result<Vec<Outreach>, String> {
        let text = std::fs::read_to_string(self.folder.path().join(ONCE)).unwrap_or_default();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| format!("{ONCE}: {error} in {line}")));
        let by_id: BTreeMap<String, &Outreach> =
            relayed.iter().map(|outreach| (outreach.id.to_string(), outreach)).collect();
        let posted = self.hook.requests().into_iter().map(|request| {
            let body: Value = serde_json::from_str(&request.body).map_err(|error| error.to_string())?;
            let outreach = by_id.get(&request.id).ok_or_else(|| format!("posted, never relayed: {body}"))?;
            let version = body["data"]["trigger_version"].as_u64().ok_or("a trigger has a version")?;
            Ok(Outreach { version: version as u32, ..Outreach::clone(outreach) })
        });
        lines.chain(posted).collect()
    }

    /// Returns each partition's epoch.
    pub async fn epochs(&self) -> Vec<u64> {
        let mut epochs = Vec::new();
        for partition in (0..PARTITIONS).map(PartitionId) {
            epochs.push(self.store.read_lease(partition).await.expect("the store is there").epoch.0);
        }
        epochs
    }

    /// Returns for each partition the longest time from an order, taken by the log in this span of time, to its outreach. Units: ms.
    pub fn delays(&self, from_ms: i64, to_ms: i64) -> BTreeMap<i32, i64> {
        let read = |name| self.reader.all(&self.topic(name)).expect("the broker is there");
        let mut first: BTreeMap<(i32, i64), i64> = BTreeMap::new();
        for record in read("care.outreach").iter().filter(|record| record.kind == "outreach") {
            let outreach: Outreach = serde_json::from_slice(&record.body).expect("an outreach");
            if outreach.trigger == EVERY_ORDER {
                let place = (record.partition, outreach.slot.position.0 as i64);
                first.entry(place).or_insert(record.stamp_ms);
            }
        }
        let mut delays = BTreeMap::new();
        for event in read("care.events").iter().filter(|event| (from_ms..to_ms).contains(&event.stamp_ms)) {
            if let Some(stamp_ms) = first.get(&(event.partition, event.offset)) {
                let longest = delays.entry(event.partition).or_insert(0);
                *longest = (*longest).max(stamp_ms - event.stamp_ms);
            }
        }
        delays
    }
}

/// Returns the outreach of a topic; epoch records have none.
fn outreach_of(records: &[Stored]) -> Result<Vec<Outreach>, String> {
    let outreach = records.iter().filter(|record| record.kind == "outreach");
    outreach
        .map(|record| serde_json::from_slice(&record.body).map_err(|error| format!("care.outreach: {error}")))
        .collect()
}
