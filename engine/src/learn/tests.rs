//! The whole way, on small worlds whose truth is known.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::feature;
use schemas::score::Head;
use schemas::time::{Span, Timestamp};

use super::logistic::sigmoid;
use super::*;

/// Features that the worlds are made of.
const NAMES: [&str; 3] = ["order_count", "order_value", "tenure"];

/// Returns rows of a world in which `truth` gives the log-odds of three features, each in −1 to 1.
fn world(customers: u64, truth: impl Fn([f32; 3]) -> f64) -> Dataset {
    let mut chance = ChaCha8Rng::seed_from_u64(8);
    let places = NAMES.map(|name| feature::place(name).expect("a feature"));
    let rows = (0..customers)
        .map(|customer| {
            let values: [f32; 3] = std::array::from_fn(|_| chance.random_range(-1.0..1.0));
            let mut features = vec![0.0; feature::TABLE.len()].into_boxed_slice();
            places.iter().zip(values).for_each(|(place, value)| features[*place] = value);
            let label = chance.random::<f64>() < sigmoid(truth(values));
            let at = Timestamp(0) + Span::days((customer % 10) as i64);
            Row {
                customer: xxhash_rust::xxh3::xxh3_64(&customer.to_le_bytes()),
                at,
                features,
                label,
                weight: 1.0,
            }
        })
        .collect();
    Dataset { head: Head::Churn, horizon: Some(Span::days(90)), rows }
}

fn small() -> FitSettings {
    FitSettings {
        hidden: vec![16],
        members: 2,
        epochs_max: 40,
        patience: 8,
        batch: 64,
        learning_rate: 1e-2,
        dropout: 0.0,
        ..FitSettings::default()
    }
}

fn fitted(data: &Dataset, settings: &FitSettings) -> (crate::model::Artefact, Report) {
    fit(data, settings, &mut |_| {}).expect("rows to learn from")
}

/// Risk is where two features have the same sign: no straight line sees it.
fn same_sign([a, b, _]: [f32; 3]) -> f64 {
    if a * b > 0.0 { 2.5 } else { -2.5 }
}

#[test]
fn a_network_learns_what_no_straight_line_can() {
    let (_, report) = fitted(&world(2_500, same_sign), &small());
    let (network, baseline) = (report.network.measures, report.baseline.measures);
    // Knowing the truth, the area is 0.924.
    assert!(network.auroc > 0.87, "{network:?}");
    assert!(baseline.auroc < 0.6, "{baseline:?}");
    // The truth has 0.070, the base rate alone 0.25.
    assert!(network.brier < 0.12, "{network:?}");
    assert!(network.lift_10 > 1.6, "{network:?}");
}

#[test]
fn what_a_straight_line_sees_is_learnt_as_well_by_both() {
    let (_, report) = fitted(&world(2_500, |[a, b, _]| f64::from(3.0 * a - 2.0 * b)), &small());
    let (network, baseline) = (report.network.measures, report.baseline.measures);
    assert!(baseline.auroc > 0.85 && network.auroc > baseline.auroc - 0.02, "{network:?} {baseline:?}");
}

#[test]
fn nothing_is_learnt_from_noise() {
    let (artefact, report) = fitted(&world(2_500, |_| -0.8), &small());
    let found = report.network.measures;
    assert!((found.auroc_ci[0]..=found.auroc_ci[1]).contains(&0.5), "{found:?}");
    // All are told about the base rate.
    assert!(found.ece < 0.08, "{found:?}");
    assert!((artefact.manifest().prior - 0.31).abs() < 0.08, "{}", artefact.manifest().prior);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let data = world(600, same_sign);
    let settings = FitSettings { epochs_max: 4, dropout: 0.2, ..small() };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = |name: &str, settings: &FitSettings| -> Vec<Vec<u8>> {
        let dir = folder.path().join(name);
        fitted(&data, settings).0.save(&dir).expect("a writable folder");
        ["model.json", "weights.safetensors"]
            .map(|file| std::fs::read(dir.join(file)).expect("written"))
            .to_vec()
    };
    let one = bytes("one", &settings);
    assert_eq!(one, bytes("same", &settings));
    let other = bytes("other", &FitSettings { seed: 2, ..settings });
    assert_ne!(one[1], other[1]);
}

