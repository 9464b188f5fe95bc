//! What a model is trained on is what the running engine asks it: every question, and every feature of it bit for bit.
//!
//! The same files go through the engine as `care replay` wires it ([`served`]) and through the history that training plays
//! ([`trained`]), with every head in force. Then neither may have asked anything that the other did not ([`compare`]).

mod compare;
mod real_data;
mod served;
mod trained;

use std::fs;
use std::path::{Path, PathBuf};

use engine::predict;
use engine::replay::Format;
use engine::settings::{AssumedConsent, Settings};
use engine::shop::{Policy, Shop, ShopSettings};
use engine::triggers::READY;
use schemas::score::Head;
use serde_json::Value;

use self::compare::{Asks, difference};
use crate::world::{Kind, World};

const SESSION_OVER: (&str, &str) = ("session-over.yaml", include_str!("session-over.yaml"));

/// Whether anything acts on scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Triggers {
    /// Nothing does, as where training data is made.
    None,
    /// The ready ones, and one that asks what is asked at its instant anyway.
    Some,
}

/// Files, and how they are played.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    files: &'a [PathBuf],
    format: Format,
    triggers: Triggers,
    /// With one partition it is known who asked.
    partitions: u32,
    /// Where the engine keeps what it knows.
    kind: Kind,
}

impl Case<'_> {
    /// Returns the settings of both sides in a world of the engine.
    fn settings(&self, world: &World) -> Settings {
        let mut settings = world.settings();
        settings.predictor.heads = Head::ALL.to_vec();
        if self.triggers == Triggers::Some {
            settings.triggers.dir = world.file("triggers");
            fs::create_dir_all(&settings.triggers.dir).expect("a folder");
            for (name, text) in READY.iter().chain([&SESSION_OVER]) {
                fs::write(settings.triggers.dir.join(name), text).expect("written");
            }
            settings.predictor.kind = predict::Kind::Rules;
            settings.policy.assume_consent = AssumedConsent::Marketing;
        }
        settings
    }

    /// Plays both sides, finds them equal and asking enough, and returns what was asked.
    #[track_caller]
    fn check(&self, at_least: usize) -> Asks {
        let served = served::asks(self);
        let mut trained = trained::asks(self);
        if self.partitions > 1 {
            trained = trained.without_customers();
        }
        assert!(served.count() >= at_least, "only {} questions", served.count());
        assert_eq!(difference(&served, &trained), None, "{self:?}");
        served
    }
}

fn demonstration() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/shop.jsonl")
}

/// Writes the events of a small shop that writes to half of its left carts, by chance.
fn shop(dir: &Path) -> PathBuf {
    let policy = Policy::Random { share: 0.5 };
    let settings = ShopSettings { seed: 11, shoppers: 500, days: 10, policy, ..ShopSettings::default() };
    let lines: String = Shop::new(settings).map(|event| event.line + "\n").collect();
    for name in ["Outreach Sent", "Outreach Withheld", "Order Completed"] {
        assert!(lines.contains(name), "no {name} in the shop");
    }
    let path = dir.join("shop.jsonl");
    fs::write(&path, lines).expect("written");
    path
}

fn segment(files: &[PathBuf], triggers: Triggers) -> Case<'_> {
    Case { files, format: Format::SegmentJsonl, triggers, partitions: 1, kind: Kind::Embedded }
}

#[test]
fn the_demonstration_is_trained_on_what_it_is_asked() {
    let files = [demonstration()];
    let case = segment(&files, Triggers::None);
    let asks = case.check(3_000);
    for head in Head::ALL {
        assert!(asks.of(head) > 0, "{}", head.as_str());
    }
    Case { partitions: 8, ..case }.check(asks.count());
}

#[test]
fn a_shop_that_contacts_its_customers_is_trained_on_what_it_is_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = [shop(dir.path())];
    let case = segment(&files, Triggers::None);
    let asks = case.check(1_200);
    Case { partitions: 8, ..case }.check(asks.count());
}

#[test]
fn with_triggers_that_ask_for_fresh_scores_both_sides_ask_alike() {
    let dir = tempfile::tempdir().expect("a folder");
    for files in [[shop(dir.path())], [demonstration()]] {
        let case = segment(&files, Triggers::Some);
        let without = trained::asks(&segment(&files, Triggers::None)).count();
        case.check(without + 1);
    }
}

mod servers {
    use super::*;

    #[test]
    fn the_demonstration_is_trained_on_what_it_is_asked() {
        let files = [demonstration()];
        Case { partitions: 8, kind: Kind::Servers, ..segment(&files, Triggers::None) }.check(3_000);
    }

    #[test]
    fn a_shop_that_contacts_its_customers_is_trained_on_what_it_is_asked() {
        let dir = tempfile::tempdir().expect("a folder");
        let files = [shop(dir.path())];
        Case { partitions: 8, kind: Kind::Servers, ..segment(&files, Triggers::None) }.check(1_200);
    }
}

/// Returns the difference that is found when one line of the demonstration is another in training: the first that `is_meant`.
fn skew(is_meant: impl Fn(&str) -> bool, change: impl Fn(&str) -> String) -> (String, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let files = [demonstration()];
    let case = segment(&files, Triggers::None);
    let text = fs::read_to_string(&files[0]).expect("the bundled file");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = lines.iter_mut().find(|line| line.contains("\"userId\"") && is_meant(line)).expect("a line");
    let whose: Value = serde_json::from_str(line).expect("JSON");
    *line = change(line);
    let changed = [dir.path().join("shop.jsonl")];
    fs::write(&changed[0], lines.join("\n")).expect("written");
    let trained = trained::asks(&Case { files: &changed, ..case });
    let found = difference(&served::asks(&case), &trained).expect("a difference");
    (whose["userId"].as_str().expect("a text").to_owned(), found)
}

#[test]
fn an_event_that_training_lacks_is_found() {
    let (whose, found) = skew(|line| line.contains("Product Added"), |_| String::new());
    assert!(found.starts_with(&whose) && found.contains("served asked 1 times, training 0 times"), "{found}");
}

#[test]
fn an_event_that_training_folds_otherwise_is_found_by_the_feature_that_it_moved() {
    let of_money = |line: &str| line.contains("Order Completed") && line.contains("\"total\":");
    let (whose, found) = skew(of_money, |line| line.replacen("\"total\":", "\"total\":1", 1));
    assert!(found.starts_with(&whose) && found.contains("order_value is "), "{found}");
}
