//! Measures of order alone: what a monotone change of the probabilities leaves as it is.

use super::{Interval, Judged, Z_95};

/// Rows by falling probability.
///
/// Source: areas and their variance by E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the areas under two or more correlated
/// receiver operating characteristic curves: a nonparametric approach", Biometrics 44 (1988); in time n log n by one walk over ordered
/// rows as in X. Sun and W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014).
pub(super) struct Ranking {
    /// By falling probability.
    rows: Vec<Judged>,
    /// For each distinct probability one past its last row.
    ends: Vec<usize>,
    /// Weight of the rows that came to pass, and of the others.
    totals: Weights,
}

/// Weight of rows by class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Weights {
    /// Of those that came to pass.
    pub(super) positive: f64,
    /// Of the others.
    pub(super) negative: f64,
}

impl Weights {
    /// Adds a row.
    fn add(&mut self, label: bool, weight: f64) {
        if label { self.positive += weight } else { self.negative += weight }
    }

    /// Returns the weight of all.
    pub(super) fn all(self) -> f64 {
        self.positive + self.negative
    }
}

/// A mean over one class with the square of its standard error.
#[derive(Default)]
struct Spread {
    rows: f64,
    weight: f64,
    /// Weighted sums of squares of the deviations, weights squared.
    squares: f64,
}

impl Spread {
    fn add(&mut self, deviation: f64, weight: f64) {
        self.rows += 1.0;
        self.weight += weight;
        self.squares += (weight * deviation).powi(2);
    }

    /// Returns the square of the mean's standard error, unless there is one row only.
    fn variance(&self) -> Option<f64> {
        (self.rows > 1.0).then(|| self.squares / self.weight.powi(2) * self.rows / (self.rows - 1.0))
    }
}

impl Ranking {
    /// Orders rows.
    pub(super) fn of(rows: &[Judged]) -> Self {
        let mut rows = rows.to_vec();
        rows.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let tied = |pair: &[Judged]| pair[0].probability == pair[1].probability;
        let mut ends: Vec<usize> =
            rows.windows(2).enumerate().filter(|(_, pair)| !tied(pair)).map(|(at, _)| at + 1).collect();
        ends.push(rows.len());
        let mut totals = Weights::default();
        rows.iter().for_each(|row| totals.add(row.label, row.weight));
        Self { rows, ends, totals }
    }

    /// Returns the rows, by falling probability.
    pub(super) fn rows(&self) -> &[Judged] {
        &self.rows
    }

    /// Returns the weight of all rows.
    pub(super) fn totals(&self) -> Weights {
        self.totals
    }

    /// Calls `step` for each distinct probability, from the highest, with it and the weight of its rows.
    pub(super) fn each_tie(&self, mut step: impl FnMut(f64, Weights, &[Judged])) {
        let mut begin = 0;
        for &end in &self.ends {
            let rows = &self.rows[begin..end];
            let mut weights = Weights::default();
            rows.iter().for_each(|row| weights.add(row.label, row.weight));
            step(rows[0].probability, weights, rows);
            begin = end;
        }
    }

    /// Returns the area under the ROC curve and its interval.
    pub(super) fn auroc(&self) -> (f64, Interval) {
        let area = self.area();
        (area, self.auroc_interval(area))
    }

    /// Returns the area under the ROC curve.
    pub(super) fn area(&self) -> f64 {
        let totals = self.totals;
        let mut above = Weights::default();
        let mut area = 0.0;
        self.each_tie(|_, tie, _| {
            let beaten = totals.negative - above.negative - tie.negative / 2.0;
            area += tie.positive * beaten;
            above.positive += tie.positive;
            above.negative += tie.negative;
        });
        (area / (totals.positive * totals.negative)).clamp(0.0, 1.0)
    }

    fn auroc_interval(&self, area: f64) -> Interval {
        let totals = self.totals;
        let mut above = Weights::default();
        let (mut positives, mut negatives) = (Spread::default(), Spread::default());
        self.each_tie(|_, tie, rows| {
            // How often a row of this probability is on the right side of one of the other class.
            let beaten = (totals.negative - above.negative - tie.negative / 2.0) / totals.negative;
            let beaten_by = (above.positive + tie.positive / 2.0) / totals.positive;
            for row in rows {
                if row.label {
                    positives.add(beaten - area, row.weight);
                } else {
                    negatives.add(beaten_by - area, row.weight);
                }
            }
            above.positive += tie.positive;
            above.negative += tie.negative;
        });
        match (positives.variance(), negatives.variance()) {
            (Some(a), Some(b)) => {
                let half = Z_95 * (a + b).sqrt();
                [(area - half).max(0.0), (area + half).min(1.0)]
            }
            (None, _) | (_, None) => [0.0, 1.0],
        }
    }

    /// Returns the average precision.
    pub(super) fn average_precision(&self) -> f64 {
        self.average_precision_of(|row| self.rows[row].weight)
    }

    /// Returns the average precision with other weights, by place in [`Ranking::rows`].
    pub(super) fn average_precision_of(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let mut above = Weights::default();
        let (mut sum, mut begin) = (0.0, 0);
        for &end in &self.ends {
            let before = above.positive;
            (begin..end).for_each(|row| above.add(self.rows[row].label, weight(row)));
            let found = above.positive - before;
            if found > 0.0 {
                sum += found * above.positive / above.all();
            }
            begin = end;
        }
        sum / above.positive
    }

    /// Returns how many times more often it came to pass in the share with the highest probabilities than in all; rows of the
    /// probability at which the share ends are in it in part, all alike.
    pub(super) fn lift(&self, share: f64) -> f64 {
        let wanted = share * self.totals.all();
        let (mut taken, mut found) = (0.0, 0.0);
        self.each_tie(|_, tie, _| {
            let part = ((wanted - taken) / tie.all()).clamp(0.0, 1.0);
            taken += part * tie.all();
            found += part * tie.positive;
        });
        (found / wanted) / (self.totals.positive / self.totals.all())
    }
}
