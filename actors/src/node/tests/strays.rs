//! Records that do not lie in their customer's partition: relayed, counted once, told; and those that nobody can be told of.

use schemas::customer::identity::{Message, Relay};
use schemas::record::{Command, Sender, encode_command, encode_relay};

use super::*;

fn is_original(record: &LogRecord) -> bool {
    record.kind != RecordKind::Stray && String::from_utf8_lossy(&record.body).contains("Strayed")
}

/// Appends a record where somebody else's partitioner puts it.
async fn append(world: &World, partition: u32, key: &str, (kind, body): (RecordKind, Bytes)) {
    let partition = PartitionId(partition % PARTITIONS);
    let new = NewRecord { partition, key: key.into(), kind, epoch: None, stamp: None, body };
    world.log.append(Topic::Events, vec![new]).await.expect("memory");
}

fn event(who: u32, number: u32) -> (RecordKind, Bytes) {
    let body = format!(r#"{{"userId":"u{who}","event":"Strayed","messageId":"s{number}"}}"#);
    (RecordKind::Event, body.into())
}

fn cloud_event(who: u32, number: u32) -> (RecordKind, Bytes) {
    let body = format!(
        r#"{{"specversion":"1.0","id":"{number}","source":"/s","type":"Strayed","subject":"u{who}","data":{{}}}}"#
    );
    (RecordKind::CloudEvent, body.into())
}

/// Returns the partition of a customer.
fn home(who: u32) -> u32 {
    PartitionId::of(&format!("u{who}"), PARTITIONS).0
}

#[test]
fn what_lies_in_another_partition_or_has_no_key_counts_once_with_its_customer() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(30, 0, 300).await;
        for n in 0..120 {
            let who = n % 30;
            let record = if n % 2 == 0 { event(who, n) } else { cloud_event(who, n) };
            let key = if n % 3 == 0 { String::new() } else { format!("u{who}") };
            append(&world, home(who) + 1 + n % 2, &key, record).await;
        }
        append(&world, home(1) + 1, "u1", (RecordKind::Command, encode_command(Command::Suppress))).await;
        world.shop(30, 300, 300).await;
        world.pace.passing(node.settle()).await.expect("settled");
        let suppress = |record: &LogRecord| record.kind == RecordKind::Command;
        world.assert_rows(|record| is_original(record) || suppress(record)).await;
        let rows = world.stored().await;
        let strayed: u64 = rows.values().map(|row| row.profile().total("Strayed").n).sum();
        assert_eq!(strayed, 120);
        assert!(rows[&CustomerId::user("u1")].profile().suppressed());
        assert_eq!(node.counts().strayed, 121);
        assert_eq!(world.sample("care_partition_records_strayed_total"), 121.0);
        for (confirmed, end) in world.ends().await {
            assert_eq!(confirmed, end);
        }
        node.stop().await.expect("stopped");
        assert_eq!(world.letters(), vec![]);
    });
}

#[test]
fn a_record_without_a_key_that_lies_at_home_is_folded_there() {
    run(async {
        let world = World::new();
        let node = world.node();
        append(&world, home(7), "", event(7, 0)).await;
        append(&world, home(7), "", cloud_event(7, 1)).await;
        world.pace.passing(node.settle()).await.expect("settled");
        let rows = world.stored().await;
        assert_eq!(rows[&CustomerId::user("u7")].profile().total("Strayed").n, 2);
        assert_eq!((node.counts().strayed, world.records(Topic::Events).len()), (0, 2));
        node.stop().await.expect("stopped");
    });
}

#[test]
fn what_a_crashed_owner_relayed_is_relayed_again_and_changes_nothing() {
    run(async {
        let mut world = World::new();
        // Confirmations come so late that the first node leaves no position behind.
        world.settings.confirm = Duration::from_secs(3_000);
        world.shop(30, 0, 300).await;
        for n in 0..60 {
            append(&world, home(n % 30) + 1, "", event(n % 30, n)).await;
        }
        let node = world.node();
        world.pace.passing(node.quiet()).await.expect("quiet");
        let relayed = world.records(Topic::Events).len();
        drop(node);
        let mut world = world.reopened();
        world.settings.confirm = Settings::default().confirm;
        let node = world.node();
        world.pace.passing(node.settle()).await.expect("settled");
        assert!(world.records(Topic::Events).len() > relayed, "the second node relayed them again");
        world.assert_rows(is_original).await;
        let strayed: u64 = world.stored().await.values().map(|row| row.profile().total("Strayed").n).sum();
        assert_eq!(strayed, 60);
        node.stop().await.expect("stopped");
    });
}

#[test]
fn what_names_nobody_or_is_no_business_of_this_partition_goes_to_the_dead_letters() {
    run(async {
        let world = World::new();
        let node = world.node();
        let nobody = (RecordKind::Event, Bytes::from_static(br#"{"event":"Strayed"}"#));
        append(&world, 0, "", nobody).await;
        append(&world, 1, "", (RecordKind::Command, encode_command(Command::Erase))).await;
        append(&world, 2, "u1", (RecordKind::Unknown, Bytes::from_static(b"{}"))).await;
        let sender = Sender { customer: CustomerId::user("u2"), position: Position(0), nth: 0 };
        let relay = encode_relay(&Relay { sender, message: Message::Request });
        append(&world, home(1) + 1, "u1", (RecordKind::Relay, relay)).await;
        world.pace.passing(node.settle()).await.expect("settled");
        let mut letters: Vec<(String, bool)> = world
            .letters()
            .into_iter()
            .map(|letter| (letter.reason, letter.message.starts_with("key") || letter.message.contains(": ")))
            .collect();
        letters.sort();
        let reasons: Vec<&str> = letters.iter().map(|(reason, _)| reason.as_str()).collect();
        assert_eq!(reasons, ["no_customer", "no_customer", "wrong_kind", "wrong_partition"]);
        assert!(letters.iter().all(|(_, says)| *says), "{letters:?}");
        assert_eq!((world.stored().await.len(), node.counts().strayed), (0, 0));
        node.stop().await.expect("stopped");
    });
}
