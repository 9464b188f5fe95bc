//! What moves a score most, by the model that said it, as the customer stands now.

use schemas::score::Head;
use smol_str::SmolStr;

use crate::model::{Choice, Contribution, Registry};
use crate::predict::rules::{MODEL, Rules};

/// Reasons of a score that are told.
const REASONS: usize = 3;

/// What less than this adds to the log-odds is no reason.
const SAID: f32 = 0.05;

/// A feature that moves a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Because {
    /// Name of the feature.
    pub feature: String,
    /// Unit of its value.
    pub unit: String,
    /// Its value.
    pub value: f32,
    /// What it adds to the log-odds.
    pub adds: f32,
}

/// Returns what moves the score of a head most, the largest part first; none where nothing speaks for or against it, `None` where the
/// model is not here any more. Reads the model's file and asks the model: not for a thread that must not wait.
///
/// Shape: features in the order of [`schemas::feature::TABLE`].
pub fn reasons(models: &Registry, (head, model): (Head, &SmolStr), features: &[f32]) -> Option<Vec<Because>> {
    if model == MODEL {
        return Some(largest(Rules::new().explain(head, features).collect()));
    }
    match models.load(head, &Choice::Model(model.clone())) {
        Ok(Some(model)) => Some(largest(model.explain(features))),
        Ok(None) | Err(_) => None,
    }
}

fn largest(mut reasons: Vec<Contribution<'_>>) -> Vec<Because> {
    reasons.retain(|reason| reason.adds.abs() >= SAID);
    reasons.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()));
    let because = |Contribution { feature, unit, value, adds }: &Contribution<'_>| Because {
        feature: (*feature).to_owned(),
        unit: (*unit).to_owned(),
        value: *value,
        adds: *adds,
    };
    reasons.iter().take(REASONS).map(because).collect()
}
