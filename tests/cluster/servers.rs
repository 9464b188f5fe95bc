//! The harness itself: what it promises of both servers is what the tests of Kafka and CQL build on.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;

use super::{Brokers, Cluster, Server, Tls};

/// Longest wait for anything that a server that runs has to do.
const SOON: Duration = Duration::from_secs(30);

fn plain(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("message.timeout.ms", SOON.as_millis().to_string());
    client
}

fn secured(tls: &Tls) -> ClientConfig {
    let mut client = plain(&tls.brokers);
    client
        .set("security.protocol", "SASL_SSL")
        .set("ssl.ca.location", tls.ca.display().to_string())
        .set("sasl.mechanism", &tls.mechanism)
        .set("sasl.username", &tls.user)
        .set("sasl.password", &tls.password);
    client
}

async fn create_topic(client: &ClientConfig, name: &str, replication: u16) {
    let admin: AdminClient<DefaultClientContext> = client.create().expect("legal settings");
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(i32::from(replication)));
    let options = AdminOptions::new().operation_timeout(Some(SOON));
    let created = admin.create_topics([&topic], &options).await.expect("the broker answers");
    created.into_iter().for_each(|topic| drop(topic.expect("a topic")));
}

/// Produces one record with all copies acknowledged.
async fn produce(client: &ClientConfig, topic: &str) -> Result<(), String> {
    let producer: FutureProducer = client.clone().set("acks", "all").create().expect("legal settings");
    let record = FutureRecord::to(topic).key("k").payload("v");
    producer.send(record, SOON).await.map(drop).map_err(|(error, _)| error.to_string())
}

/// Reads a topic's first record as a member of a group, by the protocol in which the broker decides who reads what.
fn read_first(client: &ClientConfig, topic: &str, group: &str) -> Vec<u8> {
    let mut client = client.clone();
    client.remove("message.timeout.ms");
    client.set("group.id", group).set("group.protocol", "consumer").set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = client.create().expect("legal settings");
    consumer.subscribe(&[topic]).expect("a topic");
    // An assignment ends a poll as well, with nothing.
    let polls = SOON.as_secs();
    let record = (0..polls).find_map(|_| consumer.poll(Duration::from_secs(1))).expect("a record in time");
    record.expect("no error").payload().expect("a value").to_vec()
}

async fn session(cql: &str) -> Session {
    SessionBuilder::new().known_node(cql).build().await.expect("the CQL server answers")
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

#[test]
fn both_servers_answer_and_names_are_used_once() {
    let cluster = Cluster::shared();
    run(async {
        let (one, other) = (cluster.names("harness"), cluster.names("harness"));
        assert_ne!(one.keyspace, other.keyspace);
        let session = session(&cluster.cql).await;
        for names in [&one, &other] {
            let (client, topic) = (plain(&cluster.brokers), format!("{}events", names.topic_prefix));
            create_topic(&client, &topic, cluster.replication).await;
            assert_eq!(produce(&client, &topic).await, Ok(()));
            assert_eq!(read_first(&client, &topic, &names.group), b"v");
            let replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}";
            let statement = format!("CREATE KEYSPACE {} WITH replication = {replication}", names.keyspace);
            session.query_unpaged(statement, ()).await.expect("a keyspace");
        }
    });
}

#[test]
fn who_knows_the_password_may_produce_by_tls_and_who_does_not_may_not() {
    let cluster = Cluster::shared();
    run(async {
        let topic = format!("{}events", cluster.names("harness_tls").topic_prefix);
        create_topic(&plain(&cluster.brokers), &topic, cluster.replication).await;
        let client = secured(&cluster.tls);
        assert_eq!(produce(&client, &topic).await, Ok(()));
        let mut stranger = client.clone();
        stranger.set("sasl.password", "guessed").set("message.timeout.ms", "3000");
        assert!(produce(&stranger, &topic).await.is_err(), "a wrong password was as good");
    });
}

#[test]
fn what_is_durable_outlives_a_kill_of_either_server() {
    let cluster = Cluster::own(Brokers::One);
    run(async {
        let names = cluster.names("harness_kill");
        let topic = format!("{}events", names.topic_prefix);
        create_topic(&plain(&cluster.brokers), &topic, cluster.replication).await;
        let before = session(&cluster.cql).await;
        let replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}";
        let table = format!("{}.row", names.keyspace);
        for statement in [
            format!("CREATE KEYSPACE {} WITH replication = {replication}", names.keyspace),
            format!("CREATE TABLE {table} (id int PRIMARY KEY)"),
            format!("INSERT INTO {table} (id) VALUES (7)"),
        ] {
            before.query_unpaged(statement, ()).await.expect("an answer");
        }
        cluster.hand().kill(Server::Store);
        cluster.hand().kill(Server::Broker(1));
        cluster.hand().start(Server::Store);
        cluster.hand().start(Server::Broker(1));
        let rows = session(&cluster.cql).await.query_unpaged(format!("SELECT id FROM {table}"), ()).await;
        let rows = rows.expect("an answer").into_rows_result().expect("rows");
        assert_eq!(rows.rows_num(), 1);
        assert_eq!(produce(&plain(&cluster.brokers), &topic).await, Ok(()), "the topic is gone");
    });
}

#[test]
fn a_stalled_broker_answers_nobody_until_it_goes_on() {
    let cluster = Cluster::own(Brokers::One);
    run(async {
        let topic = format!("{}events", cluster.names("harness_stall").topic_prefix);
        create_topic(&plain(&cluster.brokers), &topic, cluster.replication).await;
        cluster.hand().pause(Server::Broker(1));
        let mut hasty = plain(&cluster.brokers);
        hasty.set("message.timeout.ms", "1000");
        assert!(produce(&hasty, &topic).await.is_err(), "a stalled broker answered");
        cluster.hand().resume(Server::Broker(1));
        assert_eq!(produce(&plain(&cluster.brokers), &topic).await, Ok(()));
    });
}

#[test]
fn who_comes_by_a_door_is_told_to_come_where_nobody_listens_but_a_proxy() {
    let cluster = Cluster::own(Brokers::One);
    for door in &cluster.doors {
        let mut client = plain(&door.listen);
        client.remove("message.timeout.ms");
        let consumer: BaseConsumer = client.create().expect("legal settings");
        let metadata = consumer.fetch_metadata(None, SOON).expect("the broker answers");
        let told = metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port()));
        assert_eq!(told.collect::<Vec<_>>(), [door.advertised.as_str()]);
    }
    assert!(!cluster.doors.is_empty());
}

#[test]
fn three_brokers_go_on_when_one_is_stopped() {
    let cluster = Cluster::own(Brokers::Three);
    run(async {
        let topic = format!("{}events", cluster.names("harness_three").topic_prefix);
        create_topic(&plain(&cluster.brokers), &topic, cluster.replication).await;
        cluster.hand().stop(Server::Broker(2));
        assert_eq!(produce(&plain(&cluster.brokers), &topic).await, Ok(()));
        cluster.hand().start(Server::Broker(2));
    });
}
