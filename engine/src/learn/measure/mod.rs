//! How good probabilities are: order ([`ranking`]), honesty ([`calibration`]), how sure that is ([`bootstrap`]), and [`curve`]s to draw.

mod bootstrap;
mod ranking;

pub mod calibration;
pub mod curve;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// Lower and upper end of a 95 % interval.
pub type Interval = [f64; 2];

/// Half the width of a 95 % interval, in standard errors.
const Z_95: f64 = 1.959_963_984_540_054;

/// How good probabilities are against what came to pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Rows.
    pub n: usize,
    /// Rows that came to pass.
    pub positives: usize,
    /// Their share, by weight.
    pub base_rate: f64,
    /// Area under the ROC curve: how often a row that came to pass stands above one that did not, ties as half.
    pub auroc: f64,
    /// By DeLong's variance, normal, cut at 0 and 1; [0, 1] where one of the classes has a single row.
    pub auroc_ci: Interval,
    /// Average precision: precision at each distinct probability, weighted by the recall that it adds, without interpolation.
    pub auprc: f64,
    /// Percentiles of a bootstrap that keeps the number of rows of each class.
    pub auprc_ci: Interval,
    /// Expected calibration error over 15 bins of equal width.
    pub ece: f64,
    /// Percentiles of a bootstrap over rows.
    pub ece_ci: Interval,
    /// Mean square of probability minus outcome.
    pub brier: f64,
    /// How many times more often it came to pass in the tenth with the highest probabilities than in all.
    pub lift_10: f64,
}

/// One row to be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    /// What was said: in [0, 1].
    pub(super) probability: f64,
    /// Whether it came to pass.
    pub(super) label: bool,
    /// How much the row counts.
    pub(super) weight: f64,
}

/// Judges probabilities by what came to pass; every row counts 1 where no weights are given.
///
/// Errors: there is no row, or only rows of one class; lengths differ; a probability is not in [0, 1], a weight is not above 0.
pub fn measures(probabilities: &[f32], labels: &[bool], weights: Option<&[f32]>) -> Result<Measures, Error> {
    let rows = judged(probabilities, labels, weights)?;
    let ranking = ranking::Ranking::of(&rows);
    let n = rows.len();
    let positives = labels.iter().filter(|label| **label).count();
    let weight: f64 = rows.iter().map(|row| row.weight).sum();
    let base_rate = rows.iter().filter(|row| row.label).map(|row| row.weight).sum::<f64>() / weight;
    let (auroc, auroc_ci) = ranking.auroc();
    Ok(Measures {
        n,
        positives,
        base_rate,
        auroc,
        auroc_ci,
        auprc: ranking.average_precision(),
        auprc_ci: bootstrap::average_precision(&ranking),
        ece: calibration::ece(&rows),
        ece_ci: bootstrap::ece(&rows),
        brier: calibration::brier(&rows),
        lift_10: ranking.lift(0.1),
    })
}

/// Returns the area under the ROC curve of values of any range, every row counting 1; none unless there are rows of both classes.
pub fn auroc(values: impl Iterator<Item = f32>, labels: impl Iterator<Item = bool>) -> Option<f64> {
    let of = |(value, label)| Judged { probability: f64::from(value), label, weight: 1.0 };
    let rows: Vec<Judged> = values.zip(labels).map(of).collect();
    let positives = rows.iter().filter(|row| row.label).count();
    (0 < positives && positives < rows.len()).then(|| ranking::Ranking::of(&rows).area())
}

/// Returns the rows to be judged.
fn judged(probabilities: &[f32], labels: &[bool], weights: Option<&[f32]>) -> Result<Vec<Judged>, Error> {
    let positives = labels.iter().filter(|label| **label).count();
    for (what, found) in
        [("probabilities", Some(probabilities.len())), ("weights", weights.map(<[f32]>::len))]
    {
        if let Some(found) = found.filter(|found| *found != labels.len()) {
            return Err(Error::WrongCount { what, found, labels: labels.len() });
        }
    }
    if labels.is_empty() {
        return Err(Error::NoRows);
    }
    if let Some(row) = probabilities.iter().position(|value| !(0.0..=1.0).contains(value)) {
        return Err(Error::NoProbability { row, found: probabilities[row] });
    }
    if let Some(weights) = weights {
        let bad = |weight: &f32| !(weight.is_finite() && *weight > 0.0);
        if let Some(row) = weights.iter().position(bad) {
            return Err(Error::BadWeight { row, weight: weights[row] });
        }
    }
    if positives == 0 || positives == labels.len() {
        return Err(Error::OneClass { part: "", positives, rows: labels.len() });
    }
    let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    let of = |row: usize| Judged {
        probability: f64::from(probabilities[row]),
        label: labels[row],
        weight: weight(row),
    };
    Ok((0..labels.len()).map(of).collect())
}

#[cfg(test)]
mod tests;
