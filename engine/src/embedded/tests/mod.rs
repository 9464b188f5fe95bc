//! The embedded database against the contract suites, and against what goes wrong on real machines.

mod contract;
mod retention;
mod torn;

use std::path::Path;
use std::sync::Arc;

use actors::port::log::NewRecord;
use schemas::ids::{CustomerId, Epoch, PartitionId};
use schemas::record::RecordKind;

use super::{Database, Settings};
use crate::clock::SystemClock;

const P0: PartitionId = PartitionId(0);

fn settings() -> Settings {
    Settings { partitions: 3, fetch_wait_ms: 2, ..Settings::default() }
}

fn open(path: &Path) -> Database {
    Database::open(path, &settings(), Arc::new(SystemClock)).expect("an empty or a good directory")
}

fn record(number: usize, len: usize) -> NewRecord {
    let mut body = number.to_string().into_bytes();
    body.resize(len.max(body.len()), b'.');
    NewRecord {
        partition: P0,
        key: format!("customer-{number}").into(),
        kind: RecordKind::Event,
        epoch: None,
        stamp: None,
        body: body.into(),
    }
}

fn row(customer: &str, written_at: i64, len: usize) -> actors::port::store::Row {
    let state = vec![written_at as u8; len].into();
    actors::port::store::Row { customer: CustomerId::user(customer), written_at, epoch: Epoch(1), state }
}
