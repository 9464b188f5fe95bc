//! What may be dropped is dropped, and nothing else.

use std::sync::Arc;

use actors::port::Kind;
use actors::port::log::{LogSink, LogSource, NewRecord, Topic};
use actors::port::store::{Cas, Lease, Store, TIMER_SLOT_MS, WakeUp};
use schemas::ids::{CustomerId, Epoch, Position};
use schemas::time::{Span, Timestamp};

use super::{P0, open, record, settings};
use crate::clock::SystemClock;
use crate::embedded::{Database, Settings};
use crate::log::embedded::EmbeddedLog;
use crate::store::embedded::EmbeddedStore;

/// More groups than lie between two looks for old blocks.
const DAYS: i64 = 300;

#[tokio::test]
async fn old_blocks_go_once_they_are_handled() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { retention_days: 7, tail_bytes_max: 0, ..settings() };
    let database = Database::open(dir.path(), &settings, Arc::new(SystemClock)).unwrap();
    let (log, store) = (EmbeddedLog::new(&database), EmbeddedStore::new(&database));
    let lease = Lease { epoch: Epoch(1), owner: 1, position: Position(100), ..Lease::default() };
    assert_eq!(store.cas_lease(P0, Lease::default(), lease).await.unwrap(), Cas::Applied);
    for day in 0..DAYS {
        let stamp = Some(Timestamp(0) + Span::days(day));
        log.append(Topic::Events, vec![NewRecord { stamp, ..record(day as usize, 10) }]).await.unwrap();
    }
    let gone = log.fetch(Topic::Events, P0, Position(99), 1).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::Reject, "older than a week and handled");
    let kept = log.fetch(Topic::Events, P0, Position(100), 1).await.unwrap();
    assert_eq!(kept.records[0].position, Position(100), "old, and not handled yet");
    drop((log, store, database));
    let database = Database::open(dir.path(), &settings, Arc::new(SystemClock)).unwrap();
    let log = EmbeddedLog::new(&database);
    assert!(log.fetch(Topic::Events, P0, Position(99), 1).await.is_err(), "the start survives a reopening");
    assert_eq!(log.end(Topic::Events, P0).await.unwrap(), Position(DAYS as u64));
}

#[tokio::test]
async fn wake_ups_below_the_cursor_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::new(&open(dir.path()));
    let wake_up =
        |slot: i64| WakeUp { slot, due: Timestamp(slot * TIMER_SLOT_MS), customer: CustomerId::user("ada") };
    store.add_wake_ups(P0, (0..1_000).map(wake_up).collect()).await.unwrap();
    let mut lease = Lease { epoch: Epoch(1), owner: 1, timer_cursor: 900, ..Lease::default() };
    assert_eq!(store.cas_lease(P0, Lease::default(), lease).await.unwrap(), Cas::Applied);
    // Each change drops some of them, so that none takes long.
    for cursor in [901, 902, 903, 904] {
        let moved = Lease { timer_cursor: cursor, ..lease };
        assert_eq!(store.cas_lease(P0, lease, moved).await.unwrap(), Cas::Applied);
        lease = moved;
    }
    let left = store.scan_wake_ups(P0, i64::MIN, i64::MAX).await.unwrap();
    assert_eq!(left, (904..1_000).map(wake_up).collect::<Vec<_>>());
}
