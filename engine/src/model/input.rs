//! Inputs: which features a model reads, in its own order, and how each value is made ready for the network.

use schemas::feature;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::error::Error;
use super::exact::FAN_IN_MAX;

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Name of the feature.
    pub feature: SmolStr,
    /// Its unit when the model was trained: the same number of another unit would be another thing.
    pub unit: SmolStr,
    /// What is done to the value first.
    pub transform: Transform,
    /// Taken from the transformed value.
    pub mean: f32,
    /// What the rest is divided by; above 0.
    pub scale: f32,
}

/// What is done to a value before it is centred and scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Nothing.
    Identity,
    /// ln(1 + x); a negative value counts as 0.
    Log1p,
    /// ln(1 + |x|) with the sign of x.
    SignedLog1p,
}

impl Transform {
    /// Returns the transformed value.
    pub fn of(self, value: f32) -> f32 {
        match self {
            Transform::Identity => value,
            // Not `max`, which would make a 0 of what is no number.
            Transform::Log1p if value < 0.0 => 0.0,
            Transform::Log1p => value.ln_1p(),
            Transform::SignedLog1p => value.abs().ln_1p().copysign(value),
        }
    }
}

/// The inputs of a model, each with its place in the feature table.
#[derive(Clone, Debug)]
pub struct Inputs {
    list: Vec<Input>,
    places: Vec<usize>,
}

impl Inputs {
    /// Checks inputs against the feature table.
    ///
    /// Errors: none or too many; a feature that is unknown, repeated or of another unit; a mean or a scale that is of no use.
    pub fn new(list: Vec<Input>) -> Result<Self, Error> {
        if !(1..=FAN_IN_MAX).contains(&list.len()) {
            return Err(Error::InputCount(list.len()));
        }
        let mut places = Vec::with_capacity(list.len());
        for (place, input) in list.iter().enumerate() {
            let of_table = check(place, input)?;
            if places.contains(&of_table) {
                return Err(Error::Repeated { place, feature: input.feature.to_string() });
            }
            places.push(of_table);
        }
        Ok(Self { list, places })
    }

    /// Returns the inputs in the order of the network.
    pub fn list(&self) -> &[Input] {
        &self.list
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns false: a model reads something.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the values of the inputs as the profile has them; NaN where a row of an older feature table ends before.
    ///
    /// Shape: features in the order of [`feature::TABLE`]; out in the order of the inputs.
    pub fn select<'a>(&'a self, features: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.places.iter().map(|place| features.get(*place).copied().unwrap_or(f32::NAN))
    }

    /// Adds one row of network inputs to `out`. A value that is no number stays none.
    ///
    /// Shape: features in the order of [`feature::TABLE`]; adds [`Self::len`] values.
    pub fn normalise(&self, features: &[f32], out: &mut Vec<f32>) {
        self.normalise_selected(self.select(features), out);
    }

    /// Adds one row of network inputs to `out`, from values in the order of the inputs.
    pub(super) fn normalise_selected(&self, values: impl Iterator<Item = f32>, out: &mut Vec<f32>) {
        let ready = |(input, value): (&Input, f32)| (input.transform.of(value) - input.mean) / input.scale;
        out.extend(self.list.iter().zip(values).map(ready));
    }
}

/// Returns the place of an input in the feature table.
fn check(place: usize, input: &Input) -> Result<usize, Error> {
    let name = input.feature.as_str();
    let feature = || name.to_owned();
    let Some(of_table) = feature::place(name) else {
        let nearest = feature::TABLE.iter().min_by_key(|known| strsim::osa_distance(known.name, name));
        let nearest = nearest.expect("the table has features").name;
        return Err(Error::UnknownFeature { place, feature: feature(), nearest });
    };
    let legal = feature::TABLE[of_table].unit;
    if input.unit != legal {
        return Err(Error::Unit { place, feature: feature(), found: input.unit.to_string(), legal });
    }
    if !input.mean.is_finite() {
        return Err(Error::Mean { place, feature: feature(), found: input.mean });
    }
    if !(input.scale.is_finite() && input.scale > 0.0) {
        return Err(Error::Scale { place, feature: feature(), found: input.scale });
    }
    Ok(of_table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_keep_order_and_what_is_no_number() {
        for transform in [Transform::Identity, Transform::Log1p, Transform::SignedLog1p] {
            let values = [f32::MIN, -3.0, 0.0, 1.0, 1e30, f32::INFINITY].map(|value| transform.of(value));
            assert!(values.is_sorted(), "{transform:?}: {values:?}");
            assert!(transform.of(f32::NAN).is_nan(), "{transform:?}");
        }
        assert_eq!(Transform::Log1p.of(-3.0), 0.0);
        assert!((Transform::SignedLog1p.of(-1.0) + std::f32::consts::LN_2).abs() < 1e-6);
    }

    #[test]
    fn rows_are_read_by_name_and_made_ready_in_the_order_of_the_inputs() {
        let input = |feature: &str, unit: &str, mean, scale| Input {
            feature: feature.into(),
            unit: unit.into(),
            transform: Transform::Identity,
            mean,
            scale,
        };
        let inputs = Inputs::new(vec![
            input("order_count", "orders", 1.0, 2.0),
            input("order_recency", "days", 0.0, 10.0),
        ])
        .expect("legal");
        let mut features = vec![0.0; feature::TABLE.len()];
        features[feature::place("order_count").expect("a feature")] = 5.0;
        features[feature::place("order_recency").expect("a feature")] = 30.0;
        let mut out = vec![9.0];
        inputs.normalise(&features, &mut out);
        assert_eq!(out, [9.0, 2.0, 3.0]);
        inputs.normalise(&[30.0], &mut out);
        assert!(out[3].is_nan() && out[4] == 3.0, "a row that ends too early is no row of zeros: {out:?}");
    }
}
