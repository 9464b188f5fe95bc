//! One engine, two, three, and one again, under load: nothing is lost or doubled, and how long each partition stood still is told.
//!
//! A partition's pause is read off the topics: the longest time from an order to its outreach among those of the move.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::port::clock::Clock;

use crate::care;
use crate::chaos::engine::Signal;
use crate::chaos::round::rest;
use crate::chaos::story::Story;
use crate::chaos::world::World;

/// Events per move, and per second: three engines and two servers on two cores keep up with so many, so that a pause is one of the move and
/// not of a queue before the store.
const EVENTS: u64 = 500;
const RATE: u64 = 60;
/// Longest wait for anything that has to come.
const SOON: Duration = Duration::from_secs(400);

#[test]
fn partitions_move_from_one_engine_to_three_and_back_without_loss_or_double() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new("rebalance", 3, care::binary()).await;
        world.start_engine(0).await;
        let mut story = Story::new(42);
        world.tell_at(RATE, &mut story, EVENTS).await;
        let mut moves: Vec<(&str, i64)> = Vec::new();
        for (name, which) in [("1 to 2", 1), ("2 to 3", 2)] {
            moves.push((name, world.clock.now().0));
            world.engines[which].start();
            world.tell_at(RATE, &mut story, EVENTS).await;
        }
        moves.push(("3 to 2", world.clock.now().0));
        world.engines[1].signal(Signal::Terminate);
        world.tell_at(RATE, &mut story, EVENTS).await;
        let stopped = world.engines[1].wait().expect("it ran");
        assert!(stopped.success(), "it stopped in good order: {stopped}\n{}", world.last_words());
        moves.push(("2 to 1, killed", world.clock.now().0));
        world.engines[2].kill();
        world.tell_at(RATE, &mut story, EVENTS).await;
        let now = world.clock.boot();
        let verdict = rest(&mut world, now + SOON).await;
        for (nth, (name, from)) in moves.iter().enumerate() {
            let to = moves.get(nth + 1).map_or(i64::MAX, |(_, at)| *at);
            println!("{name}: {}", told(&world.delays(*from, to)));
        }
        println!("seed 42: {}", verdict.to_json());
        assert!(verdict.is_clean(), "{:#?}\n{}", verdict.told, world.last_words());
    });
}

/// Returns the pauses of partitions in words. Units: ms.
fn told(pauses: &BTreeMap<i32, i64>) -> String {
    let mut sorted: Vec<i64> = pauses.values().copied().collect();
    sorted.sort_unstable();
    let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
    format!("pause per partition p50 {:?} ms, p99 {:?} ms: {pauses:?}", at(50), at(99))
}
