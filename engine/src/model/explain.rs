//! Why a score is what it is: what each input adds to the log-odds, as the slope of the network at this customer tells it.
//!
//! Gradient × input: how much the log-odds change per step of an input, times how many steps the customer stands from the mean
//! customer. Exact for straight lines, a first look for the rest; the parts need not add up to the score.

use tch::{Kind, Tensor};

use super::artefact::Artefact;

/// What one feature adds to a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution<'a> {
    /// Name of the feature.
    pub feature: &'a str,
    /// Unit of its value.
    pub unit: &'a str,
    /// The value, as the profile has it.
    pub value: f32,
    /// What it adds to the log-odds: of a model, measured from the mean customer.
    pub adds: f32,
}

impl Artefact {
    /// Returns what each input adds to the score of these features, the largest part first.
    ///
    /// Shape: features in the order of [`schemas::feature::TABLE`]. An input that is no number adds nothing.
    pub fn explain(&self, features: &[f32]) -> Vec<Contribution<'_>> {
        let mut row = Vec::with_capacity(self.inputs().len());
        self.inputs().normalise(features, &mut row);
        for value in &mut row {
            *value = if value.is_nan() { 0.0 } else { *value };
        }
        let xs = Tensor::from_slice(&row).view([1, -1]).set_requires_grad(true);
        let logit = self.network().logits(&xs).sum(Kind::Float);
        let slopes = Tensor::run_backward(&[logit], &[&xs], false, false);
        let slopes: Vec<f32> = Vec::try_from(slopes[0].flatten(0, -1)).expect("one slope per input");
        let steep = self.manifest().calibration.slope;
        let inputs = self.inputs().list().iter().zip(self.inputs().select(features));
        let parts = inputs.zip(row.iter().zip(slopes)).map(|((input, value), (x, slope))| Contribution {
            feature: &input.feature,
            unit: &input.unit,
            value,
            adds: x * slope * steep,
        });
        let mut parts: Vec<_> = parts.collect();
        parts.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()));
        parts
    }
}
