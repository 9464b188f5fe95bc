//! An engine stands still for longer than its session, with writes and outreach on their way; its partitions move; it wakes.

use std::time::Duration;

use actors::port::clock::Clock;

use crate::care;
use crate::chaos::engine::Signal;
use crate::chaos::fault::Line;
use crate::chaos::proxy::{Cut, Heal};
use crate::chaos::round::rest;
use crate::chaos::story::Story;
use crate::chaos::world::World;

/// Longest wait for anything that has to come.
const SOON: Duration = Duration::from_secs(400);
/// Events while the engine is cut off and still believes in its partitions.
const BEFORE: u64 = 400;
/// Events while it stands still.
const MEANWHILE: u64 = 400;
/// Events after it woke.
const AFTER: u64 = 200;

#[test]
fn what_a_woken_engine_writes_and_relays_changes_nothing_and_sends_nothing_twice() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new("zombie", 2, care::binary()).await;
        world.start().await;
        let mut story = Story::new(41);
        world.tell(&mut story, BEFORE).await;
        let epochs = world.epochs().await;
        // What it asks of the store and the log from now on is on its way, and nobody hears of it.
        world.cut(0, Line::All, Cut::ToServer);
        world.tell(&mut story, BEFORE).await;
        world.engines[0].signal(Signal::Stop);
        world.tell(&mut story, MEANWHILE).await;
        let until = world.clock.boot() + SOON;
        while !world.is_read_to_the_end().await {
            assert!(world.clock.boot() < until, "its partitions do not move\n{}", world.last_words());
            world.clock.sleep(Duration::from_millis(100)).await;
        }
        let moved = world.epochs().await.iter().zip(&epochs).filter(|(now, before)| now > before).count();
        let held = world.held_back(0);
        assert!(moved > 0 && held > 0, "{moved} partitions moved, {held} bytes were on their way");
        // Everything comes late, then the engine wakes and goes on where it was.
        world.heal(0, Line::All, Heal::Late);
        world.engines[0].signal(Signal::Continue);
        world.tell(&mut story, AFTER).await;
        let now = world.clock.boot();
        let verdict = rest(&mut world, now + SOON).await;
        println!("seed 41: {moved} partitions moved, {held} bytes came late: {}", verdict.to_json());
        assert!(verdict.is_clean(), "{:#?}\n{}", verdict.told, world.last_words());
    });
}
