//! Calibration: log-odds are stretched and shifted so that the validation part finds them honest.
//!
//! Source: J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods" (1999), its
//! softened targets included.

use super::logistic::{Examples, Logistic, log_loss};
use crate::model::Calibration;

/// One row that was not learnt from.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// What was said, as log-odds.
    pub logit: f64,
    /// Whether it came to pass.
    pub label: bool,
    /// How much the row counts.
    pub weight: f32,
    /// Hash of the customer.
    pub customer: u64,
}

/// The least slope that is believed: a smaller one flattens the order, or turns it around.
const SLOPE_MIN: f32 = 0.05;

/// Returns the calibration that rows ask for, or [`Calibration::NONE`] where none helps: it is learnt from half of the customers and
/// judged by the other half, and the other way round, and where that does not make the loss smaller, nothing is changed.
pub fn calibrate(rows: &[Answered]) -> Calibration {
    let half =
        |odd: u64| -> Vec<Answered> { rows.iter().filter(|row| row.customer % 2 == odd).copied().collect() };
    let (even, odd) = (half(0), half(1));
    let crossed = loss(line(&even), &odd) + loss(line(&odd), &even);
    if crossed < loss(Calibration::NONE, rows) { line(rows) } else { Calibration::NONE }
}

/// Returns calibrated log-odds.
pub fn calibrated(by: Calibration, logit: f64) -> f64 {
    f64::from(by.slope) * logit + f64::from(by.intercept)
}

/// Returns the line that fits rows best, or [`Calibration::NONE`] where they are no ground to calibrate on.
fn line(rows: &[Answered]) -> Calibration {
    let weight = |label: bool| -> f64 {
        rows.iter().filter(|row| row.label == label).map(|row| f64::from(row.weight)).sum()
    };
    let (positive, negative) = (weight(true), weight(false));
    let (hit, miss) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
    let inputs: Vec<f32> = rows.iter().map(|row| row.logit as f32).collect();
    let targets: Vec<f64> = rows.iter().map(|row| if row.label { hit } else { miss }).collect();
    let weights: Vec<f32> = rows.iter().map(|row| row.weight).collect();
    let line = Logistic::fit(&Examples { inputs: &inputs, targets: &targets, weights: &weights }, 0.0);
    let slope = line.weights.first().map_or(0.0, |slope| *slope as f32);
    let intercept = line.intercept as f32;
    let is_sound = slope > SLOPE_MIN && slope.is_finite() && intercept.is_finite();
    if is_sound { Calibration { slope, intercept } } else { Calibration::NONE }
}

fn loss(of: Calibration, rows: &[Answered]) -> f64 {
    let loss = |row: &Answered| {
        f64::from(row.weight) * log_loss(calibrated(of, row.logit), f64::from(u8::from(row.label)))
    };
    rows.iter().map(loss).sum()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::logistic::sigmoid;
    use super::*;

    /// Returns rows whose outcomes are drawn by their log-odds after `by`.
    fn rows(count: u64, by: Calibration) -> Vec<Answered> {
        let mut chance = ChaCha8Rng::seed_from_u64(4);
        (0..count)
            .map(|customer| {
                let logit = chance.random_range(-3.0..3.0);
                let label = chance.random::<f64>() < sigmoid(calibrated(by, logit));
                Answered { logit, label, weight: 1.0, customer }
            })
            .collect()
    }

    #[test]
    fn a_bold_and_shifted_model_is_put_right() {
        let truth = Calibration { slope: 0.5, intercept: -0.7 };
        let found = calibrate(&rows(20_000, truth));
        assert!((found.slope - 0.5).abs() < 0.04 && (found.intercept + 0.7).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn an_honest_model_stays_nearly_as_it_is() {
        let found = calibrate(&rows(20_000, Calibration::NONE));
        assert!((found.slope - 1.0).abs() < 0.06 && found.intercept.abs() < 0.06, "{found:?}");
    }

    #[test]
    fn what_does_not_help_is_not_kept() {
        // The order is wrong: the best line would turn it around.
        let wrong: Vec<Answered> =
            rows(2_000, Calibration::NONE).iter().map(|row| Answered { label: !row.label, ..*row }).collect();
        assert_eq!(calibrate(&wrong), Calibration::NONE);
        // A single row says nothing of the others.
        assert_eq!(calibrate(&rows(1, Calibration::NONE)), Calibration::NONE);
        assert_eq!(calibrate(&[]), Calibration::NONE);
    }

    #[test]
    fn separated_classes_give_a_finite_slope() {
        let rows: Vec<Answered> = (0..40)
            .map(|customer| {
                let logit = customer as f64 / 10.0 - 2.0;
                Answered { logit, label: logit > 0.0, weight: 1.0, customer }
            })
            .collect();
        let found = calibrate(&rows);
        assert!(found.slope.is_finite() && found.slope > 1.0, "{found:?}");
    }
}
