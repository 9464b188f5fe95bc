//! The embedded log and store keep the contracts that the doubles keep.

use std::sync::Arc;

use actors::kit::contract;
use actors::port::BoxFuture;
use tempfile::TempDir;

use super::{open, settings};
use crate::clock::SystemClock;
use crate::embedded::{Database, Settings};
use crate::log::embedded::EmbeddedLog;
use crate::store::embedded::EmbeddedStore;

fn log_fixture(dir: Arc<TempDir>, settings: Settings) -> contract::log::Fixture {
    let database = Database::open(dir.path(), &settings, Arc::new(SystemClock)).expect("a good directory");
    let log = Arc::new(EmbeddedLog::new(&database));
    let reopen = Box::new(move || -> BoxFuture<'static, contract::log::Fixture> {
        Box::pin(async move { log_fixture(dir, settings) })
    });
    contract::log::Fixture { source: log.clone(), sink: log, stamps: contract::log::Stamps::Asked, reopen }
}

fn store_fixture(dir: Arc<TempDir>) -> contract::store::Fixture {
    let store = Arc::new(EmbeddedStore::new(&open(dir.path())));
    let reopen = Box::new(move || -> BoxFuture<'static, contract::store::Fixture> {
        Box::pin(async move { store_fixture(dir) })
    });
    contract::store::Fixture { store, reopen }
}

fn fresh() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a temporary directory"))
}

#[tokio::test]
async fn embedded_log_keeps_the_contract() {
    contract::log::suite(|| log_fixture(fresh(), settings())).await;
}

#[tokio::test]
async fn embedded_log_keeps_the_contract_without_records_in_memory() {
    let settings = Settings { tail_bytes_max: 0, ..settings() };
    contract::log::suite(|| log_fixture(fresh(), settings.clone())).await;
}

#[tokio::test]
async fn embedded_store_keeps_the_contract() {
    contract::store::suite(|| store_fixture(fresh())).await;
}
