//! Tests of `care train`: from files to a model that is loaded again, the same twice, and options that are refused.

use std::path::Path;

use super::*;
use crate::shop::{Shop, ShopSettings};

/// Writes the events of a small simulated shop.
fn shop(folder: &Path) -> PathBuf {
    let path = folder.join("shop.jsonl");
    let shop = Shop::new(ShopSettings { seed: 11, shoppers: 700, days: 20, ..ShopSettings::default() });
    let text: String = shop.map(|event| event.line + "\n").collect();
    fs::write(&path, text).expect("a writable folder");
    path
}

fn arguments(events: PathBuf, out: PathBuf) -> Arguments {
    Arguments {
        head: Head::CartAbandonment,
        events: vec![events],
        format: Format::SegmentJsonl,
        horizon: None,
        snapshots: Snapshots::Asks,
        from: None,
        until: None,
        seed: 3,
        only: Vec::new(),
        without: vec!["cart_age".to_owned()],
        allow_suspect: Vec::new(),
        set: ["hidden=[4]", "members=2", "epochs_max=4", "activation=tanh"].map(str::to_owned).to_vec(),
        source: Some("a simulated shop".to_owned()),
        out: Some(out),
        data: DataDir { data_dir: None },
    }
}

fn train(arguments: &Arguments, output: Output) -> Result<String> {
    let mut out = Vec::new();
    run(arguments, Overrides { config: None, options: Vec::new() }, output, &mut out)?;
    Ok(String::from_utf8(out).expect("text"))
}

#[test]
fn files_become_a_model_the_same_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = shop(folder.path());
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let told = train(&arguments(events.clone(), one.clone()), Output::Text).expect("enough to learn from");
    assert!(told.contains("care models activate cart_abandonment"), "{told}");
    assert!(told.contains("no leak: 50 rows"), "{told}");
    train(&arguments(events, two.clone()), Output::Json).expect("enough to learn from");
    for file in ["model.json", "weights.safetensors", REPORT_FILE] {
        let read = |folder: &Path| fs::read(folder.join(file)).expect("a written file");
        assert_eq!(read(&one), read(&two), "{file}");
    }
    let artefact = Artefact::load(&one).expect("a whole model");
    let manifest = artefact.manifest();
    assert_eq!((manifest.head, manifest.horizon_ms), (Head::CartAbandonment, Some(Span::days(1))));
    assert!(manifest.inputs.iter().all(|input| input.feature != "cart_age"), "left out");
    assert_eq!(manifest.training.as_ref().map(|training| training.source.as_str()), Some("a simulated shop"));
}

#[test]
fn too_little_to_learn_from_is_told_with_what_there_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = folder.path().join("few.jsonl");
    let shop = Shop::new(ShopSettings { seed: 11, shoppers: 20, days: 3, ..ShopSettings::default() });
    fs::write(&events, shop.map(|event| event.line + "\n").collect::<String>()).expect("a writable folder");
    let refused = train(&arguments(events, folder.path().join("out")), Output::Text).expect_err("too few");
    let refused = format!("{refused:#}");
    assert!(
        refused.contains("rows of cart_abandonment") && refused.contains("at least 200 rows"),
        "{refused}"
    );
    assert!(!folder.path().join("out").exists(), "nothing is written");
}

#[test]
fn a_version_that_is_there_already_is_refused_before_a_file_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = DataDir { data_dir: Some(folder.path().to_owned()) };
    let there = folder.path().join("models/cart_abandonment/autumn");
    fs::create_dir_all(&there).expect("a writable folder");
    let mut arguments = Arguments { out: None, data, ..arguments("missing.jsonl".into(), "".into()) };
    arguments.set.push("version=autumn".to_owned());
    let refused = train(&arguments, Output::Text).expect_err("it is there");
    assert!(refused.to_string().contains(&format!("{} is there already", there.display())), "{refused}");
}

#[test]
fn options_say_what_would_be_legal() {
    let told = |error: anyhow::Error| format!("{error:#}");
    assert!(
        told(options::fitting(&["hiden=[4]".to_owned()]).expect_err("no such setting")).contains("hidden")
    );
    assert!(told(options::fitting(&["hidden".to_owned()]).expect_err("no value")).contains("KEY=VALUE"));
    let wrong = ["tenur".to_owned()];
    for (only, without) in [(&wrong[..], &[][..]), (&[][..], &wrong[..])] {
        let refused = options::features(Head::Churn, only, without).expect_err("no feature");
        assert!(told(refused).contains("tenure"));
    }
    for (text, legal) in [("P1Y", "days"), ("90", "P90D"), ("PT0S", "PT1S")] {
        let refused = options::duration(text).expect_err(text);
        assert!(refused.contains(legal), "{refused}");
    }
    assert_eq!(options::duration("P90D"), Ok(Span::days(90)));
    for text in ["weekly", "every:PT1H", "every:x"] {
        assert!(text.parse::<Snapshots>().is_err(), "{text}");
    }
}

#[test]
fn dates_come_in_a_rhythm_between_two_days() {
    let days = Days { zone: jiff::tz::TimeZone::UTC };
    let day = |text: &str| days.midnight(text.parse().expect("a date")).expect("in the calendar");
    let rhythm: Snapshots = "every:P7D".parse().expect("a rhythm");
    let between = (Some(day("2010-03-01")), Some(day("2010-03-22")));
    let dates = rhythm.dates(between, &days).expect("few dates");
    assert_eq!(dates, ["2010-03-01", "2010-03-08", "2010-03-15"].map(day), "the last day is not one of them");
    assert!(rhythm.dates((None, between.1), &days).is_err(), "a rhythm has a beginning");
    let listed: Snapshots = "2010-06-01,2010-09-01".parse().expect("dates");
    assert_eq!(listed.dates((None, None), &days).expect("dates"), ["2010-06-01", "2010-09-01"].map(day));
}

#[test]
fn features_are_those_that_are_named_or_those_that_are_left() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let of = |only: &[&str], without: &[&str]| {
        options::features(Head::Churn, &names(only), &names(without)).expect("features")
    };
    assert!(of(&[], &[]).is_empty(), "all of the head");
    assert_eq!(of(&["tenure", "order_count"], &[]), names(&["tenure", "order_count"]));
    assert_eq!(of(&["tenure", "order_count"], &["tenure"]), names(&["order_count"]));
    let left = of(&[], &["tenure"]);
    assert!(left.contains(&"order_count".to_owned()) && !left.contains(&"tenure".to_owned()));
}
