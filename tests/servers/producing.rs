//! The programs of `ops/docs/producing.md`, run as they stand there: the engine reads what they send, and each record lies in its
//! customer's partition.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use schemas::event::Border;
use schemas::ids::{PartitionId, Position};
use schemas::record::{self, Input, LogRecord, headers};
use schemas::time::Timestamp;

use crate::cluster::Cluster;

/// Version of the Python client that the page is tried with.
const CONFLUENT_KAFKA: &str = "confluent-kafka==2.16.1";
/// Partitions of the topic.
const PARTITIONS: u32 = 12;
/// Longest wait for what a broker that runs has to do.
const SOON: Duration = Duration::from_secs(60);

/// What a record says: its key, the name of its event, its message id.
type Said = (String, String, String);

/// Returns the one program of the page in this language.
fn program(language: &str) -> String {
    let page = fs::read_to_string(root().join("ops/docs/producing.md")).expect("the page is there");
    let blocks: Vec<&str> = page.split("\n```").filter_map(|block| block.strip_prefix(language)).collect();
    assert_eq!(blocks.len(), 1, "programs in {language}");
    blocks[0].trim_start_matches('\n').to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

/// Runs a program to its end.
#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().expect("the program is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{said}\n{}", String::from_utf8_lossy(&output.stdout));
}

/// Makes a topic of this test and has a program produce to it; returns what the engine reads there, by partition.
fn produced(what: &str, produce: impl FnOnce(&Cluster, &Path, &str)) -> BTreeMap<PartitionId, Vec<Said>> {
    let cluster = Cluster::shared();
    let topic = format!("{}care.events", cluster.names(what).topic_prefix);
    make(cluster, &topic);
    let folder = tempfile::tempdir().expect("a folder");
    produce(cluster, folder.path(), &topic);
    read(cluster, &topic)
}

fn client(cluster: &Cluster) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &cluster.brokers).set("group.id", "producing");
    client
}

fn make(cluster: &Cluster, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = client(cluster).create().expect("legal settings");
    let copies = TopicReplication::Fixed(i32::from(cluster.replication));
    let new = NewTopic::new(topic, PARTITIONS as i32, copies).set("message.timestamp.type", "LogAppendTime");
    let options = AdminOptions::new().operation_timeout(Some(SOON));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let made = runtime.block_on(admin.create_topics([&new], &options)).expect("the broker answers");
    made.into_iter().for_each(|topic| drop(topic.expect("a topic")));
}

/// Reads the topic to its end, as the engine does: headers, key and body, by its own decoder.
fn read(cluster: &Cluster, topic: &str) -> BTreeMap<PartitionId, Vec<Said>> {
    let consumer: BaseConsumer =
        client(cluster).set("enable.partition.eof", "false").create().expect("legal settings");
    let mut assignment = TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..PARTITIONS as i32 {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).expect("a legal offset");
        left += consumer.fetch_watermarks(topic, partition, SOON).expect("the broker answers").1;
    }
    consumer.assign(&assignment).expect("an assignment");
    let mut found: BTreeMap<PartitionId, Vec<Said>> = BTreeMap::new();
    while left > 0 {
        let message = consumer.poll(SOON).expect("records are left").expect("the broker answers");
        let given = message.headers().into_iter().flat_map(|headers| headers.iter());
        let given = given.map(|header| (header.key, header.value.unwrap_or_default()));
        let head = headers::read(given, Bytes::copy_from_slice(message.payload().unwrap_or_default()));
        let record = LogRecord {
            position: Position(message.offset() as u64),
            stamp: Timestamp(message.timestamp().to_millis().expect("the broker stamps")),
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into(),
            kind: head.kind,
            epoch: head.epoch,
            body: head.body,
        };
        let partition = PartitionId(message.partition() as u32);
        found.entry(partition).or_default().push(said(&record));
        left -= 1;
    }
    found
}

fn said(record: &LogRecord) -> Said {
    let decoded = record::decode(record, &Border::default()).unwrap_or_else(|error| panic!("{error}"));
    let Input::Event(event) = decoded.input else { panic!("no event: {decoded:?}") };
    (record.key.to_string(), event.name.to_string(), event.message_text.to_string())
}

/// Asserts that these events and no others were read, each in its customer's partition.
#[track_caller]
fn assert_found(found: BTreeMap<PartitionId, Vec<Said>>, expected: &[(&str, &str, &str)]) {
    let mut all = Vec::new();
    for (partition, records) in found {
        for said in records {
            assert_eq!(partition, PartitionId::of(&said.0, PARTITIONS), "{said:?} lies elsewhere");
            all.push(said);
        }
    }
    all.sort();
    let mut expected: Vec<Said> = expected
        .iter()
        .map(|(key, name, message)| ((*key).to_owned(), (*name).to_owned(), (*message).to_owned()))
        .collect();
    expected.sort();
    assert_eq!(all, expected);
}

#[test]
fn the_java_program_of_the_page_produces_what_the_engine_reads() {
    let found = produced("producing_java", |cluster, folder, topic| {
        let file = folder.join("Produce.java");
        fs::write(&file, program("java")).expect("a file");
        let jars = format!("{}/*", cluster.kafka_jars.display());
        run(Command::new(&cluster.java)
            .args(["-Xmx128m", "-cp", &jars])
            .arg(&file)
            .args([&cluster.brokers, topic]));
    });
    assert_found(
        found,
        &[
            ("java-1", "Product Added", "java-m-1"),
            ("java-2", "Order Completed", "/shop/checkout java-e-1"),
            ("anon:java-3", "Product Viewed", "/shop/web java-e-2"),
        ],
    );
}

#[test]
fn the_python_program_of_the_page_produces_what_the_engine_reads() {
    let found = produced("producing_python", |cluster, folder, topic| {
        let file = folder.join("produce.py");
        fs::write(&file, program("python")).expect("a file");
        run(Command::new("python3").env("PYTHONPATH", library()).arg(&file).args([&cluster.brokers, topic]));
    });
    assert_found(
        found,
        &[
            ("客户-1", "Product Added", "python-m-1"),
            ("python-2", "Order Completed", "/shop/checkout python-e-1"),
            ("anon:python-3", "Product Viewed", "/shop/web python-e-2"),
        ],
    );
}

/// Returns the folder of the Python client, fetched the first time.
fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(CONFLUENT_KAFKA);
    if !folder.exists() {
        let partial = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        run(Command::new("python3").args(install).arg(partial.path()).arg(CONFLUENT_KAFKA));
        // Whoever came first has put the same there.
        drop(fs::rename(partial.keep(), &folder));
    }
    folder
}

#[test]
fn the_console_program_of_the_page_produces_what_the_engine_reads() {
    let found = produced("producing_console", |cluster, folder, topic| {
        let file = folder.join("produce.sh");
        fs::write(&file, program("sh")).expect("a file");
        let bin = cluster.java.parent().expect("a program lies in a folder");
        let path = std::env::join_paths([bin, Path::new("/usr/bin"), Path::new("/bin")]).expect("a path");
        run(Command::new("sh")
            .env("PATH", path)
            .arg(&file)
            .arg(&cluster.kafka_jars)
            .args([&cluster.brokers, topic]));
    });
    let body = r#"{"type": "track", "event": "Product Added", "userId": "console-1", "properties": {"product_id": "sku-204"}}"#;
    assert_found(
        found,
        &[
            ("console-1", "Product Added", &schemas::event::body_message_id(body.as_bytes())),
            ("console-2", "Order Completed", "/shop/checkout console-e-1"),
            ("anon:console-3", "Product Viewed", "/shop/web console-e-2"),
        ],
    );
}
