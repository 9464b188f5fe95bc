//! A roll-out of a new row codec under load: the engine of today and the one after it side by side, forward and back, then for good.

use std::path::Path;
use std::time::Duration;

use actors::port::clock::Clock;

use crate::care;
use crate::chaos::engine::Signal;
use crate::chaos::fault::Which;
use crate::chaos::round::rest;
use crate::chaos::story::Story;
use crate::chaos::world::World;

/// Events while one engine takes another's place.
const EVENTS: u64 = 300;
/// Longest wait for anything that has to come.
const SOON: Duration = Duration::from_secs(400);

/// Puts another program in an engine's place while customers go on.
async fn replace(world: &mut World, story: &mut Story, which: Which, program: &Path) {
    world.engines[which].signal(Signal::Terminate);
    world.tell(story, EVENTS / 2).await;
    let stopped = world.engines[which].wait().expect("it ran");
    assert!(stopped.success(), "it stopped in good order: {stopped}\n{}", world.last_words());
    world.engines[which].becomes(program);
    world.start_engine(which).await;
    world.tell(story, EVENTS / 2).await;
}

#[test]
fn engines_of_two_codecs_take_turns_under_load_and_then_the_older_one_stays_away() {
    let (today, next) = (care::binary(), care::next_binary());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new("upgrade", 2, today).await;
        world.start().await;
        let mut story = Story::new(44);
        world.tell(&mut story, EVENTS).await;
        for (which, program) in [(0, next), (1, next), (0, today), (1, today), (1, next)] {
            replace(&mut world, &mut story, which, program).await;
        }
        let now = world.clock.boot();
        let verdict = rest(&mut world, now + SOON).await;
        println!("seed 44, side by side: {}", verdict.to_json());
        assert!(verdict.is_clean(), "{:#?}\n{}", verdict.told, world.last_words());

        let early = world.run(next, &["upgrade", "finalize"]);
        assert!(!early.success && early.out.contains("would not read"), "{}{}", early.out, early.err);
        replace(&mut world, &mut story, 0, next).await;
        let finalized = world.run(next, &["upgrade", "finalize", "--json"]);
        assert_eq!(finalized.summary()["written"], 4, "{}", finalized.out);
        world.tell(&mut story, EVENTS).await;
        stays_away(&mut world, today).await;
        comes_to_its_end(&mut world).await;
    });
}

/// An engine of before the roll-out ends by itself instead of reading what it cannot.
async fn stays_away(world: &mut World, today: &Path) {
    world.engines[0].signal(Signal::Terminate);
    world.engines[0].wait();
    world.engines[0].becomes(today);
    world.engines[0].start();
    let refused = world.wait(SOON, |world| world.engines[0].has_given_up()).await;
    assert!(refused, "an engine runs that cannot read the rows\n{}", world.last_words());
    assert!(world.engines[0].last_words().contains("or a later one"), "{}", world.engines[0].last_words());
}

/// The rows are of a codec that this test does not know: what left tells.
async fn comes_to_its_end(world: &mut World) {
    let until = world.clock.boot() + SOON;
    let mut wrong = world.wrongly_delivered().await;
    while !(world.is_at_the_end().await && wrong.as_ref().is_ok_and(|wrong| wrong.is_empty())) {
        assert!(world.clock.boot() < until, "wrongly delivered: {wrong:?}\n{}", world.last_words());
        world.clock.sleep(Duration::from_millis(300)).await;
        wrong = world.wrongly_delivered().await;
    }
}
