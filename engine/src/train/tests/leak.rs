//! What the guard lets pass, and what it catches.

use std::path::PathBuf;

use rustc_hash::FxHashMap;
use schemas::feature;
use schemas::ids::CustomerId;
use schemas::score::Ask;
use schemas::time::Span;

use super::history::{at, cart, order};
use super::*;
use crate::learn::Dataset;
use crate::shop;
use crate::train::dataset::{self, Collector, Sample, Taken};
use crate::train::label::Definition;
use crate::train::leak::{self, Checked, Error, Replay, SNAPSHOTS};

/// Rows of a file, with what they were made from.
struct Made {
    dataset: Dataset,
    samples: Vec<Sample>,
    sources: Vec<Source>,
    rules: Rules,
    /// Where the file lies.
    _dir: tempfile::TempDir,
}

impl Made {
    fn guard(&self, allowed: &[&str]) -> Result<Checked, Error> {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        leak::guard(&self.dataset, &self.samples, self.replay(), &allowed)
    }

    fn recompute(&self) -> Result<Checked, Error> {
        leak::recompute(&self.dataset, &self.samples, self.replay())
    }

    fn replay(&self) -> Replay<'_> {
        Replay { rules: &self.rules, sources: &self.sources, seed: 1, report: &Quiet }
    }
}

/// Makes rows of lines; a history hands its moments to the collector through `between`.
fn made(
    lines: &str,
    settings: dataset::Settings,
    between: &mut dyn FnMut(&mut Collector, Moment<'_>),
) -> Made {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("events.jsonl");
    std::fs::write(&path, lines).expect("written");
    let border = crate::app::border(&Settings::defaults());
    let sources = vec![Source::check(&path, Format::SegmentJsonl, &border).expect("a file of the format")];
    let mut rules = rules();
    if settings.taken == Taken::Dates {
        rules.dates = (1..30).map(|day| shop::STARTS + Span::days(day)).collect();
    }
    let mut collector = Collector::new(settings);
    let history = History::new(rules.clone());
    let played =
        history.play(&sources, &mut |moment| between(&mut collector, moment), &Quiet).expect("played");
    let (dataset, _, samples) = collector.finish(played.end);
    Made { dataset, samples, sources, rules, _dir: dir }
}

/// Hands on what happens, as it is.
fn honest(collector: &mut Collector, moment: Moment<'_>) {
    collector.take(&moment);
}

/// Hands on questions only when the next record was folded, with what is known then.
fn peeking() -> impl FnMut(&mut Collector, Moment<'_>) {
    let mut waiting: FxHashMap<CustomerId, (Ask, u64)> = FxHashMap::default();
    move |collector, moment| match moment {
        Moment::Asked { row, ask, known } => {
            waiting.insert(row.id().clone(), (ask.clone(), known));
        }
        Moment::Folded { row, .. } => {
            if let Some((ask, known)) = waiting.remove(row.id()) {
                let peeked = Ask { features: feature::extract(row.profile(), ask.at), ..ask };
                collector.take(&Moment::Asked { row, ask: &peeked, known });
            }
            collector.take(&moment);
        }
        Moment::Passed { .. } | Moment::Merged { .. } | Moment::Dated { .. } => collector.take(&moment),
    }
}

fn settings(head: Head, horizon: Span) -> dataset::Settings {
    dataset::Settings::new(Definition { head, horizon })
}

fn simulated() -> String {
    let mut shop = shop::Shop::new(shop::ShopSettings {
        shoppers: 150,
        days: 30,
        policy: shop::Policy::Random { share: 0.5 },
        ..shop::ShopSettings::default()
    });
    let mut lines = String::new();
    while let Some(moment) = shop.moment() {
        if let shop::Moment::Event(event) = moment {
            lines.push_str(&event.line);
            lines.push('\n');
        }
    }
    lines
}

#[test]
fn honest_rows_pass_whatever_they_are_asked_about() {
    let lines = simulated();
    for head in Head::ALL {
        let every = dataset::Settings { gap: Span(0), ..settings(head, Span::days(7)) };
        let made = made(&lines, every, &mut honest);
        let checked = made.recompute().expect("honest");
        let drawn = SNAPSHOTS.min(made.samples.len());
        assert_eq!((checked.recomputed, checked.too_long), (drawn, 0), "{head:?}");
        assert!(drawn > 0, "{head:?}");
    }
    let dates = dataset::Settings { taken: Taken::Dates, ..settings(Head::Churn, Span::days(7)) };
    let made = made(&lines, dates, &mut honest);
    assert_eq!(made.recompute().expect("honest").recomputed, SNAPSHOTS.min(made.samples.len()));
    assert!(made.samples.len() > 20);
}

#[test]
fn the_bundled_events_pass() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/shop.jsonl");
    let lines = std::fs::read_to_string(path).expect("it is bundled");
    let made = made(&lines, settings(Head::CartAbandonment, Span::hours(1)), &mut honest);
    let checked = made.guard(&[]).expect("honest");
    assert_eq!(checked.recomputed, SNAPSHOTS.min(made.samples.len()));
    assert!(checked.recomputed > 20, "{checked:?}");
}

