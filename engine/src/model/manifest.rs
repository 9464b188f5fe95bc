//! `model.json`: everything that is said about a model. Written by whoever trained it, checked whenever it is read.

use schemas::score::Head;
use schemas::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::error::Error;
use super::input::Input;
use super::network::Architecture;
use crate::learn::Measures;

/// Format of the manifest that this version writes and reads. Raised with every change that an older version would misread.
pub const FORMAT: u32 = 1;

/// Characters of a model's version: a folder's name and a part of every score.
pub const VERSION_LENGTH_MAX: usize = 64;

/// Everything that is said about a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of this file.
    pub format: u32,
    /// What the model predicts.
    pub head: Head,
    /// Names the model among those of its head; scores carry it.
    pub version: SmolStr,
    /// The shape of its network.
    pub architecture: Architecture,
    /// What it reads, in the order of its network's inputs.
    pub inputs: Vec<Input>,
    /// How far ahead it looks; none where the label ends by itself, as a session does.
    #[serde(default)]
    pub horizon_ms: Option<Span>,
    /// From the network's log-odds to those of the probability.
    pub calibration: Calibration,
    /// Probability that stands in for a score that did not come: the base rate.
    pub prior: f32,
    /// How good it was on customers and times that it had not seen.
    #[serde(default)]
    pub metrics: Option<Measures>,
    /// What it was trained from.
    #[serde(default)]
    pub training: Option<Training>,
    /// One question with its answer, to check everything between by.
    pub golden: Golden,
    /// Where the weights are.
    pub weights: Weights,
}

/// A straight line from the network's log-odds to calibrated ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Times the log-odds; above 0.
    pub slope: f32,
    /// Added after it.
    pub intercept: f32,
}

impl Calibration {
    /// Changes nothing.
    pub const NONE: Self = Self { slope: 1.0, intercept: 0.0 };

    /// Returns the probability for a network's log-odds.
    pub fn probability(self, logit: f64) -> f32 {
        let odds = f64::from(self.slope) * logit + f64::from(self.intercept);
        (1.0 / (1.0 + (-odds).exp())) as f32
    }
}

/// What a model was trained from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Seed of every chance.
    pub seed: u64,
    /// Time of the first row.
    pub from_ms: Timestamp,
    /// Time of the last row.
    pub until_ms: Timestamp,
    /// Rows.
    pub rows: usize,
    /// Names the rows: hash of their content, as 16 hexadecimal digits.
    pub fingerprint: String,
    /// Where the rows come from, in words.
    #[serde(default)]
    pub source: String,
    /// Version of the program that trained it.
    pub code: String,
}

/// A question with its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Values of the features as the profile has them, in the order of the inputs.
    pub features: Vec<f32>,
    /// What the model says, calibrated.
    pub probability: f32,
}

/// Where the weights are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Name of the file beside the manifest.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Hash (xxh3, 128 bits) of its content, as 32 hexadecimal digits.
    pub xxh3: String,
}

impl Manifest {
    /// Reads a manifest and checks what stands in it by itself: not its inputs, which [`super::Inputs`] checks, and not its weights.
    ///
    /// Errors: it is no JSON of this format, or a field is out of its bounds.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        // First the format alone: the fields of another one would be told as faults.
        let Format { format } = serde_json::from_slice(json).map_err(Error::Malformed)?;
        if format != FORMAT {
            return Err(Error::Format(format));
        }
        let manifest: Self = serde_json::from_slice(json).map_err(Error::Malformed)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Returns the manifest as its file holds it.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a manifest has text keys and finite numbers");
        text.push('\n');
        text
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.format != FORMAT {
            return Err(Error::Format(self.format));
        }
        if !is_version(&self.version) {
            return Err(Error::Version(self.version.to_string()));
        }
        self.architecture.check()?;
        let number = |field, found: f32, legal| Err(Error::Number { field, found: found.into(), legal });
        let Calibration { slope, intercept } = self.calibration;
        if !(slope.is_finite() && slope > 0.0) {
            return number("calibration.slope", slope, "a finite number above 0");
        }
        if !intercept.is_finite() {
            return number("calibration.intercept", intercept, "a finite number");
        }
        if !(0.0..=1.0).contains(&self.prior) {
            return number("prior", self.prior, "0 to 1");
        }
        match self.horizon_ms {
            Some(Span(ms)) if ms <= 0 => {
                Err(Error::Number { field: "horizon_ms", found: ms as f64, legal: "above 0, or null" })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Returns true for a text that can be a model's version.
pub fn is_version(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    (1..=VERSION_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(legal)
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text != "prior"
        && !text.starts_with("rules")
}
