//! What goes wrong: customers that panic, records that nobody can read, rows that are damaged, leases that are lost.

use super::*;
use crate::port::store::{Lease, Row};

/// Panics on every event named so.
fn explode(cell: &mut Cell, turn: Turn) -> Result<Turned, Refused> {
    for step in &turn.steps {
        if let Step::Record(record) = step
            && let record::Input::Event(event) = &record.input
        {
            assert!(event.name != "Explode", "it exploded");
        }
    }
    cell.turn(turn)
}

async fn blow_up(world: &World, key: &str, message: &str) {
    world.append(key, format!(r#"{{"userId":"{key}","event":"Explode","messageId":"{message}"}}"#)).await;
}

fn is_explosion(record: &LogRecord) -> bool {
    String::from_utf8_lossy(&record.body).contains("Explode")
}

#[test]
fn a_customer_that_panics_twice_on_a_record_goes_on_without_it_and_so_do_its_neighbours() {
    run(async {
        let world = World { take: explode, ..World::new() };
        world.shop(50, 0, 400).await;
        blow_up(&world, "u1", "x1").await;
        world.shop(50, 400, 400).await;
        blow_up(&world, "u2", "x2").await;
        world.shop(50, 800, 400).await;
        let node = world.node();
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(is_explosion).await;
        let mut letters: Vec<(String, String)> =
            world.letters().into_iter().map(|letter| (letter.key, letter.reason)).collect();
        letters.sort();
        assert_eq!(letters, vec![("u1".into(), "panic".into()), ("u2".into(), "panic".into())]);
        let counts = node.counts();
        assert!(counts.panics >= 4 && counts.applied >= 1_200, "{counts:?}");
        assert_eq!(world.sample("care_partition_customers_panicked_total"), counts.panics as f64);
        node.stop().await.expect("stopped");
    });
}

#[test]
fn what_cannot_be_read_goes_to_the_dead_letters() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 1_000).await;
        world.append("u1", "{".into()).await;
        world.append("u2", r#"{"userId":"u3","event":"x"}"#.into()).await;
        world.shop(100, 1_000, 1_000).await;
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        let mut reasons: Vec<String> = world.letters().into_iter().map(|letter| letter.reason).collect();
        reasons.sort();
        assert_eq!(reasons, vec!["malformed_json", "wrong_key"]);
        assert_eq!(node.counts().dead_lettered, 2);
        assert_eq!(world.sample("care_partition_dead_letters_total"), 2.0);
        assert_eq!(world.sample("care_partition_records_rejected_total"), 2.0);
        node.stop().await.expect("stopped");
    });
}

#[test]
fn too_many_invalid_records_stop_the_partition_and_whoever_waits_hears_of_it() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 500).await;
        for _ in 0..120 {
            world.append("u1", "not an event".into()).await;
        }
        let stopped = world.pace.passing(node.settle()).await.expect_err("it cannot settle");
        assert!(stopped.to_string().contains("too many records are invalid"), "{stopped}");
        assert!(node.ended().is_some());
        assert!(node.quiet().await.is_err() && node.is_quiet().await.is_err());
        let hit = PartitionId::of("u1", PARTITIONS);
        let others = node.seats.wait(|shown| {
            let read = |partition, levels: &Levels| {
                levels.next.0 as usize == world.log.records(Topic::Events, partition).len()
            };
            let done = |levels: &Levels, partition| levels.is_quiet() && read(partition, levels);
            shown.iter().all(|(partition, shown)| *partition == hit || done(&shown.levels, *partition))
        });
        world.pace.passing(others).await;
        let stopped = node.stop().await.expect_err("a partition had stopped");
        assert!(matches!(stopped, Error::Stopped(_)));
        for (nth, (confirmed, end)) in world.ends().await.into_iter().enumerate() {
            assert_eq!(confirmed == end, hit != PartitionId(nth as u32), "the others are drained");
        }
    });
}

