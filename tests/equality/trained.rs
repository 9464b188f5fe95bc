//! The side of training: what a history asks.

use std::sync::LazyLock;

use engine::app;
use engine::predict::rules::Rules as RuleScore;
use engine::replay;
use engine::train::{History, Moment, Rules};
use schemas::profile::Heads;
use schemas::score::{Ask, Head};

use super::compare::Asks;
use super::served::{Quiet, book};
use super::{Case, Triggers};
use crate::world::World;

/// Answers both sides where answers matter.
fn answer(ask: &Ask) -> f32 {
    static SCORE: LazyLock<RuleScore> = LazyLock::new(RuleScore::new);
    SCORE.value(ask.head, &ask.features)
}

/// Returns what is asked while a history plays the files of a case.
pub fn asks(case: &Case<'_>) -> Asks {
    let world = World::embedded();
    let settings = case.settings(&world);
    let mut rules = Rules::new(&settings, case.format, Heads::of(&Head::ALL));
    if case.triggers == Triggers::Some {
        (rules.book, rules.answer) = (book(case, &settings), answer);
    }
    let sources = replay::check(case.files, case.format, &app::border(&settings)).expect("good files");
    let mut asks = Asks::default();
    let mut watch = |moment: Moment<'_>| {
        if let Moment::Asked { row, ask, .. } = moment {
            asks.add(row.id().as_str(), ask);
        }
    };
    History::new(rules).play(&sources, &mut watch, &Quiet).expect("good files");
    asks
}
