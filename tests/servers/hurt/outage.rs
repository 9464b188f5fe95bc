//! The store is away for a while, then the broker: the engine says so, keeps its memory, loses nothing, and goes on by itself.

use std::time::Duration;

use actors::port::clock::Clock;

use crate::care;
use crate::chaos::asked;
use crate::chaos::round::rest;
use crate::chaos::story::Story;
use crate::chaos::world::{Hurt, World};
use crate::cluster::Server;

/// How long each is away, unless `ops/chaos` asks for another time. Units: s.
const AWAY_S: u64 = 15;
/// Longest wait for anything that has to come.
const SOON: Duration = Duration::from_secs(400);
/// Events before the first outage.
const BEFORE: u64 = 600;
/// Events between two looks at how long it has lasted.
const MEANWHILE: u64 = 20;
/// Records that are in the log and not confirmed.
const LAG: &str = "care_partition_records_lag";
/// What an engine may take more than before the outage. Units: MiB.
const MORE_MAX_MIB: u64 = 128;

#[test]
fn an_outage_of_the_store_and_one_of_the_broker_are_told_and_cost_nothing() {
    let away = Duration::from_secs(asked()["outage_s"].as_u64().unwrap_or(AWAY_S));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new("outage", 2, care::binary()).await;
        world.start().await;
        let mut story = Story::new(43);
        world.tell(&mut story, BEFORE).await;
        for server in [Server::Store, Server::Broker(1)] {
            let before = world.memory_mib();
            world.hurt(Hurt::Kill, server);
            let began = world.clock.boot();
            let noticed =
                world.wait(away, |world| world.engines.iter().all(|engine| !engine.is_ready())).await;
            let after = world.clock.boot() - began;
            assert!(noticed, "{server:?} is away and /readyz says that all is well\n{}", world.readiness());
            println!(
                "{server:?} away: /readyz said so after {} ms: {}",
                after.as_millis(),
                world.readiness()
            );
            while world.clock.boot() < began + away {
                world.tell(&mut story, MEANWHILE).await;
            }
            let most = world.memory_mib();
            // Of nothing that is held, nothing is shown: the sum begins with zero.
            let lags = world.engines.iter().filter_map(|engine| engine.metric(LAG));
            let lag = lags.fold(0.0, |sum, lag| sum + lag);
            println!("{server:?} away for {away:?}: memory {before} MiB before, {most} MiB after, lag {lag}");
            assert!(most < before + MORE_MAX_MIB, "memory is not bounded: {before} MiB before, {most} after");
            world.hurt(Hurt::Start, server);
            let back = world.clock.boot();
            let ready = world.wait(SOON, |world| world.engines.iter().all(|engine| engine.is_ready())).await;
            assert!(ready, "{server:?} is back and /readyz does not say so\n{}", world.readiness());
            println!("{server:?} back: ready after {} ms", (world.clock.boot() - back).as_millis());
            let now = world.clock.boot();
            let verdict = rest(&mut world, now + SOON).await;
            println!("seed 43, {server:?}: {}", verdict.to_json());
            assert!(verdict.is_clean(), "{:#?}\n{}", verdict.told, world.last_words());
            assert_eq!(world.revive(), 0, "an engine ended instead of waiting\n{}", world.last_words());
        }
    });
}
