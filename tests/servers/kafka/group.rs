//! The group: partitions move only when they are drained, a restart of a fixed member moves nothing, and whoever is no member any more is
//! refused.

use std::sync::Arc;

use actors::port::clock::Clock;
use actors::port::log::{Assignment, Commit, LogSource, Topic};
use actors::port::{Kind, log};
use engine::clock::SystemClock;
use engine::log::kafka::KafkaLog;
use engine::log::kafka::settings::Protocol;
use schemas::ids::{Epoch, PartitionId, Position};

use super::{World, append, assigned, read, record, run, soon, until};

/// Hears what the group wants back.
async fn revoked(log: &KafkaLog, count: usize) -> Vec<PartitionId> {
    let mut partitions = Vec::new();
    while partitions.len() < count {
        match soon("a revocation", log.assignment()).await {
            Assignment::Revoked { partition, lost } => {
                assert!(!lost, "asked for, not lost");
                partitions.push(partition);
            }
            Assignment::Assigned(partition) => panic!("{partition:?} assigned instead"),
        }
    }
    partitions
}

/// A second member gets its share when the first has drained it, not before, and reads on where the first stopped.
fn partitions_move_when_they_are_drained(protocol: Protocol) {
    run(async {
        let mut world = World::new("moves", 4);
        world.settings.protocol = protocol;
        let first = world.join_alone();
        assert_eq!(assigned(&first, 4).await, [0, 1, 2, 3]);
        append(&first, Topic::Events, (0..40).map(|number| record(number % 4, number as usize)).collect())
            .await;

        let second = world.join();
        let given_up = revoked(&first, 2).await;
        let commit = Commit { position: Position(5), epoch: Epoch(0) };
        first.commit(Topic::Events, given_up[0], commit).await.expect("still a member while it drains");
        append(&first, Topic::Outreach, vec![record(given_up[0].0, 1)]).await;
        first.released(given_up[0]);
        assert_eq!(second.held(), 0, "the group waits for both");
        first.released(given_up[1]);

        let taken = assigned(&second, 2).await;
        let mut expected: Vec<_> = given_up.iter().map(|partition| partition.0).collect();
        expected.sort_unstable();
        assert_eq!(taken, expected);
        assert_eq!((first.held(), second.held()), (2, 2));
        let committed = second.committed(Topic::Events, given_up[0]).await.expect("a commit");
        assert_eq!(committed, commit);
        for partition in taken {
            assert_eq!(read(&second, Topic::Events, partition, 5, 5).await.len(), 5);
            let not_ours = first.fetch(Topic::Events, PartitionId(partition), Position(5), 1).await;
            assert_eq!(not_ours.expect_err("given up").kind(), Kind::Retry);
        }
        second.leave().await;
        until("the first has everything again", || first.held() == 4);
        first.leave().await;
    });
}

#[test]
fn partitions_move_when_they_are_drained_cooperative() {
    partitions_move_when_they_are_drained(Protocol::Classic);
}

#[test]
fn partitions_move_when_they_are_drained_by_the_broker() {
    partitions_move_when_they_are_drained(Protocol::Consumer);
}

#[test]
fn a_partition_that_is_never_drained_moves_at_the_deadline() {
    run(async {
        let mut world = World::new("deadline", 2);
        world.settings.release_ms = 300;
        let first = world.join_alone();
        assigned(&first, 2).await;
        let second = world.join();
        revoked(&first, 1).await;
        assert_eq!(assigned(&second, 1).await.len(), 1);
        second.leave().await;
        first.leave().await;
    });
}

#[test]
fn a_partition_that_moves_while_it_is_paused_is_read_when_it_comes_back() {
    run(async {
        let mut world = World::new("paused", 2);
        world.settings.buffer_records = 10;
        let first = world.join_alone();
        assigned(&first, 2).await;
        append(&first, Topic::Events, (0..400).map(|number| record(number % 2, number as usize)).collect())
            .await;
        for partition in [0, 1].map(PartitionId) {
            let fetch = || first.fetch(Topic::Events, partition, Position(0), 1);
            soon("a record", async { while fetch().await.expect("it is ours").records.is_empty() {} }).await;
        }
        until("both are paused", || world.sum("care_log_partitions_paused", &["care.events"]) == 2.0);
        let unread =
            |number: u32| world.sum("care_log_records_unread", &["care.events", &number.to_string()]);
        until("it is told what is unread", || unread(0) > 0.0 && unread(1) > 0.0);
        let second = world.join();
        let moved = revoked(&first, 1).await[0];
        first.released(moved);
        assigned(&second, 1).await;
        until("the other tells what is unread there", || unread(moved.0) == 0.0);
        second.leave().await;
        until("the first has everything again", || first.held() == 2);
        assert_eq!(read(&first, Topic::Events, moved.0, 0, 200).await.len(), 200);
        first.leave().await;
    });
}

