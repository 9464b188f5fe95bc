//! The listener that asks who is there: TLS and SCRAM, by settings.

use actors::port::log::Topic;
use engine::log::kafka::settings::{Mechanism, Security};
use engine::log::kafka::{Stamps, topics};
use engine::settings::Secret;

use super::{World, append, read, record, run};
use crate::cluster::Cluster;

fn secured(what: &str) -> World {
    let mut world = World::without_topics(what, 2);
    let tls = &Cluster::shared().tls;
    world.settings.brokers = tls.brokers.clone();
    world.settings.security_protocol = Security::SaslSsl;
    world.settings.sasl_mechanism = match tls.mechanism.as_str() {
        "SCRAM-SHA-256" => Mechanism::ScramSha256,
        "SCRAM-SHA-512" => Mechanism::ScramSha512,
        other => panic!("unexpected mechanism {other}"),
    };
    (world.settings.sasl_username, world.settings.sasl_password) =
        (tls.user.clone(), Secret::new(tls.password.clone()));
    world.settings.ssl_ca_location = tls.ca.clone();
    world
}

#[test]
fn an_authenticated_engine_reads_and_writes_over_tls() {
    run(async {
        let world = secured("secured");
        topics::create(&world.settings, 2, Stamps::Appended).expect("made over TLS");
        let log = world.join_alone();
        append(&log, Topic::Events, vec![record(1, 1)]).await;
        assert_eq!(read(&log, Topic::Events, 1, 0, 1).await[0].body, record(1, 1).body);
        log.leave().await;
    });
}

#[test]
fn a_wrong_password_and_an_unknown_certificate_are_refused() {
    for spoil in [
        (|world: &mut World| world.settings.sasl_password = Secret::new("wrong")) as fn(&mut World),
        |world| world.settings.ssl_ca_location = Default::default(),
    ] {
        let mut world = secured("refused");
        world.settings.request_timeout_ms = 1_500;
        spoil(&mut world);
        let error = topics::verify(&world.settings, 2, Stamps::Appended).expect_err("refused");
        assert!(error.to_string().contains(&world.settings.brokers), "{error}");
        assert!(!format!("{error:?}").contains("wrong"), "the password is not told");
    }
}
