//! `care topics`' own: topics are made as they must be, and not trusted when they are not.

use actors::port::log::Topic;
use engine::log::kafka::{Error, Stamps, topics};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use super::{World, run};

fn faults(made: Result<(), Error>) -> String {
    match made {
        Err(Error::Topics(faults)) => faults.join("\n"),
        other => panic!("faults expected: {other:?}"),
    }
}

#[test]
fn topics_are_made_once_and_verified() {
    let world = World::without_topics("made", 3);
    let missing = faults(topics::verify(&world.settings, 3, Stamps::Appended));
    assert_eq!(missing.matches("care topics create").count(), 5, "{missing}");
    let made = topics::create(&world.settings, 3, Stamps::Appended).expect("made");
    assert!(made.iter().all(|topic| topic.created) && made.len() == 5);
    let again = topics::create(&world.settings, 3, Stamps::Appended).expect("there");
    assert!(again.iter().all(|topic| !topic.created));
    let shown = topics::show(&world.settings).expect("shown");
    assert!(shown.iter().all(|topic| topic.partitions == 3), "{shown:?}");
    assert!(shown[0].settings.contains(&("message.timestamp.type", "LogAppendTime".to_owned())));
    let other_count = faults(topics::verify(&world.settings, 4, Stamps::Appended));
    assert!(
        other_count.contains("it has 3 partitions") && other_count.contains("set up for 4"),
        "{other_count}"
    );
    let for_replay = faults(topics::verify(&world.settings, 3, Stamps::Asked));
    assert!(for_replay.contains("CreateTime"), "{for_replay}");
}

#[test]
fn a_topic_of_other_settings_is_refused_with_every_fault() {
    run(async {
        let world = World::without_topics("foreign", 2);
        let admin: AdminClient<DefaultClientContext> = world.client().create().expect("a client");
        for topic in Topic::ALL {
            let name = world.topic(topic);
            let foreign = NewTopic::new(&name, 2, TopicReplication::Fixed(1))
                .set("retention.ms", "1000")
                .set("unclean.leader.election.enable", "true")
                .set("cleanup.policy", "compact");
            let made = admin.create_topics([&foreign], &AdminOptions::new()).await.expect("answered");
            made.into_iter().for_each(|one| drop(one.expect("made")));
        }
        let mut strict = world.settings.clone();
        strict.replication = 3;
        let faults = faults(topics::verify(&strict, 2, Stamps::Appended));
        for part in [
            "message.timestamp.type is \"CreateTime\"; has to be LogAppendTime",
            "retention.ms is \"1000\"; has to be at least",
            "unclean.leader.election.enable is \"true\"; has to be false",
            "cleanup.policy is \"compact\"; has to be delete",
            "1 copies of a partition; kafka.replication is 3",
        ] {
            assert!(faults.contains(part), "{part} in\n{faults}");
        }
    });
}

#[test]
fn brokers_that_are_not_there_are_named() {
    let mut world = World::without_topics("nowhere", 1);
    (world.settings.brokers, world.settings.request_timeout_ms) = ("127.0.0.1:1".into(), 500);
    let error = topics::verify(&world.settings, 1, Stamps::Appended).expect_err("nobody there");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
