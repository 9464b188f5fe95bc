//! How a model is learnt; the defaults suit some thousand to some million rows.

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

use super::dataset::Dataset;
use super::error::Error;
use crate::model::{Activation, Architecture, Skip};

/// How a model is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitSettings {
    /// What every chance of the run comes from: the same rows and settings with the same seed give the same bytes.
    pub seed: u64,
    /// Names the model among those of its head; empty = a name made of the head, the rows and the seed.
    pub version: String,
    /// Where the rows come from, in words, for the model's manifest.
    pub source: String,
    /// Names of the features to use, in any order; empty = those that the feature table has for the head.
    pub features: Vec<String>,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// What a hidden unit makes of its sum.
    pub activation: Activation,
    /// What goes past the hidden layers.
    pub skip: Skip,
    /// Networks that learn apart, each from another beginning, and answer with the mean of their log-odds.
    pub members: usize,
    /// Most times that every training row is seen.
    pub epochs_max: usize,
    /// Times without progress on the validation part after which learning ends.
    pub patience: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Length of a step (AdamW).
    pub learning_rate: f64,
    /// Pull of the weights towards zero (AdamW, apart from the gradient).
    pub weight_decay: f64,
    /// Share of hidden units that are silent in a step.
    pub dropout: f64,
    /// Share of the customers by whom learning is stopped and the probabilities are calibrated.
    pub validation_share: f64,
    /// Share of the customers by whom the result is judged, seen by nothing before.
    ///
    /// 0: all customers are learnt from or stop the learning; the latter judge, a little too well.
    pub test_share: f64,
    /// Share of the rows, the latest, that validation and test are taken from, while training keeps to what was before; 0: all parts
    /// have all times.
    pub later_share: f64,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            version: String::new(),
            source: String::new(),
            features: Vec::new(),
            hidden: vec![32, 16],
            activation: Activation::Silu,
            skip: Skip::Linear,
            members: 5,
            epochs_max: 60,
            patience: 8,
            batch: 256,
            learning_rate: 2e-3,
            weight_decay: 1e-2,
            dropout: 0.1,
            validation_share: 0.15,
            test_share: 0.15,
            later_share: 0.3,
        }
    }
}

impl FitSettings {
    /// Returns the name of the model that is learnt from the rows: the one that is set, else one that tells its head, its rows and its
    /// seed.
    pub fn version_of(&self, data: &Dataset) -> SmolStr {
        if self.version.is_empty() {
            let head = data.head.as_str().replace('_', "-");
            format_smolstr!("{head}-{:08x}-{}", data.fingerprint() >> 32, self.seed)
        } else {
            self.version.as_str().into()
        }
    }

    /// Returns the shape of so many networks.
    pub(super) fn architecture(&self, members: usize) -> Architecture {
        let (hidden, activation, skip) = (self.hidden.clone(), self.activation, self.skip);
        Architecture::Mlp { hidden, activation, skip, members }
    }

    /// Checks the ranges.
    ///
    /// Errors: the first setting that is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let counts = [
            ("members", self.members),
            ("epochs_max", self.epochs_max),
            ("patience", self.patience),
            ("batch", self.batch),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(Error::BadSetting { setting, found: 0.0, legal: "at least 1" });
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| (0.0..1.0).contains(&value);
        let numbers = [
            ("learning_rate", self.learning_rate, positive(self.learning_rate), "a number above 0"),
            (
                "weight_decay",
                self.weight_decay,
                self.weight_decay == 0.0 || positive(self.weight_decay),
                "0 or more",
            ),
            ("dropout", self.dropout, share(self.dropout), "0 to below 1"),
            (
                "validation_share",
                self.validation_share,
                share(self.validation_share) && self.validation_share > 0.0,
                "above 0 and below 1",
            ),
            (
                "test_share",
                self.test_share,
                share(self.test_share + self.validation_share) && self.test_share >= 0.0,
                "0 to below 1, with validation_share",
            ),
            ("later_share", self.later_share, share(self.later_share), "0 to below 1"),
        ];
        match numbers.into_iter().find(|(_, _, is_legal, _)| !is_legal) {
            Some((setting, found, _, legal)) => Err(Error::BadSetting { setting, found, legal }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_its_range_is_named() {
        let base = FitSettings::default;
        assert!(base().check().is_ok());
        for (settings, name) in [
            (FitSettings { members: 0, ..base() }, "members"),
            (FitSettings { epochs_max: 0, ..base() }, "epochs_max"),
            (FitSettings { batch: 0, ..base() }, "batch"),
            (FitSettings { learning_rate: f64::NAN, ..base() }, "learning_rate"),
            (FitSettings { weight_decay: -1.0, ..base() }, "weight_decay"),
            (FitSettings { dropout: 1.0, ..base() }, "dropout"),
            (FitSettings { validation_share: 0.0, ..base() }, "validation_share"),
            (FitSettings { test_share: 0.9, ..base() }, "test_share"),
            (FitSettings { later_share: 1.0, ..base() }, "later_share"),
        ] {
            let refused = settings.check().expect_err(name).to_string();
            assert!(refused.starts_with(name) && refused.contains("legal"), "{refused}");
        }
    }
}
