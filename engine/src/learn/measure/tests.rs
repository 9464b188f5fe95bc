//! Tests of the measures: known answers, ties, weights, and laws that hold for any rows.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::curve::{POINTS_MAX, curves};
use super::*;

/// Judges rows of probability and outcome.
fn judge(rows: &[(f32, u8)]) -> Measures {
    let (probabilities, labels) = columns(rows);
    measures(&probabilities, &labels, None).expect("rows of both classes")
}

fn columns(rows: &[(f32, u8)]) -> (Vec<f32>, Vec<bool>) {
    rows.iter().map(|(probability, label)| (*probability, *label == 1)).unzip()
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

/// Returns rows whose labels are drawn by their own probabilities: perfectly calibrated, as far as chance lets them.
fn honest(rows: usize, seed: u64) -> Vec<(f32, u8)> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    (0..rows)
        .map(|_| {
            let probability: f32 = chance.random();
            (probability, u8::from(chance.random::<f32>() < probability))
        })
        .collect()
}

#[test]
fn four_rows_measure_what_a_hand_computes() {
    let found = judge(&[(0.1, 0), (0.4, 0), (0.35, 1), (0.8, 1)]);
    assert_eq!((found.n, found.positives), (4, 2));
    near(found.base_rate, 0.5);
    // 3 of 4 pairs stand right.
    near(found.auroc, 0.75);
    // Shares of right pairs are 1/2, 1 by class, so both variances of the mean are 1/16, and 1.96 √(1/8) = 0.69295.
    near(found.auroc_ci[0], 0.75 - 1.959_964 * 0.125_f64.sqrt());
    near(found.auroc_ci[1], 1.0);
    // 1/2 × 1 + 1/2 × 2/3.
    near(found.auprc, 5.0 / 6.0);
    // Each row has a bin to itself: (0.1 + 0.4 + 0.65 + 0.2) / 4.
    near(found.ece, 0.3375);
    near(found.brier, (0.01 + 0.16 + 0.4225 + 0.04) / 4.0);
    // A tenth of four rows is a part of the first one, and half of all came to pass.
    near(found.lift_10, 2.0);
}

#[test]
fn tied_rows_count_together() {
    let found = judge(&[(0.5, 1), (0.5, 0), (0.5, 1), (0.2, 0)]);
    near(found.auroc, 0.75);
    near(found.auprc, 2.0 / 3.0);
    near(found.lift_10, 4.0 / 3.0);
    let same = judge(&[(0.3, 1), (0.3, 0), (0.3, 0), (0.3, 0), (0.3, 0)]);
    near(same.auroc, 0.5);
    near(same.auprc, 0.2);
    near(same.lift_10, 1.0);
    // One row came to pass: nothing tells how much it would vary.
    assert_eq!(same.auroc_ci, [0.0, 1.0]);
}

#[test]
fn calibration_is_measured_in_fifteen_bins_of_equal_width() {
    let found = judge(&[(0.9, 1), (0.9, 1), (0.9, 1), (0.9, 0), (0.1, 0), (0.1, 0)]);
    near(found.ece, (4.0 * 0.15 + 2.0 * 0.1) / 6.0);
    near(found.brier, 0.86 / 6.0);
    near(found.lift_10, 1.5);
    // Two rows of one bin cancel out; of two bins they do not.
    near(judge(&[(0.41, 1), (0.45, 0)]).ece, 0.07);
    near(judge(&[(0.39, 1), (0.45, 0)]).ece, (0.61 + 0.45) / 2.0);
    assert_eq!([0.0, 0.0666, 0.0667, 0.999, 1.0].map(calibration::bin), [0, 0, 1, 14, 14]);
    near(judge(&[(0.0, 0), (1.0, 1), (1.0, 1)]).ece, 0.0);
}

/// Reference values: scikit-learn 1.9.1 (`roc_auc_score`, `average_precision_score`, `brier_score_loss`), and DeLong's variance by
/// midranks as Sun and Xu have it, with `scipy.stats.rankdata`.
#[test]
fn two_hundred_tied_rows_measure_what_other_programs_do() {
    let probabilities: Vec<f32> = (0..200).map(|row| (row * 37 % 101) as f32 / 100.0).collect();
    let labels: Vec<bool> = (0..200).map(|row| (row * row * 7 + row * 3 + row * 37 % 101) % 11 < 4).collect();
    let weights: Vec<f32> = (0..200).map(|row| 1.0 + (row % 3) as f32).collect();
    let plain = measures(&probabilities, &labels, None).expect("rows of both classes");
    assert_eq!(plain.positives, 72);
    near(plain.auroc, 0.519_748_263_888_889);
    near((plain.auroc_ci[1] - plain.auroc_ci[0]) / 2.0, 0.084_754_313_552_501_9);
    near(plain.auprc, 0.412_208_625_020_457_6);
    near(plain.brier, 0.326_337_500_376_999_5);
    near(plain.ece, 0.277_149_999_924_004_1);
    let weighted = measures(&probabilities, &labels, Some(&weights)).expect("rows of both classes");
    near(weighted.auroc, 0.489_902_449_717_761_8);
    near(weighted.auprc, 0.379_134_133_726_363_7);
    near(weighted.brier, 0.341_127_819_791_249_6);
    near(weighted.ece, 0.284_110_275_360_949_4);
}

