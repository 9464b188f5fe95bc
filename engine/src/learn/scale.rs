//! How each feature is made ready for a network: what the training part says of it, and nothing else.

use schemas::feature::{self, Feature};

use super::dataset::Dataset;
use super::error::Error;
use super::settings::FitSettings;
use crate::model::{Input, Transform};

/// How far a distribution leans before another transform is looked for: that of an exponential one leans by 2.
const SKEW_MAX: f64 = 1.0;

/// What a network reads.
#[derive(Debug)]
pub(super) struct Chosen {
    /// Its inputs, in the order of the feature table.
    pub(super) inputs: Vec<Input>,
    /// Features that were left out because they never change in the training part.
    pub(super) constant: Vec<&'static str>,
}

/// Chooses the inputs, with a transform, a mean and a scale for each, by the rows at `places`.
///
/// Errors: the settings name a feature that is none, or none of the features ever changes.
pub(super) fn choose(data: &Dataset, places: &[usize], settings: &FitSettings) -> Result<Chosen, Error> {
    let mut chosen = Chosen { inputs: Vec::new(), constant: Vec::new() };
    for place in wanted(data, settings)? {
        let feature = &feature::TABLE[place];
        let values: Vec<f32> = places.iter().map(|row| data.rows[*row].features[place]).collect();
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            chosen.constant.push(feature.name);
        } else {
            chosen.inputs.push(input(feature, &values));
        }
    }
    if chosen.inputs.is_empty() { Err(Error::NothingChanges) } else { Ok(chosen) }
}

/// Returns the places in the table of the features that are wanted.
fn wanted(data: &Dataset, settings: &FitSettings) -> Result<Vec<usize>, Error> {
    if let Some(name) = settings.features.iter().find(|name| feature::place(name).is_none()) {
        return Err(Error::UnknownFeature { name: name.clone() });
    }
    let of_head = |feature: &Feature| feature.heads.contains(data.head);
    let of_settings = |feature: &Feature| settings.features.iter().any(|name| name == feature.name);
    let is_wanted = |feature: &Feature| {
        if settings.features.is_empty() { of_head(feature) } else { of_settings(feature) }
    };
    Ok((0..feature::TABLE.len()).filter(|place| is_wanted(&feature::TABLE[*place])).collect())
}

fn input(feature: &Feature, values: &[f32]) -> Input {
    let transform = transform(values);
    let moments = Moments::of(values, transform);
    Input {
        feature: feature.name.into(),
        unit: feature.unit.into(),
        transform,
        mean: moments.mean as f32,
        // Values that differ by less than a single can tell are not blown up.
        scale: (moments.deviation as f32).max(f32::EPSILON),
    }
}

/// Returns the transform that makes values lean least; none unless they lean far.
fn transform(values: &[f32]) -> Transform {
    let logarithm =
        if values.iter().all(|value| *value >= 0.0) { Transform::Log1p } else { Transform::SignedLog1p };
    let plain = Moments::of(values, Transform::Identity).skew.abs();
    let is_better = plain > SKEW_MAX && Moments::of(values, logarithm).skew.abs() < plain;
    if is_better { logarithm } else { Transform::Identity }
}

/// Mean, standard deviation and skewness of values.
struct Moments {
    mean: f64,
    deviation: f64,
    skew: f64,
}

impl Moments {
    fn of(values: &[f32], transform: Transform) -> Self {
        let count = values.len().max(1) as f64;
        let values = || values.iter().map(|value| f64::from(transform.of(*value)));
        let mean = values().sum::<f64>() / count;
        let power = |exponent: i32| values().map(|value| (value - mean).powi(exponent)).sum::<f64>() / count;
        let deviation = power(2).sqrt();
        let skew = if deviation > 0.0 { power(3) / deviation.powi(3) } else { 0.0 };
        Self { mean, deviation, skew }
    }
}

#[cfg(test)]
mod tests {
    use schemas::score::Head;
    use schemas::time::{Span, Timestamp};

    use super::super::dataset::Row;
    use super::*;

    /// Returns rows with these values of one feature, and zeros for the rest.
    fn rows(name: &str, values: &[f32]) -> Dataset {
        let row = |value: &f32| {
            let mut features = vec![0.0; feature::TABLE.len()].into_boxed_slice();
            features[feature::place(name).expect("a feature")] = *value;
            Row { customer: 1, at: Timestamp(0), features, label: true, weight: 1.0 }
        };
        Dataset { head: Head::Churn, horizon: Some(Span::days(90)), rows: values.iter().map(row).collect() }
    }

    #[test]
    fn means_and_scales_are_those_of_the_given_rows_only() {
        let data = rows("order_count", &[1.0, 2.0, 3.0, 1e9]);
        let chosen = choose(&data, &[0, 1, 2], &FitSettings::default()).expect("one feature changes");
        let [input] = &chosen.inputs[..] else { panic!("{chosen:?}") };
        assert_eq!((input.feature.as_str(), input.unit.as_str()), ("order_count", "orders"));
        assert_eq!((input.transform, input.mean), (Transform::Identity, 2.0));
        assert!((input.scale - (2.0_f32 / 3.0).sqrt()).abs() < 1e-6);
        assert!(chosen.constant.contains(&"order_recency") && !chosen.constant.contains(&"order_count"));
    }

    #[test]
    fn values_that_lean_far_go_through_a_logarithm() {
        for (values, transform) in [
            (&[1.0, 2.0, 3.0, 4.0, 5.0][..], Transform::Identity),
            (&[0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 9.0, 400.0], Transform::Log1p),
            (&[-300.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0], Transform::SignedLog1p),
            (&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], Transform::Identity),
        ] {
            assert_eq!(super::transform(values), transform, "{values:?}");
        }
    }

    #[test]
    fn features_are_those_of_the_head_unless_they_are_named() {
        let data = rows("order_count", &[1.0, 2.0]);
        let chosen = choose(&data, &[0, 1], &FitSettings::default()).expect("one feature changes");
        assert!(!chosen.constant.contains(&"cart_value"), "a feature of visits says nothing of a relation");
        let named = |name: &str| FitSettings { features: vec![name.to_owned()], ..FitSettings::default() };
        let chosen = choose(&data, &[0, 1], &named("order_count")).expect("one feature changes");
        assert_eq!((chosen.inputs.len(), chosen.constant.len()), (1, 0));
        assert!(matches!(choose(&data, &[0, 1], &named("tenure")), Err(Error::NothingChanges)));
        let unknown = choose(&data, &[0, 1], &named("order_cuont")).expect_err("no such feature").to_string();
        assert!(unknown.contains("order_cuont") && unknown.contains("order_count"), "{unknown}");
    }
}
