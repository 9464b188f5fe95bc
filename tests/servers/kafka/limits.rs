//! Bounds: a partition that nobody empties is paused while the others go on, retention that overtakes a reader reaches a person, and a
//! partition added to a topic stops the engine.

use actors::port::Kind;
use actors::port::log::{Error, LogSource, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::Offset;
use schemas::ids::{PartitionId, Position};

use super::{World, append, read, record, run, soon, until};

#[test]
fn a_full_partition_is_paused_while_the_others_go_on() {
    run(async {
        let mut world = World::new("paused", 2);
        world.settings.buffer_records = 10;
        let log = world.join_alone();
        append(&log, Topic::Events, (0..2_000).map(|number| record(0, number)).collect()).await;
        // A reader that takes little: the buffer fills behind it.
        let first = soon("records", async {
            loop {
                let fetched =
                    log.fetch(Topic::Events, PartitionId(0), Position(0), 1).await.expect("a fetch");
                if !fetched.records.is_empty() {
                    return fetched;
                }
            }
        })
        .await;
        assert_eq!(first.records.len(), 1);
        until("the partition is paused", || world.sum("care_log_partitions_paused", &["care.events"]) == 1.0);
        for round in 0..20 {
            append(&log, Topic::Events, vec![record(1, round)]).await;
            let found = read(&log, Topic::Events, 1, round as u64, 1).await;
            assert_eq!(found[0].body, record(1, round).body, "the other partition goes on");
        }
        let rest = read(&log, Topic::Events, 0, 1, 1_999).await;
        let expected: Vec<_> = (1..2_000).map(|number| record(0, number).body).collect();
        assert_eq!(rest.into_iter().map(|record| record.body).collect::<Vec<_>>(), expected, "all, in order");
        assert_eq!(log.held(), 2);
        log.leave().await;
    });
}

async fn delete_below(world: &World, position: i64) {
    let admin: AdminClient<DefaultClientContext> = world.client().create().expect("a client");
    let mut list = TopicPartitionList::new();
    let topic = world.topic(Topic::Events);
    list.add_partition_offset(&topic, 0, Offset::Offset(position)).expect("an offset");
    admin.delete_records(&list, &AdminOptions::new()).await.expect("the broker deletes");
}

#[test]
fn records_that_retention_took_are_out_of_range_for_whoever_still_wants_them() {
    run(async {
        let world = World::new("retention", 1);
        let log = world.join_alone();
        append(&log, Topic::Events, (0..100).map(|number| record(0, number)).collect()).await;
        delete_below(&world, 40).await;
        let error = log.fetch(Topic::Events, PartitionId(0), Position(10), 9).await.expect_err("gone");
        assert_eq!(error.kind(), Kind::Reject);
        assert!(
            matches!(
                error,
                Error::OutOfRange { start: Position(40), end: Position(100), asked: Position(10), .. }
            ),
            "{error}"
        );
        assert_eq!(read(&log, Topic::Events, 0, 40, 60).await.len(), 60, "what is there is read");
        log.leave().await;
    });
}

#[test]
fn retention_that_overtakes_a_slow_reader_is_told_to_it() {
    run(async {
        let mut world = World::new("overtaken", 1);
        (world.settings.buffer_records, world.settings.topics_check_s) = (10, 1);
        let log = world.join_alone();
        append(&log, Topic::Events, (0..5_000).map(|number| record(0, number)).collect()).await;
        let mut next = Position(0);
        soon("a record", async {
            while next < Position(1) {
                next = log.fetch(Topic::Events, PartitionId(0), next, 1).await.expect("a fetch").next;
            }
        })
        .await;
        until("the partition is paused", || world.sum("care_log_partitions_paused", &["care.events"]) == 1.0);
        delete_below(&world, 4_990).await;
        let error = soon("the gap", async {
            loop {
                match log.fetch(Topic::Events, PartitionId(0), next, 100).await {
                    Ok(fetched) => {
                        let ordered = fetched.records.iter().all(|record| record.position.0 < 4_990);
                        assert!(ordered, "passed over what was taken");
                        next = fetched.next;
                    }
                    Err(error) => return error,
                }
            }
        })
        .await;
        assert!(matches!(error, Error::OutOfRange { start: Position(4_990), .. }), "{error}");
        log.leave().await;
    });
}

#[test]
fn a_partition_added_while_it_runs_stops_the_log_with_what_to_do() {
    run(async {
        let mut world = World::new("counted", 2);
        world.settings.topics_check_s = 1;
        let log = world.join_alone();
        let admin: AdminClient<DefaultClientContext> = world.client().create().expect("a client");
        let topic = world.topic(Topic::Events);
        let more = admin.create_partitions([&NewPartitions::new(&topic, 3)], &AdminOptions::new()).await;
        more.expect("the broker adds").into_iter().for_each(|one| drop(one.expect("added")));
        until("the change is seen", || log.failure().is_some());
        let reason = log.failure().expect("a reason");
        assert!(reason.contains("3 partitions") && reason.contains("care export"), "{reason}");
        let error = log.fetch(Topic::Events, PartitionId(0), Position(0), 1).await.expect_err("stopped");
        assert_eq!(error.kind(), Kind::Fatal);
        log.leave().await;
    });
}