#[test]
fn a_weight_of_two_is_a_row_that_stands_twice() {
    let rows = honest(60, 3);
    let (probabilities, labels) = columns(&rows);
    let weights: Vec<f32> = (0..60).map(|row| [1.0, 2.0, 3.0][row % 3]).collect();
    let weighted = measures(&probabilities, &labels, Some(&weights)).expect("rows of both classes");
    let repeated: Vec<(f32, u8)> =
        rows.iter().zip(&weights).flat_map(|(row, weight)| vec![*row; *weight as usize]).collect();
    let repeated = judge(&repeated);
    for (found, expected) in [
        (weighted.base_rate, repeated.base_rate),
        (weighted.auroc, repeated.auroc),
        (weighted.auprc, repeated.auprc),
        (weighted.ece, repeated.ece),
        (weighted.brier, repeated.brier),
        (weighted.lift_10, repeated.lift_10),
    ] {
        near(found, expected);
    }
    // But it is one observation, so the interval is wider.
    let width = |of: Interval| of[1] - of[0];
    assert!(width(weighted.auroc_ci) > width(repeated.auroc_ci));
    assert_eq!(weighted.n, 60);
}

#[test]
fn the_interval_of_the_area_is_that_of_a_bootstrap() {
    let rows: Vec<Judged> = honest(400, 5)
        .iter()
        .map(|(probability, label)| {
            let probability = (f64::from(*probability) * 20.0).round() / 20.0;
            Judged { probability, label: *label == 1, weight: 1.0 }
        })
        .collect();
    let (_, [low, high]) = ranking::Ranking::of(&rows).auroc();
    let by_delong = (high - low) / 2.0 / Z_95;
    let classes: Vec<Vec<Judged>> =
        [true, false].map(|class| rows.iter().copied().filter(|row| row.label == class).collect()).to_vec();
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let areas: Vec<f64> = (0..1_000)
        .map(|_| {
            let sample = classes.iter().flat_map(|class| vec![class; class.len()]);
            let sample: Vec<Judged> =
                sample.map(|class| class[chance.random_range(0..class.len())]).collect();
            ranking::Ranking::of(&sample).auroc().0
        })
        .collect();
    let mean = areas.iter().sum::<f64>() / 1_000.0;
    let by_bootstrap = (areas.iter().map(|area| (area - mean).powi(2)).sum::<f64>() / 999.0).sqrt();
    assert!((by_delong / by_bootstrap - 1.0).abs() < 0.1, "{by_delong} and {by_bootstrap}");
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    // The area is 5/6 where probabilities are drawn evenly and outcomes by them; the average precision is that of a large sample.
    let (probabilities, labels) = columns(&honest(200_000, 11));
    let many = ranking::Ranking::of(&judged(&probabilities, &labels, None).expect("rows of both classes"));
    let (true_area, true_precision) = (many.auroc().0, many.average_precision());
    assert!((true_area - 5.0 / 6.0).abs() < 0.003, "{true_area}");
    let within = |of: Interval, value: f64| (of[0]..=of[1]).contains(&value);
    let (mut area, mut precision) = (0, 0);
    for seed in 0..40 {
        let found = judge(&honest(150, 100 + seed));
        area += usize::from(within(found.auroc_ci, true_area));
        precision += usize::from(within(found.auprc_ci, true_precision));
    }
    // 38 are expected; fewer than 33 happen once in two hundred times.
    assert!((33..=40).contains(&area) && (33..=40).contains(&precision), "{area} and {precision} of 40");
}

#[test]
fn what_is_honest_has_a_small_calibration_error_and_what_is_not_has_a_large_one() {
    let rows = honest(20_000, 1);
    let found = judge(&rows);
    assert!(found.ece < 0.015, "{}", found.ece);
    assert!(found.ece_ci[0] <= found.ece_ci[1] && found.ece_ci[1] < 0.025, "{:?}", found.ece_ci);
    let bold: Vec<(f32, u8)> = rows.iter().map(|(probability, label)| (probability.sqrt(), *label)).collect();
    let bold = judge(&bold);
    assert!(bold.ece_ci[0] > 0.1, "{:?}", bold.ece_ci);
    near(bold.auroc, found.auroc);
}

