//! Who chooses the partition: the engine, Java's own producer and every producer of ours put a customer into the same one.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use actors::port::log::Topic;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use schemas::ids::PartitionId;

use super::{SOON, World, read, run};
use crate::cluster::Cluster;

const PARTITIONS: u32 = 7;

/// Keys as shops have them: numbers, addresses, anonymous ids, and names in several scripts.
fn keys() -> Vec<String> {
    let names = ["客户", "张伟", "李娜", "Zoë", "Ω", "مشتری", "😀"];
    (0..1_000)
        .map(|number| match number % 5 {
            0 => format!("user-{number}"),
            1 => format!("anon:{number:08x}-{number}"),
            2 => format!("{number}@shop.example"),
            3 => format!("{}{number}", names[number % names.len()]),
            _ => format!("{number}{}{}", names[number % names.len()], names[(number / 7) % names.len()]),
        })
        .collect()
}

/// Returns where each key went.
async fn found(world: &World) -> BTreeMap<String, u32> {
    let log = world.look();
    let mut found = BTreeMap::new();
    for partition in 0..PARTITIONS {
        for record in read(&log, Topic::Events, partition, 0, 0).await {
            found.insert(record.key.to_string(), partition);
        }
    }
    log.leave().await;
    found
}

fn expected() -> BTreeMap<String, u32> {
    keys().into_iter().map(|key| (key.clone(), PartitionId::of(&key, PARTITIONS).0)).collect()
}

#[test]
fn javas_console_producer_puts_every_key_where_the_engine_looks_for_it() {
    run(async {
        let world = World::new("console", PARTITIONS);
        let cluster = Cluster::shared();
        let topic = world.topic(Topic::Events);
        let mut java = Command::new(&cluster.java)
            .args(["-Xmx256m", "-Dfile.encoding=UTF-8", "-cp"])
            .arg(cluster.kafka_jars.join("*"))
            .args([
                "org.apache.kafka.tools.ConsoleProducer",
                "--bootstrap-server",
                &cluster.brokers,
                "--topic",
                &topic,
            ])
            .args(["--property", "parse.key=true", "--property", "key.separator=|"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("java runs");
        let mut input = java.stdin.take().expect("a pipe");
        for key in keys() {
            writeln!(input, "{key}|{{}}").expect("the producer reads");
        }
        drop(input);
        let ended = java.wait_with_output().expect("the producer ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(found(&world).await, expected());
    });
}

#[test]
fn the_librarys_java_partitioner_puts_every_key_there_too_and_its_own_does_not() {
    run(async {
        for (partitioner, agrees) in [("murmur2_random", true), ("consistent_random", false)] {
            let world = World::new("keys", PARTITIONS);
            let producer: ThreadedProducer<DefaultProducerContext> =
                world.client().set("partitioner", partitioner).create().expect("a producer");
            let topic = world.topic(Topic::Events);
            for key in keys() {
                producer.send(BaseRecord::to(&topic).key(&key).payload("{}")).expect("room in the queue");
            }
            producer.flush(SOON).expect("sent");
            assert_eq!(found(&world).await == expected(), agrees, "{partitioner}");
        }
    });
}
