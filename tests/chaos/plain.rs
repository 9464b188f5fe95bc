//! The story on the embedded engine, by a replay: where nothing goes wrong, engine and oracle agree. And where something is taken away or
//! added, the verdict says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::port::log::{LogSource, Topic};
use engine::app::{self, Opened};
use engine::predict::rules::Rules;
use engine::settings::{Layers, Settings, load};
use schemas::decision::Outreach;
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::RecordKind;
use schemas::time::Timestamp;
use serde_json::Value;

use super::config::channels;
use super::oracle::{Expected, Told, expect};
use super::rows::{self, Fold, Rows};
use super::story::{AGAIN, LOOKED_AND_LEFT_MS, ONCE, Story, TRIGGERS};
use super::topic::{Stored, heard};
use super::verdict::{Found, judge};
use crate::care;

const PARTITIONS: u32 = 3;
const EVENTS: i64 = 3_000;
/// Between two events. Units: ms.
const APART_MS: i64 = 37;
const BEGINS: Timestamp = Timestamp(1_772_431_200_000);
const MANY: usize = 1_000_000;

/// Plays the story into a data folder and returns its settings.
fn play(folder: &Path) -> Settings {
    let mut story = Story::new(5);
    let mut lines = Vec::new();
    for nth in 0..EVENTS {
        lines.push(stamped(&story.next().body, nth * APART_MS));
    }
    // The last one comes when every wait is over, and opens none.
    let last = std::iter::from_fn(|| Some(story.next())).find(|said| !said.body.contains("Product Viewed"));
    let last = last.expect("customers do other things too");
    lines.push(stamped(&last.body, EVENTS * APART_MS + LOOKED_AND_LEFT_MS * 3));
    let events = folder.join("story.jsonl");
    std::fs::write(&events, lines.join("\n")).expect("the story is written");
    std::fs::create_dir(folder.join("triggers")).expect("a folder");
    for (name, text) in TRIGGERS {
        std::fs::write(folder.join(format!("triggers/{name}.yaml")), text).expect("a trigger is written");
    }
    let config = write_settings(folder);
    let words = ["replay", "--format", "segment-jsonl", "--speed", "max", "--json", "--config"];
    let words = words.iter().map(|word| (*word).to_owned());
    let summary =
        care::run(words.chain([config.display().to_string(), events.display().to_string()])).summary();
    assert_eq!((&summary["lost"], &summary["doubled"]), (&Value::from(0), &Value::from(0)), "{summary}");
    load(&Layers { file: Some(&config), ..Layers::default() }).expect("legal settings").settings
}

fn stamped(body: &str, after_ms: i64) -> String {
    let mut event: Value = serde_json::from_str(body).expect("JSON");
    event["timestamp"] = Timestamp(BEGINS.0 + after_ms).to_string().into();
    // A replay finds each customer's partition: nothing goes astray.
    event.as_object_mut().expect("an object").remove("context");
    event.to_string()
}

fn write_settings(folder: &Path) -> PathBuf {
    let at = folder.display();
    let text = format!(
        r#"
[data]
dir = "{at}/data"
[log]
partitions = {PARTITIONS}
[predictor]
kind = "rules"
[triggers]
dir = "{at}/triggers"
{}"#,
        channels(folder, None)
    );
    let path = folder.join("care.toml");
    std::fs::write(&path, text).expect("settings are written");
    path
}

async fn records(source: &dyn LogSource, topic: Topic) -> Vec<Stored> {
    let mut records = Vec::new();
    for partition in (0..PARTITIONS).map(PartitionId) {
        let end = source.end(topic, partition).await.expect("the log is there");
        let mut next = Position(0);
        while next < end {
            let fetched = source.fetch(topic, partition, next, MANY).await.expect("the log is there");
            next = fetched.next;
            records.extend(fetched.records.into_iter().map(|record| Stored {
                partition: partition.0 as i32,
                offset: record.position.0 as i64,
                stamp_ms: record.stamp.0,
                key: record.key.to_string(),
                kind: record.kind.as_str().to_owned(),
                epoch: record.epoch.map(|epoch| epoch.0),
                body: record.body.to_vec(),
            }));
        }
    }
    records
}

