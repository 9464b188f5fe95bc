//! The engine driven by a few carts: what it sends, it sends at its time, in every run alike.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use actors::port::log::NewRecord;
use anyhow::Result;
use bytes::Bytes;
use schemas::ids::PartitionId;
use schemas::record::RecordKind;
use schemas::time::{Span, Timestamp};

use super::engine::{Balance, Driven, Parts};
use super::treated::{Arm, Treated};
use crate::app;
use crate::settings::Settings;
use crate::triggers;

/// Noon, so that nobody's quiet hours are in the way.
const NOON: Timestamp = Timestamp(1_772_452_800_000);

const STEP: Span = Span::minutes(5);

mod drive;

fn block_on<T>(future: impl Future<Output = Result<T>>) -> T {
    actix::System::new().block_on(future).expect("the engine runs")
}

/// Returns the settings of a run in a folder, with the trigger that needs no model.
fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::defaults();
    (settings.data.dir, settings.triggers.dir) = (dir.join("data"), dir.join("triggers"));
    settings.log.partitions = 3;
    let (name, text) = triggers::READY.iter().find(|(name, _)| *name == "cart-idle.yaml").expect("ready");
    std::fs::create_dir_all(&settings.triggers.dir).expect("a folder");
    std::fs::write(settings.triggers.dir.join(name), text).expect("a file");
    settings
}

fn record(customer: &str, at: Timestamp, body: String) -> NewRecord {
    NewRecord {
        partition: PartitionId::of(customer, 3),
        key: customer.into(),
        kind: RecordKind::Event,
        epoch: None,
        stamp: Some(at),
        body: Bytes::from(body),
    }
}

/// A shopper consents and fills a cart.
fn cart(nth: i64) -> [NewRecord; 2] {
    let (customer, at) = (format!("shopper-{nth}"), NOON + Span::seconds(nth * 37));
    let time = jiff::Timestamp::from_millisecond(at.0).expect("a time of ours");
    let identify = format!(
        r#"{{"type":"identify","userId":"{customer}","messageId":"i{nth}","timestamp":"{time}","traits":{{"consent":{{"marketing":true}}}}}}"#
    );
    let added = format!(
        r#"{{"type":"track","event":"Product Added","userId":"{customer}","messageId":"a{nth}","timestamp":"{time}","properties":{{"cart_id":"c{nth}","product_id":"p","price":60.0,"quantity":1}}}}"#
    );
    [record(&customer, at, identify), record(&customer, at, added)]
}

/// Fills carts for a quarter of an hour and then is silent for an hour; returns who was treated in each step.
async fn quiet_hour(dir: &Path) -> Result<(Vec<Vec<Treated>>, Balance)> {
    let settings = settings(dir);
    let book = Arc::new(app::replay_rulebook(&settings)?);
    let parts = Parts { settings: &settings, book, budget: u64::MAX, predictor: &|of_settings| of_settings };
    let mut engine = Driven::start(parts).await?;
    let mut carts: Vec<NewRecord> = (0..24).flat_map(cart).collect();
    let mut steps = Vec::new();
    for step in 1..=15 {
        let until = NOON + Span::minutes(5 * step);
        let rest = carts.split_off(carts.partition_point(|record| record.stamp < Some(until)));
        steps.push(engine.step(std::mem::replace(&mut carts, rest), until).await?.treated);
        assert_eq!(engine.now(), until);
    }
    Ok((steps, engine.finish().await?))
}

#[test]
fn silence_is_heard_in_the_step_in_which_it_is_due() {
    let dir = tempfile::tempdir().expect("a folder");
    let (steps, balance) = block_on(quiet_hour(dir.path()));
    let treated: Vec<&Treated> = steps.iter().flatten().collect();
    let chosen = treated.iter().filter(|one| one.arm != Arm::Contacted).count();
    assert_eq!(chosen, 24, "{treated:?}");
    for (nth, step) in steps.iter().enumerate() {
        let end = NOON + Span::minutes(5 * (nth as i64 + 1));
        assert!(step.iter().all(|one| end - STEP <= one.at && one.at < end), "step {nth}: {step:?}");
    }
    let first = treated.iter().find(|one| one.customer.as_str() == "shopper-0").expect("treated");
    assert_eq!((first.at, first.key.as_str()), (NOON + Span::minutes(30), "c0"));
    let contacted = treated.iter().filter(|one| one.arm == Arm::Contacted).count() as u64;
    assert!(contacted > 18, "one in twenty is held back");
    let expected = Balance { appended: 48, applied: 48, delivered: balance.delivered, lost: 0, doubled: 0 };
    assert_eq!(balance, expected);
    assert!(balance.delivered >= contacted);
}

#[test]
fn partitions_without_an_event_keep_nobody_waiting() {
    let dir = tempfile::tempdir().expect("a folder");
    let balance = block_on(async {
        let settings = settings(dir.path());
        let book = Arc::new(app::replay_rulebook(&settings)?);
        let parts = Parts { settings: &settings, book, budget: 0, predictor: &|of_settings| of_settings };
        let mut engine = Driven::start(parts).await?;
        engine.step(cart(0).into(), NOON + STEP).await?;
        engine.finish().await
    });
    assert_eq!((balance.appended, balance.applied), (2, 2));
}

#[test]
fn the_same_events_treat_the_same_shoppers() {
    let run = || {
        let dir = tempfile::tempdir().expect("a folder");
        block_on(quiet_hour(dir.path()))
    };
    assert_eq!(run(), run());
}
