//! Records of transactions: what was taken back is never seen, markers are passed, an open one holds nothing back for ever.

use std::time::Duration;

use actors::port::log::{LogSource, Topic};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use schemas::ids::{PartitionId, Position};

use super::{SOON, World, append, read, record, run, soon};

type Transactional = ThreadedProducer<DefaultProducerContext>;

fn transactional(world: &World) -> Transactional {
    let mut config = world.client();
    config.set("transactional.id", &world.settings.group).set("linger.ms", "0");
    let producer: Transactional = config.create().expect("a producer");
    producer.init_transactions(SOON).expect("transactions");
    producer
}

fn send(producer: &Transactional, topic: &str, bodies: std::ops::Range<usize>) {
    for number in bodies {
        let (key, body) = (format!("k{number}"), format!("{number}"));
        producer
            .send(BaseRecord::to(topic).partition(0).key(&key).payload(&body))
            .expect("room in the queue");
    }
    producer.flush(SOON).expect("sent");
}

#[test]
fn what_a_transaction_took_back_is_never_seen_and_markers_are_passed() {
    run(async {
        let world = World::new("markers", 1);
        let (log, topic) = (world.join_alone(), world.topic(Topic::Events));
        let producer = transactional(&world);
        let mut kept = Vec::new();
        for round in 0..6 {
            producer.begin_transaction().expect("begun");
            let bodies = round * 10..round * 10 + 3;
            send(&producer, &topic, bodies.clone());
            if round % 2 == 0 {
                producer.commit_transaction(SOON).expect("committed");
                kept.extend(bodies);
            } else {
                producer.abort_transaction(SOON).expect("aborted");
            }
        }
        let records = read(&log, Topic::Events, 0, 0, kept.len()).await;
        let bodies: Vec<usize> = records
            .iter()
            .map(|record| String::from_utf8_lossy(&record.body).parse().expect("a number"))
            .collect();
        assert_eq!(bodies, kept);
        // The last transaction was taken back: behind the last record lie three records and two markers, and all is read.
        let end = log.end(Topic::Events, PartitionId(0)).await.expect("an end");
        assert_eq!(end, Position(6 * 4));
        let mut next = records.last().expect("some").position.next();
        soon("the end behind markers", async {
            while next < end {
                let fetched = log.fetch(Topic::Events, PartitionId(0), next, 9).await.expect("a fetch");
                assert!(fetched.records.is_empty());
                next = fetched.next;
            }
        })
        .await;
        assert_eq!(next, end);
        append(&log, Topic::Events, vec![record(0, 99)]).await;
        assert_eq!(read(&log, Topic::Events, 0, next.0, 1).await[0].position, end);
        assert_eq!(world.sum("care_log_stamps_raised_total", &[]), 0.0);
        log.leave().await;
    });
}

#[test]
fn records_behind_an_open_transaction_come_when_it_ends_and_not_before_what_was_promised() {
    run(async {
        let world = World::new("open", 1);
        let (log, topic) = (world.join_alone(), world.topic(Topic::Events));
        let producer = transactional(&world);
        producer.begin_transaction().expect("begun");
        send(&producer, &topic, 0..1);
        let before = log.fetch(Topic::Events, PartitionId(0), Position(0), 9).await.expect("a fetch");
        assert!(before.records.is_empty(), "not committed");
        let mut promised = before.end_at;
        let later = soon("a later promise", async {
            loop {
                let fetched =
                    log.fetch(Topic::Events, PartitionId(0), Position(0), 9).await.expect("a fetch");
                assert!(fetched.records.is_empty(), "not committed");
                match (promised, fetched.end_at) {
                    (Some(one), Some(other)) if other > one => return other,
                    (_, end_at) => promised = promised.or(end_at),
                }
            }
        })
        .await;
        producer.commit_transaction(Duration::from_secs(10)).expect("committed");
        let records = read(&log, Topic::Events, 0, 0, 1).await;
        assert!(records[0].stamp >= later, "{later} was promised, {} came", records[0].stamp);
        assert_eq!(world.sum("care_log_stamps_raised_total", &[]), 1.0, "raised, and counted");
        log.leave().await;
    });
}
