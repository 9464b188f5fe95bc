//! A thousand live triggers of which three concern the event, against these three alone: what the row does with one event.

use std::time::Duration;

use anyhow::Result;
use engine::clock::thread_cpu;
use schemas::customer::{Customer, Effects};
use schemas::event::Border;
use schemas::ids::{CustomerId, Position};
use schemas::record::{LogRecord, Record, decode};
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;

use crate::events::{Events, Order};
use crate::{Given, Measurement, Part, book};

/// The table of triggers.
pub const TRIGGERS: Measurement = Measurement {
    name: "triggers",
    head: "### 1,000 live triggers, of which 3 concern the event\n\n\
        Processor time of `Customer::apply` alone, so that nothing else dilutes it; the least of several runs each.\n\n\
        | triggers | ns per event | of 3 triggers |\n\
        |---|---|---|",
    parts: &[Part::new("triggers", triggers)],
};

const CUSTOMERS: usize = 1_000;

/// Events of one run.
const EVENTS: u64 = 200_000;

/// Runs of each, in turn.
const RUNS: usize = 7;

fn triggers(given: &Given) -> Result<()> {
    let records = records(given.of(EVENTS) as usize)?;
    let books = [book::crowd(3), book::crowd(1_000)];
    let mut least = [Duration::MAX; 2];
    for _ in 0..RUNS {
        for (book, least) in books.iter().zip(&mut least) {
            *least = (*least).min(apply(book, &records));
        }
    }
    let nanos = least.map(|spent| spent.as_nanos() as f64 / records.len() as f64);
    println!("| 3 | {:.0} | 1 |\n| 1000 | {:.0} | **{:.2}** |", nanos[0], nanos[1], nanos[1] / nanos[0]);
    Ok(())
}

fn apply(book: &Rulebook, records: &[(usize, Record)]) -> Duration {
    let name = |number| CustomerId::user(&Events::customer(number as u64));
    let mut rows: Vec<Customer> = (0..CUSTOMERS).map(|number| Customer::new(name(number))).collect();
    let mut effects = Effects::default();
    let begin = thread_cpu();
    for (customer, record) in records {
        rows[*customer].apply(book, record, &mut effects);
        effects.clear();
    }
    thread_cpu() - begin
}

/// Returns decoded events with the numbers of their customers.
fn records(count: usize) -> Result<Vec<(usize, Record)>> {
    let now = Timestamp(1_795_507_200_000);
    let made = Events::new(CUSTOMERS as u64, Order::Rounds, 1).batch(count, now);
    let decoded = made.into_iter().enumerate().map(|(nth, made)| {
        let (position, stamp) = (Position(nth as u64), now);
        let record =
            LogRecord { position, stamp, key: made.key, kind: made.kind, epoch: None, body: made.body };
        Ok((nth % CUSTOMERS, decode(&record, &Border::default())?))
    });
    decoded.collect()
}
