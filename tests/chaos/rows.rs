//! Rows as they are stored, and as one thread makes them of the topic: the engine's own transitions, without anything that the engine
//! does to make them durable.
//!
//! This says nothing about the transitions, which `oracle` counts by other code; it says that nothing was lost, doubled, reordered or
//! mixed of all that a row holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actors::port::predictor::Predictor;
use actors::port::store::Store;
use bytes::Bytes;
use schemas::customer::{Customer, Effects};
use schemas::event::Border;
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{self, LogRecord, RecordKind};
use schemas::rulebook::Rulebook;
use schemas::time::{Span, Timestamp};

use super::oracle::{Cause, Told};
use super::story::CHECKOUT_SCORED;
use super::topic::Stored;

/// Rows asked for at once.
const PAGE: usize = 1_000;

/// What makes rows of records.
pub struct Fold {
    /// Triggers and policy, as engines have them.
    pub book: Rulebook,
    /// The same as those have them that decline [`CHECKOUT_SCORED`], and what they declined.
    pub declining: (Rulebook, BTreeSet<Cause>),
    /// What an event must be to pass.
    pub border: Border,
    /// What answers, always the same.
    pub predictor: Arc<dyn Predictor>,
    /// Until then everything that is due fires.
    pub until: Timestamp,
}

/// Rows by customer.
pub type Rows = BTreeMap<String, Customer>;

impl Fold {
    /// Makes rows of records.
    pub async fn rows(&self, told: &Told<'_>) -> Rows {
        let mut rows = Rows::new();
        for (stored, _) in &told.at_home {
            let record =
                record::decode(&logged(stored), &self.border).expect("the producer sends what is valid");
            let id = CustomerId::of_key(stored.key.as_str().into());
            let mut row = rows.remove(&stored.key).unwrap_or_else(|| Customer::new(id));
            self.fire(&mut row, record.stamp).await;
            let book = self.book_of(stored);
            row.apply(book, &record, &mut Effects::default());
            self.answer(&mut row, book).await;
            rows.insert(stored.key.clone(), row);
        }
        self.at_rest(rows).await
    }

    /// Returns rows as they are when everything due has fired and nothing waits: the same however often they were looked at.
    pub async fn at_rest(&self, rows: Rows) -> Rows {
        let mut rested = Rows::new();
        for (customer, mut row) in rows {
            self.fire(&mut row, self.until).await;
            let numbers: Vec<u64> = row.outbox().iter().map(|entry| entry.number).collect();
            row.clear(&numbers);
            row.set_index(None);
            rested.insert(customer, row);
        }
        rested
    }

    /// Fires what is due before `until`, one instant after the other.
    async fn fire(&self, row: &mut Customer, until: Timestamp) {
        while let Some(due) = row.next_due().filter(|due| *due < until) {
            row.wake(&self.book, due + Span(1), &mut Effects::default());
            self.answer(row, &self.book).await;
        }
    }

    /// Returns the triggers of whoever decided about a record.
    fn book_of(&self, record: &Stored) -> &Rulebook {
        let (trigger, customer) = (CHECKOUT_SCORED.to_owned(), record.key.clone());
        let (book, declined) = &self.declining;
        match declined.contains(&Cause { trigger, customer, offset: record.offset }) {
            true => book,
            false => &self.book,
        }
    }

    async fn answer(&self, row: &mut Customer, book: &Rulebook) {
        while let Some(ask) = row.pending_asks().first().cloned() {
            let answer = self.predictor.score(ask).await.expect("the rule score always answers");
            row.answer(book, &answer, &mut Effects::default());
        }
    }
}

/// Reads every row of a store.
///
/// Errors: the store does not answer; a row cannot be read.
pub async fn stored(store: &dyn Store, partitions: u32) -> Result<Rows, String> {
    let mut rows = Rows::new();
    for partition in (0..partitions).map(PartitionId) {
        let mut from = None;
        loop {
            let page = store.scan_rows(partition, from, PAGE).await.map_err(|error| error.to_string())?;
            for row in page.rows {
                let decoded =
                    Customer::decode(&row.state).map_err(|error| format!("{}: {error}", row.customer))?;
                rows.insert(row.customer.to_string(), decoded);
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(rows)
}

fn logged(stored: &Stored) -> LogRecord {
    let kind = RecordKind::ALL.into_iter().find(|kind| kind.as_str() == stored.kind);
    LogRecord {
        position: Position(stored.offset as u64),
        stamp: Timestamp(stored.stamp_ms),
        key: stored.key.as_str().into(),
        kind: kind.unwrap_or(RecordKind::Unknown),
        epoch: None,
        body: Bytes::from(stored.body.clone()),
    }
}
