//! What every log does, done by Kafka: under both protocols of the group.

use std::sync::Arc;

use actors::kit::contract::log::{Fixture, PARTITIONS_MIN, Stamps, suite};
use actors::port::BoxFuture;
use engine::log::kafka::settings::Protocol;

use super::{World, run};

fn fixture(world: World) -> Fixture {
    let log = world.join_alone();
    let before = Arc::clone(&log);
    let reopen = Box::new(move || -> BoxFuture<'static, Fixture> {
        Box::pin(async move {
            before.leave().await;
            fixture(world)
        })
    });
    Fixture { source: log.clone(), sink: log, stamps: Stamps::OfTheLog, reopen }
}

fn keeps_the_contract(protocol: Protocol) {
    run(suite(|| {
        let mut world = World::new("contract", PARTITIONS_MIN);
        world.settings.protocol = protocol;
        fixture(world)
    }));
}

#[test]
fn kafka_keeps_the_contract_with_members_that_agree_among_themselves() {
    keeps_the_contract(Protocol::Classic);
}

#[test]
fn kafka_keeps_the_contract_with_members_that_the_broker_tells() {
    keeps_the_contract(Protocol::Consumer);
}
