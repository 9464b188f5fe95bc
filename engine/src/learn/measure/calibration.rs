//! Measures of honesty: whether of the rows that are told 30 % three in ten come to pass.

use serde::{Deserialize, Serialize};

use super::Judged;

/// Bins of the expected calibration error.
pub const BINS: usize = 15;

/// Rows whose probabilities lie close together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Weight of the rows.
    pub weight: f64,
    /// Mean of their probabilities.
    pub said: f64,
    /// Share of them that came to pass.
    pub came: f64,
}

/// Sums over the rows of each bin: weight, weight × probability, weight of what came to pass.
pub(super) type Sums = [[f64; 3]; BINS];

/// Returns the bin of a probability: [0, 1/15), [1/15, 2/15), … [14/15, 1].
pub(super) fn bin(probability: f64) -> usize {
    ((probability * BINS as f64) as usize).min(BINS - 1)
}

/// Returns the bins that hold rows, by rising probability.
pub(super) fn reliability(rows: &[Judged]) -> Vec<Bin> {
    let filled = |[weight, said, came]: &[f64; 3]| {
        (*weight > 0.0).then(|| Bin { weight: *weight, said: said / weight, came: came / weight })
    };
    sums(rows).iter().filter_map(filled).collect()
}

/// Returns the expected calibration error: the mean over bins, by weight, of the distance between what was said and what came.
///
/// Source: M. Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; bins of
/// equal width.
pub(super) fn ece(rows: &[Judged]) -> f64 {
    ece_of(&sums(rows))
}

/// Returns the expected calibration error of sums.
pub(super) fn ece_of(sums: &Sums) -> f64 {
    let weight: f64 = sums.iter().map(|[weight, ..]| weight).sum();
    sums.iter().map(|[_, said, came]| (said - came).abs()).sum::<f64>() / weight
}

/// Returns the mean square of probability minus outcome.
pub(super) fn brier(rows: &[Judged]) -> f64 {
    let weight: f64 = rows.iter().map(|row| row.weight).sum();
    let square = |row: &Judged| row.weight * (row.probability - f64::from(u8::from(row.label))).powi(2);
    rows.iter().map(square).sum::<f64>() / weight
}

fn sums(rows: &[Judged]) -> Sums {
    let mut sums = Sums::default();
    for row in rows {
        add(&mut sums, row, row.weight);
    }
    sums
}

/// Adds a row to its bin.
pub(super) fn add(sums: &mut Sums, row: &Judged, weight: f64) {
    let [weights, said, came] = &mut sums[bin(row.probability)];
    *weights += weight;
    *said += weight * row.probability;
    if row.label {
        *came += weight;
    }
}