#[test]
fn a_damaged_row_stops_its_partition_by_name() {
    run(async {
        let world = World::new();
        let partition = PartitionId::of("u1", PARTITIONS);
        let customer = CustomerId::user("u1");
        let row =
            Row { customer, written_at: 1, epoch: Default::default(), state: Bytes::from_static(b"\x02") };
        drop(world.store.write_rows(partition, vec![row]).await);
        world.append("u1", r#"{"userId":"u1","event":"x"}"#.into()).await;
        let node = world.node();
        let stopped = world.pace.passing(node.quiet()).await.expect_err("it cannot go on").to_string();
        assert!(stopped.contains("u1") && stopped.contains("cut off"), "{stopped}");
    });
}

#[test]
fn a_partition_whose_lease_was_taken_begins_anew_while_it_is_a_member() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 1_000).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        for number in 0..PARTITIONS {
            let partition = PartitionId(number);
            let held = world.store.read_lease(partition).await.expect("memory");
            let taken = Lease { epoch: Epoch(held.epoch.0 + 1), owner: 99, ..held };
            drop(world.store.cas_lease(partition, held, taken).await);
        }
        world.shop(100, 1_000, 1_000).await;
        let lost = async {
            node.seats.wait(|_| world.sample("care_partition_leases_lost_total") == 3.0).await;
        };
        world.pace.passing(lost).await;
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        node.stop().await.expect("stopped");
    });
}

#[test]
fn a_process_that_stood_still_for_longer_than_its_lease_begins_anew_and_loses_nothing() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 500).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        let before = world.epochs().await;
        world.shop(100, 500, 500).await;
        world.clock.advance(world.settings.lease * 2);
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        let after = world.epochs().await;
        assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
        assert_eq!(world.sample("care_partition_leases_lost_total"), 0.0, "nobody else had them");
        node.stop().await.expect("stopped");
    });
}

#[test]
fn a_partition_that_the_log_refuses_stands_still_until_it_is_admitted_or_revoked() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 500).await;
        world.pace.passing(node.settle()).await.expect("settled");
        let (refused, lost) = (PartitionId(0), PartitionId(1));
        [refused, lost].into_iter().for_each(|partition| world.log.fence(partition));
        world.shop(100, 500, 500).await;
        let stand_still = node.seats.wait(|shown| shown.iter().filter(|(_, one)| one.at_work).count() == 1);
        world.pace.passing(stand_still).await;
        let before = world.epochs().await;
        world.pace.passing(world.clock.sleep(Duration::from_secs(60))).await;
        assert_eq!(world.epochs().await, before, "nothing is taken that is not proven");
        world.log.admit(refused);
        world.log.assign(Assignment::Revoked { partition: lost, lost: true });
        let goes_on = node.seats.wait(|shown| shown.len() == 2 && shown.iter().all(|(_, one)| one.at_work));
        world.pace.passing(goes_on).await;
        world.pace.passing(node.settle()).await.expect("settled");
        let ends = world.ends().await;
        assert!(ends[0].0 == ends[0].1 && ends[1].0 < ends[1].1, "{ends:?}");
        node.stop().await.expect("nothing stopped for a person");
    });
}

#[test]
fn the_log_does_not_wait_for_a_revoked_partition_that_had_stopped() {
    run(async {
        let world = World::new();
        let hit = PartitionId::of("u1", PARTITIONS);
        let node = world.node();
        for _ in 0..120 {
            world.append("u1", "not an event".into()).await;
        }
        world.pace.passing(node.settle()).await.expect_err("it cannot settle");
        world.log.assign(Assignment::Revoked { partition: hit, lost: false });
        let let_go = async {
            while world.log.let_go() != [hit] {
                tokio::task::yield_now().await;
            }
        };
        world.pace.passing(let_go).await;
    });
}

#[test]
fn outside_of_a_system_no_node_starts() {
    let world = World::new();
    assert!(matches!(Node::run(world.plan(), 1), Err(Error::NoSystem)));
}