#[test]
fn what_cannot_be_judged_is_refused_with_its_place() {
    let of = |probabilities: &[f32], labels: &[bool], weights: Option<&[f32]>| {
        measures(probabilities, labels, weights).expect_err("not to be judged").to_string()
    };
    assert!(of(&[], &[], None).starts_with("there is no row"));
    assert!(of(&[0.5], &[true, false], None).starts_with("2 labels have 1 probabilities"));
    assert!(of(&[0.5, 0.5], &[true, false], Some(&[1.0])).starts_with("2 labels have 1 weights"));
    for bad in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
        assert!(of(&[0.5, bad], &[true, false], None).starts_with("row 1 has the probability"), "{bad}");
    }
    for bad in [f32::NAN, f32::INFINITY, -1.0, 0.0] {
        assert!(of(&[0.5, 0.5], &[true, false], Some(&[1.0, bad])).starts_with("row 1 weighs"), "{bad}");
    }
    assert!(of(&[0.5, 0.5], &[false, false], None).starts_with("0 of 2 rows came to pass"));
    assert!(of(&[0.5, 0.5], &[true, true], None).starts_with("2 of 2 rows came to pass"));
}

#[test]
fn curves_are_short_and_reach_from_end_to_end() {
    let (probabilities, labels) = columns(&honest(5_000, 2));
    let found = curves(&probabilities, &labels, None).expect("rows of both classes");
    assert_eq!((found.roc.len(), found.precision_recall.len()), (POINTS_MAX, POINTS_MAX));
    assert_eq!(found.roc[0], curve::Point { x: 0.0, y: 0.0 });
    for curve in [&found.roc, &found.precision_recall] {
        near(curve[POINTS_MAX - 1].x, 1.0);
        assert!(curve.windows(2).all(|pair| pair[0].x <= pair[1].x));
    }
    near(
        found.precision_recall[POINTS_MAX - 1].y,
        labels.iter().filter(|label| **label).count() as f64 / 5_000.0,
    );
    assert_eq!(found.reliability.len(), calibration::BINS);
    near(found.reliability.iter().map(|bin| bin.weight).sum(), 5_000.0);
}

proptest! {
    // Each case draws thousands of samples.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_area_is_the_share_of_pairs_that_stand_right(
        rows in prop::collection::vec((0_u8..12, any::<bool>(), 1_u8..4), 2..60)
    ) {
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        prop_assume!(labels.contains(&true) && labels.contains(&false));
        let probabilities: Vec<f32> = rows.iter().map(|row| f32::from(row.0) / 12.0).collect();
        let weights: Vec<f32> = rows.iter().map(|row| f32::from(row.2)).collect();
        let found = measures(&probabilities, &labels, Some(&weights)).expect("rows of both classes");
        let (mut right, mut all) = (0.0, 0.0);
        for hit in rows.iter().filter(|row| row.1) {
            for miss in rows.iter().filter(|row| !row.1) {
                let pair = f64::from(hit.2) * f64::from(miss.2);
                all += pair;
                right += pair * if hit.0 > miss.0 { 1.0 } else if hit.0 == miss.0 { 0.5 } else { 0.0 };
            }
        }
        prop_assert!((found.auroc - right / all).abs() < 1e-9);
    }

    #[test]
    fn measures_stay_in_their_bounds(
        rows in prop::collection::vec((0.0_f32..=1.0, any::<bool>(), 0.01_f32..10.0), 2..40)
    ) {
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        prop_assume!(labels.contains(&true) && labels.contains(&false));
        let probabilities: Vec<f32> = rows.iter().map(|row| row.0).collect();
        let weights: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let found = measures(&probabilities, &labels, Some(&weights)).expect("rows of both classes");
        for value in [found.auroc, found.auprc, found.ece, found.brier, found.base_rate] {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{value}");
        }
        for [low, high] in [found.auroc_ci, found.auprc_ci, found.ece_ci] {
            prop_assert!(0.0 <= low && low <= high && high <= 1.0 + 1e-12, "{low} to {high}");
        }
        prop_assert!(found.auroc_ci[0] <= found.auroc && found.auroc <= found.auroc_ci[1]);
        prop_assert!(found.lift_10 >= 0.0 && found.lift_10 <= 1.0 / found.base_rate + 1e-9);
    }

    #[test]
    fn a_monotone_change_leaves_order_as_it_is(rows in prop::collection::vec((0_u8..50, any::<bool>()), 2..80)) {
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        prop_assume!(labels.contains(&true) && labels.contains(&false));
        let plain: Vec<f32> = rows.iter().map(|row| f32::from(row.0) / 50.0).collect();
        let changed: Vec<f32> = plain.iter().map(|value| value.powi(3) / 2.0 + 0.25).collect();
        let plain = measures(&plain, &labels, None).expect("rows of both classes");
        let changed = measures(&changed, &labels, None).expect("rows of both classes");
        prop_assert_eq!(plain.auroc, changed.auroc);
        prop_assert_eq!(plain.auroc_ci, changed.auroc_ci);
        prop_assert_eq!(plain.auprc, changed.auprc);
        prop_assert_eq!(plain.auprc_ci, changed.auprc_ci);
        prop_assert_eq!(plain.lift_10, changed.lift_10);
    }
}