#[test]
fn a_saved_model_loads_and_says_what_was_judged() {
    let data = world(800, same_sign);
    let settings = FitSettings { version: "toy.1".to_owned(), source: "a toy world".to_owned(), ..small() };
    let (artefact, report) = fitted(&data, &settings);
    let folder = tempfile::tempdir().expect("a temporary folder");
    artefact.save(folder.path()).expect("a writable folder");
    let loaded = crate::model::Artefact::load(folder.path()).expect("a whole model");
    let rows: Vec<&[f32]> = data.rows.iter().map(|row| &*row.features).collect();
    assert_eq!(artefact.score(&rows), loaded.score(&rows));
    let manifest = loaded.manifest();
    assert_eq!((manifest.head, manifest.horizon_ms), (Head::Churn, Some(Span::days(90))));
    assert_eq!((manifest.version.as_str(), report.version.as_str()), ("toy.1", "toy.1"));
    assert_eq!(manifest.metrics, Some(report.network.measures));
    let training = manifest.training.as_ref().expect("what it was trained from");
    assert_eq!((training.rows, training.source.as_str()), (800, "a toy world"));
    assert_eq!(training.fingerprint, format!("{:016x}", data.fingerprint()));
    assert_eq!(manifest.golden.features.len(), NAMES.len());
    assert_eq!(manifest.inputs.iter().map(|input| input.feature.as_str()).collect::<Vec<_>>(), NAMES);
}

#[test]
fn rows_of_more_weight_count_for_more() {
    // Half of the customers live in a world upside down; whoever counts more is believed.
    let mut data = world(2_000, |[a, ..]| f64::from(4.0 * a));
    for (number, row) in data.rows.iter_mut().enumerate() {
        if number % 2 == 0 {
            row.label = !row.label;
            row.weight = 0.05;
        }
    }
    let (artefact, _) = fitted(&data, &small());
    let said = |value: f32| {
        let mut features = vec![0.0; feature::TABLE.len()];
        features[feature::place("order_count").expect("a feature")] = value;
        artefact.score(&[&features])[0]
    };
    assert!(said(0.8) > 0.7 && said(-0.8) < 0.3, "{} {}", said(0.8), said(-0.8));
}

#[test]
fn every_epoch_is_told_and_learning_ends_when_validation_says_so() {
    let mut told = Vec::new();
    let settings = FitSettings { epochs_max: 200, patience: 3, ..small() };
    let (_, report) =
        fit(&world(800, |_| 0.0), &settings, &mut |progress| told.push(*progress)).expect("rows");
    assert_eq!(told.len(), report.members.iter().map(|member| member.epochs).sum::<usize>());
    for member in &report.members {
        assert_eq!(member.epochs, member.best_epoch + 3, "noise is not learnt for 200 epochs");
    }
    let best = report.members[1];
    let seen = told.iter().filter(|progress| progress.member == 1).map(|progress| progress.validation_loss);
    assert_eq!(seen.fold(f64::INFINITY, f64::min), best.validation_loss);
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let data = world(200, same_sign);
    let refused = |data: &Dataset, settings: &FitSettings| {
        fit(data, settings, &mut |_| {}).expect_err("not to be learnt from").to_string()
    };
    assert!(refused(&data, &FitSettings { batch: 0, ..small() }).starts_with("batch is 0"));
    let empty = Dataset { rows: Vec::new(), ..data.clone() };
    assert!(refused(&empty, &small()).starts_with("there is no row"));
    let mut one_class = data.clone();
    one_class.rows.iter_mut().for_each(|row| row.label = true);
    assert!(refused(&one_class, &small()).contains("for training"));
    let mut same = data.clone();
    same.rows.iter_mut().for_each(|row| row.features.fill(1.0));
    assert!(refused(&same, &small()).starts_with("no feature ever changes"));
    assert!(refused(&data, &FitSettings { learning_rate: 1e30, ..small() }).contains("learning_rate"));
}
