//! The doubles pass the suites that the real adapters pass.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use schemas::time::Timestamp;

use super::{channel, clock, generator, log, predictor, store};
use crate::kit::memory::{
    ManualClock, MemoryLog, MemoryStore, RecordingChannel, ScriptedGenerator, ScriptedPredictor,
};
use crate::port::channel::Repeat;
use crate::port::clock::Clock;

fn log_fixture(held: MemoryLog) -> log::Fixture {
    let again = held.clone();
    log::Fixture {
        source: Arc::new(held.clone()),
        sink: Arc::new(held),
        stamps: log::Stamps::Asked,
        reopen: Box::new(move || Box::pin(async move { log_fixture(again.reopened()) })),
    }
}

fn store_fixture(held: MemoryStore) -> store::Fixture {
    let again = held.clone();
    let reopen = Box::new(move || -> crate::port::BoxFuture<'static, store::Fixture> {
        Box::pin(async move { store_fixture(again) })
    });
    store::Fixture { store: Arc::new(held), reopen }
}

#[tokio::test]
async fn memory_log_keeps_the_contract() {
    let clock = ManualClock::at(Timestamp(100));
    log::suite(|| log_fixture(MemoryLog::new(log::PARTITIONS_MIN, Arc::new(clock.clone())))).await;
}

#[tokio::test]
async fn memory_store_keeps_the_contract() {
    store::suite(|| store_fixture(MemoryStore::new())).await;
}

#[tokio::test]
async fn recording_channel_keeps_the_contract() {
    for repeat in [Repeat::Idempotent, Repeat::AtMostOnce] {
        channel::suite(|| {
            let channel = RecordingChannel::new(repeat);
            let seen = channel.clone();
            let sent = Box::new(move || seen.sent().into_iter().map(|outreach| outreach.id).collect());
            channel::Fixture { channel: Arc::new(channel), sent }
        })
        .await;
    }
}

#[tokio::test]
async fn scripted_generator_keeps_the_contract() {
    generator::suite(|| Arc::new(ScriptedGenerator::new()), || Duration::ZERO).await;
}

#[tokio::test]
async fn scripted_predictor_keeps_the_contract() {
    predictor::suite(|| Arc::new(ScriptedPredictor::new())).await;
}

#[tokio::test]
async fn manual_clock_keeps_the_contract() {
    clock::suite(&ManualClock::at(Timestamp(0))).await;
}

#[tokio::test]
async fn manual_clock_wakes_sleepers_when_it_passes_their_time() {
    let clock = ManualClock::at(Timestamp(0));
    let mut sleeper = clock.sleep(Duration::from_secs(2));
    clock.advance(Duration::from_secs(1));
    assert!((&mut sleeper).now_or_never().is_none());
    clock.set(Timestamp(-5));
    assert!((&mut sleeper).now_or_never().is_none(), "the wall clock wakes nobody");
    clock.advance(Duration::from_secs(1));
    sleeper.await;
    assert_eq!(clock.now(), Timestamp(995));
}