#[test]
fn a_restart_of_a_fixed_member_moves_nothing() {
    run(async {
        let world = World::new("fixed", 4);
        let named = |name: &str| {
            let mut world = world.clone();
            world.settings.instance_id = name.to_owned();
            world
        };
        let (one, other) = (named("one"), named("other"));
        let first = one.join_alone();
        assigned(&first, 4).await;
        let second = other.join();
        for partition in revoked(&first, 2).await {
            first.released(partition);
        }
        let before = assigned(&second, 2).await;
        first.leave().await;
        let again = one.join();
        let after = assigned(&again, 2).await;
        assert!(after.iter().all(|partition| !before.contains(partition)), "{after:?} came to {before:?}");
        let quiet = futures_util::future::select(second.assignment(), SystemClock.sleep(super::LOOK)).await;
        assert!(matches!(quiet, futures_util::future::Either::Right(_)), "nothing moved to the other");
        assert_eq!(second.held(), 2);
        again.leave().await;
        second.leave().await;
    });
}

fn a_second_process_of_one_name(protocol: Protocol) {
    run(async {
        let mut world = World::new("fenced", 2);
        (world.settings.protocol, world.settings.instance_id) = (protocol, "only".into());
        let first = world.join_alone();
        let second = world.join();
        let (ended, lives) = match protocol {
            // The newcomer fences the old one.
            Protocol::Classic => (&first, &second),
            // The broker keeps the old one while it is there, and refuses the newcomer.
            Protocol::Consumer => (&second, &first),
        };
        until("one of the two ends", || ended.failure().is_some());
        let reason = ended.failure().expect("a reason").to_lowercase();
        assert!(reason.contains("fenced") || reason.contains("instance"), "{reason}");
        let error = ended.fetch(Topic::Events, PartitionId(0), Position(0), 1).await.expect_err("fenced");
        assert_eq!(error.kind(), Kind::Fatal, "{error}");
        until("the other has everything", || lives.held() == 2);
        assert_eq!(lives.failure(), None);
        first.leave().await;
        second.leave().await;
    });
}

#[test]
fn of_two_processes_of_one_name_one_ends_with_the_reason() {
    a_second_process_of_one_name(Protocol::Classic);
}

#[test]
fn of_two_processes_of_one_name_one_ends_with_the_reason_by_the_broker() {
    a_second_process_of_one_name(Protocol::Consumer);
}

#[test]
fn who_only_looks_is_given_nothing_and_reads_everything() {
    run(async {
        let world = World::new("looks", 3);
        let member = world.join_alone();
        append(&member, Topic::Events, (0..30).map(|number| record(number % 3, number as usize)).collect())
            .await;
        append(&member, Topic::DeadLetter, vec![record(1, 7)]).await;
        let looker = world.look();
        for partition in 0..3 {
            assert_eq!(read(&looker, Topic::Events, partition, 0, 10).await.len(), 10);
        }
        assert_eq!(read(&looker, Topic::DeadLetter, 1, 0, 1).await.len(), 1);
        let commit = Commit { position: Position(1), epoch: Epoch(0) };
        let refused = looker.commit(Topic::Events, PartitionId(0), commit).await;
        assert!(matches!(refused, Err(log::Error::Failed(_))), "{refused:?}");
        assert_eq!((looker.held(), member.held()), (0, 3));
        looker.leave().await;
        member.leave().await;
    });
}

#[test]
fn a_log_that_was_left_answers_nobody() {
    run(async {
        let world = World::new("left", 2);
        let log = world.join_alone();
        log.leave().await;
        let end = log.end(Topic::Events, PartitionId(0)).await;
        assert_eq!(end.expect_err("left").kind(), Kind::Retry);
        let again: Arc<KafkaLog> = world.join_alone();
        again.leave().await;
    });
}