/// Returns what has to be there, what one thread makes of the topic, and what is there.
async fn look(folder: &Path, settings: &Settings) -> (Expected, Rows, Found) {
    let opened = Opened::for_reading(settings).expect("the data can be opened");
    let (source, store) = (opened.ports.source.as_ref(), opened.ports.store.as_ref());
    let events = records(source, Topic::Events).await;
    let book = || app::replay_rulebook(settings).expect("the triggers are legal");
    let fold = Fold {
        book: book(),
        declining: (book(), BTreeSet::new()),
        border: app::border(settings),
        predictor: Arc::new(Rules::new()),
        until: Timestamp(events.iter().map(|event| event.stamp_ms).max().expect("there are events")),
    };
    let stored = rows::stored(store, PARTITIONS).await.expect("the store is there");
    let mut decisions = Vec::new();
    for customer in stored.keys() {
        let customer = CustomerId::of_key(customer.as_str().into());
        decisions.extend(store.read_decisions(customer, None, MANY).await.expect("the store is there"));
    }
    let (mut leases, mut ends, mut dispatched) = (Vec::new(), Vec::new(), Vec::new());
    for partition in (0..PARTITIONS).map(PartitionId) {
        leases.push(store.read_lease(partition).await.expect("the store is there"));
        let committed = source.committed(Topic::Outreach, partition).await.expect("the log is there");
        let end = source.end(Topic::Outreach, partition).await.expect("the log is there");
        dispatched.push((end.0 as i64, committed.position.0 as i64));
        ends.push((source.end(Topic::Events, partition).await.expect("the log is there").0 as i64, None));
    }
    let is_outreach = |record: &&Stored| record.kind == RecordKind::Outreach.as_str();
    let (relayed, unheard) = heard(records(source, Topic::Outreach).await);
    let found = Found {
        outreach: relayed.iter().filter(is_outreach).map(|one| outreach_of(&one.body)).collect(),
        unheard,
        dead_letters: records(source, Topic::DeadLetter).await,
        delivered: [ONCE, AGAIN].iter().flat_map(|channel| lines(&folder.join(channel))).collect(),
        ledger: store.scan_ledger(None, MANY).await.expect("the store is there"),
        decisions,
        overdue: Default::default(),
        uncleared: 0,
        rows: fold.at_rest(stored).await,
        leases,
        ends,
        dispatched,
        acknowledged: Default::default(),
    };
    let told = Told::of(&events);
    (expect(&told), fold.rows(&told).await, found)
}

fn outreach_of(body: &[u8]) -> Outreach {
    serde_json::from_slice(body).expect("an outreach")
}

fn lines(path: &Path) -> Vec<Outreach> {
    let text = std::fs::read_to_string(path).expect("the channel delivered something");
    text.lines().map(|line| outreach_of(line.as_bytes())).collect()
}

#[test]
fn where_nothing_goes_wrong_engine_and_oracle_agree_and_whatever_is_missing_or_twice_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = play(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut expected, folded, mut found) = runtime.block_on(look(folder.path(), &settings));
    let verdict = judge(&expected, &folded, &found);
    assert!(verdict.is_clean(), "{:#?}", verdict.told);
    for trigger in TRIGGERS.map(|(name, _)| name) {
        let asked = expected.outreach.iter().filter(|cause| cause.trigger == trigger).count();
        assert!(asked > 10, "{trigger} was to be sent {asked} times: that shows little");
    }

    let once = found.delivered.iter().find(|one| one.channel == ONCE).expect("there is one").clone();
    found.delivered.push(once.clone());
    assert_eq!(judge(&expected, &folded, &found).doubled, 1);
    found.delivered.retain(|one| one.id != once.id);
    assert_eq!(judge(&expected, &folded, &found).lost, 1);
    found.ledger.retain(|entry| entry.outreach.id != once.id);
    found.decisions.retain(|decision| decision.id != once.id);
    let verdict = judge(&expected, &folded, &found);
    assert_eq!((verdict.lost, verdict.ledger, verdict.decisions), (1, 1, 1));

    let customer = once.customer.as_str();
    let row = found.rows.remove(customer).expect("a row");
    let verdict = judge(&expected, &folded, &found);
    assert!(verdict.state_mismatch == 1 && verdict.lost > 1, "{verdict:?}");
    found.rows.insert(customer.to_owned(), row);
    found.leases[0].position = Position(1);
    assert_eq!(judge(&expected, &folded, &found).unconfirmed, 1);
    found.dispatched[1].1 -= 1;
    assert_eq!(judge(&expected, &folded, &found).unconfirmed, 2);
    found.acknowledged.entry(customer.to_owned()).or_default().insert(1_000_000);
    assert_eq!(judge(&expected, &folded, &found).lost, 2, "what was acknowledged is not in the topic");
    expected.left_astray.insert(format!("{customer}-1000001"));
    assert_eq!(judge(&expected, &folded, &found).lost, 3, "what went astray is not relayed");
}
