//! Rows as the network sees them.

use super::calibrate::Answered;
use super::dataset::Dataset;

/// Rows of one part, their inputs normalised.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    /// Shape: rows × width.
    pub(super) inputs: Vec<f32>,
    /// Inputs of a row.
    pub(super) width: usize,
    /// What came of each row.
    pub(super) labels: Vec<bool>,
    /// How much each row counts; 1 in the mean.
    pub(super) weights: Vec<f32>,
    /// Hash of each row's customer.
    pub(super) customers: Vec<u64>,
}

impl Matrix {
    /// Returns the rows at `places`, made inputs by `normalise`, which writes those of a row behind what stands there.
    pub(super) fn of(
        data: &Dataset,
        places: &[usize],
        mut normalise: impl FnMut(&[f32], &mut Vec<f32>),
    ) -> Self {
        let mut matrix = Self::default();
        let mean = places.iter().map(|place| f64::from(data.rows[*place].weight)).sum::<f64>()
            / places.len().max(1) as f64;
        for row in places.iter().map(|place| &data.rows[*place]) {
            normalise(&row.features, &mut matrix.inputs);
            matrix.labels.push(row.label);
            matrix.weights.push((f64::from(row.weight) / mean) as f32);
            matrix.customers.push(row.customer);
        }
        matrix.width = matrix.inputs.len() / places.len().max(1);
        matrix
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Returns the rows with what a model said of them.
    pub(super) fn answered(&self, logits: &[f64]) -> Vec<Answered> {
        let rows = logits.iter().enumerate();
        rows.map(|(row, logit)| Answered {
            logit: *logit,
            label: self.labels[row],
            weight: self.weights[row],
            customer: self.customers[row],
        })
        .collect()
    }
}
