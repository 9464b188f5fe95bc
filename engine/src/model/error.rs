//! Why a model is refused: the field, what is wrong with it, and what would be legal.

use std::io;
use std::path::PathBuf;

use super::artefact::{GOLDEN_TOLERANCE, MANIFEST_FILE, WEIGHTS_FILE};
use super::exact::{FAN_IN_MAX, WEIGHT_MAX};
use super::manifest::{FORMAT, VERSION_LENGTH_MAX};
use super::network::MEMBERS_MAX;

/// Why a model is refused.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are told by the messages")]
pub enum Error {
    /// The system refused to read or write a file.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The manifest is no JSON, or lacks or adds a field, or holds a value of the wrong kind.
    #[error("{MANIFEST_FILE}: {0}")]
    Malformed(serde_json::Error),
    /// Another version of the engine wrote it.
    #[error("{MANIFEST_FILE}: format is {0}; this version of the engine reads {FORMAT}")]
    Format(u32),
    /// It predicts something else.
    #[error("{MANIFEST_FILE}: head is {found}; it lies where a model of {wanted} is expected")]
    Head { found: &'static str, wanted: &'static str },
    /// The version cannot be a folder's name, or means something else.
    #[error(
        "{MANIFEST_FILE}: version is {0:?}; legal: 1 to {VERSION_LENGTH_MAX} of a-z, 0-9, '.', '-' and '_', a letter or digit first, not prior, not rules…"
    )]
    Version(String),
    /// It lies in a folder of another name.
    #[error("{MANIFEST_FILE}: version is {found}; it lies in the folder of version {wanted}")]
    OtherVersion { found: String, wanted: String },
    /// The architecture has no or too many parts.
    #[error(
        "{MANIFEST_FILE}: architecture.{field} has {found}; legal: 1 to {legal}",
        legal = if *field == "members" { MEMBERS_MAX } else { FAN_IN_MAX }
    )]
    Architecture { field: &'static str, found: usize },
    /// It reads nothing or too much.
    #[error("{MANIFEST_FILE}: inputs has {0} entries; legal: 1 to {FAN_IN_MAX}")]
    InputCount(usize),
    /// The feature table has no such feature.
    #[error(
        "{MANIFEST_FILE}: inputs[{place}].feature is {feature:?}, which is no feature; nearest is {nearest}"
    )]
    UnknownFeature { place: usize, feature: String, nearest: &'static str },
    /// A feature is read twice.
    #[error("{MANIFEST_FILE}: inputs[{place}].feature is {feature}, which is an input already")]
    Repeated { place: usize, feature: String },
    /// A feature has another unit here.
    #[error(
        "{MANIFEST_FILE}: inputs[{place}].unit of {feature} is {found:?}; the feature table has {legal:?}"
    )]
    Unit { place: usize, feature: String, found: String, legal: &'static str },
    /// The mean is no number.
    #[error("{MANIFEST_FILE}: inputs[{place}].mean of {feature} is {found}; legal: a finite number")]
    Mean { place: usize, feature: String, found: f32 },
    /// The scale is no number, or not positive.
    #[error("{MANIFEST_FILE}: inputs[{place}].scale of {feature} is {found}; legal: a finite number above 0")]
    Scale { place: usize, feature: String, found: f32 },
    /// A number of the manifest is out of its bounds.
    #[error("{MANIFEST_FILE}: {field} is {found}; legal: {legal}")]
    Number { field: &'static str, found: f64, legal: &'static str },
    /// The weights lie in another file than this version reads.
    #[error("{MANIFEST_FILE}: weights.file is {0:?}; legal: {WEIGHTS_FILE}")]
    WeightsFile(String),
    /// The weights are not those that the manifest was written for: truncated, damaged or exchanged.
    #[error(
        "{WEIGHTS_FILE}: {found_bytes} bytes with checksum {found}; weights in {MANIFEST_FILE} states {stated_bytes} bytes with checksum {stated}: it is truncated, damaged or of another model"
    )]
    Checksum { found: String, found_bytes: u64, stated: String, stated_bytes: u64 },
    /// It is no safetensors file.
    #[error("{WEIGHTS_FILE}: not in the safetensors format ({0})")]
    Safetensors(String),
    /// The weights do not say which inputs they were trained with.
    #[error(
        "{WEIGHTS_FILE}: metadata lacks \"inputs\"; legal: the names of the features in the order of training, joined by commas"
    )]
    InputsUnstated,
    /// The weights were trained with a feature that the manifest lacks.
    #[error("{MANIFEST_FILE}: inputs lacks {feature}, with which the weights were trained as input {place}")]
    MissingFeature { place: usize, feature: String },
    /// The manifest has a feature that the weights were not trained with.
    #[error("{MANIFEST_FILE}: inputs[{place}] is {feature}, with which the weights were not trained")]
    AdditionalFeature { place: usize, feature: String },
    /// The weights were trained with another order.
    #[error(
        "{MANIFEST_FILE}: inputs[{place}] is {found}; the weights were trained with {legal} in this place"
    )]
    Order { place: usize, found: String, legal: String },
    /// A tensor is missing.
    #[error("{WEIGHTS_FILE}: tensor {0} is missing, which the architecture has")]
    MissingTensor(String),
    /// A tensor is too many.
    #[error("{WEIGHTS_FILE}: tensor {0} is there, which the architecture does not have")]
    AdditionalTensor(String),
    /// A tensor has another shape.
    #[error("{WEIGHTS_FILE}: tensor {name} has shape {found:?}; the architecture has {legal:?}")]
    Shape { name: String, found: Vec<i64>, legal: Vec<i64> },
    /// A tensor holds no single-precision numbers.
    #[error("{WEIGHTS_FILE}: tensor {name} holds {found}; legal: F32")]
    Kind { name: String, found: String },
    /// A tensor holds NaN or infinity.
    #[error("{WEIGHTS_FILE}: tensor {name} holds {found} at {place}; legal: finite numbers")]
    NotFinite { name: String, place: usize, found: f32 },
    /// A tensor holds a number beyond those that are summed without loss.
    #[error("{WEIGHTS_FILE}: tensor {name} holds {found} at {place}; legal: at most {WEIGHT_MAX} from 0")]
    TooLarge { name: String, place: usize, found: f32 },
    /// The golden pair is of another number of inputs.
    #[error("{MANIFEST_FILE}: golden.features has {found} values; inputs has {legal}")]
    GoldenShape { found: usize, legal: usize },
    /// The golden pair does not reproduce.
    #[error(
        "{MANIFEST_FILE}: golden.probability is {stated}, the weights say {said} for golden.features; legal: within {GOLDEN_TOLERANCE}"
    )]
    Golden { stated: f32, said: f32 },
}
