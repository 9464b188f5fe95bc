//! How sure a measure is: its percentiles over samples of the rows, drawn again and again with replacement, from a fixed seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::calibration::{Sums, add, ece_of};
use super::ranking::Ranking;
use super::{Interval, Judged};

/// Samples that are drawn, as long as the rows are not many.
const SAMPLES: usize = 1_000;

/// Fewest samples that are drawn.
const SAMPLES_MIN: usize = 200;

/// Most rows that are drawn in all, unless [`SAMPLES_MIN`] samples are more: about a second. With so many rows the ends of an interval
/// hardly differ from draw to draw.
const DRAWN_MAX: usize = 100_000_000;

const SEED: u64 = 0x000B_0075_72A9;

/// Returns the interval of the average precision; every sample has as many rows of each class as there are.
pub(super) fn average_precision(ranking: &Ranking) -> Interval {
    let places = |label: bool| -> Vec<usize> {
        let rows = ranking.rows().iter().enumerate();
        rows.filter(|(_, row)| row.label == label).map(|(place, _)| place).collect()
    };
    let classes = [places(true), places(false)];
    let mut weights = vec![0.0; ranking.rows().len()];
    interval(ranking.rows().len(), |chance| {
        weights.fill(0.0);
        for class in &classes {
            for _ in 0..class.len() {
                let place = class[chance.random_range(0..class.len())];
                weights[place] += ranking.rows()[place].weight;
            }
        }
        ranking.average_precision_of(|place| weights[place])
    })
}

/// Returns the interval of the expected calibration error.
pub(super) fn ece(rows: &[Judged]) -> Interval {
    interval(rows.len(), |chance| {
        let mut sums = Sums::default();
        for _ in 0..rows.len() {
            let row = &rows[chance.random_range(0..rows.len())];
            add(&mut sums, row, row.weight);
        }
        ece_of(&sums)
    })
}

/// Returns the 2.5th and the 97.5th percentile of what samples of `rows` rows measure.
fn interval(rows: usize, mut sample: impl FnMut(&mut ChaCha8Rng) -> f64) -> Interval {
    let samples = (DRAWN_MAX / rows.max(1)).clamp(SAMPLES_MIN, SAMPLES);
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut measured: Vec<f64> = (0..samples).map(|_| sample(&mut chance)).collect();
    measured.sort_by(f64::total_cmp);
    let at = |share: f64| measured[(share * (samples - 1) as f64).round() as usize];
    [at(0.025), at(0.975)]
}
