//! A roll-out of a new row codec: the engine of today and the one after it take turns on one data folder, forward and back.

use std::path::Path;

use super::{World, dump, lines, sorted, text};
use crate::care;

/// Version of the codec that rows are written in by agreement, and the newest that the engine knows.
fn status(binary: &Path, data: &Path) -> (u64, u64) {
    let status = care::run_as(binary, ["upgrade", "status", "--json", "--data-dir", &text(data)]).summary();
    let number = |name: &str| status[name].as_u64().expect("a number");
    (number("written"), number("known"))
}

#[test]
fn two_engines_take_turns_until_the_roll_out_is_at_its_end_and_then_the_older_one_stays_away() {
    let (today, next) = (care::binary(), care::next_binary());
    let world = World::new(51, 5);
    let (stayed, turns) = (world.folder("stayed"), world.folder("turns"));
    let play = |binary: &Path, nth: usize, data: &Path| {
        let summary = care::run_as(binary, world.replay(&world.files[nth], data, &[])).summary();
        assert_eq!((&summary["lost"], &summary["doubled"]), (&0.into(), &0.into()), "{summary}");
    };
    (0..5).for_each(|nth| play(today, nth, &stayed));
    // Forward, back, forward: whoever comes reads what the other wrote, rows and records.
    for (nth, binary) in [today, next, today, next].into_iter().enumerate() {
        play(binary, nth, &turns);
        assert_eq!(
            (status(today, &turns), status(next, &turns)),
            ((3, 3), (3, 4)),
            "nobody said that it is over"
        );
    }
    let finalize = ["upgrade", "finalize", "--json", "--data-dir", &text(&turns)];
    assert_eq!(care::run_as(next, finalize).summary()["written"], 4);
    assert_eq!(care::run_as(next, finalize).summary()["written"], 4, "once more it changes nothing");
    let refused = care::run_as(today, world.replay(&world.files[4], &turns, &[]));
    assert!(!refused.success && refused.err.contains("or a later one"), "{}", refused.err);
    play(next, 4, &turns);
    let found = sorted(dump(next, &turns, &[]));
    if let Some(difference) = care::difference(&lines(&stayed, &[]), &found) {
        panic!("differs from a shop that one engine ran:\n{difference}");
    }
}