#[test]
fn a_history_that_looks_at_the_next_record_is_caught() {
    let made = made(&simulated(), settings(Head::CartAbandonment, Span::days(1)), &mut peeking());
    let caught = made.guard(&[]).expect_err("it looks ahead");
    let Error::Differs { customer, feature, found, known, .. } = &caught else { panic!("{caught}") };
    assert!(made.samples.iter().any(|sample| sample.customer == *customer));
    assert!(feature::place(feature).is_some() && found != known, "{caught}");
    assert!(caught.to_string().contains(feature), "{caught}");
}

#[test]
fn what_a_visitor_did_before_the_merge_is_played_for_the_user_and_what_came_later_is_not() {
    let mut shop = Shop::default();
    shop.track("v1", 0, "Product Added", cart("a"));
    shop.track("u1+v1", 10, "Signed In", json!({}));
    shop.track("u1", 20, "Product Added", cart("a"));
    // The visitor is the first user's by then: the second one's request is refused.
    shop.track("u2+v1", 30, "Product Added", cart("b"));
    shop.track("u3", 3_000, "Page Viewed", json!({}));
    let dir = tempfile::tempdir().expect("a folder");
    let lines = std::fs::read_to_string(&shop.write(dir.path())[0].path).expect("written");
    let each = dataset::Settings { gap: Span(0), ..settings(Head::CartAbandonment, Span::days(1)) };
    let mut made = made(&lines, each, &mut honest);
    let of_visitor = |sample: &Sample| sample.row != sample.customer;
    assert!(made.samples.iter().any(of_visitor) && made.samples.iter().any(|sample| sample.at > at(20)));
    assert_eq!(made.recompute().expect("honest").recomputed, made.samples.len());

    let place = made.samples.iter().position(of_visitor).expect("a snapshot of the visitor");
    let identified = feature::place("identified").expect("a feature");
    made.dataset.rows[place].features[identified] = 1.0;
    let caught = made.recompute().expect_err("the visitor was nobody yet");
    assert!(
        caught
            .to_string()
            .ends_with("has identified = 1, and with the records that could be known by then it is 0")
    );
}

#[test]
fn a_snapshot_that_nobody_asked_for_is_caught() {
    let mut made = made(&simulated(), settings(Head::Churn, Span::days(7)), &mut honest);
    for sample in &mut made.samples {
        sample.known = 0;
    }
    assert!(matches!(made.guard(&[]), Err(Error::NotTaken { .. })));
    made.samples.pop();
    assert!(matches!(made.guard(&[]), Err(Error::WrongCount { .. })));
}

#[test]
fn a_feature_that_holds_the_label_is_refused_by_name_either_way_round_unless_allowed() {
    let mut made = made(&simulated(), settings(Head::CartAbandonment, Span::days(1)), &mut honest);
    assert_eq!(leak::suspects(&made.dataset), []);
    for (holds, auroc) in [("order_value", 1.0), ("cases_90_days", 0.0)] {
        let place = feature::place(holds).expect("a feature");
        for row in &mut made.dataset.rows {
            row.features[place] = if row.label == (auroc == 1.0) { 7.5 } else { -1.0 };
        }
        let found = leak::suspects(&made.dataset);
        assert!(found.contains(&leak::Suspect { feature: holds, auroc }), "{found:?}");
    }
    let refused = made.guard(&["order_value"]).expect_err("it holds the label").to_string();
    assert!(refused.contains("cases_90_days (auROC 0.000)") && !refused.contains("order_value"), "{refused}");
    assert!(matches!(made.guard(&["order_value", "cases_90_days"]), Err(Error::Differs { .. })));
}

#[test]
fn a_visitor_whom_everybody_shares_costs_his_snapshots_only() {
    let mut shop = Shop::default();
    for user in 0..300 {
        let who = format!("u{user}+v1");
        for minute in 0..70 {
            shop.track(&who, user * 100 + minute, "Product Viewed", json!({"product_id": "p"}));
        }
    }
    shop.track("u900", 0, "Product Added", cart("a"));
    shop.track("u900", 30, "Order Completed", order("o", "a"));
    shop.track("u900", 31_000, "Page Viewed", json!({}));
    let dir = tempfile::tempdir().expect("a folder");
    let lines = std::fs::read_to_string(&shop.write(dir.path())[0].path).expect("written");
    let made = made(&lines, settings(Head::PurchaseIntent, Span::days(1)), &mut honest);
    let checked = made.recompute().expect("honest");
    assert!(checked.recomputed > 0 && checked.too_long > 300, "{checked:?}");
}
